-- Joins the line of one schedule; repeating it gives the same place (QUEUE-001, QUEUE-006).
--
-- KEYS 1 state hash, 2 waiting sorted set (user -> sequence), 3 active sorted set (user -> expiry in ms)
-- ARGV 1 user id, 2 capacity of the line, 3 default admission rate per second
-- Answers {state, rank, sequence, rate}: state WAITING with rank from 1, ACTIVE (already called), or FULL.
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local rate = redis.call('HGET', KEYS[1], 'pace') or ARGV[3]

local expires = redis.call('ZSCORE', KEYS[3], ARGV[1])
if expires and tonumber(expires) > now_ms then
  return {'ACTIVE', 0, 0, rate}
end
local sequence = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not sequence then
  if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[2]) then
    return {'FULL', 0, 0, rate}
  end
  -- A counter, never a clock: at 1,000 joins a second most share a millisecond.
  sequence = redis.call('HINCRBY', KEYS[1], 'sequence', 1)
  redis.call('ZADD', KEYS[2], sequence, ARGV[1])
end
return {'WAITING', redis.call('ZRANK', KEYS[2], ARGV[1]) + 1, tonumber(sequence), rate}
