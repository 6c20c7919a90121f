#include "cgi-bin/event/handlers.h"

#include <string.h>

struct making {
    struct request *rq;
    struct reply *rp;
    kept_handler *handler;
};

static const struct err *make(struct ctx *ctx, void *with, struct catalogue_answer *answer_r)
{
    const struct making *making = with;
    struct reply *rp = making->rp;
    const char *etag = NULL;
    const struct err *e = making->handler(making->rq, rp, &etag);
    if (!e) {
        etag = etag ? etag : reply_etag_of(ctx->arena, rp->body.data, rp->body.len);
        *answer_r = (struct catalogue_answer){.etag = etag, .bytes = rp->body.data, .len = rp->body.len};
    }
    return e;
}

static bool is_version(const char *etag, const char *version)
{
    size_t len = version ? strlen(version) : 0;
    return len > 0 && strlen(etag) == len + 2 && memcmp(etag + 1, version, len) == 0;
}

const struct err *reply_kept(struct request *rq, struct reply *rp, const struct catalogue_place *place,
                             kept_handler *handler, const char *version)
{
    struct catalogue_answer answer;
    struct making making = {rq, rp, handler};
    const struct err *e = catalogue_cache_get(rq->ctx, place, make, &making, &answer);
    if (e) {
        return e;
    }
    if (answer.bytes != rp->body.data) {
        reply_bytes(rp, 200, "application/json", answer.bytes, answer.len);
    }
    bool lasting = is_version(answer.etag, version);
    reply_header(rp, "Cache-Control",
                 lasting ? "public, max-age=31536000, immutable" : "no-cache"); /* no-cache: must be asked about */
    if (answer.passing) {
        reply_header(rp, "X-Accel-Expires", "0"); /* nor does the gateway keep it */
    }
    reply_known_etag(rp, answer.etag, request_header(rq, "if-none-match"));
    return NULL;
}
