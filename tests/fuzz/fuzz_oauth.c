/*
 * Social logins: hostile answers of a provider. Input: the token address's answer, the profile's and the key set, each
 * ended by a line feed but the last.
 *
 * Whatever they say, the client ends with a person of a sane subject or with one of the errors that it tells of.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/io/http.h"
#include "src/providers/oauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *answers[3]; /* token, profile, keys */

/* Takes the place of common/io/http.c. */
const struct err *http_perform(struct ctx *ctx, const struct http_call *call, struct http_answer *answer_r)
{
    (void)ctx;
    const char *body = answers[strstr(call->url, "/me") ? 1 : strstr(call->url, "/certs") ? 2 : 0];
    *answer_r = (struct http_answer){.status = 200, .body = body, .len = strlen(body), .content_type = ""};
    return NULL;
}

char *http_escape(struct arena *arena, const char *text)
{
    return arena_strdup(arena, text);
}

static void check(struct ctx *ctx, enum oauth_provider provider)
{
    static const struct oauth_attempt attempt = {"state", "nonce", "verifier"};
    struct oauth_person person = {.subject = NULL};
    const struct err *e = oauth_person_of(ctx, provider, &attempt, "code", &person);
    if (e) {
        if (person.subject || (e != &err_oauth_refused && e != &err_unavailable && e != &err_bad_gateway)) {
            abort();
        }
        return;
    }
    size_t len = strlen(person.subject);
    for (size_t i = 0; i < len; i++) {
        if (person.subject[i] <= ' ' || person.subject[i] > '~') {
            abort();
        }
    }
    if (len == 0 || len > 255) {
        abort();
    }
}

static void start(void)
{
    clock_freeze(INT64_C(1780308000) * CLOCK_SECOND);
    log_init("fuzz", LOG_LEVEL_ERROR);
    cfg_process.run_dir = "/proc/nowhere"; /* no breaker */
    cfg_oauth = (struct cfg_oauth){.public_url = "https://tickets.example",
                                   .timeout_ms = 5000,
                                   .clients = {{"client", "secret"}, {"client", "secret"}, {"client", "secret"}},
                                   .naver_token_url = "https://naver",
                                   .naver_api_url = "https://naver",
                                   .google_url = "https://issuer.example",
                                   .google_token_url = "https://google",
                                   .google_keys_url = "https://google"};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!cfg_oauth.public_url) {
        start();
    }
    struct ctx ctx = {.arena = arena_new((16u << 20) + 8 * size)};
    char *at = arena_memdup(ctx.arena, data, size);
    for (int i = 0; i < 3; i++) {
        answers[i] = at;
        size_t len = i < 2 ? strcspn(at, "\n") : strlen(at);
        bool more = at[len] != '\0';
        at[len] = '\0';
        at += len + more;
    }
    clock_skip(2 * 86400 * CLOCK_SECOND); /* the keys of the input before are too old */
    check(&ctx, OAUTH_NAVER);
    check(&ctx, OAUTH_GOOGLE);
    arena_free(&ctx.arena);
    return 0;
}
