#include "cgi-bin/event/handlers.h"

struct making {
    struct request *rq;
    struct reply *rp;
    request_handler *handler;
};

static const struct err *make(struct ctx *ctx, void *with, struct catalogue_answer *answer_r)
{
    const struct making *making = with;
    struct reply *rp = making->rp;
    const struct err *e = making->handler(making->rq, rp);
    if (!e) {
        *answer_r = (struct catalogue_answer){reply_etag_of(ctx->arena, rp->body.data, rp->body.len), rp->body.data,
                                              rp->body.len};
    }
    return e;
}

const struct err *reply_kept(struct request *rq, struct reply *rp, const struct catalogue_place *place,
                             request_handler *handler)
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
    reply_header(rp, "Cache-Control", "no-cache"); /* may be kept, must be asked about */
    reply_known_etag(rp, answer.etag, request_header(rq, "if-none-match"));
    return NULL;
}
