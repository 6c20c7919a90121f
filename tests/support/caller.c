#include "tests/support/caller.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/auth/service_key.h"
#include "common/auth/token.h"
#include "common/base/clock.h"
#include "common/io/redis.h"

struct caller caller;
static const struct responder *asked;

/* ---- the handler ---- */

struct order {
    const char *name;
    int64_t amount;
};
static const struct field order_fields[] = {
    {"name", FIELD_STR, offsetof(struct order, name), FIELD_REQUIRED, 1, 20, NULL, NULL},
    {"amount", FIELD_INT, offsetof(struct order, amount), FIELD_REQUIRED, 1, 9, NULL, NULL},
};
const struct shape caller_order_shape = {order_fields, 2, sizeof(struct order), false};

struct paging {
    int64_t page;
};
static const struct field paging_fields[] = {
    {"page", FIELD_INT, offsetof(struct paging, page), 0, 0, 9, NULL, NULL},
};
const struct shape caller_paging_shape = {paging_fields, 1, sizeof(struct paging), false};

static void note(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "(none)");
}

const struct err *caller_handle(struct request *rq, struct reply *rp)
{
    const struct order *order = rq->body;
    const struct paging *args = rq->args;
    caller.seen.calls++;
    if (order) {
        caller.seen.amount = order->amount;
        assert_int_equal(strlen(rq->raw), rq->raw_len);
    }
    caller.seen.page = args ? args->page : -1;
    caller.seen.raw_len = rq->raw_len;
    note(caller.seen.user, sizeof caller.seen.user, rq->identity.user_id);
    note(caller.seen.key, sizeof caller.seen.key, rq->idempotency_key);
    note(caller.seen.queue_token, sizeof caller.seen.queue_token, rq->queue_token);
    note(caller.seen.raw, sizeof caller.seen.raw, rq->raw);
    note(caller.seen.agent, sizeof caller.seen.agent, rq->user_agent);
    note(caller.seen.language, sizeof caller.seen.language, rq->language);
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "client", rq->client_ip);
    json_close_object(out);
    return NULL;
}

/* ---- asking ---- */

const char *caller_bearer(const char *user_id, const char *role)
{
    struct token_claims claims = {.subject = user_id, .role = role};
    const char *token = token_issue(&caller.ctx, TOKEN_ACCESS, &claims);
    return arena_printf(caller.kept, "HTTP_AUTHORIZATION=Bearer %s", token);
}

void caller_ask_with_body(const char *method, const char *path, const char *const extra[CALLER_ENV_MAX],
                          const char *body, size_t body_len)
{
    const char *env[CALLER_ENV_MAX + 4] = {arena_printf(caller.kept, "REQUEST_METHOD=%s", method),
                                           arena_printf(caller.kept, "DOCUMENT_URI=%s", path), "REMOTE_ADDR=192.0.2.7"};
    for (size_t i = 0; i < CALLER_ENV_MAX && extra[i]; i++) {
        env[i + 3] = extra[i];
    }
    memset(&caller.seen, 0, sizeof caller.seen);
    buf_init(&caller.reply, caller.kept, REPLY_HEAD_MAX + REPLY_BODY_MAX);
    responder_serve(asked, &caller.ctx, env, body, body_len, &caller.reply);
}

void caller_ask(const char *method, const char *path, const char *const extra[CALLER_ENV_MAX])
{
    caller_ask_with_body(method, path, extra, "", 0);
}

void caller_post(const char *path, const char *const extra[CALLER_ENV_MAX], const char *body)
{
    caller_ask_with_body("POST", path, extra, body, strlen(body));
}

const char *caller_header(const char *name)
{
    const char *line = strstr(caller.reply.data, arena_printf(caller.kept, "\r\n%s: ", name));
    if (!line) {
        return "(none)";
    }
    line += strlen(name) + 4;
    return arena_memdup(caller.kept, line, strcspn(line, "\r"));
}

const char *caller_body(void)
{
    return strstr(caller.reply.data, "\r\n\r\n") + 4;
}

const struct json *caller_json(void)
{
    const struct json *root = NULL;
    const char *text = caller_body();
    if (json_parse(caller.kept, text, strlen(text), &root, NULL)) {
        fail_msg("the body is not JSON: '%s'", text);
    }
    return root;
}

void caller_assert_status(int status)
{
    if (strncmp(caller.reply.data, arena_printf(caller.kept, "Status: %d\r\n", status), 13) != 0) {
        fail_msg("not %d: %s", status, caller.reply.data);
    }
}

void caller_assert_error(int status, const char *code)
{
    caller_assert_status(status);
    const struct json *root = caller_json();
    assert_string_equal(json_str(json_get(root, "code")), code);
    assert_true(strlen(json_str(json_get(root, "message"))) > 0);
    assert_string_equal(json_str(json_get(root, "traceId")), caller_header("X-Trace-Id"));
    assert_string_equal(json_str(json_get(root, "timestamp")), "2026-06-01T19:00:00+09:00");
    assert_string_equal(caller_header("Content-Type"), "application/json");
    assert_string_equal(caller_header("Cache-Control"), "no-store");
    assert_int_equal(caller.seen.calls, 0);
}

const char *caller_detail_field(void)
{
    return json_str(json_get(json_at(json_get(caller_json(), "details"), 0), "field"));
}

void caller_turn_to(const struct responder *responder)
{
    asked = responder;
}

int caller_open(const struct responder *responder)
{
    const char *why;
    asked = responder;
    cfg_token = (struct cfg_token){.keys = "k1:0123456789abcdef0123456789abcdef",
                                   .issuer = "boxoffice",
                                   .audience = "boxoffice",
                                   .access_s = 3600,
                                   .refresh_s = 7200};
    cfg_service.accepted = "queue:" CALLER_SERVICE_KEY;
    cfg_redis.timeout_ms = 100;
    clock_freeze(CALLER_NOW);
    caller.ctx = (struct ctx){.arena = arena_new(64u << 20), .redis = redis_new_at("unix:///nowhere/redis.sock")};
    caller.kept = arena_new(512u << 20);
    ctx_begin(&caller.ctx, NULL, NULL);
    return token_init(&why) && clock_set_zone("Asia/Seoul") ? 0 : -1;
}

int caller_close(void **state)
{
    (void)state;
    arena_free(&caller.ctx.arena);
    arena_free(&caller.kept);
    redis_free(&caller.ctx.redis);
    clock_freeze(CLOCK_NONE);
    return 0;
}
