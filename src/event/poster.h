/*
 * poster: pictures of events, which browsers upload to an S3-compatible store themselves: none of their bytes goes
 * through us (docs/posters.md).
 *
 * An upload goes to a key of its own, at an address that is good for ten minutes, one length and one type. What has
 * arrived becomes a poster when its size and its first bytes are those of a picture: it is copied to where everybody
 * may read, by its etag, so that what was looked at is what is copied, and no address ever handed out writes there.
 * What nobody completes is removed by the bucket's own rule.
 */
#ifndef EVENT_POSTER_H
#define EVENT_POSTER_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/crypto/uuid.h"
#include "common/json/json.h"

#define POSTER_BYTES_MAX (10 << 20)

/* POST /events/posters */
struct poster_new {
    const char *content_type; /* image/jpeg, image/png, image/webp */
    int64_t size;             /* bytes */
};
extern const struct shape poster_new_shape;

/* How to upload: with these two headers exactly, and a body of that length. */
struct poster_headers {
    const char *content_type;
    const char *content_length;
};
struct poster_upload {
    const char *poster_id;
    const char *method;
    const char *url;
    struct poster_headers headers;
    int64_t expires_at;
    int64_t expires_in; /* seconds */
};
extern const struct shape poster_upload_shape;

/* Writes nothing. &err_not_found: this site has no store. */
BO_MUSTCHECK const struct err *poster_begin(struct ctx *ctx, const struct poster_new *input,
                                            struct poster_upload *upload_r);

struct poster {
    const char *poster_id;
    const char *poster_url; /* for ever the same picture */
    const char *content_type;
    int64_t size; /* bytes */
};
extern const struct shape poster_shape;

/* Repeatable: a poster stays what it was when it was first completed. &err_not_found: nothing has been uploaded, or
 * this site has no store. &err_invalid_request: it is no picture of those kinds; it is gone. &err_conflict: it was
 * being uploaded anew at this moment. &err_unavailable, &err_bad_gateway: as s3_peek(). Waits for four calls of the
 * store at most. */
BO_MUSTCHECK const struct err *poster_complete(struct ctx *ctx, const char *poster_id, struct poster *poster_r);

#endif
