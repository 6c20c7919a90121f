#include "cgi-bin/event/handlers.h"

#include "src/event/poster.h"

const struct err *posters_begin(struct request *rq, struct reply *rp)
{
    struct poster_upload upload;
    const struct err *e = poster_begin(rq->ctx, rq->body, &upload);
    if (!e) {
        json_add_shape(reply_json(rp, 201), NULL, &poster_upload_shape, &upload);
    }
    return e;
}

const struct err *posters_complete(struct request *rq, struct reply *rp)
{
    struct poster poster;
    const struct err *e = poster_complete(rq->ctx, request_param(rq, "posterId"), &poster);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &poster_shape, &poster);
    }
    return e;
}
