/* internal_call: a call to another service's /internal API. Private to src/contract. */
#ifndef CONTRACT_INTERNAL_CALL_H
#define CONTRACT_INTERNAL_CALL_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/http.h"
#include "common/json/json.h"

struct internal_call {
    const char *method;
    const char *path;  /* "/internal/..." */
    const char *body;  /* JSON; NULL: none */
    size_t answer_max; /* bytes; 0 = 1 MiB */
    int timeout_ms;    /* whole call; 0 = 3000 */
};

/* The service's answer, whatever its status. Errors as http_perform() gives them. */
BO_MUSTCHECK const struct err *internal_call(struct ctx *ctx, const struct internal_call *call,
                                             struct http_answer *answer_r);
/* Reads the answer's JSON. &err_bad_gateway (logged) when it is not of this shape; unlike a client's mistakes its
 * defects are not noted in ctx->details. */
BO_MUSTCHECK const struct err *internal_read(struct ctx *ctx, const char *json, size_t len, const struct shape *shape,
                                             void **out_r);
/* The public code of an error answer ("NOT_FOUND"); "" when it has none. */
const char *internal_error_code(struct ctx *ctx, const struct http_answer *answer);

#endif
