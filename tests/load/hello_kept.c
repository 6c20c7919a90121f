/* hello_kept: the least that one of our responders can do, with an access token checked; what make bench measures the
 * skeleton and our nginx configuration by. */
#include "common/base/array.h"
#include "common/serve/responder.h"

static const struct err *handle_hello(struct request *rq, struct reply *rp)
{
    (void)rq;
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "message", "hello");
    json_close_object(out);
    return NULL;
}

/* RT_LATE: the blacklist, which takes an exchange with Redis, is part of what a route does. */
static const struct route routes[] = {{"GET", "/bench/hello", handle_hello, RT_USER | RT_LATE, NULL, NULL, 0, NULL}};

int main(int argc, char **argv)
{
    static const struct responder responder = {.name = "hello", .routes = routes, .route_count = ARRAY_COUNT(routes)};
    return responder_main(&responder, argc, argv);
}
