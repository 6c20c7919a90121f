#include "src/user/lockout.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/crypto/crypto.h"
#include "common/io/redis.h"
#include "src/user/client.h"
#include "src/user/user_errors.h"
#include "src/user/user_settings.h"

/* Of what the tries are counted, from near to far. */
enum scope { SCOPE_ADDRESS, SCOPE_NETWORK, SCOPE_EVERYWHERE, SCOPES };
static const int64_t times_as_many[] = {[SCOPE_ADDRESS] = 1, [SCOPE_NETWORK] = 4, [SCOPE_EVERYWHERE] = 20};

static const int scopes_asked[] = {
    [LOCKOUT_ADDRESS] = SCOPE_ADDRESS + 1, [LOCKOUT_NETWORK] = SCOPE_NETWORK + 1, [LOCKOUT_NEW] = SCOPES};

#define PASSWORD_MARK 8 /* bytes that tell passwords of one account apart */

/* What all keys of an account begin with. */
static const char *keys_of(struct ctx *ctx, const void *blind, size_t len)
{
    return ARENA_JOIN(ctx->arena, "login:{", crypto_hex(ctx->arena, blind, len), "}:");
}

struct login_try lockout_try(struct ctx *ctx, const void *blind, size_t len, const char *password_hash,
                             const char *client_ip, enum lockout_place place)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    const char *password = password_hash ? password_hash : "";
    crypto_sha256(password, strlen(password), digest);
    return (struct login_try){
        .account = ARENA_JOIN(ctx->arena, keys_of(ctx, blind, len), crypto_hex(ctx->arena, digest, PASSWORD_MARK)),
        .ip = client_address(ctx->arena, client_ip),
        .place = place,
    };
}

static const char *key_of(struct ctx *ctx, const struct login_try *login, enum scope scope)
{
    const char *ip = login->ip ? login->ip : "none";
    const char *where[] = {[SCOPE_ADDRESS] = client_host(ctx->arena, ip),
                           [SCOPE_NETWORK] = ARENA_JOIN(ctx->arena, "net:", client_network(ctx->arena, ip)),
                           [SCOPE_EVERYWHERE] = "all"};
    return ARENA_JOIN(ctx->arena, login->account, ":", where[scope]);
}

const struct err *lockout_check(struct ctx *ctx, const struct login_try *login)
{
    int scopes = scopes_asked[login->place];
    const struct redis_value *answers;
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    for (int scope = 0; scope < scopes; scope++) {
        REDIS_PIPE(pipe, "GET", key_of(ctx, login, scope));
        REDIS_PIPE(pipe, "TTL", key_of(ctx, login, scope));
    }
    const struct err *e = redis_pipe_run(pipe, &answers);
    if (e) {
        log_warn(&ctx->log, "wrong passwords are not counted: %s", e->code);
        return NULL;
    }
    int64_t locked_s = 0;
    for (int scope = 0; scope < scopes; scope++) {
        const struct redis_value *count = &answers[2 * scope], *left = &answers[2 * scope + 1];
        int64_t most = cfg_user.login_tries * times_as_many[scope];
        if (count->type == REDIS_STR && atoll(count->str) >= most && left->integer > locked_s) {
            locked_s = left->integer;
        }
    }
    if (locked_s == 0) {
        return NULL;
    }
    ctx->retry_after_s = (int)locked_s;
    return &err_account_locked;
}

void lockout_count(struct ctx *ctx, const struct login_try *login)
{
    const struct redis_value *answers;
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    for (int scope = 0; scope < SCOPES; scope++) {
        REDIS_PIPE(pipe, "INCR", key_of(ctx, login, scope));
        REDIS_PIPE(pipe, "EXPIRE", key_of(ctx, login, scope), arena_int(ctx->arena, cfg_user.login_lock_s), "NX");
    }
    const struct err *e = redis_pipe_run(pipe, &answers);
    if (e) {
        log_warn(&ctx->log, "a wrong password is not counted: %s", e->code);
    }
}

