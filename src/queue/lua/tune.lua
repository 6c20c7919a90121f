-- Changes the admission settings of one line while it runs, and keeps who did it.
--
-- KEYS 1 state, 2 audit stream, 3 view
-- ARGV 1 admission rate, 2 paused (1 or 0), 3 most active people (0: no cap); '' leaves one as it is; 4 who
-- Answers {rate or '', paused, most active}.
local AUDIT_MAX = 1000
if ARGV[1] ~= '' then
  -- The measured rate starts anew from what is set, so that estimates follow at once.
  redis.call('HSET', KEYS[1], 'rate', ARGV[1], 'pace', ARGV[1])
end
if ARGV[2] == '1' then
  redis.call('HSET', KEYS[1], 'paused', 1)
elseif ARGV[2] == '0' then
  redis.call('HDEL', KEYS[1], 'paused')
end
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], 'max_active')
elseif ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'max_active', ARGV[3])
end
if ARGV[3] ~= '' then
  redis.call('HDEL', KEYS[1], 'notes')
end
redis.call('DEL', KEYS[3]) -- what people are told is made anew
redis.call('XADD', KEYS[2], 'MAXLEN', '~', AUDIT_MAX, '*', 'who', ARGV[4], 'admissionRate', ARGV[1], 'paused', ARGV[2],
  'maxActive', ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'rate', 'paused', 'max_active')
return {state[1] or '', state[2] and 1 or 0, tonumber(state[3] or 0)}
