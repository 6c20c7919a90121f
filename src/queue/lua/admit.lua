-- Calls the next people of one line (QUEUE-005). Any number of approvers may run it at any moment: what may be admitted
-- follows from the time that has passed on Redis' clock since the last call, so together they admit no more than one of them
-- would. See docs/queue.md.
--
-- KEYS 1 state, 2 seen, 3 called, 4 returning, 5 active, 6 finished, 7 view, 8 used
-- ARGV 1 the schedule's admission rate, 2 time to arrive in ms, 3 catch-up in ms, 4 what every people key begins with,
--      5 what every token key begins with, 6 whether all seats are sold (1 or 0), 7 the cursor that the numbers start from,
--      8 how many numbers, then these: the numbers at the cursor and after it; then samples: 4 times as many numbers from
--      each quarter of the line
-- Answers {called, passed over, no-shows, cursor, out of numbers}. Numbers that start elsewhere than at the cursor are no
-- longer the next ones (another approver was faster): nobody of the line is called, the caller asks again.
--
-- Credit is kept in millionths of a person. It never exceeds catch-up x rate (but at least one person): after a pause or an
-- outage at most that many are called at once. So in any span of t seconds at most rate x (t + catch-up) are called.
local EPOCH_DS = 17672256000 -- tenths of a second are counted from 2026-01-01
local REAP_MAX = 500
local STRUCK_OFF_MAX = 32
local SMOOTH_US = 30000000 -- how far back measured values reach
local WHOLE = 60000 -- a share of 1
local WINDOW, WINDOW_LEAST = 64, 16 -- people of whom somebody should still poll
local MERCY_DS = 600
local NOTES, NOTE_EVERY_DS = 8, 50 -- of the calls while everybody inside keeps the line waiting
local VIEW_FORMAT = 3 -- as in parts/tell.lua
local FIRST = 8 -- arguments before the numbers

local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now_ms = math.floor(now_us / 1000)
local now_ds = math.floor(now_ms / 100) - EPOCH_DS
local fields = {'opened_ms', 'closed_ms', 'cursor', 'sequence', 'rate', 'paused', 'max_active', 'credit', 'credited_us',
  'pace', 'tps', 'shares', 'opens_ms', 'count', 'mercy_ds', 'called', 'notes'}
local state = {}
for i, value in ipairs(redis.call('HMGET', KEYS[1], unpack(fields))) do
  state[fields[i]] = value
end

local function end_admission(user)
  redis.call('ZREM', KEYS[5], user)
  redis.call('HDEL', ARGV[4] .. string.format('%02x', string.byte(user, 16)), user)
end

-- People whose token has ended.
local ended = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now_ms, 'LIMIT', 0, REAP_MAX)
for _, user in ipairs(ended) do
  end_admission(user)
end
-- People who have bought. Their token stays readable, so that a payment may be repeated, but holds no more seats.
for _, id in ipairs(redis.call('SPOP', KEYS[6], REAP_MAX)) do
  local user = string.gsub(string.gsub(id, '-', ''), '%x%x', function(pair) return string.char(tonumber(pair, 16)) end)
  local record = redis.call('HGET', ARGV[4] .. string.sub(id, -2), user)
  local token = record and string.match(record, '^%d+:%d+:(.+)$')
  if token then
    redis.call('SET', ARGV[5] .. token, 'done:' .. id, 'XX', 'KEEPTTL')
    end_admission(user)
    redis.call('HINCRBY', KEYS[1], 'finished', 1)
  end
end
-- People who were called and did not come give the slot back.
local no_shows = redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now_ms)

local opened = state.opened_ms and now_ms >= tonumber(state.opened_ms) and not state.closed_ms
local set_rate = tonumber(state.rate or ARGV[1])
local sold_out = ARGV[6] == '1'
local rate = (state.paused or sold_out or not opened) and 0 or set_rate
local elapsed_us = math.max(0, now_us - tonumber(state.credited_us or now_us))
-- A new line begins with one person's credit.
local credit = tonumber(state.credit or 1000000) + rate * elapsed_us
credit = math.min(credit, math.max(1000000, rate * tonumber(ARGV[3]) * 1000))
local room = rate > 0 and math.floor(credit / 1000000) or 0
local free = math.huge
if state.max_active then
  free = tonumber(state.max_active) - redis.call('ZCARD', KEYS[5]) - redis.call('ZCARD', KEYS[3])
