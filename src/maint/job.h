/* job: what boxoffice-maint can do. Every job may be ended at any moment and started again. */
#ifndef MAINT_JOB_H
#define MAINT_JOB_H

#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"

/* One file defines one job. */
struct job {
    const char *name;
    const char *help;                          /* one sentence */
    const char *schedule;                      /* five fields as in a crontab; whoever starts jobs reads it there */
    const char *role;                          /* of the database: it may do what this job needs, and no more */
    const struct cfg_section *const *settings; /* beside those of `needs`; SECTIONS(...); NULL: none */
    unsigned needs;                            /* enum ctx_need */
    /* Works until nothing is left to do, in units of its own (ctx_begin()); *done_r counts what was done, also when it
     * fails half-way. */
    const struct err *(*run)(struct ctx *ctx, int64_t *done_r);
};

#define SECTIONS(...) ((const struct cfg_section *const[]){__VA_ARGS__, NULL})

extern const struct job expire_holds_job;
extern const struct job purge_job;
extern const struct job accounts_job;
extern const struct job revocations_job;
extern const struct job reconcile_job;

#endif
