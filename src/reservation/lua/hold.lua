-- Lets one buyer through to PostgreSQL for these seats, or says why not. All or nothing.
-- KEYS: queue token; seat catalogue (hash: seat -> "number|grade|price");
--       claims (hash: seat -> "state|user|reservation", state = expiry in ms or "S" for sold; field "" marks it loaded);
--       the buyer's tries of this minute; there while the buyer may have an answer to be repeated
-- ARGV: user, reservation, life of the hold in ms, tries a minute, seat...
-- Answer: {"OK", own, "number|grade|price"...}, {"EMPTY"} (catalogue or claims must be loaded first), or a refusal:
--         {"TOKEN", before}, {"OFTEN", before, seconds}, {"UNKNOWN", before, seat}, {"SOLD", before}, {"HELD", before}
-- own: how many of the seats the same buyer has already. They pass, and keep their mark: whether this is a repeat, the
-- trace of a lost answer or a second hold, PostgreSQL knows.
-- before: 1 when the buyer has passed within a day, so that the refused request may be a repeat of that.
local MINUTE_S, DAY_S = 60, 86400 -- a key is remembered for a day
local user, reservation, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])
local function refuse(why, more)
    return {why, redis.call('EXISTS', KEYS[5]), more}
end
if redis.call('GET', KEYS[1]) ~= user then
    return refuse('TOKEN')
end
local seats = {unpack(ARGV, 5)}
local known = redis.call('HMGET', KEYS[2], unpack(seats))
local claims = redis.call('HMGET', KEYS[3], '', unpack(seats))
if not table.remove(claims, 1) or (not known[1] and redis.call('EXISTS', KEYS[2]) == 0) then
    return {'EMPTY'}
end
-- One try, however often an empty mirror has to be asked for it.
local tries = redis.call('INCR', KEYS[4])
if tries == 1 then
    redis.call('EXPIRE', KEYS[4], MINUTE_S)
elseif tries > tonumber(ARGV[4]) then
    return refuse('OFTEN', redis.call('TTL', KEYS[4]))
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local claim = string.format('%.0f|%s|%s', now + ttl, user, reservation)
local own, marks = 0, {}
for i, seat in ipairs(seats) do
    if not known[i] then
        return refuse('UNKNOWN', seat)
    end
    local state, owner = string.match(claims[i] or '', '^([^|]*)|([^|]*)|')
    if not state or (state ~= 'S' and tonumber(state) <= now) then
        marks[#marks + 1] = seat
        marks[#marks + 1] = claim
    elseif owner == user then
        own = own + 1
    else
        return refuse(state == 'S' and 'SOLD' or 'HELD')
    end
end
if #marks > 0 then
    redis.call('HSET', KEYS[3], unpack(marks))
end
redis.call('SET', KEYS[5], 1, 'EX', DAY_S)
return {'OK', own, unpack(known)}
