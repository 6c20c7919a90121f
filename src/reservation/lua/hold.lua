-- Lets one buyer through to PostgreSQL for these seats, or says why not. All or nothing.
-- KEYS: queue token; seat catalogue (hash: seat -> "number|grade|price");
--       claims (hash: seat -> "state|user|reservation", state = expiry in ms or "S" for sold; field "" marks it loaded)
-- ARGV: user, reservation, life of the hold in ms, seat...
-- Answer: {"OK", "number|grade|price"...}, {"TOKEN"}, {"EMPTY"} (catalogue or claims must be loaded first),
--         {"UNKNOWN", seat}, {"SOLD", seat}, {"HELD", seat}
-- A seat that the same buyer has already does not end here: whether that is a repeat, the trace of a lost answer or a
-- second hold, PostgreSQL knows.
local user, reservation, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('GET', KEYS[1]) ~= user then
    return {'TOKEN'}
end
if redis.call('EXISTS', KEYS[2]) == 0 or redis.call('HEXISTS', KEYS[3], '') == 0 then
    return {'EMPTY'}
end
local seats = {unpack(ARGV, 4)}
local known = redis.call('HMGET', KEYS[2], unpack(seats))
local claims = redis.call('HMGET', KEYS[3], unpack(seats))
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local sold = {}
for i, seat in ipairs(seats) do
    if not known[i] then
        return {'UNKNOWN', seat}
    end
    if claims[i] then
        local state, owner = string.match(claims[i], '^([^|]*)|([^|]*)|')
        if state == 'S' then
            if owner ~= user then
                return {'SOLD', seat}
            end
            sold[seat] = true
        elseif owner ~= user and tonumber(state) > now then
            return {'HELD', seat}
        end
    end
end
local claim = string.format('%.0f|%s|%s', now + ttl, user, reservation)
for _, seat in ipairs(seats) do
    if not sold[seat] then
        redis.call('HSET', KEYS[3], seat, claim)
    end
end
return {'OK', unpack(known)}
