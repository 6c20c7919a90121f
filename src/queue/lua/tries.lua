-- Counts what a person does that the line itself cannot count, within a minute.
--
-- KEYS 1 the count
-- Answers {count, seconds until it is forgotten}.
local count = redis.call('INCR', KEYS[1])
if count == 1 then
  redis.call('PEXPIRE', KEYS[1], 60000)
end
return {count, math.ceil(redis.call('PTTL', KEYS[1]) / 1000)}
