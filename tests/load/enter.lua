-- POSTs /queue/enter once per line of a file with an access token per line.
-- Arguments: the file; "k/n" = use the k-th of n parts (from 0); the schedule; "again" = begin anew after the last line.
package.path = package.path .. ';tests/load/?.lua'
local summary = require('summary')
local people = require('requests')
local threads = {}
local requests = {}
local next_request = 0
local again

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  requests = people.read(args[1], args[3], args[2])
  again = args[4] == 'again'
end

function request()
  next_request = next_request + 1
  if next_request > #requests and again then
    next_request = 1
  elseif next_request > #requests then
    io.stderr:write('enter.lua: more requests than users: shorten the run\n')
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
