-- Where a person waits, that they are still there, and that they do not ask too often (QUEUE-002, QUEUE-008). What nearly
-- everybody who asks needs, in few commands; whoever is not simply waiting is sent on.
--
-- KEYS 1 people, 2 seen, 3 view, 4 gone
-- ARGV 1 user (16 bytes), 2 a random number 0-999, 3 tries a minute, 4 longest pollAfter in s
-- Answers {state, tries left, seconds until there are more, ...}:
--   NONE, LIMITED, CLOSED
--   VIEW      nobody has looked after the line yet: let an approver's step do so, and ask again
--   DRAW      number, count: note the drawn place, and ask again
--   CALLED    number, poll after in s
--   PRE_OPEN  number, opening in ms, poll after in s
--   WAITING   number, place, rank, wait in s (-1: not known), poll after in s, reason ('', SOLD_OUT, PAUSED, FULL, SLOWER)
-- include tell.lua

local record = redis.call('HGET', KEYS[1], ARGV[1])
return record and tell(record) or {'NONE'}
