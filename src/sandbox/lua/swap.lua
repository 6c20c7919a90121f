-- Replaces a document if nobody else has done so since it was read.
-- KEYS: document, index (sorted set of members by first appearance)
-- ARGV: the text that was read ('' = no document), the new text, the document's member in the index
-- Answer: 1 replaced, 0 the document is another one by now
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], 'NX', redis.call('ZCARD', KEYS[2]) + 1, ARGV[3])
return 1
