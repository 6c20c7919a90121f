#include "src/sandbox/sandbox_captcha.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "src/providers/sandbox_credentials.h"
#include "src/sandbox/sandbox_state.h"

#define TOKEN_LIFE_S 120
#define TOKEN_PREFIX "sandbox-solved-"

static const char *token_key(struct ctx *ctx, const char *token)
{
    return arena_printf(ctx->arena, SANDBOX_KEY("captcha:%s"), token);
}

const struct err *sandbox_captcha_solve(struct ctx *ctx, const char **token_r)
{
    char id[UUID_SIZE];
    const char *token = arena_printf(ctx->arena, TOKEN_PREFIX "%s", uuid_v4(id));
    const char *now = arena_int(ctx->arena, clock_now());
    const struct err *e = sandbox_store(ctx, token_key(ctx, token), now, TOKEN_LIFE_S);
    if (!e) {
        *token_r = token;
    }
    return e;
}

static const struct err *verify_once(struct ctx *ctx, const char *token, struct sandbox_captcha *captcha_r)
{
    const char *solved_at;
    const struct err *e = sandbox_take(ctx, token_key(ctx, token), &solved_at);
    if (e) {
        return e;
    }
    if (solved_at == NULL) {
        captcha_r->error = "timeout-or-duplicate";
    } else {
        captcha_r->solved_at = strtoll(solved_at, NULL, 10);
    }
    return NULL;
}

const struct err *sandbox_captcha_verify(struct ctx *ctx, const char *secret, const char *token,
                                         struct sandbox_captcha *captcha_r)
{
    *captcha_r = (struct sandbox_captcha){.solved_at = clock_now(), .hostname = SANDBOX_RECAPTCHA_HOSTNAME};
    if (secret == NULL) {
        captcha_r->error = "missing-input-secret";
    } else if (strcmp(secret, SANDBOX_RECAPTCHA_SECRET) != 0) {
        captcha_r->error = "invalid-input-secret";
    } else if (token == NULL) {
        captcha_r->error = "missing-input-response";
    } else if (strncmp(token, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) == 0) {
        return verify_once(ctx, token, captcha_r);
    } else if (strcmp(token, "sandbox-pass") != 0) {
        captcha_r->error = "invalid-input-response";
    }
    return NULL;
}
