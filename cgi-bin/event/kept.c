#include "cgi-bin/event/handlers.h"

#include <string.h>

#include "common/base/gzip.h"

/* For the gateway, which may give an answer for a second, and for one more while it asks for the next. */
#define ACCEL_S "1"
#define REVALIDATE "stale-while-revalidate=1"
#define LARGE (64 << 10) /* bytes from which an answer is compressed once for all, not by the gateway for each */

struct making {
    struct request *rq;
    struct reply *rp;
    kept_handler *handler;
};

static bool compress_large(struct buf *body)
{
    struct buf compressed;
    if (body->len < LARGE || body->overflow) {
        return false;
    }
    buf_init(&compressed, body->arena, body->max);
    gzip_add(&compressed, body->data, body->len);
    *body = compressed;
    return true;
}

static const struct err *make(struct ctx *ctx, void *with, struct catalogue_answer *answer_r)
{
    const struct making *making = with;
    struct reply *rp = making->rp;
    const char *etag = NULL;
    const struct err *e = making->handler(making->rq, rp, &etag);
    if (!e) {
        bool gzip = compress_large(&rp->body);
        etag = etag ? etag : reply_etag_of(ctx->arena, rp->body.data, rp->body.len);
        *answer_r = (struct catalogue_answer){.etag = etag, .bytes = rp->body.data, .len = rp->body.len, .gzip = gzip};
    }
    return e;
}

static bool is_version(const char *etag, const char *version)
{
    size_t len = version ? strlen(version) : 0;
    return len > 0 && strlen(etag) == len + 2 && memcmp(etag + 1, version, len) == 0;
}

void reply_shared(struct reply *rp, bool kept, bool lasting)
{
    /* Ahead of Cache-Control, or its no-cache would be for the gateway too. */
    reply_header(rp, "X-Accel-Expires", kept ? ACCEL_S : "0");
    reply_header(rp, "Cache-Control",
                 lasting ? "public, max-age=31536000, immutable, " REVALIDATE : "no-cache, " REVALIDATE);
}

const struct err *reply_kept(struct request *rq, struct reply *rp, const struct catalogue_place *place,
                             kept_handler *handler, const char *version)
{
    struct catalogue_answer answer;
    const char *known = request_header(rq, "if-none-match");
    if (!known || !catalogue_cache_head(rq->ctx, place, &answer) || !reply_etag_listed(known, answer.etag)) {
        struct making making = {rq, rp, handler};
        const struct err *e = catalogue_cache_get(rq->ctx, place, make, &making, &answer);
        if (e) {
            return e;
        }
        if (answer.bytes != rp->body.data) {
            reply_bytes(rp, 200, "application/json", answer.bytes, answer.len);
        }
    }
    bool lasting = is_version(answer.etag, version);
    bool kept = !answer.passing && (lasting || !version); /* versions that were made up are without end */
    reply_shared(rp, kept, lasting);
    reply_known_etag(rp, answer.etag, known);
    if (answer.gzip && rp->status == 200) {
        reply_header(rp, "Content-Encoding", "gzip"); /* the gateway decompresses for who does not accept it */
    }
    return NULL;
}
