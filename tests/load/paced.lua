-- An open loop: so many requests a second, each at its own time whether or not earlier ones have been answered, as long
-- as there are connections enough. Many users ask in turn.
-- Arguments: a file with an access token per line; requests per second; a schedule to enter, or "gets" when each line also
-- has a path to read (none: read the address).
package.path = package.path .. ';tests/load/?.lua'
local summary = require('summary')
local people = require('requests')
local ffi = require('ffi')
ffi.cdef [[
  struct box_moment { long seconds; long nanoseconds; };
  int clock_gettime(int clock, struct box_moment *moment);
]]
local MONOTONIC = 1
local moment = ffi.new('struct box_moment')
local threads = {}
local requests = {}
local next_request = 0
local interval_ms
local slot_ms

local function now_ms()
  ffi.C.clock_gettime(MONOTONIC, moment)
  return tonumber(moment.seconds) * 1000 + tonumber(moment.nanoseconds) / 1e6
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  requests = args[3] == 'gets' and people.gets(args[1]) or people.read(args[1], args[3])
  interval_ms = 1000 / tonumber(args[2])
end

function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end

function delay()
  local now = now_ms()
  slot_ms = slot_ms or now
  slot_ms = slot_ms + interval_ms
  return math.max(0, math.floor(slot_ms - now))
end

function response(status)
  summary.count(status)
end

function done(total, latency)
  summary.print(total, latency, threads)
end
