#include "src/providers/s3.h"

#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/breaker.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "src/providers/provider_url.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define TIME_SIZE sizeof "20130524T000000Z"
#define DATE_LEN 8 /* of that text: the day */
#define CALL_LIFE_S 60
#define ANSWER_MAX (64u << 10)
#define RETRY_AFTER_S 5

struct cfg_s3 cfg_s3;

static const struct cfg_key keys[] = {
    {"BOX_S3_URL", CFG_STR, offsetof(struct cfg_s3, url), "", NULL, 8, 200, 0,
     "The bucket's address as we reach it, no slash at the end; empty = posters cannot be uploaded."},
    {"BOX_S3_PUBLIC_URL", CFG_STR, offsetof(struct cfg_s3, public_url), "", NULL, 8, 200, 0,
     "The bucket's address as browsers reach it; empty = BOX_S3_URL."},
    {"BOX_S3_BUCKET", CFG_STR, offsetof(struct cfg_s3, bucket), "", NULL, 3, 63, 0, "The bucket's name."},
    {"BOX_S3_REGION", CFG_STR, offsetof(struct cfg_s3, region), "", "us-east-1", 1, 40, 0, "The bucket's region."},
    {"BOX_S3_ACCESS_KEY", CFG_STR, offsetof(struct cfg_s3, access_key), "", NULL, 1, 200, 0,
     "Id of the key that may read, write and delete in the bucket."},
    {"BOX_S3_SECRET_KEY", CFG_STR, offsetof(struct cfg_s3, secret_key), "", NULL, 1, 200, CFG_SECRET | CFG_OPTIONAL,
     "Secret of that key."},
    {"BOX_S3_TIMEOUT_MS", CFG_INT, offsetof(struct cfg_s3, timeout_ms), "ms", "3000", 100, 30000, 0,
     "Longest call to the store."},
};

const struct cfg_section cfg_s3_section = {"S3", keys, ARRAY_COUNT(keys), &cfg_s3};

bool s3_on(void)
{
    return cfg_s3.url != NULL;
}

const char *s3_public_base(void)
{
    return cfg_s3.public_url ? cfg_s3.public_url : cfg_s3.url;
}

bool s3_check_settings(const char **why_r)
{
    if (!s3_on()) {
        return true;
    }
    if (!cfg_s3.bucket || !cfg_s3.access_key || !cfg_s3.secret_key) {
        *why_r = "BOX_S3_URL also needs BOX_S3_BUCKET, BOX_S3_ACCESS_KEY and BOX_S3_SECRET_KEY";
        return false;
    }
    return provider_url_allowed("BOX_S3_URL", cfg_s3.url, why_r) &&
           provider_url_allowed("BOX_S3_PUBLIC_URL", s3_public_base(), why_r);
}

/* ---- signing ---- */

/* What follows "https://": the host, and the path of the bucket ("" or "/bucket"). */
static const char *host_of(struct arena *arena, const char *base, const char **path_r)
{
    const char *host = strstr(base, "://") + 3;
    *path_r = host + strcspn(host, "/");
    return arena_printf(arena, "%.*s", (int)(*path_r - host), host);
}

static void say_time(char text[TIME_SIZE])
{
    char full[CLOCK_TEXT_SIZE]; /* 2013-05-24T00:00:00.000Z */
    size_t len = 0;
    for (const char *at = clock_format_utc(clock_now(), full); *at != '.'; at++) {
        if (*at != '-' && *at != ':') {
            text[len++] = *at;
        }
    }
    snprintf(text + len, TIME_SIZE - len, "Z");
}

static void sign(const char *secret, const char *scope_parts[], size_t parts, const char *text,
                 unsigned char signature_r[CRYPTO_SHA256_SIZE])
{
    crypto_hmac_sha256(secret, strlen(secret), scope_parts[0], strlen(scope_parts[0]), signature_r);
    for (size_t i = 1; i <= parts; i++) {
        const char *next = i < parts ? scope_parts[i] : text;
        unsigned char key[CRYPTO_SHA256_SIZE];
        memcpy(key, signature_r, sizeof key);
        crypto_hmac_sha256(key, sizeof key, next, strlen(next), signature_r);
    }
}

