-- GETs one address. See summary.lua for what is printed.
package.path = package.path .. ';tests/load/?.lua'
local summary = require('summary')
local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function response(status)
  summary.count(status)
end

function done(total, latency)
  summary.print(total, latency, threads)
end
