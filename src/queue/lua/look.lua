-- One line as it stands.
--
-- KEYS 1 state, 2 gone, 3 early, 4 joined, 5 called, 6 returning, 7 active
-- Answers {fields of the state as in src/queue/line.c, {now in ms, waiting in the line, early, called, returning, active, share that
-- still polls in thousandths, wait of the first in s}}.
local WHOLE = 60000 -- a share of 1, as admit.lua writes it
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local fields = redis.call('HMGET', KEYS[1], 'opened_ms', 'count', 'seed', 'commitment', 'sequence', 'cursor', 'rate',
  'paused', 'max_active', 'pace', 'closed_ms', 'called', 'admitted', 'returned', 'passed_over', 'no_shows', 'finished',
  'expired', 'left', 'base_rate', 'sold_out', 'sent_back', 'tps', 'credited_us')
local count, sequence, cursor = tonumber(fields[2] or 0), tonumber(fields[5] or 0), tonumber(fields[6] or 0)
local early = redis.call('SCARD', KEYS[3])
local waiting = sequence - cursor - redis.call('BITCOUNT', KEYS[2], cursor, -1, 'BIT') - early

local share = 1000
local packed = redis.call('HGET', KEYS[1], 'shares')
if packed then
  local a, b, c, d = struct.unpack('>I2I2I2I2', packed)
  share = (a + b + c + d) * 250 / WHOLE
end

-- Waiting for the opening is not waiting in line. Of those behind the draw, 64 share one note of when they came.
local since = cursor < count and fields[1] and fields[1] / 1000
if not since and cursor < sequence then
  local note = redis.call('GETRANGE', KEYS[4], math.floor(cursor / 64) * 4, math.floor(cursor / 64) * 4 + 3)
  since = #note == 4 and struct.unpack('>I4', note)
end
local oldest = since and waiting > 0 and math.max(0, now_ms / 1000 - since) or 0
return {fields, {now_ms, math.max(0, waiting), early, redis.call('ZCARD', KEYS[5]), redis.call('ZCARD', KEYS[6]),
  redis.call('ZCARD', KEYS[7]), share, math.floor(oldest)}}
