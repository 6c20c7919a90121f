#include "cgi-bin/user/handlers.h"
#include "common/json/page.h"
#include "src/user/logins.h"
#include "src/user/password_change.h"
#include "src/user/session.h"

struct session_owner owner_of(const struct request *rq)
{
    return (struct session_owner){rq->identity.user_id, rq->identity.jti, rq->identity.expires_at};
}

struct client client_of(const struct request *rq)
{
    return (struct client){rq->client_ip, rq->user_agent};
}

const struct err *sessions_list(struct request *rq, struct reply *rp)
{
    const struct page page = page_or_default(rq->args);
    const struct session_owner owner = owner_of(rq);
    struct json_list list;
    int64_t total;
    const struct err *e = session_list(rq->ctx, &owner, &page, &list, &total);
    if (!e) {
        reply_page(rp, &session_view_shape, list.items, list.count, &page, total);
    }
    return e;
}

const struct err *sessions_end(struct request *rq, struct reply *rp)
{
    const struct err *e = session_end(rq->ctx, rq->identity.user_id, request_param(rq, "id"));
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

const struct err *sessions_end_all(struct request *rq, struct reply *rp)
{
    const struct session_owner owner = owner_of(rq);
    const struct err *e = session_end_all(rq->ctx, &owner);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

const struct err *sessions_log_out(struct request *rq, struct reply *rp)
{
    const struct session_owner owner = owner_of(rq);
    const struct err *e = session_logout(rq->ctx, &owner);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

const struct err *logins_page(struct request *rq, struct reply *rp)
{
    const struct page page = page_or_default(rq->args);
    struct json_list list;
    int64_t total;
    const struct err *e = logins_list(rq->ctx, rq->identity.user_id, &page, &list, &total);
    if (!e) {
        reply_page(rp, &login_view_shape, list.items, list.count, &page, total);
    }
    return e;
}

const struct err *password_put(struct request *rq, struct reply *rp)
{
    const struct session_owner owner = owner_of(rq);
    const struct err *e = password_change(rq->ctx, &owner, rq->client_ip, rq->body);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}
