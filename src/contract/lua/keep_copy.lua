-- Keeps a copy that was made, unless somebody else makes it by now. What was made while it changed may be older than the
-- change: it is kept as an old copy, so that who asks next makes it anew.
--
-- KEYS 1 who makes it, 2 the copy; ARGV 1 the name of who has made it, 2 the copy, 3 its life in ms, 4 that of an old one
local maker = redis.call('GET', KEYS[1])
if maker ~= ARGV[1] and maker ~= ARGV[1] .. '!' then
  return false
end
local life = tonumber(ARGV[3])
if maker ~= ARGV[1] then
  life = math.min(life, tonumber(ARGV[4]))
end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', life)
return true
