#include "cgi-bin/user/handlers.h"

#include "common/base/array.h"
#include "src/user/account.h"
#include "src/user/profile_change.h"
#include "src/user/terms.h"
#include "src/user/withdrawal.h"

struct withdrawal_query {
    int with_tickets;
};
static const struct field withdrawal_query_fields[] = {
    {FIELD(struct withdrawal_query, "withTickets", FIELD_BOOL, with_tickets)},
};
const struct shape withdrawal_query_shape = {withdrawal_query_fields, ARRAY_COUNT(withdrawal_query_fields),
                                             sizeof(struct withdrawal_query), false};

static const struct err *answer_profile(struct request *rq, struct reply *rp)
{
    struct profile profile;
    const struct err *e = account_profile_answer(rq->ctx, rq->identity.user_id, &profile);
    if (e) {
        return e;
    }
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_str(out, "id", profile.id);
    json_add_str(out, "email", profile.email);
    json_add_str(out, "name", profile.name);
    json_add_str(out, "phone", profile.phone);
    json_add_str(out, "role", profile.role);
    json_add_time(out, "createdAt", profile.created_at);
    json_add_raw(out, "linkedProviders", profile.linked_providers);
    json_close_object(out);
    return NULL;
}

const struct err *profile_get(struct request *rq, struct reply *rp)
{
    (void)rp;
    const struct err *e = account_profile_ask(rq->ctx, rq->identity.user_id);
    if (!e) {
        request_wait(rq, answer_profile, NULL);
    }
    return e;
}

const struct err *profile_put(struct request *rq, struct reply *rp)
{
    const struct session_owner owner = owner_of(rq);
    const struct err *e = profile_change(rq->ctx, &owner, rq->body);
    return e ? e : profile_get(rq, rp);
}

const struct err *profile_delete(struct request *rq, struct reply *rp)
{
    const struct withdrawal_query *asked = rq->args;
    const struct session_owner owner = owner_of(rq);
    const struct err *e = withdrawal(rq->ctx, &owner, asked->with_tickets == 1);
    if (!e) {
        reply_empty(rp, 204);
    }
    return e;
}

const struct err *agreements_get(struct request *rq, struct reply *rp)
{
    struct decision_list list;
    const struct err *e = terms_decisions(rq->ctx, rq->identity.user_id, &list);
    if (!e) {
        json_add_shape(reply_json(rp, 200), NULL, &decision_list_shape, &list);
    }
    return e;
}

const struct err *agreements_put(struct request *rq, struct reply *rp)
{
    const struct agreements *body = rq->body;
    const struct err *e = terms_decide(rq->ctx, rq->identity.user_id, &body->agreements);
    return e ? e : agreements_get(rq, rp);
}