void lockout_forget(struct ctx *ctx, const struct login_try *login)
{
    const struct err *e = REDIS_RUN(ctx, NULL, "DEL", key_of(ctx, login, SCOPE_ADDRESS));
    if (e) {
        log_warn(&ctx->log, "counted passwords are not forgotten: %s", e->code);
    }
}

/* ---- for operators ---- */

typedef const struct err *key_step(struct ctx *ctx, const char *key, void *arg);

static const struct err *each_key(struct ctx *ctx, const char *beginning, key_step *step, void *arg)
{
    const char *cursor = "0";
    const struct err *e = NULL;
    do {
        const struct redis_value *page;
        e = REDIS_RUN(ctx, &page, "SCAN", cursor, "MATCH", ARENA_JOIN(ctx->arena, beginning, "*"), "COUNT", "1000");
        if (e || page->count != 2) {
            return e ? e : &err_internal;
        }
        cursor = redis_str(page, 0);
        for (size_t i = 0; !e && i < page->items[1].count; i++) {
            e = step(ctx, redis_str(&page->items[1], i), arg);
        }
    } while (!e && strcmp(cursor, "0") != 0);
    return e;
}

struct look {
    size_t where_at; /* in a key */
    struct lockout_count *counts;
    size_t most, total;
};

static enum scope scope_of(const char *where)
{
    return strcmp(where, "all") == 0        ? SCOPE_EVERYWHERE
           : strncmp(where, "net:", 4) == 0 ? SCOPE_NETWORK
                                            : SCOPE_ADDRESS;
}

/* In a free place, or in that of one that matters less. */
static void note(struct look *look, const struct lockout_count *count)
{
    if (look->total++ < look->most) {
        look->counts[look->total - 1] = *count;
        return;
    }
    bool matters = count->locked || scope_of(count->where) == SCOPE_EVERYWHERE;
    for (size_t i = 0; matters && i < look->most; i++) {
        if (!look->counts[i].locked && scope_of(look->counts[i].where) != SCOPE_EVERYWHERE) {
            look->counts[i] = *count;
            return;
        }
    }
}

static const struct err *look_at(struct ctx *ctx, const char *key, void *arg)
{
    struct look *look = arg;
    const struct redis_value *answers;
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    REDIS_PIPE(pipe, "GET", key);
    REDIS_PIPE(pipe, "TTL", key);
    const struct err *e = redis_pipe_run(pipe, &answers);
    if (e || answers[0].type != REDIS_STR || strlen(key) <= look->where_at) {
        return e; /* nothing: it has ended just now */
    }
    const char *where = key + look->where_at;
    int64_t tries = atoll(answers[0].str), most = cfg_user.login_tries * times_as_many[scope_of(where)];
    note(look,
         &(struct lockout_count){
             .where = where, .tries = tries, .most = most, .left_s = answers[1].integer, .locked = tries >= most});
    return NULL;
}

/* Who is kept out first, then the wider places. */
static int compare_counts(const void *a, const void *b)
{
    const struct lockout_count *one = a, *other = b;
    return one->locked != other->locked ? other->locked - one->locked
                                        : (int)scope_of(other->where) - (int)scope_of(one->where);
}

const struct err *lockout_look(struct ctx *ctx, const struct login_try *login, struct lockout_count *counts,
                               size_t most, size_t *total_r)
{
    const char *beginning = ARENA_JOIN(ctx->arena, login->account, ":");
    struct look look = {.where_at = strlen(beginning), .counts = counts, .most = most};
    const struct err *e = each_key(ctx, beginning, look_at, &look);
    qsort(counts, look.total < most ? look.total : most, sizeof *counts, compare_counts);
    *total_r = look.total;
    return e;
}

static const struct err *clear(struct ctx *ctx, const char *key, void *unused)
{
    (void)unused;
    return REDIS_RUN(ctx, NULL, "DEL", key);
}

const struct err *lockout_clear(struct ctx *ctx, const void *blind, size_t len)
{
    return each_key(ctx, keys_of(ctx, blind, len), clear, NULL);
}
