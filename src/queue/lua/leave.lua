-- Gives up a place or an admission.
--
-- KEYS 1 waiting, 2 active, 3 tokens hash
-- ARGV 1 user id, 2 what every token key of this schedule begins with
-- Answers 1 when the user had a place or an admission, else 0.
local token = redis.call('HGET', KEYS[3], ARGV[1])
if token then
  -- The token key carries the schedule's hash tag, so it lies in the slot of the declared keys.
  redis.call('DEL', ARGV[2] .. token)
  redis.call('HDEL', KEYS[3], ARGV[1])
end
local left = redis.call('ZREM', KEYS[1], ARGV[1]) + redis.call('ZREM', KEYS[2], ARGV[1])
return left > 0 and 1 or 0
