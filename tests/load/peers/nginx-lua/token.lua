-- Access tokens: HS256, as common/auth/token.h describes them. HMAC is libcrypto's, which nginx has loaded already; its
-- context is made once and rewound for each token, as lua-resty-hmac does.
local ffi = require('ffi')
local base64 = require('ngx.base64')
local cjson = require('cjson.safe')
local C = ffi.C

ffi.cdef [[
typedef struct hmac_ctx_st HMAC_CTX;
typedef struct evp_md_st EVP_MD;
typedef struct engine_st ENGINE;
HMAC_CTX *HMAC_CTX_new(void);
int HMAC_Init_ex(HMAC_CTX *ctx, const void *key, int len, const EVP_MD *md, ENGINE *impl);
int HMAC_Update(HMAC_CTX *ctx, const char *data, size_t len);
int HMAC_Final(HMAC_CTX *ctx, unsigned char *md, unsigned int *len);
const EVP_MD *EVP_sha256(void);
int CRYPTO_memcmp(const void *a, const void *b, size_t len);
]]

local ISSUER, AUDIENCE, KIND = 'boxoffice', 'boxoffice', 'access'
local SKEW_S = 30
local LENGTH_MAX = 4096
local MAC_SIZE = 32
local token = {}
local contexts = {} -- by kid
local kids = {} -- by a token's first part, once it has been read
local mac = ffi.new('unsigned char[?]', MAC_SIZE)

-- The ring "kid:secret,kid:secret".
function token.init(keys_file)
  local file = assert(io.open(keys_file))
  for kid, secret in file:read('*a'):gmatch('([^:,%s]+):([^,%s]+)') do
    local context = C.HMAC_CTX_new()
    assert(C.HMAC_Init_ex(context, secret, #secret, C.EVP_sha256(), nil) == 1)
    contexts[kid] = context
    kids[base64.encode_base64url('{"alg":"HS256","typ":"JWT","kid":"' .. kid .. '"}')] = kid
    kids[base64.encode_base64url('{"alg":"HS256","kid":"' .. kid .. '","typ":"JWT"}')] = kid
  end
  file:close()
end

local function signature_of(context, signed)
  C.HMAC_Init_ex(context, nil, 0, nil, nil)
  C.HMAC_Update(context, signed, #signed)
  C.HMAC_Final(context, mac, nil)
  return base64.encode_base64url(ffi.string(mac, MAC_SIZE))
end

local function is_signed(text, first_dot, second_dot)
  local context = contexts[kids[text:sub(1, first_dot - 1)]]
  if not context then
    return false
  end
  local expected, given = signature_of(context, text:sub(1, second_dot - 1)), text:sub(second_dot + 1)
  return #expected == #given and C.CRYPTO_memcmp(expected, given, #given) == 0
end

local function holds_now(claims)
  local now = ngx.time()
  return type(claims.exp) == 'number' and claims.exp > now - SKEW_S and type(claims.nbf) == 'number' and
    claims.nbf <= now + SKEW_S and type(claims.iat) == 'number' and claims.iat <= now + SKEW_S
end

-- The claims of a good token in an Authorization header, or nil.
function token.claims(header)
  if not header or #header > LENGTH_MAX or header:sub(1, 7) ~= 'Bearer ' then
    return nil
  end
  local text = header:sub(8)
  local first_dot = text:find('.', 1, true)
  local second_dot = first_dot and text:find('.', first_dot + 1, true)
  if not second_dot or not is_signed(text, first_dot, second_dot) then
    return nil
  end
  local claims = cjson.decode(base64.decode_base64url(text:sub(first_dot + 1, second_dot - 1)) or '')
  local good = type(claims) == 'table' and claims.iss == ISSUER and claims.aud == AUDIENCE and claims.typ == KIND and
    (claims.role == 'USER' or claims.role == 'ADMIN') and type(claims.sub) == 'string' and type(claims.jti) == 'string'
  return good and holds_now(claims) and claims or nil
end

return token
