-- Removes the one-queue markers of these users where they name this schedule (QUEUE-011).
--
-- KEYS 1 markers; ARGV 1 schedule (16 bytes), 2... users (16 bytes each)
-- Answers how many were removed.
local removed = 0
for i = 2, #ARGV do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[1] then
    removed = removed + redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
return removed
