#include "src/sandbox/sandbox_fault.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/io/redis.h"
#include "common/json/json.h"
#include "src/sandbox/sandbox_settings.h"
#include "src/sandbox/sandbox_state.h"

#define FAULTS SANDBOX_KEY("faults")
#define EPOCH SANDBOX_KEY("fault-epoch")
#define HANG_STEP_MS 100
#define MILLION 1000000

extern const struct redis_script redis_script_sandbox_fault_take;

/* Booleans travel as FIELD_BOOL's int. */
struct document {
    struct sandbox_fault fault;
    int hang;
    int lose_answer;
};

SHAPE_OPEN(fault_shape, struct document, {FIELD(struct document, "target", FIELD_STR, fault.target)},
           {FIELD(struct document, "operation", FIELD_STR, fault.operation)},
           {FIELD(struct document, "sharePpm", FIELD_INT, fault.share_ppm)},
           {FIELD(struct document, "times", FIELD_INT, fault.times)},
           {FIELD(struct document, "latencyMs", FIELD_INT, fault.latency_ms)},
           {FIELD(struct document, "status", FIELD_INT, fault.status)},
           {FIELD(struct document, "type", FIELD_STR, fault.type)}, {FIELD(struct document, "hang", FIELD_BOOL, hang)},
           {FIELD(struct document, "loseAnswer", FIELD_BOOL, lose_answer)});

const struct err *sandbox_fault_order(struct ctx *ctx, const struct sandbox_fault *fault)
{
    const struct document document = {.fault = *fault, .hang = fault->hang, .lose_answer = fault->lose_answer};
    return REDIS_RUN(ctx, NULL, "RPUSH", FAULTS, sandbox_write(ctx, &fault_shape, &document));
}

static const char *dice(struct ctx *ctx)
{
    uint32_t number;
    crypto_random(&number, sizeof number);
    return arena_printf(ctx->arena, "%u", (unsigned)(number % MILLION));
}

const struct err *sandbox_fault_take(struct ctx *ctx, const char *target, const char *operation,
                                     struct sandbox_fault *fault_r, bool *struck_r)
{
    const char *const keys[] = {FAULTS, EPOCH};
    const char *const args[] = {target, operation, dice(ctx)};
    const struct redis_value *answer;
    const struct err *e = redis_eval(ctx, &redis_script_sandbox_fault_take, &answer, keys, 2, args, 3);
    if (e) {
        return e;
    }
    const char *text = redis_str(answer, 1);
    *struck_r = text != NULL;
    if (text == NULL) {
        return NULL;
    }
    void *found;
    if (json_read(ctx, text, strlen(text), &fault_shape, &found) != NULL) {
        return &err_internal;
    }
    const struct document *document = found;
    *fault_r = document->fault;
    fault_r->hang = document->hang == 1;
    fault_r->lose_answer = document->lose_answer == 1;
    fault_r->epoch = redis_str(answer, 0);
    return NULL;
}

const struct err *sandbox_fault_list(struct ctx *ctx, const char *const **faults_r, size_t *count_r)
{
    const struct redis_value *list;
    const struct err *e = REDIS_RUN(ctx, &list, "LRANGE", FAULTS, "0", "-1");
    if (e) {
        return e;
    }
    const char **faults = arena_calloc(ctx->arena, list->count + 1, sizeof *faults);
    for (size_t i = 0; i < list->count; i++) {
        faults[i] = redis_str(list, i);
    }
    *faults_r = faults;
    *count_r = list->count;
    return NULL;
}

const struct err *sandbox_fault_clear(struct ctx *ctx)
{
    const struct err *e = REDIS_RUN(ctx, NULL, "DEL", FAULTS);
    return !e ? REDIS_RUN(ctx, NULL, "SET", EPOCH, dice(ctx)) : e;
}

static bool orders_stand(struct ctx *ctx, const struct sandbox_fault *fault)
{
    const char *epoch;
    if (sandbox_load(ctx, EPOCH, &epoch) != NULL) {
        return true;
    }
    return strcmp(epoch == NULL ? "" : epoch, fault->epoch) == 0;
}

void sandbox_fault_hang(struct ctx *ctx, const struct sandbox_fault *fault)
{
    int64_t end = clock_monotonic() + cfg_sandbox.hang_ms * 1000;
    while (clock_monotonic() < end && orders_stand(ctx, fault)) {
        clock_sleep(HANG_STEP_MS);
    }
}
