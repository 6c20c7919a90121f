-- Gives a person the next number of one line (QUEUE-001, QUEUE-006), or the number of a receipt that Redis has forgotten.
-- Repeating it changes nothing.
--
-- KEYS 1 state, 2 people, 3 seen, 4 gone, 5 early, 6 joined, 7 used, 8 view
-- ARGV 1 user (16 bytes), 2 capacity, 3 the schedule's admission rate, 4 its opening in ms, 5 number of a valid receipt
--      or '', 6 and 7 the draw's seed and commitment in hex, 8 whether all seats are sold (1 or 0)
-- Answers NEW, HERE (already in the line), RESTORED, FULL or CLOSED.
local NUMBERS_MAX = 16777216 -- what the draw can permute
local EPOCH_DS = 17672256000 -- tenths of a second are counted from 2026-01-01

local state = redis.call('HMGET', KEYS[1], 'closed_ms', 'sequence', 'cursor', 'seed', 'commitment', 'opens_ms', 'sold_out')
if state[1] then
  return 'CLOSED'
end
local sequence, cursor = tonumber(state[2] or 0), tonumber(state[3] or 0)
local answer, number = 'NEW', tonumber(ARGV[5])
if number and redis.call('GETBIT', KEYS[7], number) == 0 then
  answer = 'RESTORED'
  sequence = math.max(sequence, number + 1)
else
  -- Who has left is counted only when it matters.
  local free = tonumber(ARGV[2]) - (sequence - cursor)
  if free <= 0 then
    free = free + redis.call('BITCOUNT', KEYS[4], cursor, -1, 'BIT') + redis.call('SCARD', KEYS[5])
  end
  if free <= 0 or sequence >= NUMBERS_MAX then
    return redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 and 'HERE' or 'FULL'
  end
  number, sequence = sequence, sequence + 1
end
-- To look first whether they are in would go through the hash twice.
if redis.call('HSETNX', KEYS[2], ARGV[1], number) == 0 then
  return 'HERE'
end
local time = redis.call('TIME')
local now_ds = time[1] * 10 + math.floor(time[2] / 100000) - EPOCH_DS
redis.call('HSET', KEYS[1], 'sequence', sequence)
if not state[4] or not state[5] or state[6] ~= ARGV[4] or state[7] ~= ARGV[8] then
  redis.call('HSET', KEYS[1], 'base_rate', ARGV[3], 'opens_ms', ARGV[4], 'seed', state[4] or ARGV[6], 'commitment',
    state[5] or ARGV[7], 'sold_out', ARGV[8])
  redis.call('DEL', KEYS[8]) -- what people are told is made anew
end
if number % 64 == 0 then
  redis.call('SETRANGE', KEYS[6], number / 16, struct.pack('>I4', time[1]))
end
redis.set_repl(redis.REPL_NONE) -- as glance.lua
redis.call('SETRANGE', KEYS[3], number * 8, struct.pack('>I4I4', now_ds + 600, now_ds))
return answer
