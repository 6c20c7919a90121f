-- A script that Redis runs: by its digest, over a kept connection; sent whole when Redis does not know it.
local redis = require('nginx.redis')
local TIMEOUT_MS = 1000
local KEPT_MS = 60000
local CONNECTIONS = 256 -- kept per worker

local script = {}
local settings

function script.init(given)
  settings = given
end

function script.read(name)
  local file = assert(io.open(settings.scripts .. '/' .. name .. '.lua'))
  local text = file:read('*a')
  file:close()
  local digest = ngx.sha1_bin(text):gsub('.', function(byte)
    return string.format('%02x', byte:byte())
  end)
  return { text = text, digest = digest }
end

local function connection()
  local client = redis:new()
  client:set_timeout(TIMEOUT_MS)
  local connected, why = client:connect(settings.redis)
  if connected and client:get_reused_times() == 0 then
    connected, why = client:select(settings.database)
  end
  return connected and client, why
end

-- Redis' answer, or nil and why not.
function script.run(one, ...)
  local client, why = connection()
  if not client then
    return nil, why
  end
  local answer
  answer, why = client:evalsha(one.digest, ...)
  if not answer and why and why:find('NOSCRIPT', 1, true) then
    answer, why = client:eval(one.text, ...)
  end
  if answer == nil then
    client:close()
    return nil, why
  end
  client:set_keepalive(KEPT_MS, CONNECTIONS)
  return answer, why
end

return script
