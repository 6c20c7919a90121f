#include "src/user/identity.h"

#include "common/base/clock.h"
#include "common/io/redis.h"
#include "src/user/user_errors.h"
#include "src/user/user_settings.h"

#define ID_FIELD "identityVerificationId"

const struct err *identity_refused(struct ctx *ctx, const char *field, const char *reason)
{
    (void)ctx_invalid(ctx, field, "%s", reason);
    return &err_identity_not_verified;
}

const struct err *identity_fetch(struct ctx *ctx, const char *verification_id, struct portone_identity *identity_r)
{
    struct portone_identity identity;
    const struct err *e = portone_identity(ctx, verification_id, &identity);
    if (e == &err_not_found) {
        return identity_refused(ctx, ID_FIELD, "is not known");
    }
    if (e) {
        return e;
    }
    if (!identity.verified) {
        return identity_refused(ctx, ID_FIELD, "has not been completed");
    }
    if (clock_now() - identity.verified_at > cfg_user.identity_s * CLOCK_SECOND) {
        return identity_refused(ctx, ID_FIELD, "is too old");
    }
    if (!identity.ci || !identity.name) {
        return identity_refused(ctx, ID_FIELD, "does not identify the person");
    }
    *identity_r = identity;
    return NULL;
}

const struct err *identity_use(struct ctx *ctx, const char *verification_id)
{
    const struct redis_value *answer;
    const struct err *e = REDIS_RUN(ctx, &answer, "SET", ARENA_JOIN(ctx->arena, "identity:used:", verification_id), "1",
                                    "NX", "EX", arena_int(ctx->arena, cfg_user.identity_s));
    if (e) {
        return e;
    }
    return answer->type == REDIS_NIL ? identity_refused(ctx, ID_FIELD, "has been used") : NULL;
}
