-- Forgets a reservation's claims; seats that somebody else has by now are left alone. What was read of PostgreSQL before
-- the release, and is written after it, finds the reservation among those that are gone and does not mark its seats.
-- KEYS: claims (see hold.lua), gone (sorted set: reservation, since when in ms)
-- ARGV: how long it is remembered in ms, reservation, seat...
-- Answer: number of seats freed
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[2], now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
local freed = 0
for i = 3, #ARGV do
    local claim = redis.call('HGET', KEYS[1], ARGV[i])
    if claim and string.match(claim, '|([^|]*)$') == ARGV[2] then
        freed = freed + redis.call('HDEL', KEYS[1], ARGV[i])
    end
end
return freed
