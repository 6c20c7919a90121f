-- A person whose place the cursor has passed asks: whoever has been called gets a token (QUEUE-003), whoever comes back after
-- having been passed over stands before the line. When all seats are sold meanwhile nobody is let in for nothing: whoever was
-- called stands before the line as well.
--
-- KEYS 1 state, 2 people, 3 used, 4 called, 5 returning, 6 active, 7 key of the candidate token
-- ARGV 1 user (16 bytes), 2 user id, 3 candidate token, 4 life of a token in ms
-- Answers {ACTIVE, number, place, token, its end in ms}, {WAITING, number, place, rank, wait in s (-1: not known), reason},
-- or {NONE} when the admission is over or the person has left meanwhile.
local ROUNDING = 1e-6
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local record = redis.call('HGET', KEYS[2], ARGV[1])
if not record then
  return {'NONE'}
end
local number, place, token = string.match(record, '^(%d+):?(%d*):?(.*)$')
place = place ~= '' and place or number

if token ~= '' then
  local expires = tonumber(redis.call('ZSCORE', KEYS[6], ARGV[1]) or 0)
  if expires > now_ms then
    return {'ACTIVE', tonumber(number), tonumber(place), token, expires}
  end
  redis.call('HDEL', KEYS[2], ARGV[1])
  return {'NONE'}
end

local state = redis.call('HMGET', KEYS[1], 'told', 'reason', 'sold_out')
local told, reason, sold_out = tonumber(state[1] or 0), state[2] or '', state[3] == '1'
if not sold_out and tonumber(redis.call('ZSCORE', KEYS[4], number) or 0) > now_ms then
  local expires = now_ms + tonumber(ARGV[4])
  redis.call('ZREM', KEYS[4], number)
  redis.call('SET', KEYS[7], ARGV[2], 'PX', ARGV[4])
  redis.call('ZADD', KEYS[6], expires, ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], number .. ':' .. place .. ':' .. ARGV[3])
  redis.call('SETBIT', KEYS[3], number, 1)
  redis.call('HINCRBY', KEYS[1], 'admitted', 1)
  return {'ACTIVE', tonumber(number), tonumber(place), ARGV[3], expires}
end

-- Passed over, or too late for the slot: the place is kept, and it lies before everybody who still waits.
if sold_out and redis.call('ZREM', KEYS[4], number) == 1 then
  redis.call('HINCRBY', KEYS[1], 'sent_back', 1)
end
redis.call('ZADD', KEYS[5], 'NX', place, number)
local rank = redis.call('ZRANK', KEYS[5], number) + 1
return {'WAITING', tonumber(number), tonumber(place), rank, told > 0 and math.ceil(rank / told - ROUNDING) or -1,
  reason}
