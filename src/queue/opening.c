#include "src/queue/opening.h"

#include <string.h>

#include "common/base/clock.h"
#include "src/queue/queue_keys.h"
#include "src/queue/queue_settings.h"

extern const struct redis_script redis_script_queue_open;

const struct opening_secret *opening_secret(struct arena *arena, const char *schedule_id)
{
    static struct opening_secret last;
    if (strcmp(last.schedule_id, schedule_id) != 0) {
        unsigned char seed[DRAW_SEED_SIZE], commitment[CRYPTO_SHA256_SIZE];
        draw_seed(queue_key_of(schedule_id), schedule_id, seed);
        crypto_sha256(seed, sizeof seed, commitment);
        memcpy(last.seed, crypto_hex(arena, seed, sizeof seed), sizeof last.seed);
        memcpy(last.commitment, crypto_hex(arena, commitment, sizeof commitment), sizeof last.commitment);
        memcpy(last.schedule_id, schedule_id, sizeof last.schedule_id);
    }
    return &last;
}

static char seen_open[UUID_SIZE];

bool opening_seen(const char *schedule_id)
{
    return strcmp(seen_open, schedule_id) == 0;
}

void opening_saw(const char *schedule_id, bool open)
{
    if (open) {
        memcpy(seen_open, schedule_id, sizeof seen_open);
    } else if (opening_seen(schedule_id)) {
        seen_open[0] = '\0';
    }
}

void opening_pipe(struct redis_pipe *pipe, struct ctx *ctx, const struct schedule *schedule)
{
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule->schedule_id);
    const char *key_list[] = {keys.state, keys.view};
    const struct opening_secret *secret = opening_secret(ctx->arena, schedule->schedule_id);
    REDIS_PIPE(pipe, "SADD", QUEUE_LINES_KEY, schedule->schedule_id);
    redis_pipe_eval_begin(pipe, &redis_script_queue_open, key_list, 2, 4);
    redis_pipe_arg_int(pipe, schedule->sale_start_at / 1000);
    redis_pipe_arg_int(pipe, queue_settings.seal_ms);
    redis_pipe_arg(pipe, secret->seed, strlen(secret->seed));
    redis_pipe_arg(pipe, secret->commitment, strlen(secret->commitment));
}

const struct err *opening_run(struct ctx *ctx, const struct schedule *schedule, bool *open_r)
{
    struct redis_pipe *pipe = redis_pipe_new(ctx);
    opening_pipe(pipe, ctx, schedule);
    const struct redis_value *answers;
    const struct err *e = redis_pipe_run(pipe, &answers);
    for (int i = 0; !e && i < OPENING_COMMANDS; i++) {
        if (answers[i].type != REDIS_INT) {
            log_error(&ctx->log, "the line of '%s' cannot be opened: '%s'", schedule->schedule_id,
                      answers[i].str ? answers[i].str : "");
            e = &err_internal;
        }
    }
    if (!e) {
        *open_r = answers[OPENING_COMMANDS - 1].integer == 1;
    }
    return e;
}

static bool read_seed(const char *hex, unsigned char seed[DRAW_SEED_SIZE])
{
    return strlen(hex) == 2 * DRAW_SEED_SIZE && crypto_unhex(hex, seed, DRAW_SEED_SIZE);
}

/* The draw made last. */
static struct {
    char schedule_id[UUID_SIZE];
    struct draw draw;
} last;

static const struct err *make_draw(struct ctx *ctx, const char *schedule_id, int64_t count)
{
    const struct redis_value *hex;
    unsigned char seed[DRAW_SEED_SIZE];
    const struct err *e = REDIS_RUN(ctx, &hex, "HGET", queue_keys_of(ctx->arena, schedule_id).state, "seed");
    if (e) {
        return e;
    }
    if (count < 0 || count > DRAW_COUNT_MAX || hex->type != REDIS_STR || !read_seed(hex->str, seed)) {
        log_error(&ctx->log, "the draw of '%s' is damaged", schedule_id);
        return &err_internal;
    }
    draw_make(&last.draw, seed, schedule_id, count);
    memcpy(last.schedule_id, schedule_id, sizeof last.schedule_id);
    return NULL;
}

const struct err *opening_draw_of(struct ctx *ctx, const char *schedule_id, int64_t count, const struct draw **draw_r)
{
    const struct err *e = NULL;
    if (strcmp(last.schedule_id, schedule_id) != 0 || last.draw.count != count) {
        e = make_draw(ctx, schedule_id, count);
    }
    if (!e) {
        *draw_r = &last.draw;
    }
    return e;
}
