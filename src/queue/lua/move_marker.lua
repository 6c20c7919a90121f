-- Moves a user's one-queue marker when it still names the schedule that was found abandoned (QUEUE-011).
--
-- KEYS 1 marker; ARGV 1 schedule it must name, 2 schedule it shall name, 3 Unix second at which it ends
-- Answers 1 when moved, 0 when somebody else changed it meanwhile.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'EXAT', ARGV[3])
return 1
