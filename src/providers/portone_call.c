#include "src/providers/portone_call.h"

#include <string.h>

#include "common/base/breaker.h"
#include "common/io/http.h"

#define RETRY_AFTER_S 5
#define ANSWER_MAX (1u << 20)

/* What an exchange has shown. */
enum verdict {
    VERDICT_DONE,
    VERDICT_DECLINED,
    VERDICT_NOT_FOUND,
    VERDICT_RUNNING,   /* an earlier call with this idempotency key is still at work */
    VERDICT_NOT_DONE,  /* never reached PortOne */
    VERDICT_THROTTLED, /* PortOne is there, and wants to be asked less often */
    VERDICT_ODD,       /* PortOne has answered, with something that we refuse to read */
    VERDICT_FORBIDDEN, /* our credentials are refused */
    VERDICT_LOST,      /* sent, and no answer of PortOne's came back */
};

static struct breaker *service_breaker(enum portone_service service)
{
    static const char *const names[PORTONE_SERVICE__MAX] = {
        [PORTONE_PAYMENTS] = "portone-payments",
        [PORTONE_IDENTITIES] = "portone-identities",
    };
    static struct breaker *breakers[PORTONE_SERVICE__MAX];
    static bool opened[PORTONE_SERVICE__MAX];
    if (!opened[service]) {
        const struct breaker_policy policy = {
            .window = (int)cfg_portone.breaker_window,
            .min_calls = (int)cfg_portone.breaker_min_calls,
            .open_percent = (int)cfg_portone.breaker_percent,
            .open_ms = cfg_portone.breaker_open_ms,
            .probes = (int)cfg_portone.breaker_probes,
            .slow_ms = cfg_portone.breaker_slow_ms,
        };
        breakers[service] = breaker_open(cfg_process.run_dir, names[service], &policy);
        opened[service] = true;
    }
    return breakers[service];
}

static const struct err *perform(struct ctx *ctx, const struct portone_call *call, struct http_answer *answer_r)
{
    struct http_call http = {
        .method = call->method,
        .url = arena_printf(ctx->arena, "%s%s", cfg_portone.url, call->path),
        .headers = {{"Authorization", arena_printf(ctx->arena, "PortOne %s", cfg_portone.secret)}},
        .body = call->body,
        .body_len = call->body == NULL ? 0 : strlen(call->body),
        .timeout_ms = (int)cfg_portone.timeout_ms,
        .answer_max = ANSWER_MAX,
    };
    int header = 1;
    if (call->body != NULL) {
        http.headers[header++] = (struct http_header){"Content-Type", "application/json"};
    }
    if (call->idempotency_key != NULL) {
        http.headers[header++] =
            (struct http_header){"Idempotency-Key", arena_printf(ctx->arena, "\"%s\"", call->idempotency_key)};
    }
    return http_perform(ctx, &http, answer_r);
}

static enum verdict judge_refusal(int status, const char *type)
{
    if (status == 401 || status == 403) {
        return VERDICT_FORBIDDEN;
    }
    if (strcmp(type, "IDEMPOTENCY_OUTSTANDING_REQUEST") == 0) {
        return VERDICT_RUNNING;
    }
    if (strcmp(type, "PAYMENT_NOT_FOUND") == 0 || strcmp(type, "IDENTITY_VERIFICATION_NOT_FOUND") == 0) {
        return VERDICT_NOT_FOUND;
    }
    /* Another 404 is a wrong base address, not an answer about this payment. */
    bool final = (status >= 400 && status < 500 && status != 404 && status != 408) || strcmp(type, "PG_PROVIDER") == 0;
    return final ? VERDICT_DECLINED : VERDICT_LOST;
}

/* Only an answer in PortOne's form speaks for PortOne: a proxy's error page proves nothing about the payment. */
static enum verdict classify(struct ctx *ctx, const struct http_answer *http, struct portone_answer *answer_r)
{
    if (http->status == 429) {
        return VERDICT_THROTTLED;
    }
    bool fine = http->status >= 200 && http->status < 300;
    const char *why = NULL;
    answer_r->root = NULL;
    if (json_parse(ctx->arena, http->body, http->len, &answer_r->root, &why) != NULL ||
        json_type(answer_r->root) != JSON_OBJECT) {
        /* One buyer's record, into which they may have written, must not look like an outage for all. */
        bool answered = http->status < 500 && http->len > 0 && http->body[0] == '{';
        return answered ? VERDICT_ODD : VERDICT_LOST;
    }
    if (fine) {
        return VERDICT_DONE;
    }
    const char *type = json_str(json_get(answer_r->root, "type"));
    return type == NULL ? VERDICT_LOST : judge_refusal(http->status, type);
}

static void explain_refusal(const struct json *root, struct portone_refusal *refusal_r)
{
    const char *message = json_str(json_get(root, "message"));
    *refusal_r = (struct portone_refusal){
        .type = json_str(json_get(root, "type")),
        .message = message == NULL ? "" : message,
        .pg_code = json_str(json_get(root, "pgCode")),
        .pg_message = json_str(json_get(root, "pgMessage")),
    };
}

static const struct err *unavailable(struct ctx *ctx, int retry_after_s)
{
    ctx->retry_after_s = retry_after_s > 0 ? retry_after_s : RETRY_AFTER_S;
    return &err_portone_unavailable;
}

static const struct err *conclude(struct ctx *ctx, const struct portone_call *call, enum verdict verdict,
                                  int retry_after_s)
{
    switch (verdict) {
    case VERDICT_DONE:
        return NULL;
    case VERDICT_DECLINED:
        return &err_portone_declined;
    case VERDICT_NOT_FOUND:
        return &err_not_found;
    case VERDICT_FORBIDDEN:
        log_error(&ctx->log, "PortOne refuses our API secret or store");
        return unavailable(ctx, 0);
    case VERDICT_NOT_DONE:
    case VERDICT_THROTTLED:
        return unavailable(ctx, retry_after_s);
    case VERDICT_ODD:
        log_error(&ctx->log, "PortOne's answer to %s %s cannot be read", call->method, call->path);
        return call->moves_money ? &err_uncertain : unavailable(ctx, retry_after_s);
    case VERDICT_RUNNING:
    case VERDICT_LOST:
        return call->moves_money ? &err_uncertain : unavailable(ctx, retry_after_s);
    }
    log_panic("verdict %d", (int)verdict);
}

const struct err *portone_exchange(struct ctx *ctx, const struct portone_call *call, struct portone_answer *answer_r,
                                   struct portone_refusal *refusal_r)
{
    struct breaker *breaker = service_breaker(call->service);
    struct breaker_permit permit;
    if (!breaker_allow(breaker, &permit)) {
        return unavailable(ctx, breaker_retry_after_s(breaker));
    }
    struct http_answer http = {0};
    struct portone_answer answer = {0};
    enum verdict verdict;
    const struct err *e = perform(ctx, call, &http);
    if (!e) {
        verdict = classify(ctx, &http, &answer);
    } else {
        verdict = e == &err_unavailable ? VERDICT_NOT_DONE : VERDICT_LOST;
    }
    breaker_done(breaker, &permit, verdict != VERDICT_LOST && verdict != VERDICT_NOT_DONE);
    if (verdict == VERDICT_DONE) {
        *answer_r = answer;
    }
    if (verdict == VERDICT_DECLINED && refusal_r != NULL) {
        explain_refusal(answer.root, refusal_r);
    }
    return conclude(ctx, call, verdict, http.retry_after_s);
}
