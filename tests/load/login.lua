-- POSTs one body after the other from a file with a JSON body per line, beginning anew after the last.
package.path = package.path .. ';tests/load/?.lua'
local summary = require('summary')
local threads = {}
local bodies = {}
local next_body = 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  for body in io.lines(args[1]) do
    bodies[#bodies + 1] = wrk.format('POST', nil, { ['Content-Type'] = 'application/json' }, body)
  end
end

function request()
  next_body = next_body % #bodies + 1
  return bodies[next_body]
end

function response(status)
  summary.count(status)
end

function done(total, latency)
  summary.print(total, latency, threads)
end
