/* portone_call: one exchange with PortOne's API: credentials, breaker, and what the answer means. Private to
 * src/providers/portone*.c. */
#ifndef PROVIDERS_PORTONE_CALL_H
#define PROVIDERS_PORTONE_CALL_H

#include "common/json/json.h"
#include "src/providers/portone.h"

enum portone_service { PORTONE_PAYMENTS, PORTONE_IDENTITIES, PORTONE_SERVICE__MAX };

struct portone_call {
    enum portone_service service;
    bool moves_money; /* a lost answer is &err_uncertain, not unavailable */
    const char *method;
    const char *path;            /* with its query, percent-encoded */
    const char *body;            /* JSON; NULL: none */
    const char *idempotency_key; /* or NULL */
};

struct portone_answer {
    const struct json *root; /* an object */
};

/* The results that portone.h describes, with &err_portone_unavailable for both services. refusal_r may be NULL. */
BO_MUSTCHECK const struct err *portone_exchange(struct ctx *ctx, const struct portone_call *call,
                                                struct portone_answer *answer_r, struct portone_refusal *refusal_r);

#endif
