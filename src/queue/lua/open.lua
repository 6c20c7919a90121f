-- Opens a line when its sale has begun: fixes who is in the draw, once. It takes effect `seal` later, when it is on disk; with
-- nobody in it, at once. Until then whoever waits is told the opening that the sale has now.
--
-- KEYS 1 state, 2 view
-- ARGV 1 opening of the sale in ms, 2 seal in ms, 3 and 4 seed and commitment in hex, should the line have none yet
-- Answers 1 when the line is open or sealed, 0 when it is too early.
local state = redis.call('HMGET', KEYS[1], 'opened_ms', 'sequence', 'opens_ms')
if state[1] then
  return 1
end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if now_ms < tonumber(ARGV[1]) then
  if state[3] and state[3] ~= ARGV[1] then
    redis.call('HSET', KEYS[1], 'opens_ms', ARGV[1])
    redis.call('DEL', KEYS[2])
  end
  return 0
end
local count = tonumber(state[2] or 0)
redis.call('HSETNX', KEYS[1], 'seed', ARGV[3])
redis.call('HSETNX', KEYS[1], 'commitment', ARGV[4])
redis.call('HSET', KEYS[1], 'opened_ms', string.format('%.0f', now_ms + (count > 0 and ARGV[2] or 0)), 'count', count)
redis.call('DEL', KEYS[2]) -- what people are told is made anew
return 1
