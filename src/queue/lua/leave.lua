-- Gives up a place or an admission.
--
-- KEYS 1 state, 2 people, 3 used, 4 gone, 5 early, 6 called, 7 returning, 8 active
-- ARGV 1 user (16 bytes), 2 the person's place or '' when the caller does not know it, 3 what every token key of this
--      schedule begins with
-- Answers {LEFT}, {NONE}, or {DRAW, number, count}: call again with the place.
local record = redis.call('HGET', KEYS[2], ARGV[1])
if not record then
  return {'NONE'}
end
local number, place, token = string.match(record, '^(%d+):?(%d*):?(.*)$')
number, place = tonumber(number), tonumber(place) or tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'opened_ms', 'count', 'cursor')
if state[1] and not place then
  if number < tonumber(state[2]) then
    return {'DRAW', number, tonumber(state[2])}
  end
  place = number
end

redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('SETBIT', KEYS[3], number, 1)
redis.call('HINCRBY', KEYS[1], 'left', 1)
if not place then
  redis.call('SADD', KEYS[5], number)
elseif place >= tonumber(state[3] or 0) then
  redis.call('SETBIT', KEYS[4], place, 1)
end
redis.call('ZREM', KEYS[6], number)
redis.call('ZREM', KEYS[7], number)
redis.call('ZREM', KEYS[8], ARGV[1])
if token ~= '' then
  -- The token key carries the schedule's hash tag, so it lies in the slot of the declared keys.
  redis.call('DEL', ARGV[3] .. token)
end
return {'LEFT'}