end
room = math.max(0, math.min(room, free))

local function is_used(number)
  return redis.call('GETBIT', KEYS[8], number) == 1
end
local function still_polls(number)
  local cell = redis.call('GETRANGE', KEYS[2], number * 8, number * 8 + 3)
  return #cell == 4 and struct.unpack('>I4', cell) > now_ds
end
local mercy = tonumber(state.mercy_ds or 0) > now_ds
local arrive_by = string.format('%.0f', now_ms + tonumber(ARGV[2]))
local function call_up(number)
  redis.call('ZADD', KEYS[3], arrive_by, number)
  room = room - 1
end

-- Who has come back stands before the whole line, so nobody of it is called before they are through. Who has gone again is
-- struck off, some at a time, also while nobody is called: they would count as people ahead.
local returned, through = 0, true
for _, number in ipairs(redis.call('ZRANDMEMBER', KEYS[4], STRUCK_OFF_MAX)) do
  if not still_polls(number) then
    redis.call('ZREM', KEYS[4], number)
  end
end
if room > 0 then
  local back = redis.call('ZRANGE', KEYS[4], 0, REAP_MAX - 1)
  through = #back < REAP_MAX
  for _, number in ipairs(back) do
    if room == 0 then
      break
    end
    redis.call('ZREM', KEYS[4], number)
    if still_polls(number) then
      call_up(number)
      returned = returned + 1
    end
  end
end

local cursor, sequence, numbers = tonumber(state.cursor or 0), tonumber(state.sequence or 0), tonumber(ARGV[8])
local called, passed, walked = 0, 0, 0
local current = tonumber(ARGV[7]) == cursor
-- When nobody of those next in line polls, that is not their doing: Redis or the responders were away. For a minute everybody
-- counts as present, so that nobody loses the turn by an outage.
local function nobody_polls(first)
  local there = 0
  for i = first, math.min(first + WINDOW - 1, numbers) do
    if not is_used(ARGV[FIRST + i]) then
      there = there + 1
      if still_polls(ARGV[FIRST + i]) then
        return false
      end
    end
  end
  return there >= WINDOW_LEAST
end
local doubted = false
while current and through and room > 0 and walked < numbers do
  walked = walked + 1
  local number = ARGV[FIRST + walked]
  if not is_used(number) then
    local present = mercy or still_polls(number)
    if not present and not doubted then
      doubted, mercy = true, nobody_polls(walked)
      present = mercy
    end
    if present then
      call_up(number)
      called = called + 1
    else
      passed = passed + 1
    end
  end
end
if doubted and mercy then
  redis.call('HSET', KEYS[1], 'mercy_ds', now_ds + MERCY_DS)
end
cursor = cursor + walked
local ran_out = current and room > 0 and walked == numbers and cursor < sequence

-- How fast the line moves where nothing but the rate holds it up: measured only while people wait and are called. What comes
-- of it in all is another question.
local full = free - called - returned <= 0
local pace, tps = tonumber(state.pace or set_rate), tonumber(state.tps or 0)
local weight = math.min(1, elapsed_us / SMOOTH_US)
if current and elapsed_us > 0 and rate > 0 and not ran_out and not full and cursor < sequence then
  pace = math.max(0.001, pace + weight * ((called + returned) * 1000000 / elapsed_us - pace))
end
if elapsed_us > 0 then
  tps = tps + weight * ((called + returned) * 1000000 / elapsed_us - tps)
end

