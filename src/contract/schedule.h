/*
 * schedule: what other services may know of a performance. Served by the event service under /internal, read through
 * these clients, cached in Redis (BOX_SCHEDULE_CACHE_S) so that a crowd costs the event service one request, and for a
 * moment in the process (BOX_SCHEDULE_LOCAL_MS), because at the height of a sale everybody asks for the same one. When
 * a copy is old one process fetches a new one; the others go on with the old one, for a minute at most.
 */
#ifndef CONTRACT_SCHEDULE_H
#define CONTRACT_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

/* GET /internal/schedules/{scheduleId} */
struct schedule {
    const char *schedule_id;
    const char *event_id;
    const char *event_title;
    const char *artist;
    const char *venue_name;
    const char *hall_name;
    const char *status; /* OPEN, CANCELLED: of the event and the schedule together; DRAFT is not served */
    int64_t event_start_at;
    int64_t event_end_at;
    int64_t sale_start_at;
    int64_t sale_end_at;
    int64_t admission_rate; /* people per second */
    int64_t queue_capacity; /* people */
    int sold_out;           /* 1: all seats are SOLD; held ones are not */
};
extern const struct shape schedule_shape;

#define ERR_SALE_LIST(X)                                                                                          \
    X(sale_not_open, "SALE_NOT_OPEN", 409, 0, "아직 판매가 시작되지 않았습니다.", "The sale has not opened yet.") \
    X(sale_ended, "SALE_ENDED", 409, 0, "판매가 종료되었습니다.", "The sale has ended.")
ERR_SALE_LIST(ERR_DECLARE)

/* NULL while the sale runs; else &err_sale_not_open, or &err_sale_ended (also when cancelled). */
BO_MUSTCHECK const struct err *schedule_check_sale(const struct schedule *schedule);

/* *over_r: the sale has ended, was cancelled, or the schedule is gone. Else *schedule_r is it. Errors as
 * schedule_get(), but for &err_not_found. */
BO_MUSTCHECK const struct err *schedule_find(struct ctx *ctx, const char *schedule_id, struct schedule *schedule_r,
                                             bool *over_r);

/* Whether the performance was called off, for who moves money: by the copy of all, which who calls off forgets, never
 * by the process's own. Not, when neither cache nor service answers. */
bool schedule_called_off(struct ctx *ctx, const char *schedule_id);

/* GET /internal/schedules/{scheduleId}/seats */
struct schedule_seat {
    const char *id;
    const char *seat_number; /* "A-12" */
    const char *grade;       /* VIP, S, A, B */
    int64_t price;           /* won */
};
struct schedule_seats {
    const char *schedule_id;
    struct json_list seats; /* of struct schedule_seat */
};
extern const struct shape schedule_seats_shape;

struct cfg_schedule {
    int64_t cache_s;  /* BOX_SCHEDULE_CACHE_S */
    int64_t local_ms; /* BOX_SCHEDULE_LOCAL_MS; 0 = off */
};
extern struct cfg_schedule cfg_schedule;
extern const struct cfg_section cfg_schedule_section;

/* &err_not_found when there is no such (published) schedule; &err_unavailable when neither cache nor service answers.
 * Also remembers for a few seconds that a schedule does not exist. */
BO_MUSTCHECK const struct err *schedule_get(struct ctx *ctx, const char *schedule_id, struct schedule *schedule_r);
/* The seats, uncached: the caller keeps its own catalogue. &err_unavailable also for seconds after the service has not
 * answered this process: all whom it serves would wait again. */
BO_MUSTCHECK const struct err *schedule_seats_get(struct ctx *ctx, const char *schedule_id,
                                                  const struct schedule_seats **seats_r);
/* The event service knows the schedule to be as it is now: a cached copy that says otherwise of the seats is forgotten,
 * as by schedule_forget(), so that a sale that is sold out, or is so no longer, is known at once and nobody asks anew
 * while single seats are sold. Where there is none, the one that is being made is old. False: it was known already. */
bool schedule_forget_if_sales_changed(struct ctx *ctx, const struct schedule *schedule);
/* The event service changed a schedule: the next who asks fetches it anew, while others go on with the old copy.
 * Failure is harmless for BOX_SCHEDULE_CACHE_S; other processes' own copies live on for BOX_SCHEDULE_LOCAL_MS. */
void schedule_forget(struct ctx *ctx, const char *schedule_id);

#endif
