#include "src/event/poster.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "src/providers/s3.h"

#define UPLOAD_S 600
#define START_LEN 12 /* bytes that tell what it is */
#define FOR_EVER "public, max-age=31536000, immutable"
#define UPLOADS "uploads/"
#define POSTERS "posters/"

static const struct field poster_new_fields[] = {
    {FIELD(struct poster_new, "contentType", FIELD_ENUM, content_type), .flags = FIELD_REQUIRED,
     .choices = "image/jpeg|image/png|image/webp"},
    {FIELD(struct poster_new, "size", FIELD_INT, size), .flags = FIELD_REQUIRED, .min = 1, .max = POSTER_BYTES_MAX},
};
const struct shape poster_new_shape = {poster_new_fields, ARRAY_COUNT(poster_new_fields), sizeof(struct poster_new),
                                       false};

SHAPE(poster_headers_shape, struct poster_headers,
      {FIELD(struct poster_headers, "Content-Type", FIELD_STR, content_type)},
      {FIELD(struct poster_headers, "Content-Length", FIELD_STR, content_length)});

static const struct field poster_upload_fields[] = {
    {FIELD(struct poster_upload, "posterId", FIELD_UUID, poster_id)},
    {FIELD(struct poster_upload, "method", FIELD_STR, method)},
    {FIELD(struct poster_upload, "url", FIELD_STR, url)},
    {FIELD(struct poster_upload, "headers", FIELD_OBJECT, headers), .sub = &poster_headers_shape},
    {FIELD(struct poster_upload, "expiresAt", FIELD_TIME, expires_at)},
    {FIELD(struct poster_upload, "expiresIn", FIELD_INT, expires_in)},
};
const struct shape poster_upload_shape = {poster_upload_fields, ARRAY_COUNT(poster_upload_fields),
                                          sizeof(struct poster_upload), false};

static const struct field poster_fields[] = {
    {FIELD(struct poster, "posterId", FIELD_UUID, poster_id)},
    {FIELD(struct poster, "posterUrl", FIELD_STR, poster_url)},
    {FIELD(struct poster, "contentType", FIELD_STR, content_type)},
    {FIELD(struct poster, "size", FIELD_INT, size)},
};
const struct shape poster_shape = {poster_fields, ARRAY_COUNT(poster_fields), sizeof(struct poster), false};

/* What a picture begins with. */
static const struct kind {
    const char *content_type;
    struct {
        size_t at, len;
        const char *bytes;
    } marks[2];
} kinds[] = {
    {"image/jpeg", {{0, 3, "\xFF\xD8\xFF"}}},
    {"image/png", {{0, 8, "\x89PNG\r\n\x1A\n"}}},
    {"image/webp", {{0, 4, "RIFF"}, {8, 4, "WEBP"}}},
};

static bool is_kind(const struct kind *kind, const struct s3_object *object)
{
    for (size_t i = 0; i < ARRAY_COUNT(kind->marks) && kind->marks[i].len > 0; i++) {
        size_t at = kind->marks[i].at, len = kind->marks[i].len;
        if (object->start_len < at + len || memcmp(object->start + at, kind->marks[i].bytes, len) != 0) {
            return false;
        }
    }
    return true;
}

/* NULL: none of those that may be posters. */
static const char *picture_type(const struct s3_object *object)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (is_kind(&kinds[i], object)) {
            return kinds[i].content_type;
        }
    }
    return NULL;
}

const struct err *poster_begin(struct ctx *ctx, const struct poster_new *input, struct poster_upload *upload_r)
{
    if (!s3_on()) {
        return &err_not_found;
    }
    char *id = arena_alloc(ctx->arena, UUID_SIZE);
    uuid_v4(id); /* nobody guesses where somebody else uploads */
    const struct poster_headers headers = {input->content_type, arena_int(ctx->arena, input->size)};
    const struct s3_request put = {
        .method = "PUT",
        .key = ARENA_JOIN(ctx->arena, UPLOADS, id),
        .headers = {{"content-length", headers.content_length}, {"content-type", headers.content_type}},
        .life_s = UPLOAD_S,
    };
    *upload_r = (struct poster_upload){.poster_id = id,
                                       .method = put.method,
                                       .url = s3_presign(ctx->arena, s3_public_base(), &put),
                                       .headers = headers,
                                       .expires_at = clock_now() + UPLOAD_S * CLOCK_SECOND,
                                       .expires_in = UPLOAD_S};
    return NULL;
}

static void tell(struct ctx *ctx, const char *id, const char *key, const char *content_type, int64_t size,
                 struct poster *poster_r)
{
    *poster_r = (struct poster){id, s3_public_url(ctx->arena, key), content_type, size};
}

/* One that is complete. */
static const struct err *find(struct ctx *ctx, const char *id, const char *key, struct poster *poster_r)
{
    struct s3_object there;
    const struct err *e = s3_peek(ctx, key, START_LEN, &there);
    if (!e) {
        tell(ctx, id, key, there.content_type, there.size, poster_r);
    }
    return e;
}

/* It can be no poster, nor become one: an address that is still good may write it anew. */
static const struct err *refuse(struct ctx *ctx, const char *upload, const char *why)
{
    const struct err *e = s3_delete(ctx, upload);
    if (e) {
        log_warn(&ctx->log, "a refused upload stays until the bucket's rule removes it: %s", e->code);
    }
    return ctx_invalid(ctx, "upload", "%s", why);
}

static const struct err *publish(struct ctx *ctx, const char *id, const char *upload, const char *key,
                                 struct poster *poster_r)
{
    struct s3_object object;
    const struct err *e = s3_peek(ctx, upload, START_LEN, &object);
    if (e) {
        return e;
    }
    const char *type = picture_type(&object);
    if (!type || object.size > POSTER_BYTES_MAX) {
        return refuse(ctx, upload, type ? "is too large" : "is not a JPEG, PNG or WebP picture");
    }
    e = s3_copy(ctx, &(struct s3_copy){upload, key, object.etag, type, FOR_EVER});
    if (e) {
        return e;
    }
    e = s3_delete(ctx, upload);
    if (e) {
        log_warn(&ctx->log, "a completed upload stays until the bucket's rule removes it: %s", e->code);
    }
    tell(ctx, id, key, type, object.size, poster_r);
    return NULL;
}

const struct err *poster_complete(struct ctx *ctx, const char *poster_id, struct poster *poster_r)
{
    if (!s3_on()) {
        return &err_not_found;
    }
    const char *key = ARENA_JOIN(ctx->arena, POSTERS, poster_id);
    const struct err *e = find(ctx, poster_id, key, poster_r);
    if (e != &err_not_found) {
        return e;
    }
    e = publish(ctx, poster_id, ARENA_JOIN(ctx->arena, UPLOADS, poster_id), key, poster_r);
    bool refused = e == &err_invalid_request;
    /* Who completes it at the same moment takes the upload away. */
    return e && !refused && !find(ctx, poster_id, key, poster_r) ? NULL : e;
}
