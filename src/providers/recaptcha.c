#include "src/providers/recaptcha.h"

#include <string.h>

#include "common/base/array.h"
#include "common/io/http.h"
#include "common/json/json.h"
#include "src/providers/provider_url.h"
#include "src/providers/sandbox_credentials.h"

#define TOKEN_LENGTH_MAX 8192
#define RETRY_AFTER_S 5
#define SANDBOX_SITEVERIFY SANDBOX_ORIGIN "/recaptcha/api/siteverify"

struct cfg_recaptcha cfg_recaptcha;

static const struct cfg_key keys[] = {
    {"BOX_RECAPTCHA_URL", CFG_STR, offsetof(struct cfg_recaptcha, url), "", SANDBOX_SITEVERIFY, 8, 200, 0,
     "Address of reCAPTCHA's siteverify."},
    {"BOX_RECAPTCHA_SECRET", CFG_STR, offsetof(struct cfg_recaptcha, secret), "", SANDBOX_RECAPTCHA_SECRET, 16, 200,
     CFG_SECRET, "reCAPTCHA v2 secret key."},
    {"BOX_RECAPTCHA_HOSTNAME", CFG_STR, offsetof(struct cfg_recaptcha, hostname), "", "", 0, 200, 0,
     "Site on which the CAPTCHA must have been solved; empty = not checked."},
    {"BOX_RECAPTCHA_TIMEOUT_MS", CFG_INT, offsetof(struct cfg_recaptcha, timeout_ms), "ms", "4000", 100, 30000, 0,
     "Longest call to reCAPTCHA."},
};

const struct cfg_section cfg_recaptcha_section = {"reCAPTCHA", keys, ARRAY_COUNT(keys), &cfg_recaptcha};

bool recaptcha_check_settings(const char **why_r)
{
    return provider_url_allowed("BOX_RECAPTCHA_URL", cfg_recaptcha.url, why_r);
}

static const struct err *unavailable(struct ctx *ctx)
{
    ctx->retry_after_s = RETRY_AFTER_S;
    return &err_unavailable;
}

static const struct err *ask(struct ctx *ctx, const char *token, const char *client_ip, struct http_answer *answer_r)
{
    struct arena *arena = ctx->arena;
    char *form = arena_printf(arena, "secret=%s&response=%s", http_escape(arena, cfg_recaptcha.secret),
                              http_escape(arena, token));
    if (client_ip != NULL) {
        form = arena_printf(arena, "%s&remoteip=%s", form, http_escape(arena, client_ip));
    }
    const struct http_call call = {
        .method = "POST",
        .url = cfg_recaptcha.url,
        .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
        .body = form,
        .body_len = strlen(form),
        .timeout_ms = (int)cfg_recaptcha.timeout_ms,
    };
    return http_perform(ctx, &call, answer_r);
}

/* Whether Google complains about us rather than about the visitor. */
static bool our_fault(const struct json *codes)
{
    static const char *const ours[] = {"missing-input-secret", "invalid-input-secret", "bad-request"};
    for (size_t i = 0; i < json_count(codes); i++) {
        const char *code = json_str(json_at(codes, i));
        for (size_t k = 0; code != NULL && k < ARRAY_COUNT(ours); k++) {
            if (strcmp(code, ours[k]) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool site_fits(const struct json *root)
{
    if (cfg_recaptcha.hostname[0] == '\0') {
        return true;
    }
    const char *hostname = json_str(json_get(root, "hostname"));
    return hostname != NULL && strcmp(hostname, cfg_recaptcha.hostname) == 0;
}

const struct err *recaptcha_verify(struct ctx *ctx, const char *token, const char *client_ip)
{
    size_t len = strlen(token);
    if (len == 0 || len > TOKEN_LENGTH_MAX) {
        return &err_captcha_failed;
    }
    struct http_answer answer;
    const struct json *root = NULL;
    const char *why = NULL;
    if (ask(ctx, token, client_ip, &answer) != NULL || answer.status != 200 ||
        json_parse(ctx->arena, answer.body, answer.len, &root, &why) != NULL ||
        json_type(json_get(root, "success")) != JSON_BOOL) {
        return unavailable(ctx);
    }
    if (json_bool(json_get(root, "success"), false)) {
        return site_fits(root) ? NULL : &err_captcha_failed;
    }
    if (!our_fault(json_get(root, "error-codes"))) {
        return &err_captcha_failed;
    }
    log_error(&ctx->log, "reCAPTCHA refuses our secret");
    return unavailable(ctx);
}
