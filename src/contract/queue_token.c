#include "src/contract/queue_token.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/redis.h"

#define QUEUE_TOKEN_DONE "done:" /* written by src/queue/lua/admit.lua */
#define FINISHED_S 3600

ERR_QUEUE_TOKEN_LIST(ERR_DEFINE)

char *queue_token_key(struct arena *arena, const char *schedule_id, const char *token)
{
    return ARENA_JOIN(arena, "queue:{", schedule_id, "}:token:", token);
}

static bool well_formed(const char *token)
{
    size_t prefix = strlen(QUEUE_TOKEN_PREFIX);
    return token != NULL && strncmp(token, QUEUE_TOKEN_PREFIX, prefix) == 0 && uuid_valid(token + prefix);
}

enum ownership { OWNER_NONE, OWNER_SELF, OWNER_OTHER };

static const struct err *find_owner(struct ctx *ctx, const char *token, const char *user_id, const char *schedule_id,
                                    enum ownership *owner_r)
{
    const struct redis_value *value;
    const struct err *e = REDIS_RUN(ctx, &value, "GET", queue_token_key(ctx->arena, schedule_id, token));
    if (e) {
        return err_of_read(e);
    }
    *owner_r = OWNER_NONE;
    if (value->type == REDIS_STR) {
        bool done = strncmp(value->str, QUEUE_TOKEN_DONE, strlen(QUEUE_TOKEN_DONE)) == 0;
        const char *owner = value->str + (done ? strlen(QUEUE_TOKEN_DONE) : 0);
        *owner_r = strcmp(owner, user_id) == 0 ? OWNER_SELF : OWNER_OTHER;
    }
    return NULL;
}

const struct err *queue_token_check(struct ctx *ctx, const char *token, const char *user_id, const char *schedule_id)
{
    if (!well_formed(token)) {
        return &err_queue_token_invalid;
    }
    enum ownership owner;
    const struct err *e = find_owner(ctx, token, user_id, schedule_id, &owner);
    return e ? e : owner == OWNER_SELF ? NULL : &err_queue_token_invalid;
}

const struct err *queue_token_check_sent(struct ctx *ctx, const char *token, const char *user_id,
                                         const char *schedule_id)
{
    enum ownership owner;
    if (!token || find_owner(ctx, token, user_id, schedule_id, &owner) != NULL) {
        return NULL;
    }
    return owner == OWNER_OTHER ? &err_queue_token_invalid : NULL;
}

const struct err *queue_token_finish(struct ctx *ctx, const char *user_id, const char *schedule_id, int64_t bought_at)
{
    if (clock_now() - bought_at > FINISHED_S * CLOCK_SECOND) {
        return NULL;
    }
    const char *finished = ARENA_JOIN(ctx->arena, "queue:{", schedule_id, "}:finished");
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "SADD", finished, user_id);
    REDIS_PIPE(pipe, "EXPIRE", finished,
               arena_int(ctx->arena, FINISHED_S)); /* a line that nobody looks after any more */
    return redis_pipe_run(pipe, NULL);
}
