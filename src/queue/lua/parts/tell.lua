-- Part of glance.lua and enter.lua: what somebody in the line is told, that they are still there, and that they do not ask
-- too often (QUEUE-002, QUEUE-008).
--
-- KEYS 1 people, 2 seen, 3 view, 4 gone
-- ARGV 1 user (16 bytes), 2 a random number 0-999, 3 tries a minute, 4 longest pollAfter in s
local EPOCH_DS = 17672256000 -- tenths of a second are counted from 2026-01-01
local NEAR_S = 5 -- pollAfter near the front
local SLACK_DS = 150
local WINDOW_DS = 600
local WHOLE = 60000 -- a share of 1
local STANDSTILL_S = 30
local ROUNDING = 1e-6
local VIEW_FORMAT = 3 -- one that another version of the programs has written is none

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local now_ds = math.floor(now_ms / 100) - EPOCH_DS

-- A poll leaves no trace in Redis' log: after a crash admit.lua gives everybody time to come back.
local noted = false
local function note_seen(number, back_ds, full_ds)
  redis.set_repl(redis.REPL_NONE)
  redis.call('SETRANGE', KEYS[2], number * 8, struct.pack('>I4I4', back_ds, full_ds))
  noted = true
end

-- `record` is what the line knows of the person, `cell` when they were seen (nil: what is noted). Whoever is new has `seen`
-- noted unless the line has no view.
local function tell(record, cell)
  local view = redis.call('GET', KEYS[3])
  if not view or string.byte(view) ~= VIEW_FORMAT then
    return {'VIEW'}
  end
  local number, place = tonumber(record), nil
  if not number then
    number, place = string.match(record, '^(%d+):(%d+)')
    number, place = tonumber(number), tonumber(place)
  end

  -- The limit is a bucket (GCRA): `full_ds` is when it will be full again. Each try takes one interval.
  cell = cell or redis.call('GETRANGE', KEYS[2], number * 8, number * 8 + 7)
  local full_ds = #cell == 8 and struct.unpack('>I4', cell, 5) or 0
  local interval = WINDOW_DS / ARGV[3]
  full_ds = math.max(full_ds, now_ds) + interval
  if full_ds - now_ds > WINDOW_DS then
    return {'LIMITED', 0, math.ceil((full_ds - now_ds - WINDOW_DS) / 10)}
  end
  local left, reset = math.floor((WINDOW_DS - full_ds + now_ds) / interval), math.ceil((full_ds - now_ds) / 10)

  -- One person's tabs share the limit: the more of it is used, the further apart they are told to ask. With n tabs that
  -- comes to rest at n intervals, so that whoever obeys is never refused.
  local spaced_s = math.ceil(interval / 10 * (1 + math.max(0, ARGV[3] - left - 2) / 3))

  local function expect_back(poll_s)
    note_seen(number, now_ds + poll_s * 20 + SLACK_DS, full_ds)
  end

  local _, closed, opens_ms, opened_ms, count, cursor, sequence, returning, told, set_rate, s1, s2, s3, s4, reason =
    struct.unpack('>BBddddddddI2I2I2I2s', view)
  local jitter = 0.8 + ARGV[2] / 2500
  if closed == 1 then
    return {'CLOSED', left, reset}
  end

  if now_ms < opened_ms then
    local until_s = math.max(0, math.min(opens_ms, opened_ms) - now_ms) / 1000
    local spread_s = math.min(30, 2 + sequence / 2500)
    local poll_s = until_s > 90 and math.ceil(60 * jitter) or math.ceil(until_s + 1 + spread_s * (jitter - 0.8) * 2.5)
    poll_s = math.max(poll_s, spaced_s)
    expect_back(poll_s)
    return {'PRE_OPEN', left, reset, number, opens_ms, poll_s}
  end
  if not place and number < count then
    return {'DRAW', left, reset, number, count}
  end
  place = place or number
  local standstill = reason == 'SOLD_OUT' or reason == 'PAUSED'
  if place < cursor then
    local poll_s = math.max(standstill and math.ceil(STANDSTILL_S * jitter) or NEAR_S, spaced_s)
    expect_back(poll_s)
    return {'CALLED', left, reset, number, poll_s}
  end

  -- Ahead: everybody between the cursor and this place who has not left; of those, the sampled share who still poll.
  local ahead = place - cursor
  local rank, live = ahead + 1, 1
  if ahead > 0 then
    rank = rank - redis.call('BITCOUNT', KEYS[4], cursor, place - 1, 'BIT')
    local shares = {s1, s2, s3, s4}
    local position = math.min(4, 4 * ahead / math.max(1, sequence - cursor))
    local whole = math.floor(position)
    local sum = (position - whole) * (shares[whole + 1] or 0)
    for i = 1, whole do
      sum = sum + shares[i]
    end
    live = sum / position / WHOLE
  end
  -- Before the line stand those who had been called or passed over and are back.
  local turns = (rank - 1) * live + returning + 1
  rank = rank + returning
  -- Asking again follows from the soonest that it can be one's turn, whatever holds the line up now; while nobody may be called,
  -- from the time that everybody has to arrive.
  local wait_s = told > 0 and math.ceil(turns / told - ROUNDING) or -1
  local poll_s = math.min(turns / set_rate / 10, ARGV[4])
  if standstill then
    poll_s = math.max(poll_s, STANDSTILL_S)
  end
  poll_s = math.max(poll_s <= NEAR_S and NEAR_S or math.ceil(poll_s * jitter), spaced_s)
  expect_back(poll_s)
  return {'WAITING', left, reset, number, place, rank, wait_s, poll_s, reason}
end
