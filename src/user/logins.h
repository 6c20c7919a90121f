/* logins: the history of a person's logins (AUTH-019). */
#ifndef USER_LOGINS_H
#define USER_LOGINS_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"
#include "common/json/page.h"

struct login_view {
    int64_t created_at;
    const char *method; /* PASSWORD, KAKAO, NAVER, GOOGLE */
    const char *result; /* SUCCESS, BAD_PASSWORD, LOCKED, DORMANT */
    const char *ip;     /* NULL: not known */
    const char *user_agent;
};
extern const struct shape login_view_shape;

/* A page of it, the latest first: struct login_view, and how many there are. */
BO_MUSTCHECK const struct err *logins_list(struct ctx *ctx, const char *user_id, const struct page *page,
                                           struct json_list *list_r, int64_t *total_r);

#endif
