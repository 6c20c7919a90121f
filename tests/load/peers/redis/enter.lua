-- Puts a person at the end of the line; repeating it changes nothing. Both peers send this script.
--
-- KEYS 1 revoked token, 2 the line
-- ARGV 1 user
-- Answers {state, rank, people}: REVOKED or WAITING.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return {'REVOKED', 0, 0}
end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], 'NX', time[1] * 1000000 + time[2], ARGV[1])
return {'WAITING', redis.call('ZRANK', KEYS[2], ARGV[1]) + 1, redis.call('ZCARD', KEYS[2])}
