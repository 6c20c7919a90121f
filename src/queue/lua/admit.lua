-- Calls the next people of one schedule (QUEUE-005). Any number of approvers may run it at any moment: what may be
-- admitted follows from the time that has passed on Redis' clock since the last call, so together they admit no more
-- than one of them would.
--
-- KEYS 1 state hash, 2 waiting, 3 active, 4 tokens hash
-- ARGV 1 default admission rate per second, 2 most people per call, 3 time to arrive in ms, 4 catch-up in ms
-- Answers {called, waiting, active}.
--
-- Credit is kept in millionths of a person. It never exceeds catch-up x rate (but at least one person): after a pause or
-- an outage at most that many are called at once. So in any span of t seconds at most rate x (t + catch-up) are called.
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now_ms = math.floor(now_us / 1000)
local state = redis.call('HMGET', KEYS[1], 'rate', 'credit', 'credited_us')
local rate = tonumber(state[1] or ARGV[1])

local gone = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now_ms, 'LIMIT', 0, 1000)
if #gone > 0 then
  redis.call('ZREM', KEYS[3], unpack(gone))
  redis.call('HDEL', KEYS[4], unpack(gone))
  redis.call('HINCRBY', KEYS[1], 'expired', #gone)
end

local credit = tonumber(state[2] or 0) + rate * math.max(0, now_us - tonumber(state[3] or now_us))
credit = math.min(credit, math.max(1000000, rate * tonumber(ARGV[4]) * 1000))
local called = redis.call('ZPOPMIN', KEYS[2], math.min(math.floor(credit / 1000000), tonumber(ARGV[2])))
local count = #called / 2
if count > 0 then
  local arrivals = {}
  for i = 1, #called, 2 do
    arrivals[#arrivals + 1] = now_ms + tonumber(ARGV[3])
    arrivals[#arrivals + 1] = called[i]
  end
  redis.call('ZADD', KEYS[3], unpack(arrivals))
  redis.call('HINCRBY', KEYS[1], 'admitted', count)
  redis.call('HSET', KEYS[1], 'serving', called[#called])
end
-- As text without an exponent: Lua would write 1e+15 for a microsecond clock.
redis.call('HSET', KEYS[1], 'credit', string.format('%.0f', credit - count * 1000000), 'credited_us',
  string.format('%.0f', now_us), 'pace', rate)
return {count, redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', KEYS[3])}
