-- Puts a freshly read catalogue and its claims into use, both or neither. The first of several loaders wins.
-- KEYS: catalogue, claims (see hold.lua), new catalogue, new claims
-- ARGV: life in seconds
-- Answer: 1 installed, 0 somebody else was first
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('HEXISTS', KEYS[2], '') == 1 then
    redis.call('UNLINK', KEYS[3], KEYS[4])
    return 0
end
redis.call('RENAME', KEYS[3], KEYS[1])
redis.call('RENAME', KEYS[4], KEYS[2])
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return 1
