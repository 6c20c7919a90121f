-- Keeps what was fetched, unless the right to do so is somebody else's by now or was taken away, because the schedule
-- changed meanwhile and what was fetched may be older than that.
--
-- KEYS 1 who fetches, 2 the copy; ARGV 1 the name of who has fetched, 2 the copy, 3 its life in s
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
end
return false
