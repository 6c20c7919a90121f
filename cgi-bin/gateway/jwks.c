#include "common/auth/jwks.h"
#include "cgi-bin/gateway/gateway.h"

const struct err *gateway_handle_jwks(struct request *rq, struct reply *rp)
{
    (void)rq;
    jwks_write(reply_json(rp, 200));
    /* Not longer than a new key is known before it signs. */
    reply_header(rp, "Cache-Control", "public, max-age=60");
    return NULL;
}
