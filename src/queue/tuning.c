#include "src/queue/tuning.h"

#include "common/io/redis.h"
#include "common/json/json.h"
#include "src/contract/schedule.h"
#include "src/queue/queue_keys.h"

extern const struct redis_script redis_script_queue_tune;

static const char *change_of(struct ctx *ctx, int64_t value, bool given)
{
    return given ? arena_int(ctx->arena, value) : "";
}

const struct err *queue_tune(struct ctx *ctx, const char *schedule_id, const char *admin_id,
                             const struct queue_tuning *tuning, struct queue_tuned *tuned_r)
{
    struct schedule schedule;
    const struct err *e = schedule_get(ctx, schedule_id, &schedule);
    if (e) {
        return e;
    }
    struct queue_keys keys = queue_keys_of(ctx->arena, schedule_id);
    const char *key_list[] = {keys.state, keys.audit, keys.view};
    const char *args[] = {change_of(ctx, tuning->admission_rate, tuning->admission_rate != FIELD_NO_INT),
                          change_of(ctx, tuning->paused, tuning->paused >= 0),
                          change_of(ctx, tuning->max_active, tuning->max_active != FIELD_NO_INT), admin_id};
    const struct redis_value *answer;
    e = redis_eval(ctx, &redis_script_queue_tune, &answer, key_list, 3, args, 4);
    e = e ? e : REDIS_RUN(ctx, NULL, "SADD", QUEUE_LINES_KEY, schedule_id); /* so that somebody closes it */
    if (e) {
        return e;
    }
    bool own_rate = redis_str(answer, 0) && *redis_str(answer, 0);
    *tuned_r = (struct queue_tuned){
        .admission_rate = own_rate ? redis_int(answer, 0) : schedule.admission_rate,
        .paused = redis_int(answer, 1) == 1,
        .max_active = redis_int(answer, 2),
    };
    log_info(&ctx->log, "audit: '%s' changed the line of '%s': rate '%s', paused '%s', most active '%s'", admin_id,
             schedule_id, args[0], args[1], args[2]);
    return NULL;
}
