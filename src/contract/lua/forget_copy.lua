-- What a copy was made of has changed: the copy is old, and so is the one that is being made. A store that was away is
-- there again.
--
-- KEYS 1 who makes it, 2 the copy; ARGV 1 the life of an old copy in ms
local maker = redis.call('GET', KEYS[1])
if maker == 'away' then
  redis.call('DEL', KEYS[1])
elseif maker and string.sub(maker, -1) ~= '!' then
  redis.call('SET', KEYS[1], maker .. '!', 'KEEPTTL')
end
return redis.call('PEXPIRE', KEYS[2], ARGV[1], 'LT')
