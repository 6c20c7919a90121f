/*
 * s3: client of a store that speaks Amazon S3's protocol. Needs ctx->http.
 *
 * Whatever is done to an object, by us or by a browser that we send, is done at an address that is signed for one
 * method, one key, its headers and some seconds ("Authenticating Requests: Using Query Parameters (AWS Signature
 * Version 4)"). Bodies are not signed, so the address may be made before they are known; their length and type are, as
 * headers.
 *
 * One circuit breaker for all calls. Keys are letters, digits, "/", "." and "-": no two writings of one address exist.
 */
#ifndef PROVIDERS_S3_H
#define PROVIDERS_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/http.h"

struct cfg_s3 {
    const char *url;        /* BOX_S3_URL: the bucket's address as we reach it, no slash at the end; NULL: no store */
    const char *public_url; /* BOX_S3_PUBLIC_URL: as browsers reach it; NULL: the same */
    const char *bucket;     /* BOX_S3_BUCKET: its name */
    const char *region;     /* BOX_S3_REGION */
    const char *access_key; /* BOX_S3_ACCESS_KEY */
    const char *secret_key; /* BOX_S3_SECRET_KEY */
    int64_t timeout_ms;     /* BOX_S3_TIMEOUT_MS: of one call */
};
extern struct cfg_s3 cfg_s3;
extern const struct cfg_section cfg_s3_section;

/* Once at start, after settings: false with *why_r for half a store, and for an address without TLS outside the
 * sandbox. */
BO_MUSTCHECK bool s3_check_settings(const char **why_r);
/* Is there a store? Without one nothing below may be called. */
bool s3_on(void);

#define S3_HEADERS_MAX 5

struct s3_request {
    const char *method;
    const char *key;
    /* Those that must be sent exactly as they are here, by name in lower case and in that order; "host" is signed as
     * well. Ends at the first NULL name. */
    struct http_header headers[S3_HEADERS_MAX];
    int64_t life_s; /* at most a week */
};

/* Signed now, for `base`: cfg_s3.url, or where browsers reach the same bucket. In the arena. */
const char *s3_presign(struct arena *arena, const char *base, const struct s3_request *request);
/* The address of an object that everybody may read, for browsers. In the arena. */
const char *s3_public_url(struct arena *arena, const char *key);
/* Where browsers reach the bucket. */
const char *s3_public_base(void);

struct s3_object {
    int64_t size;             /* bytes */
    const char *etag;         /* of exactly this content, with its quotes */
    const char *content_type; /* as its uploader said */
    const char *start;        /* the first `start_len` bytes */
    size_t start_len;
};

/* The first bytes of an object, at most `len`. &err_not_found: there is none. &err_unavailable: the store is away, slow
 * or refuses us. &err_bad_gateway: it says what cannot be read. Repeatable; waits for BOX_S3_TIMEOUT_MS at most, as
 * those below. */
BO_MUSTCHECK const struct err *s3_peek(struct ctx *ctx, const char *key, size_t len, struct s3_object *object_r);

struct s3_copy {
    const char *from;
    const char *to;
    const char *etag; /* copied only while `from` still has it */
    const char *content_type;
    const char *cache_control;
};
/* &err_conflict: `from` has changed or gone meanwhile. Else as s3_peek(). Repeatable. */
BO_MUSTCHECK const struct err *s3_copy(struct ctx *ctx, const struct s3_copy *copy);
/* Also NULL when there is no such object. Else as s3_peek(). Repeatable. */
BO_MUSTCHECK const struct err *s3_delete(struct ctx *ctx, const char *key);

#endif
