-- Keeps a copy that was made, unless somebody else makes it by now. What was made while it changed may be older than the
-- change: it is kept as an old copy, so that who asks next makes it anew.
--
-- KEYS 1 who makes it, 2 the copy; ARGV 1 the name of who has made it, 2 the copy, 3 its life in ms, 4 that of an old
-- one, 5 the percentage of maxmemory beyond which no further one is kept, 0 for any
local function is_full(percent)
  local memory = redis.call('INFO', 'memory')
  local most = tonumber(memory:match('\nmaxmemory:(%d+)'))
  return most > 0 and tonumber(memory:match('\nused_memory:(%d+)')) > most * percent / 100
end

local maker = redis.call('GET', KEYS[1])
if maker ~= ARGV[1] and maker ~= ARGV[1] .. '!' then
  return false
end
local life = tonumber(ARGV[3])
if maker ~= ARGV[1] then
  life = math.min(life, tonumber(ARGV[4]))
end
redis.call('DEL', KEYS[1])
local percent = tonumber(ARGV[5])
if percent > 0 and redis.call('EXISTS', KEYS[2]) == 0 and is_full(percent) then
  return false
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', life)
return true
