#include "src/sandbox/sandbox_webhook.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/io/http.h"
#include "src/providers/sandbox_credentials.h"
#include "src/providers/webhook_signature.h"
#include "src/sandbox/sandbox_fault.h"
#include "src/sandbox/sandbox_settings.h"

#define BODY_MAX 4096
#define WAIT_STEP_MS 200
#define TIMEOUT_MS 30000
#define JITTER_PERCENT 10
#define SECRET_BYTES 24

/* Waits before each attempt, in units. */
static const int schedule[] = {0, 1, 4, 16, 64, 256};
#define ATTEMPTS (int)ARRAY_COUNT(schedule)

struct message {
    const char *id;
    const char *body;
    const char *url;
    const char *secret;
    int attempts;
    pid_t supervisor;
};

static const char *write_body(struct ctx *ctx, const struct sandbox_payment *payment)
{
    char at[CLOCK_TEXT_SIZE];
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, BODY_MAX);
    json_out_init(&out, &buf);
    json_open_object(&out, NULL);
    json_add_str(&out, "type", payment->notice.type);
    json_add_str(&out, "timestamp", clock_format_utc(payment->notice.at, at));
    json_open_object(&out, "data");
    json_add_str(&out, "paymentId", payment->payment_id);
    json_add_str(&out, "storeId", payment->store_id);
    json_add_str(&out, "transactionId", payment->transaction_id);
    if (payment->notice.cancellation_id != NULL) {
        json_add_str(&out, "cancellationId", payment->notice.cancellation_id);
    }
    json_close_object(&out);
    json_close_object(&out);
    return buf.data;
}

static const char *unknown_secret(struct arena *arena)
{
    unsigned char bytes[SECRET_BYTES];
    crypto_random(bytes, sizeof bytes);
    return arena_printf(arena, "whsec_%s", crypto_base64(arena, bytes, sizeof bytes));
}

/* ---- in the sender ---- */

static void wait_supervised(int64_t milliseconds, pid_t supervisor)
{
    int64_t end = clock_monotonic() + milliseconds * 1000;
    while (clock_monotonic() < end) {
        if (supervisor > 1 && kill(supervisor, 0) != 0 && errno == ESRCH) {
            _exit(0);
        }
        int64_t left_ms = (end - clock_monotonic()) / 1000 + 1;
        clock_sleep(left_ms < WAIT_STEP_MS ? left_ms : WAIT_STEP_MS);
    }
}

static int64_t wait_ms(int attempt)
{
    uint32_t random;
    crypto_random(&random, sizeof random);
    int64_t wait = schedule[attempt] * cfg_sandbox.webhook_retry_ms;
    int64_t spread = wait * JITTER_PERCENT / 100;
    return spread == 0 ? wait : wait - spread + random % (2 * spread);
}

static bool attempt_delivery(struct ctx *ctx, const struct message *message)
{
    int64_t now_s = clock_now() / CLOCK_SECOND;
    size_t len = strlen(message->body);
    const struct http_call call = {
        .method = "POST",
        .url = message->url,
        .headers =
            {
                {"Content-Type", "application/json"},
                {"webhook-id", message->id},
                {"webhook-timestamp", arena_int(ctx->arena, now_s)},
                {"webhook-signature",
                 webhook_sign(ctx->arena, message->secret, message->id, now_s, message->body, len)},
            },
        .body = message->body,
        .body_len = len,
        .timeout_ms = TIMEOUT_MS,
    };
    struct http_answer answer;
    return http_perform(ctx, &call, &answer) == NULL && answer.status >= 200 && answer.status < 300;
}

static void deliver(struct ctx *ctx, const struct message *message)
{
    for (int i = 0; i < message->attempts; i++) {
        wait_supervised(wait_ms(i), message->supervisor);
        if (attempt_delivery(ctx, message)) {
            return;
        }
    }
    log_warn(&ctx->log, "webhook given up after %d attempts", message->attempts);
}

/* Only standard error is kept: the listening socket, the request's connection and Redis belong to the responder. */
static void detach(void)
{
    static const int ours[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGALRM};
    for (size_t i = 0; i < ARRAY_COUNT(ours); i++) {
        signal(ours[i], SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
}

static void run_sender(struct ctx *ctx, const struct message *message, const struct sandbox_delivery *delivery)
{
    detach();
    struct ctx own = {.arena = ctx->arena, .http = http_new(), .trace = ctx->trace, .log = ctx->log};
    wait_supervised(delivery->delay_ms, message->supervisor);
    for (int64_t i = 0; i < delivery->times; i++) {
        deliver(&own, message);
    }
    _exit(0);
}

/* ---- in the responder ---- */

/* Forks twice, so that the sender is no child of the responder and needs no waiting for. */
static void start_sender(struct ctx *ctx, const struct message *message, const struct sandbox_delivery *delivery)
{
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            run_sender(ctx, message, delivery);
        }
        _exit(0);
    }
    if (child < 0) {
        log_error(&ctx->log, "cannot fork a webhook sender: %s", strerror(errno));
        return;
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
        continue;
    }
}

void sandbox_webhook_send(struct ctx *ctx, const struct sandbox_payment *payment,
                          const struct sandbox_delivery *delivery)
{
    struct message message = {
        .id = payment->notice.id,
        .body = write_body(ctx, payment),
        .url = cfg_sandbox.webhook_url,
        .secret = delivery->forge ? unknown_secret(ctx->arena) : SANDBOX_PORTONE_WEBHOOK_SECRET,
        .attempts = delivery->forge ? 1 : ATTEMPTS,
        .supervisor = getppid(),
    };
    if (payment->notice_urls.count == 0) {
        start_sender(ctx, &message, delivery);
    }
    const char *const *urls = payment->notice_urls.items;
    for (size_t i = 0; i < payment->notice_urls.count; i++) {
        message.url = urls[i];
        start_sender(ctx, &message, delivery);
    }
}

void sandbox_webhook_announce(struct ctx *ctx, const struct sandbox_payment *payment)
{
    if (!payment->silent && payment->notice.id != NULL) {
        sandbox_webhook_send(ctx, payment, &(struct sandbox_delivery){.times = 1});
    }
}
