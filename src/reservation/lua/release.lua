-- Forgets a reservation's claims; seats that somebody else has by now are left alone.
-- KEYS: claims (see hold.lua)
-- ARGV: reservation, seat...
-- Answer: number of seats freed
local freed = 0
for i = 2, #ARGV do
    local claim = redis.call('HGET', KEYS[1], ARGV[i])
    if claim and string.match(claim, '|([^|]*)$') == ARGV[1] then
        freed = freed + redis.call('HDEL', KEYS[1], ARGV[i])
    end
end
return freed
