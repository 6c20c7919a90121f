-- Gives a person the next number of one line (QUEUE-001, QUEUE-006), or the number of a receipt that Redis has forgotten, and
-- tells where that is. Repeating it changes nothing.
--
-- KEYS 1 people, 2 seen, 3 view, 4 gone, 5 state, 6 early, 7 joined, 8 used, 9 the count of the user's leaving
-- ARGV 1 to 4 as of glance.lua, 5 capacity, 6 the schedule's admission rate, 7 its opening in ms, 8 number of a valid receipt
--      or '', 9 and 10 the draw's seed and commitment in hex, 11 whether all seats are sold (1 or 0), 12 how often one may
--      leave within a minute
-- Answers {NEW, what glance.lua answers}, {HERE, the same} (already in the line), {RESTORED, the same}, {FULL}, {OFTEN} (left
-- too often to enter again) or {CLOSED}.
-- include tell.lua

local NUMBERS_MAX = 16777216 -- what the draw can permute

local state = redis.call('HMGET', KEYS[5], 'closed_ms', 'sequence', 'cursor', 'seed', 'commitment', 'opens_ms', 'sold_out')
if state[1] then
  return {'CLOSED'}
end
if tonumber(redis.call('GET', KEYS[9]) or 0) >= tonumber(ARGV[12]) then
  return {'OFTEN'} -- entering again and again uses up numbers
end
local function here()
  local record = redis.call('HGET', KEYS[1], ARGV[1])
  return record and {'HERE', tell(record)}
end
local sequence, cursor = tonumber(state[2] or 0), tonumber(state[3] or 0)
local answer, number = 'NEW', tonumber(ARGV[8])
if number and redis.call('GETBIT', KEYS[8], number) == 0 then
  answer = 'RESTORED'
  sequence = math.max(sequence, number + 1)
else
  -- Who has left is counted only when it matters.
  local free = tonumber(ARGV[5]) - (sequence - cursor)
  if free <= 0 then
    free = free + redis.call('BITCOUNT', KEYS[4], cursor, -1, 'BIT') + redis.call('SCARD', KEYS[6])
  end
  if free <= 0 or sequence >= NUMBERS_MAX then
    return here() or {'FULL'}
  end
  number, sequence = sequence, sequence + 1
end
-- To look first whether they are in would go through the hash twice.
if redis.call('HSETNX', KEYS[1], ARGV[1], number) == 0 then
  return here()
end
redis.call('HSET', KEYS[5], 'sequence', sequence)
if not state[4] or not state[5] or state[6] ~= ARGV[7] or state[7] ~= ARGV[11] then
  redis.call('HSET', KEYS[5], 'base_rate', ARGV[6], 'opens_ms', ARGV[7], 'seed', state[4] or ARGV[9], 'commitment',
    state[5] or ARGV[10], 'sold_out', ARGV[11])
  redis.call('DEL', KEYS[3]) -- what people are told is made anew
end
if number % 64 == 0 then
  redis.call('SETRANGE', KEYS[7], number / 16, struct.pack('>I4', time[1]))
end
local told = tell(number, '')
if not noted then
  note_seen(number, now_ds + WINDOW_DS, now_ds)
end
return {answer, told}
