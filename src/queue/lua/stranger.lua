-- Somebody asks who is not in the line: they may not do so too often either.
--
-- KEYS 1 the person's count of tries outside the line, 2 state
-- ARGV 1 tries a minute
-- Answers {NONE, CLOSED or LIMITED, tries left, seconds until all are back}.
local count = redis.call('INCR', KEYS[1])
if count == 1 then
  redis.call('PEXPIRE', KEYS[1], 60000)
end
local state = redis.call('HEXISTS', KEYS[2], 'closed_ms') == 1 and 'CLOSED' or 'NONE'
local tries = tonumber(ARGV[1])
return {count > tries and 'LIMITED' or state, math.max(0, tries - count), math.ceil(redis.call('PTTL', KEYS[1]) / 1000)}
