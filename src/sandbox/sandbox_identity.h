/* sandbox_identity: people whose identity "PortOne" has verified. */
#ifndef SANDBOX_SANDBOX_IDENTITY_H
#define SANDBOX_SANDBOX_IDENTITY_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

struct sandbox_identity {
    const char *id;
    const char *name;
    const char *phone; /* digits */
    const char *birth_date;
    const char *ci; /* NULL when created: a person never seen before */
    const char *di; /* made from the CI */
    int64_t verified_at;
};

/* Records a verified person; fills id, ci, di and verified_at. */
BO_MUSTCHECK const struct err *sandbox_identity_verify(struct ctx *ctx, struct sandbox_identity *identity);
/* &err_sandbox_identity_unknown. */
BO_MUSTCHECK const struct err *sandbox_identity_find(struct ctx *ctx, const char *id,
                                                     struct sandbox_identity *identity_r);

#endif
