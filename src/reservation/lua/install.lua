-- Puts a freshly read catalogue and its claims into use, both or neither. The first of several loaders wins.
-- Claims of reservations that went while they were read are left out.
-- KEYS: catalogue, claims (see hold.lua), gone (see release.lua), new catalogue, new claims
-- ARGV: life in seconds
-- Answer: 1 installed, 0 somebody else was first
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('HEXISTS', KEYS[2], '') == 1 then
    redis.call('UNLINK', KEYS[4], KEYS[5])
    return 0
end
redis.call('RENAME', KEYS[4], KEYS[1])
redis.call('RENAME', KEYS[5], KEYS[2])
if redis.call('EXISTS', KEYS[3]) == 1 then
    local claims = redis.call('HGETALL', KEYS[2])
    for i = 1, #claims, 2 do
        local reservation = string.match(claims[i + 1], '|([^|]*)$')
        if reservation and redis.call('ZSCORE', KEYS[3], reservation) then
            redis.call('HDEL', KEYS[2], claims[i])
        end
    end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return 1