-- While as many are inside as may be, the slots that they give back set the pace: the calls since the first of some moments
-- that are noted, each with how many had been called. Without one since, nobody knows how long it takes. A time in which
-- nobody may be called says nothing.
local total = tonumber(state.called or 0) + called + returned
local notes = {}
if rate > 0 and (full or (state.max_active and cursor < sequence)) then
  for at, calls in string.gmatch(state.notes or '', '(%d+):(%d+)') do
    notes[#notes + 1] = {at = tonumber(at), calls = tonumber(calls)}
  end
  if notes[#notes] and notes[#notes].at > now_ds then
    notes = {} -- the clock was set back
  end
  local last = notes[#notes]
  if last and called + returned > 0 and now_ds - last.at >= NOTE_EVERY_DS or not last and full then
    notes[#notes + 1] = {at = now_ds, calls = total}
  end
  if #notes > NOTES then
    table.remove(notes, 1)
  end
end
local written, slot_pace = {}, 0
for i, note in ipairs(notes) do
  written[i] = string.format('%.0f:%.0f', note.at, note.calls)
end
if notes[1] and now_ds > notes[1].at then
  slot_pace = math.min(set_rate, (total - notes[1].calls) * 10 / (now_ds - notes[1].at))
end

-- What people are told: how fast the line moves (0: nobody knows), and why it does not move as it is set.
local told, reason = pace, ''
if sold_out then
  told, reason = 0, 'SOLD_OUT'
elseif state.paused then
  told, reason = 0, 'PAUSED'
elseif full then
  told, reason = slot_pace, slot_pace < 0.8 * set_rate and 'FULL' or ''
elseif pace < 0.8 * set_rate then
  reason = 'SLOWER'
end

-- The share of each quarter of the line that still polls.
local shares = {WHOLE, WHOLE, WHOLE, WHOLE}
if state.shares then
  shares = {struct.unpack('>I2I2I2I2', state.shares)}
end
local per_quarter = (#ARGV - FIRST - numbers) / 4
for quarter = 1, per_quarter > 0 and not mercy and 4 or 0 do
  local there, live = 0, 0
  for i = 1, per_quarter do
    local number = ARGV[FIRST + numbers + (quarter - 1) * per_quarter + i]
    if not is_used(number) then
      there = there + 1
      live = live + (still_polls(number) and 1 or 0)
    end
  end
  if there > 0 then
    shares[quarter] = math.floor(shares[quarter] + math.min(1, 3 * weight) * (WHOLE * live / there - shares[quarter]) + 0.5)
  end
end

-- As text without an exponent: Lua would write 1e+15 for a microsecond clock.
redis.call('HSET', KEYS[1], 'credit', string.format('%.0f', credit - (called + returned) * 1000000), 'credited_us',
  string.format('%.0f', now_us), 'cursor', cursor, 'base_rate', ARGV[1], 'pace', string.format('%.3f', pace), 'tps',
  string.format('%.3f', tps), 'shares',
  struct.pack('>I2I2I2I2', shares[1], shares[2], shares[3], shares[4]), 'sold_out', sold_out and 1 or 0, 'told',
  string.format('%.6f', told), 'reason', reason)
if written[1] then
  redis.call('HSET', KEYS[1], 'notes', table.concat(written, ' '))
elseif state.notes then
  redis.call('HDEL', KEYS[1], 'notes')
end
-- What everybody who waits needs to know, in one string for glance.lua.
redis.call('SET', KEYS[7], struct.pack('>BBddddddddI2I2I2I2s', VIEW_FORMAT, state.closed_ms and 1 or 0,
  tonumber(state.opens_ms or 0), tonumber(state.opened_ms or math.huge), tonumber(state.count or 0), cursor, sequence,
  redis.call('ZCARD', KEYS[4]), told, set_rate, shares[1], shares[2], shares[3], shares[4], reason))
for field, count in pairs({called = called + returned, returned = returned, passed_over = passed, no_shows = no_shows,
  expired = #ended}) do
  if count > 0 then
    redis.call('HINCRBY', KEYS[1], field, count)
  end
end
return {called + returned, passed, no_shows, cursor, ran_out and 1 or 0}
