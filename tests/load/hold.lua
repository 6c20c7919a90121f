-- POSTs one hold per line of a file: access token, queue token, seats as JSON.
-- Arguments: the file; "k/n" = use the k-th of n parts (from 0); the schedule.
package.path = package.path .. ';tests/load/?.lua'
local summary = require('summary')
local threads = {}
local requests = {}
local next_request = 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local part, parts = args[2]:match('(%d+)/(%d+)')
  local number = 0
  for line in io.lines(args[1]) do
    if number % tonumber(parts) == tonumber(part) then
      local access, queue, seats = line:match('^(%S+) (%S+) (.*)$')
      requests[#requests + 1] = wrk.format('POST', nil, {
        Authorization = 'Bearer ' .. access, ['X-Queue-Token'] = queue, ['Content-Type'] = 'application/json',
      }, '{"scheduleId":"' .. args[3] .. '","seatIds":' .. seats .. '}')
    end
    number = number + 1
  end
end

function request()
  next_request = next_request + 1
  if next_request > #requests then
    io.stderr:write('hold.lua: more requests than orders: shorten the run\n')
    os.exit(1)
  end
  return requests[next_request]
end

function response(status)
  summary.count(status)
end

function done(total, latency)
  summary.print(total, latency, threads)
end
