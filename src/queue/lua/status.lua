-- Where a person stands, that they are still there, and that they do not ask too often (QUEUE-002, QUEUE-008); whoever has
-- been called gets a token here (QUEUE-003). See docs/queue.md.
--
-- KEYS 1 state, 2 people, 3 cells, 4 gone, 5 called, 6 returning, 7 active, 8 key of the candidate token,
--      9 the person's count of tries outside the line
-- ARGV 1 user (16 bytes), 2 user id, 3 candidate token, 4 life of a token in ms, 5 the person's place or '' when the caller
--      does not know it, 6 a random number 0-999, 7 tries a minute, 8 longest pollAfter in s
-- Answers {state, tries left, seconds until there is one more or all are back, ...}:
--   NONE, CLOSED, LIMITED
--   DRAW      number, count, seed: call again with the place
--   PRE_OPEN  number, opens_ms, poll after in s
--   WAITING   number, place, rank, wait in s, poll after in s, reason ('', PAUSED, SLOWER)
--   ACTIVE    number, place, token, its end in ms
local EPOCH_DS = 17672256000 -- cells count tenths of a second from 2026-01-01
local GONE = 4294967295
local NEAR_S = 5 -- pollAfter near the front
local SLACK_DS = 150
local WINDOW_DS = 600
local WHOLE = 60000 -- a share of 1, as admit.lua writes it

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local now_ds = math.floor(now_ms / 100) - EPOCH_DS
local tries = tonumber(ARGV[7])

local record = redis.call('HGET', KEYS[2], ARGV[1])
if not record then
  local count = redis.call('INCR', KEYS[9])
  if count == 1 then
    redis.call('PEXPIRE', KEYS[9], WINDOW_DS * 100)
  end
  local state = redis.call('HEXISTS', KEYS[1], 'closed_ms') == 1 and 'CLOSED' or 'NONE'
  return {count > tries and 'LIMITED' or state, math.max(0, tries - count), math.ceil(redis.call('PTTL', KEYS[9]) / 1000)}
end
local number, place, token = tonumber(record), nil, ''
if not number then
  number, place, token = string.match(record, '^(%d+):(%d+):?(.*)$')
  number, place = tonumber(number), tonumber(place)
end

-- The limit is a bucket (GCRA): `full_ds` is when it will be full again. Each try takes one interval.
local cell = redis.call('GETRANGE', KEYS[3], number * 8, number * 8 + 7)
local due, full_ds = struct.unpack('>I4I4', cell)
local interval = WINDOW_DS / tries
full_ds = math.max(full_ds, now_ds) + interval
if full_ds - now_ds > WINDOW_DS then
  return {'LIMITED', 0, math.ceil((full_ds - now_ds - WINDOW_DS) / 10)}
end
local left, reset = math.floor((WINDOW_DS - full_ds + now_ds) / interval), math.ceil((full_ds - now_ds) / 10)

local function expect_back(poll_s)
  due = due == GONE and GONE or now_ds + poll_s * 20 + SLACK_DS
  redis.call('SETRANGE', KEYS[3], number * 8, struct.pack('>I4I4', due, full_ds))
end

local state = redis.call('HMGET', KEYS[1], 'opened_ms', 'count', 'cursor', 'sequence', 'pace', 'rate', 'base_rate',
  'paused', 'closed_ms', 'opens_ms', 'shares')
local opened_ms, count, cursor = tonumber(state[1]), tonumber(state[2] or 0), tonumber(state[3] or 0)
local jitter = 0.8 + 0.4 * tonumber(ARGV[6]) / 1000
if state[9] then
  return {'CLOSED', left, reset}
end

if not opened_ms or now_ms < opened_ms then
  local opens_ms = tonumber(state[10])
  local until_s = math.max(0, (opened_ms or opens_ms) - now_ms) / 1000
  local spread_s = math.min(30, 2 + tonumber(state[4]) / 2500)
  local poll_s = until_s > 90 and math.ceil(60 * jitter) or math.ceil(until_s + 1 + spread_s * (jitter - 0.8) * 2.5)
  expect_back(poll_s)
  return {'PRE_OPEN', left, reset, number, opens_ms, poll_s}
end

if not place and number < count then
  place = tonumber(ARGV[5])
  if not place then
    return {'DRAW', left, reset, number, count, redis.call('HGET', KEYS[1], 'seed')}
  end
  redis.call('HSET', KEYS[2], ARGV[1], string.format('%d:%d', number, place))
end
place = place or number
local pace = tonumber(state[5] or state[6] or state[7])

if place < cursor then
  if token ~= '' then
    local expires = tonumber(redis.call('ZSCORE', KEYS[7], ARGV[1]) or 0)
    if expires > now_ms then
      expect_back(NEAR_S)
      return {'ACTIVE', left, reset, number, place, token, expires}
    end
    redis.call('HDEL', KEYS[2], ARGV[1])
    return {'NONE', left, reset}
  end
  if tonumber(redis.call('ZSCORE', KEYS[5], number) or 0) > now_ms then
    local expires = now_ms + tonumber(ARGV[4])
    redis.call('ZREM', KEYS[5], number)
    redis.call('SET', KEYS[8], ARGV[2], 'PX', ARGV[4])
    redis.call('ZADD', KEYS[7], expires, ARGV[1])
    redis.call('HSET', KEYS[2], ARGV[1], string.format('%d:%d:%s', number, place, ARGV[3]))
    redis.call('HINCRBY', KEYS[1], 'admitted', 1)
    due = GONE
    expect_back(NEAR_S)
    return {'ACTIVE', left, reset, number, place, ARGV[3], expires}
  end
  -- Passed over, or too late for the slot: the place is kept, and it lies before everybody who still waits.
  redis.call('ZADD', KEYS[6], 'NX', place, number)
  local rank = redis.call('ZRANK', KEYS[6], number) + 1
  expect_back(NEAR_S)
  return {'WAITING', left, reset, number, place, rank, math.ceil(rank / pace), NEAR_S, state[8] and 'PAUSED' or ''}
end

-- Ahead: everybody between the cursor and this place who has not left; of those, the sampled share who still poll.
local ahead = place - cursor
local rank = ahead + 1
local live = 1
if ahead > 0 then
  rank = rank - redis.call('BITCOUNT', KEYS[4], cursor, place - 1, 'BIT')
  if state[11] then
    local shares = {struct.unpack('>I2I2I2I2', state[11])}
    local position = 4 * ahead / (tonumber(state[4]) - cursor)
    local whole = math.floor(position)
    local sum = (position - whole) * shares[whole + 1]
    for i = 1, whole do
      sum = sum + shares[i]
    end
    live = sum / position / WHOLE
  end
end
local wait_s = math.ceil(((rank - 1) * live + 1) / pace)
local poll_s = math.min(wait_s / 10, tonumber(ARGV[8]))
poll_s = poll_s <= NEAR_S and NEAR_S or math.ceil(poll_s * jitter)
expect_back(poll_s)
local slower = pace < 0.8 * tonumber(state[6] or state[7])
return {'WAITING', left, reset, number, place, rank, wait_s, poll_s, state[8] and 'PAUSED' or slower and 'SLOWER' or ''}
