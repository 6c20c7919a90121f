#include "cgi-bin/gateway/gateway.h"

const struct err *gateway_handle_jwks(struct request *rq, struct reply *rp)
{
    (void)rq;
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_open_array(out, "keys");
    json_close_array(out);
    json_close_object(out);
    reply_header(rp, "Cache-Control", "public, max-age=3600");
    return NULL;
}
