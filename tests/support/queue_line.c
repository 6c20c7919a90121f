#include "tests/support/queue_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/io/redis.h"
#include "src/queue/line.h"
#include "src/queue/queue_settings.h"
#include "tests/support/fixture.h"
#include "tests/support/sale.h"

#define VANISHED "\0\0\0\1" /* expected back in 2026 at the latest */

static void set_settings(void)
{
    queue_settings = (struct queue_settings){
        .key = "queue-key-of-these-tests-0123456789ab",
        .pre_open_s = 3600,
        .seal_ms = 0,
        .token_s = 600,
        .arrival_s = 120,
        .tries_a_minute = 15,
        .poll_max_s = 120,
        .tick_ms = 200,
        .tick_most = 1000,
        .catch_up_ms = 1000,
        .closing_tick_ms = 1000,
        .closing_grace_s = 60,
        .kept_s = 600,
    };
    cfg_schedule.cache_s = 60;
}

static void begin(struct queue_line *line)
{
    uuid_v7(line->id);
    line->schedule = sale_schedule(&(struct sale){.schedule_id = line->id});
    line->schedule.admission_rate = 10;
    queue_line_publish(line);
    line->keys = queue_keys_of(line->ctx->arena, line->id);
    queue_line_set(line, "paused", "1");
}

int queue_line_set_up(void **state)
{
    struct queue_line *line = calloc(1, sizeof *line);
    set_settings();
    line->ctx = fixture_ctx(NULL, NEED_REDIS | NEED_HTTP);
    begin(line);
    *state = line;
    return 0;
}

int queue_line_tear_down(void **state)
{
    struct queue_line *line = *state;
    const struct queue_keys *keys = &line->keys;
    const struct err *e =
        REDIS_RUN(line->ctx, NULL, "DEL", keys->state, keys->view, keys->seen, keys->used, keys->gone, keys->early,
                  keys->joined, keys->called, keys->returning, keys->active, keys->finished);
    for (unsigned shard = 0; !e && shard < QUEUE_SHARDS; shard++) {
        e = REDIS_RUN(line->ctx, NULL, "DEL", queue_people_key(line->ctx->arena, keys, shard));
    }
    e = e ? e : REDIS_RUN(line->ctx, NULL, "SREM", QUEUE_SCHEDULES_KEY, line->id);
    fixture_free(&line->ctx);
    free(line);
    return e ? 1 : 0;
}

struct queue_line queue_line_beside(const struct queue_line *line)
{
    struct queue_line other = {.ctx = line->ctx};
    begin(&other);
    return other;
}

void queue_line_publish(struct queue_line *line)
{
    sale_publish(line->ctx, &line->schedule);
}

const char *queue_line_user(struct queue_line *line)
{
    char id[UUID_SIZE];
    return arena_strdup(line->ctx->arena, uuid_v7(id));
}

struct queue_place queue_line_enter(struct queue_line *line, const char *user)
{
    struct queue_place place = {0};
    const struct queue_caller caller = {user, NULL};
    assert_null(queue_enter(line->ctx, &caller, line->id, NULL, &place));
    return place;
}

const char *queue_line_newcomer(struct queue_line *line)
{
    const char *user = queue_line_user(line);
    queue_line_enter(line, user);
    return user;
}

const struct err *queue_line_ask(struct queue_line *line, const char *user, struct queue_place *place)
{
    const struct queue_caller caller = {user, NULL};
    return queue_status(line->ctx, &caller, line->id, place);
}

struct queue_place queue_line_status(struct queue_line *line, const char *user)
{
    struct queue_place place = {0};
    assert_null(queue_line_ask(line, user, &place));
    return place;
}

struct queue_place queue_line_status_running(struct queue_line *line, const char *user)
{
    queue_line_set(line, "credit", "-1000000000");
    queue_line_set(line, "credited_us", NULL);
    queue_line_set(line, "paused", NULL);
    struct queue_place place = queue_line_status(line, user);
    queue_line_set(line, "paused", "1");
    return place;
}

struct queue_admission queue_line_admit(struct queue_line *line, int64_t ms)
{
    struct queue_admission admission = {0};
    const struct redis_value *time;
    assert_null(REDIS_RUN(line->ctx, &time, "TIME"));
    int64_t then = redis_int(time, 0) * 1000000 + redis_int(time, 1) - ms * 1000;
    queue_line_set(line, "credit", "0");
    queue_line_set(line, "credited_us", arena_printf(line->ctx->arena, "%lld", (long long)then));
    queue_line_set(line, "paused", NULL);
    assert_null(queue_admit(line->ctx, &line->schedule, &admission));
    queue_line_set(line, "paused", "1");
    return admission;
}

void queue_line_vanish(struct queue_line *line, int64_t number)
{
    struct redis_pipe *pipe = redis_pipe_new(line->ctx);
    redis_pipe_begin(pipe, 4);
    redis_pipe_arg(pipe, "SETRANGE", strlen("SETRANGE"));
    redis_pipe_arg(pipe, line->keys.seen, strlen(line->keys.seen));
    redis_pipe_arg_int(pipe, number * 8);
    redis_pipe_arg(pipe, VANISHED, 4);
    assert_null(redis_pipe_run(pipe, NULL));
}

void queue_line_set(struct queue_line *line, const char *field, const char *value)
{
    struct redis_pipe *pipe = redis_pipe_new(line->ctx);
    if (value) {
        REDIS_PIPE(pipe, "HSET", line->keys.state, field, value);
    } else {
        REDIS_PIPE(pipe, "HDEL", line->keys.state, field);
    }
    REDIS_PIPE(pipe, "DEL", line->keys.view);
    assert_null(redis_pipe_run(pipe, NULL));
}

const char *queue_line_get(struct queue_line *line, const char *field)
{
    const struct redis_value *value;
    assert_null(REDIS_RUN(line->ctx, &value, "HGET", line->keys.state, field));
    return value->type == REDIS_STR ? value->str : NULL;
}

void queue_line_fill(struct queue_line *line, const char **users, int count)
{
    for (int i = 0; i < count; i++) {
        users[i] = queue_line_newcomer(line);
    }
}

struct line queue_line_look(struct queue_line *line)
{
    struct line now;
    assert_null(line_find(line->ctx, line->id, &now));
    return now;
}

int64_t queue_line_size(struct queue_line *line, const char *command, const char *key)
{
    const struct redis_value *size;
    assert_null(REDIS_RUN(line->ctx, &size, command, key));
    return size->integer;
}

void queue_line_end_now(struct queue_line *line, const char *zset)
{
    const struct redis_value *members;
    assert_null(REDIS_RUN(line->ctx, &members, "ZRANGE", zset, "0", "-1"));
    for (size_t i = 0; i < members->count; i++) {
        struct redis_pipe *pipe = redis_pipe_new(line->ctx);
        redis_pipe_begin(pipe, 4);
        redis_pipe_arg(pipe, "ZADD", 4);
        redis_pipe_arg(pipe, zset, strlen(zset));
        redis_pipe_arg(pipe, "1", 1);
        redis_pipe_arg(pipe, members->items[i].str, members->items[i].len);
        assert_null(redis_pipe_run(pipe, NULL));
    }
}