static const char *signature_of(struct arena *arena, const char *time, const char *scope, const char *canonical)
{
    unsigned char bytes[CRYPTO_SHA256_SIZE];
    crypto_sha256(canonical, strlen(canonical), bytes);
    const char *text =
        ARENA_JOIN(arena, ALGORITHM "\n", time, "\n", scope, "\n", crypto_hex(arena, bytes, sizeof bytes));
    const char *day = arena_printf(arena, "%.*s", DATE_LEN, time);
    const char *parts[] = {day, cfg_s3.region, "s3", "aws4_request"};
    sign(ARENA_JOIN(arena, "AWS4", cfg_s3.secret_key), parts, ARRAY_COUNT(parts), text, bytes);
    return crypto_hex(arena, bytes, sizeof bytes);
}

/* *names_r: "content-type;host". Returns "content-type:image/png\nhost:...\n". */
static const char *sign_headers(struct arena *arena, const struct s3_request *request, const char *host,
                                const char **names_r)
{
    const char *lines = "", *names = "";
    bool hosted = false;
    for (size_t i = 0; i <= S3_HEADERS_MAX; i++) {
        bool over = i == S3_HEADERS_MAX || !request->headers[i].name;
        if (!hosted && (over || strcmp(request->headers[i].name, "host") > 0)) {
            lines = ARENA_JOIN(arena, lines, "host:", host, "\n");
            names = ARENA_JOIN(arena, names, *names ? ";" : "", "host");
            hosted = true;
        }
        if (over) {
            break;
        }
        lines = ARENA_JOIN(arena, lines, request->headers[i].name, ":", request->headers[i].value, "\n");
        names = ARENA_JOIN(arena, names, *names ? ";" : "", request->headers[i].name);
    }
    *names_r = names;
    return lines;
}

const char *s3_presign(struct arena *arena, const char *base, const struct s3_request *request)
{
    char time[TIME_SIZE];
    const char *path, *names;
    say_time(time);
    const char *host = host_of(arena, base, &path);
    const char *lines = sign_headers(arena, request, host, &names);
    const char *scope = arena_printf(arena, "%.*s/%s/s3/aws4_request", DATE_LEN, time, cfg_s3.region);
    const char *credential = ARENA_JOIN(arena, cfg_s3.access_key, "/", scope);
    const char *query =
        arena_printf(arena,
                     "X-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=%s&X-Amz-Date=%s"
                     "&X-Amz-Expires=%lld&X-Amz-SignedHeaders=%s",
                     http_escape(arena, credential), time, (long long)request->life_s, http_escape(arena, names));
    const char *canonical = ARENA_JOIN(arena, request->method, "\n", path, "/", request->key, "\n", query, "\n", lines,
                                       "\n", names, "\nUNSIGNED-PAYLOAD");
    return ARENA_JOIN(arena, base, "/", request->key, "?", query,
                      "&X-Amz-Signature=", signature_of(arena, time, scope, canonical));
}

const char *s3_public_url(struct arena *arena, const char *key)
{
    return ARENA_JOIN(arena, s3_public_base(), "/", key);
}

/* ---- calling ---- */

static const struct err *unavailable(struct ctx *ctx, int retry_after_s)
{
    ctx->retry_after_s = retry_after_s > 0 ? retry_after_s : RETRY_AFTER_S;
    return &err_unavailable;
}

/* 404, 412 and 416 say something of the object; 409 that somebody writes it at this moment. */
static bool answered(int status)
{
    static const int known[] = {200, 204, 206, 404, 409, 412, 416};
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (known[i] == status) {
            return true;
        }
    }
    return false;
}

