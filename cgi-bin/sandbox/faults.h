/* faults: what an ordered fault does to one call of a stand-in. */
#ifndef CGI_BIN_SANDBOX_FAULTS_H
#define CGI_BIN_SANDBOX_FAULTS_H

#include "common/serve/reply.h"
#include "common/serve/request.h"
#include "src/sandbox/sandbox_fault.h"

struct strike {
    bool struck;
    bool over; /* the call has its answer: do no work */
    struct sandbox_fault fault;
};

/* To be called before a stand-in does its work; then fault_end(), unless strike_r->over. */
BO_MUSTCHECK const struct err *fault_begin(struct request *rq, struct reply *rp, const char *target,
                                           const char *operation, struct strike *strike_r);
/* Spoils the finished answer if that was ordered. */
void fault_end(struct request *rq, struct reply *rp, const struct strike *strike);

#endif
