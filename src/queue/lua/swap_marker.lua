-- Changes a user's one-queue marker if it is still what the caller has seen (QUEUE-011).
--
-- KEYS 1 markers; ARGV 1 user (16 bytes), 2 what it was, 3 what it becomes; '' is none
-- Answers 1, or 0 when somebody else has changed it.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then
  return 0
end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
