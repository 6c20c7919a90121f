#include "cgi-bin/sandbox/faults.h"

#include <string.h>

#include "common/base/clock.h"

/* Replaces the answer by the ordered one. */
static void spoil(struct request *rq, struct reply *rp, const struct sandbox_fault *fault)
{
    if (fault->hang) {
        sandbox_fault_hang(rq->ctx, fault);
    }
    if (fault->hang || fault->status == 0) {
        rp->dropped = true;
        return;
    }
    if (fault->type == NULL) {
        static const char text[] = "a fault was ordered\n";
        reply_bytes(rp, (int)fault->status, "text/plain", text, strlen(text));
        return;
    }
    struct json_out *out = reply_json(rp, (int)fault->status);
    json_open_object(out, NULL);
    json_add_str(out, "type", fault->type);
    json_add_str(out, "message", "a fault was ordered");
    if (strcmp(fault->type, "PG_PROVIDER") == 0) {
        json_add_str(out, "pgCode", "SANDBOX");
        json_add_str(out, "pgMessage", "a fault was ordered");
    }
    json_close_object(out);
}

const struct err *fault_begin(struct request *rq, struct reply *rp, const char *target, const char *operation,
                              struct strike *strike_r)
{
    *strike_r = (struct strike){0};
    struct sandbox_fault *fault = &strike_r->fault;
    const struct err *e = sandbox_fault_take(rq->ctx, target, operation, fault, &strike_r->struck);
    if (e || !strike_r->struck) {
        return e;
    }
    clock_sleep(fault->latency_ms);
    strike_r->over = !fault->lose_answer && (fault->hang || fault->status != 0);
    if (strike_r->over) {
        spoil(rq, rp, fault);
    }
    return NULL;
}

void fault_end(struct request *rq, struct reply *rp, const struct strike *strike)
{
    if (strike->struck && strike->fault.lose_answer) {
        spoil(rq, rp, &strike->fault);
    }
}
