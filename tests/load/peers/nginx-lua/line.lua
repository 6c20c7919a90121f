-- The two routes: where one stands, and entering.
local cjson = require('cjson.safe')
local script = require('script')
local token = require('token')
local PRESENT_S = 60
local POLL_S = 30
local UUID = [[^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$]]

local line = {}
local status, enter
local tries_a_minute

function line.init(settings)
  script.init(settings)
  status, enter = script.read('status'), script.read('enter')
  tries_a_minute = settings.tries_a_minute
end

local function reply(code, body)
  ngx.status = code
  ngx.header['Content-Length'] = #body
  ngx.print(body)
end

local function refuse(code, word)
  reply(code, '{"code":"' .. word .. '"}')
end

local refusals = { REVOKED = 401, LIMITED = 429, NONE = 404 }

local function tell_place(schedule, rank, people)
  reply(200, '{"status":"WAITING","scheduleId":"' .. schedule .. '","rank":' .. rank .. ',"people":' .. people ..
    ',"estimatedWaitTime":null,"delayReason":"PAUSED","pollAfter":' .. POLL_S .. ',"token":null}')
end

local function is_schedule(text)
  return type(text) == 'string' and ngx.re.find(text, UUID, 'jo') ~= nil
end

local function fail(why)
  ngx.log(ngx.ERR, 'redis: ', why)
  refuse(503, 'SERVICE_UNAVAILABLE')
end

-- What the script has answered: a refusal, or WAITING with rank and people from this place on.
local function tell(schedule, answer, why, at)
  if not answer then
    return fail(why)
  end
  if answer[1] ~= 'WAITING' then
    return refuse(refusals[answer[1]], answer[1])
  end
  tell_place(schedule, answer[at], answer[at + 1])
end

function line.status()
  local claims = token.claims(ngx.var.http_authorization)
  if not claims then
    return refuse(401, 'TOKEN_INVALID')
  end
  local schedule = ngx.var.arg_scheduleId
  if not is_schedule(schedule) then
    return refuse(400, 'INVALID_REQUEST')
  end
  local answer, why = script.run(status, 4, 'token:revoked:' .. claims.jti, 'tries:' .. claims.sub,
    'present:' .. claims.sub, 'line:' .. schedule, claims.sub, tries_a_minute, PRESENT_S)
  if answer and answer[1] == 'WAITING' then
    ngx.header['RateLimit'] = '"status";r=' .. answer[2]
  end
  tell(schedule, answer, why, 3)
end

function line.enter()
  local claims = token.claims(ngx.var.http_authorization)
  if not claims then
    return refuse(401, 'TOKEN_INVALID')
  end
  ngx.req.read_body()
  local body = cjson.decode(ngx.req.get_body_data() or '')
  local schedule = type(body) == 'table' and body.scheduleId
  if not is_schedule(schedule) then
    return refuse(400, 'INVALID_REQUEST')
  end
  local answer, why = script.run(enter, 2, 'token:revoked:' .. claims.jti, 'line:' .. schedule, claims.sub)
  tell(schedule, answer, why, 2)
end

return line
