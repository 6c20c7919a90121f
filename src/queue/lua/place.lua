-- Notes the place that the draw has given a person.
--
-- KEYS 1 people
-- ARGV 1 user (16 bytes), 2 number, 3 place
-- Answers 1 when it is noted now, 0 when the person has it already, or is gone.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
return 1
