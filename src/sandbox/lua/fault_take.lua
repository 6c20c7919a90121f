-- Finds the fault that strikes one call, and counts it.
-- KEYS: list of ordered faults (JSON), epoch of the orders
-- ARGV: target, operation, a random number 0-999999
-- Answer: {epoch, fault's JSON}; {epoch} when none strikes
local answer = { redis.call('GET', KEYS[2]) or '' }
for index, text in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
    local fault = cjson.decode(text)
    if fault.target == ARGV[1] and (fault.operation or ARGV[2]) == ARGV[2] and tonumber(ARGV[3]) < fault.sharePpm then
        answer[2] = text
        if fault.times == 1 then
            redis.call('LREM', KEYS[1], 1, text)
        elseif fault.times > 1 then
            fault.times = fault.times - 1
            redis.call('LSET', KEYS[1], index - 1, cjson.encode(fault))
        end
        return answer
    end
end
return answer