static struct breaker *breaker(void)
{
    static const struct breaker_policy policy = {
        .window = 20, .min_calls = 5, .open_percent = 50, .open_ms = 10000, .probes = 1};
    static struct breaker *opened;
    static bool tried;
    if (!tried) {
        opened = breaker_open(cfg_process.run_dir, "s3", &policy);
        tried = true;
    }
    return opened;
}

static const struct err *perform(struct ctx *ctx, const struct s3_request *request, struct http_answer *answer_r)
{
    struct http_call call = {.method = request->method,
                             .url = s3_presign(ctx->arena, cfg_s3.url, request),
                             .timeout_ms = (int)cfg_s3.timeout_ms,
                             .answer_max = ANSWER_MAX};
    memcpy(call.headers, request->headers, sizeof request->headers);
    const struct err *e = http_perform(ctx, &call, answer_r);
    if (e) {
        return e == &err_bad_gateway ? e : unavailable(ctx, 0);
    }
    if (answered(answer_r->status)) {
        return NULL;
    }
    log_warn(&ctx->log, "the store answers %s with %d", request->method, answer_r->status);
    return unavailable(ctx, answer_r->retry_after_s);
}

static const struct err *call(struct ctx *ctx, const struct s3_request *request, struct http_answer *answer_r)
{
    struct breaker_permit permit;
    if (!breaker_allow(breaker(), &permit)) {
        return unavailable(ctx, breaker_retry_after_s(breaker()));
    }
    const struct err *e = perform(ctx, request, answer_r);
    breaker_done(breaker(), &permit, !e);
    return e;
}

const struct err *s3_peek(struct ctx *ctx, const char *key, size_t len, struct s3_object *object_r)
{
    struct http_answer answer;
    const struct s3_request request = {.method = "GET",
                                       .key = key,
                                       .headers = {{"range", arena_printf(ctx->arena, "bytes=0-%zu", len - 1)}},
                                       .life_s = CALL_LIFE_S};
    const struct err *e = call(ctx, &request, &answer);
    if (e) {
        return e;
    }
    if (answer.status == 404) {
        return &err_not_found;
    }
    if (answer.status == 416) { /* there is no first byte */
        *object_r = (struct s3_object){0, answer.etag, answer.content_type, "", 0};
        return NULL;
    }
    bool part = answer.status == 206;
    if ((!part && answer.status != 200) || (part && answer.whole_len < 0) || answer.etag[0] == '\0') {
        return &err_bad_gateway;
    }
    *object_r = (struct s3_object){part ? answer.whole_len : (int64_t)answer.len, answer.etag, answer.content_type,
                                   answer.body, answer.len < len ? answer.len : len};
    return NULL;
}

const struct err *s3_copy(struct ctx *ctx, const struct s3_copy *copy)
{
    struct http_answer answer;
    const struct s3_request request = {
        .method = "PUT",
        .key = copy->to,
        .headers = {{"cache-control", copy->cache_control},
                    {"content-type", copy->content_type},
                    {"x-amz-copy-source", ARENA_JOIN(ctx->arena, "/", cfg_s3.bucket, "/", copy->from)},
                    {"x-amz-copy-source-if-match", copy->etag},
                    {"x-amz-metadata-directive", "REPLACE"}},
        .life_s = CALL_LIFE_S,
    };
    const struct err *e = call(ctx, &request, &answer);
    if (e) {
        return e;
    }
    if (answer.status == 404 || answer.status == 409 || answer.status == 412) {
        return &err_conflict;
    }
    /* It may begin to answer before it has copied: then 200 can carry an error. */
    return answer.status == 200 && strstr(answer.body, "<CopyObjectResult") ? NULL : &err_bad_gateway;
}

const struct err *s3_delete(struct ctx *ctx, const char *key)
{
    struct http_answer answer;
    const struct s3_request request = {.method = "DELETE", .key = key, .life_s = CALL_LIFE_S};
    return call(ctx, &request, &answer);
}
