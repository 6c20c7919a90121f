-- Writes claims as PostgreSQL has just told them, but for reservations that are gone since, or have their seats sold. Does nothing while the claims
-- are not loaded.
-- KEYS: claims (see hold.lua), gone (see release.lua)
-- ARGV: (seat, "S" or remaining life in ms, user, reservation)...
-- Answer: number of claims written
if redis.call('HEXISTS', KEYS[1], '') == 0 then
    return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local written = 0
for i = 1, #ARGV, 4 do
    local state, reservation = ARGV[i + 1], ARGV[i + 3]
    local sale = state ~= 'S' and redis.call('HGET', KEYS[1], ARGV[i]) == 'S|' .. ARGV[i + 2] .. '|' .. reservation
    if not sale and not redis.call('ZSCORE', KEYS[2], reservation) then
        if state ~= 'S' then
            state = string.format('%.0f', now + tonumber(state))
        end
        redis.call('HSET', KEYS[1], ARGV[i], state .. '|' .. ARGV[i + 2] .. '|' .. reservation)
        written = written + 1
    end
end
return written
