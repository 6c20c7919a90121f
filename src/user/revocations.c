#include "src/user/revocations.h"

#include <stdlib.h>
#include <string.h>

#include "common/auth/token.h"
#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "sql/revocations.h"
#include "src/user/session.h"

#define REMEMBERED "token:{remembered}"
#define TELLING_S "3600"
#define BATCH 1000
#define UNDER_WAY_S 300

/* Up to when everything has been told; CLOCK_NONE: it is not known, as everything was lost. */
static const struct err *look(struct ctx *ctx, int64_t *told_until_r)
{
    const struct redis_value *found;
    const struct err *e = REDIS_RUN(ctx, &found, "GET", REMEMBERED);
    if (!e) {
        *told_until_r = found->type == REDIS_STR ? strtoll(found->str, NULL, 10) * CLOCK_SECOND : CLOCK_NONE;
    }
    return e;
}

/* Where a walk has come to. */
struct place {
    int64_t at;
    char id[UUID_SIZE];
};

/* `at`: the column by which they are in order. */
static const struct err *tell_sessions(struct ctx *ctx, const struct db_stmt *which, const char *at,
                                       struct place *place, size_t *told_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, which, &rows, DB_TIME(place->at), DB_TEXT(place->id), DB_INT(BATCH));
    e = e ? e : session_blacklist_rows(ctx, rows);
    *told_r = e ? 0 : db_count(rows);
    if (*told_r > 0) {
        place->at = db_time(rows, *told_r - 1, at);
        memcpy(place->id, db_str(rows, *told_r - 1, "access_jti"), UUID_SIZE);
    }
    return e;
}

static const struct err *tell_ended(struct ctx *ctx, struct place *place, size_t *told_r)
{
    return tell_sessions(ctx, &sql_revocations_ended, "access_expires_at", place, told_r);
}

static const struct err *tell_ended_lately(struct ctx *ctx, struct place *place, size_t *told_r)
{
    return tell_sessions(ctx, &sql_revocations_ended_lately, "revoked_at", place, told_r);
}

static const struct err *tell_demoted(struct ctx *ctx, struct place *place, size_t *told_r)
{
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_revocations_demoted, &rows, DB_TIME(place->at), DB_TEXT(place->id), DB_INT(BATCH));
    for (size_t i = 0; !e && i < db_count(rows); i++) {
        e = token_demote(ctx, db_str(rows, i, "id"));
    }
    *told_r = e ? 0 : db_count(rows);
    if (*told_r > 0) {
        place->at = db_time(rows, *told_r - 1, "demoted_at");
        memcpy(place->id, db_str(rows, *told_r - 1, "id"), UUID_SIZE);
    }
    return e;
}

typedef const struct err *tell_step(struct ctx *ctx, struct place *place, size_t *told_r);

static const struct err *tell_all(struct ctx *ctx, tell_step *step, int64_t from, int64_t *done_r)
{
    struct place place = {.at = from, .id = UUID_NIL};
    const struct err *e;
    size_t told = 0;
    do {
        ctx_begin(ctx, NULL, NULL);
        e = step(ctx, &place, &told);
        *done_r += (int64_t)told;
    } while (!e && told == BATCH);
    return e;
}

static const char *seconds(struct ctx *ctx, int64_t at)
{
    return arena_int(ctx->arena, at / CLOCK_SECOND);
}

/* Only when what was written at the beginning is still there: nothing was lost meanwhile. */
static const struct err *finish(struct ctx *ctx, const char *telling)
{
    const struct redis_value *there;
    const struct err *e = REDIS_RUN(ctx, &there, "EXISTS", telling);
    if (!e && there->integer == 0) {
        return &err_conflict; /* the next run tells all of it again */
    }
    e = e ? e : REDIS_RUN(ctx, NULL, "RENAME", telling, REMEMBERED);
    return e ? e : REDIS_RUN(ctx, NULL, "PERSIST", REMEMBERED);
}

static const struct err *restore(struct ctx *ctx, int64_t now, int64_t *done_r)
{
    char run[UUID_SIZE];
    const char *telling = ARENA_JOIN(ctx->arena, REMEMBERED, ":", uuid_v4(run));
    const struct err *e = REDIS_RUN(ctx, NULL, "SET", telling, seconds(ctx, now), "EX", TELLING_S);
    e = e ? e : tell_all(ctx, tell_ended, 0, done_r);
    e = e ? e : tell_all(ctx, tell_demoted, 0, done_r);
    return e ? e : finish(ctx, ARENA_JOIN(ctx->arena, REMEMBERED, ":", run));
}

/* What happened since, and what was under way then. */
static const struct err *tell_lately(struct ctx *ctx, int64_t told_until, int64_t now, int64_t *done_r)
{
    int64_t from = told_until - UNDER_WAY_S * CLOCK_SECOND;
    const struct err *e = tell_all(ctx, tell_ended_lately, from, done_r);
    e = e ? e : tell_all(ctx, tell_demoted, from, done_r);
    /* XX: what was lost meanwhile stays lost, and the next run notices. */
    return e ? e : REDIS_RUN(ctx, NULL, "SET", REMEMBERED, seconds(ctx, now), "XX");
}

const struct err *revocations_tell(struct ctx *ctx, int64_t *done_r)
{
    int64_t now = clock_now(), told_until;
    ctx_begin(ctx, NULL, NULL);
    const struct err *e = look(ctx, &told_until);
    return e ? e : told_until == CLOCK_NONE ? restore(ctx, now, done_r) : tell_lately(ctx, told_until, now, done_r);
}
