-- Removes a user's one-queue marker when it names this schedule (QUEUE-011).
--
-- KEYS 1 marker; ARGV 1 schedule
-- Answers 1 when removed, else 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
