-- Where a user stands; whoever has been called and asks gets a token (QUEUE-002, QUEUE-003).
--
-- KEYS 1 state hash, 2 waiting, 3 active, 4 tokens hash (user -> token), 5 key of the candidate token
-- ARGV 1 user id, 2 candidate token, 3 life of a token in ms
-- Answers {state, rank, sequence, rate, token, expiry in ms}: state WAITING, ACTIVE or NONE; rate 0 before any approver ran.
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local rate = redis.call('HGET', KEYS[1], 'pace') or 0

local expires = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[1]) or 0)
if expires > now_ms then
  local token = redis.call('HGET', KEYS[4], ARGV[1])
  if not token then
    token, expires = ARGV[2], now_ms + tonumber(ARGV[3])
    redis.call('SET', KEYS[5], ARGV[1], 'PX', ARGV[3])
    redis.call('HSET', KEYS[4], ARGV[1], token)
    redis.call('ZADD', KEYS[3], expires, ARGV[1])
  end
  return {'ACTIVE', 0, 0, rate, token, expires}
end
local sequence = redis.call('ZSCORE', KEYS[2], ARGV[1])
if sequence then
  return {'WAITING', redis.call('ZRANK', KEYS[2], ARGV[1]) + 1, tonumber(sequence), rate, false, 0}
end
return {'NONE', 0, 0, rate, false, 0}
