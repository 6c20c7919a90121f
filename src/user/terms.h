/* terms: versioned terms and what a person decides about them (AUTH-002). */
#ifndef USER_TERMS_H
#define USER_TERMS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

struct terms {
    const char *type; /* SERVICE, PRIVACY, MARKETING */
    int64_t version;
    int required;
    const char *title;
    const char *body;
};
struct terms_list {
    struct json_list terms; /* of struct terms, the version in effect of each type */
};
extern const struct shape terms_list_shape;

struct agreement {
    const char *type;
    int64_t version;
    int agreed;
};
extern const struct shape agreement_shape;

/* The body of a change: decisions about one or more types. */
struct agreements {
    struct json_list agreements; /* of struct agreement */
};
extern const struct shape agreements_shape;

struct decision {
    const char *type;
    int64_t version;
    int agreed;
    int64_t decided_at;
};
struct decision_list {
    struct json_list agreements; /* of struct decision, the latest of each type */
};
extern const struct shape decision_list_shape;

BO_MUSTCHECK const struct err *terms_current(struct ctx *ctx, struct terms_list *terms_r);
/* Whether `agreements` (of struct agreement) name current versions, each type once, and agree to all that are required.
 * &err_terms_required, &err_invalid_request; both with details. Pure. */
BO_MUSTCHECK const struct err *terms_check(struct ctx *ctx, const struct terms_list *current,
                                           const struct json_list *agreements);
/* Stores decisions, each where it differs from the latest about its type; inside a transaction. */
BO_MUSTCHECK const struct err *terms_store(struct ctx *ctx, const char *user_id, const struct json_list *agreements);
/* What a person has decided (AUTH-002). */
BO_MUSTCHECK const struct err *terms_decisions(struct ctx *ctx, const char *user_id, struct decision_list *list_r);
/* Decides anew about the types that `agreements` names. &err_terms_required when it is a required one that is not
 * agreed to, or another version than the one in effect; &err_invalid_request, &err_too_many_requests. Safe
 * to repeat. */
BO_MUSTCHECK const struct err *terms_decide(struct ctx *ctx, const char *user_id, const struct json_list *agreements);

#endif
