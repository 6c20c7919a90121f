#include "common/base/clock.h"
#include "common/io/http.h"
#include "src/providers/oauth_table.h"

#define KEPT_LEAST_S 300
#define KEPT_MOST_S 86400
#define AGAIN_S 60 /* until a key that is missing is looked for once more */

static struct {
    struct token_id_keys *keys;
    int64_t until, asked; /* clock_monotonic() */
} kept[OAUTH_PROVIDER__MAX];

static const struct err *fetch(struct ctx *ctx, enum oauth_provider provider)
{
    struct http_call call = {.method = "GET", .url = oauth_address(ctx, &oauth_manners[provider].keys)};
    struct oauth_answer answer;
    const struct err *e = oauth_call(ctx, provider, &call, &answer);
    if (e) {
        return e;
    }
    struct token_id_keys *keys = answer.status == 200 ? token_id_keys_read(answer.body, answer.len) : NULL;
    if (!keys) {
        log_warn(&ctx->log, "the keys of %s cannot be read", oauth_manners[provider].name);
        return &err_bad_gateway;
    }
    int64_t life_s = answer.max_age_s < KEPT_LEAST_S ? KEPT_LEAST_S : answer.max_age_s;
    life_s = life_s > KEPT_MOST_S ? KEPT_MOST_S : life_s;
    token_id_keys_free(&kept[provider].keys);
    kept[provider].keys = keys;
    kept[provider].until = clock_monotonic() + life_s * CLOCK_SECOND;
    return NULL;
}

const struct err *oauth_keys(struct ctx *ctx, enum oauth_provider provider, const char *kid,
                             const struct token_id_keys **keys_r)
{
    int64_t now = clock_monotonic();
    bool fresh = kept[provider].keys && now < kept[provider].until;
    bool known = token_id_keys_have(kept[provider].keys, kid) || now < kept[provider].asked + AGAIN_S * CLOCK_SECOND;
    const struct err *e = NULL;
    if (!fresh || !known) {
        kept[provider].asked = now;
        e = fetch(ctx, provider);
    }
    if (!e) {
        *keys_r = kept[provider].keys;
    }
    return e;
}
