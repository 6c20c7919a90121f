-- Shared by the wrk scripts: ready-made requests of many users, from a file with an access token per line.
local requests = {}

-- GETs of the address wrk was given, or, with a schedule, POSTs that enter its queue.
function requests.of(token, schedule)
  if not schedule then
    return wrk.format('GET', nil, { Authorization = 'Bearer ' .. token })
  end
  return wrk.format('POST', nil, { Authorization = 'Bearer ' .. token, ['Content-Type'] = 'application/json' },
    '{"scheduleId":"' .. schedule .. '"}')
end

-- part: "k/n" = only the k-th of n parts of the file (from 0).
function requests.read(path, schedule, part)
  local k, n = (part or '0/1'):match('(%d+)/(%d+)')
  k, n = tonumber(k), tonumber(n)
  local list, number = {}, 0
  for token in io.lines(path) do
    if number % n == k then
      list[#list + 1] = requests.of(token, schedule)
    end
    number = number + 1
  end
  return list
end

-- GETs as pages send them, of a file with an access token and a path on each line.
function requests.gets(path)
  local list = {}
  for line in io.lines(path) do
    local token, address = line:match('(%S+) (%S+)')
    list[#list + 1] = wrk.format('GET', address, { Authorization = 'Bearer ' .. token, ['Accept-Encoding'] = 'gzip' })
  end
  return list
end

-- POSTs of JSON bodies, one a line of the file.
function requests.bodies(path)
  local list = {}
  for body in io.lines(path) do
    list[#list + 1] = wrk.format('POST', nil, { ['Content-Type'] = 'application/json' }, body)
  end
  return list
end

return requests
