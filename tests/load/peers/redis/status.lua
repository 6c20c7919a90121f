-- Where a person stands, that they are still there, and that they do not ask too often. Both peers send this script.
--
-- KEYS 1 revoked token, 2 the person's tries in this minute, 3 the person's presence, 4 the line
-- ARGV 1 user, 2 tries a minute, 3 for how many seconds one counts as present
-- Answers {state, tries left or seconds until there are more, rank, people}: REVOKED, LIMITED, NONE or WAITING.
local WINDOW_S = 60

if redis.call('EXISTS', KEYS[1]) == 1 then
  return {'REVOKED', 0, 0, 0}
end
-- A poll leaves no trace in Redis' log, as in our own script.
redis.set_repl(redis.REPL_NONE)
local tries = redis.call('INCR', KEYS[2])
if tries == 1 then
  redis.call('EXPIRE', KEYS[2], WINDOW_S)
end
local left = ARGV[2] - tries
if left < 0 then
  return {'LIMITED', redis.call('TTL', KEYS[2]), 0, 0}
end
local rank = redis.call('ZRANK', KEYS[4], ARGV[1])
if not rank then
  return {'NONE', left, 0, 0}
end
redis.call('SET', KEYS[3], '', 'EX', ARGV[3])
return {'WAITING', left, rank + 1, redis.call('ZCARD', KEYS[4])}
