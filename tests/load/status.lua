-- GETs one address as many users in turn. Arguments: a file with an access token per line; "bodies" = POSTs instead, of a
-- file with a JSON body per line.
package.path = package.path .. ';tests/load/?.lua'
local summary = require('summary')
local people = require('requests')
local threads = {}
local requests = {}
local next_request = 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  requests = args[2] == 'bodies' and people.bodies(args[1]) or people.read(args[1])
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end

function response(status)
  summary.count(status)
end

function done(total, latency)
  summary.print(total, latency, threads)
end
