#include "src/sandbox/sandbox_login.h"

#include <string.h>

#include "common/crypto/uuid.h"
#include "src/providers/sandbox_credentials.h"
#include "src/sandbox/sandbox_errors.h"
#include "src/sandbox/sandbox_state.h"

#define ACCESS_S (30 * 60)
#define REFRESH_S (24 * 60 * 60)
#define REFRESH_TOKEN SANDBOX_KEY("refresh-token")
#define SCHEME_SECRET "PortOne "
#define SCHEME_TOKEN "Bearer "

static const char *access_key(struct ctx *ctx, const char *token)
{
    return arena_printf(ctx->arena, SANDBOX_KEY("access-token:%s"), token);
}

static const char *new_token(struct ctx *ctx)
{
    char id[UUID_SIZE];
    return arena_strdup(ctx->arena, uuid_v4(id));
}

static const struct err *grant(struct ctx *ctx, struct sandbox_login *login_r)
{
    struct sandbox_login login = {new_token(ctx), new_token(ctx)};
    const struct err *e = sandbox_store(ctx, access_key(ctx, login.access_token), "1", ACCESS_S);
    e = e ? e : sandbox_store(ctx, REFRESH_TOKEN, login.refresh_token, REFRESH_S);
    if (!e) {
        *login_r = login;
    }
    return e;
}

const struct err *sandbox_login(struct ctx *ctx, const char *api_secret, struct sandbox_login *login_r)
{
    return strcmp(api_secret, SANDBOX_PORTONE_SECRET) == 0 ? grant(ctx, login_r) : &err_sandbox_unauthorized;
}

const struct err *sandbox_login_refresh(struct ctx *ctx, const char *refresh_token, struct sandbox_login *login_r)
{
    const char *live;
    const struct err *e = sandbox_load(ctx, REFRESH_TOKEN, &live);
    if (e) {
        return e;
    }
    if (live == NULL || strcmp(live, refresh_token) != 0) {
        return &err_sandbox_unauthorized;
    }
    return grant(ctx, login_r);
}

const struct err *sandbox_authorise(struct ctx *ctx, const char *authorization)
{
    if (authorization == NULL) {
        return &err_sandbox_unauthorized;
    }
    if (strcmp(authorization, SCHEME_SECRET SANDBOX_PORTONE_SECRET) == 0) {
        return NULL;
    }
    if (strncmp(authorization, SCHEME_TOKEN, strlen(SCHEME_TOKEN)) != 0) {
        return &err_sandbox_unauthorized;
    }
    const char *known;
    const struct err *e = sandbox_load(ctx, access_key(ctx, authorization + strlen(SCHEME_TOKEN)), &known);
    if (e) {
        return e;
    }
    return known == NULL ? &err_sandbox_unauthorized : NULL;
}
