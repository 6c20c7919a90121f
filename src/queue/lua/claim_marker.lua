-- Takes over a user's one-queue marker (QUEUE-011).
--
-- KEYS 1 markers; ARGV 1 user (16 bytes), 2 schedule (16 bytes), 3 a schedule whose marker may be taken over, or ''
-- Answers nil when the marker names the schedule now, else the schedule that it names.
local named = redis.call('HGET', KEYS[1], ARGV[1])
if named and named ~= ARGV[2] and named ~= ARGV[3] then
  return named
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return false
