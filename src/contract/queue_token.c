#include "src/contract/queue_token.h"

#include <string.h>

#include "common/redis.h"
#include "common/uuid.h"

ERR_QUEUE_TOKEN_LIST(ERR_DEFINE)

char *queue_token_key(struct arena *arena, const char *schedule_id, const char *token)
{
    return arena_printf(arena, "queue:{%s}:token:%s", schedule_id, token);
}

static bool well_formed(const char *token)
{
    size_t prefix = strlen(QUEUE_TOKEN_PREFIX);
    return token != NULL && strncmp(token, QUEUE_TOKEN_PREFIX, prefix) == 0 && uuid_valid(token + prefix);
}

const struct err *queue_token_check(struct ctx *ctx, const char *token, const char *user_id, const char *schedule_id)
{
    if (!well_formed(token)) {
        return &err_queue_token_invalid;
    }
    const struct redis_value *owner;
    const struct err *e = REDIS_RUN(ctx, &owner, "GET", queue_token_key(ctx->arena, schedule_id, token));
    if (e != NULL) {
        return e == &err_uncertain ? &err_unavailable : e; /* a lost read has changed nothing */
    }
    return owner->type == REDIS_STR && strcmp(owner->str, user_id) == 0 ? NULL : &err_queue_token_invalid;
}
