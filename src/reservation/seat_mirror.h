/*
 * seat_mirror: the copy of a schedule's seats and claims in Redis that makes losing cheap. PostgreSQL decides; the
 * mirror turns away those who cannot win and answers the live seat map (RSV-003).
 *
 * It may lag or be empty at any time: it is loaded when needed (the catalogue from the event service, the claims from
 * seat_claims), lives BOX_SEAT_CATALOGUE_S, and no claim in it but a sold one outlives its hold or
 * SEAT_CLAIM_SECURED_MS, so nothing stays wrong for long. Keys rsv:{<schedule>}:seats and rsv:{<schedule>}:claims;
 * their formats stand in lua/hold.lua.
 *
 * What is read of PostgreSQL and written here a moment later may be outdated by then: a reservation that went in
 * between is remembered for SEAT_GONE_MS, and its seats are not marked again.
 *
 * Killed between the gate and PostgreSQL: the seats look held for at most one hold's life.
 */
#ifndef RESERVATION_SEAT_MIRROR_H
#define RESERVATION_SEAT_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/redis.h"
#include "common/json/json.h"
#include "src/reservation/reservation.h"

struct seat_request {
    const char *queue_token;
    const char *user_id;
    const char *schedule_id;
    const char *reservation_id; /* of the hold to be made */
    struct json_list seat_ids;  /* of const char * */
};

/* What the gate has found out; of a refusal only `before`. */
struct seat_pass {
    struct json_list seats; /* of struct reservation_seat, in the order asked for */
    bool own;               /* some of them had a mark of the same user, which is left as it was */
    bool before;            /* the user has passed within a day: this may be a repeat */
};

/* The gate: checks token and seats and marks them, all or none. Seats that the same user has already pass and keep
 * their marks, because only PostgreSQL knows why they are asked for again. What is to be asked of Redis is one script.
 */
struct redis_pipe *seat_mirror_knock(struct ctx *ctx, const struct seat_request *request);
/* What it means that this could not be asked, or was not answered: `e`, as of what changes nothing. Seats that may be
 * marked all the same are released. */
BO_MUSTCHECK const struct err *seat_mirror_lost(struct ctx *ctx, const struct seat_request *request,
                                                const struct err *e);
/* Reads the gate's answer. When the seats are not loaded it loads them, unless somebody has meanwhile, and asks again,
 * which takes up to SEAT_CATALOGUE_LOADER_MS. &err_queue_token_invalid, &err_too_many_requests (more than
 * BOX_HOLDS_PER_MINUTE), &err_seat_already_held, &err_seat_sold, &err_invalid_request for a seat that the schedule does
 * not have, &err_not_found, &err_unavailable. */
BO_MUSTCHECK const struct err *seat_mirror_pass(struct ctx *ctx, const struct seat_request *request,
                                                const struct redis_value *answer, struct seat_pass *pass_r);
/* Takes back what seat_mirror_pass() marked. Failure is logged and harmless. */
void seat_mirror_release(struct ctx *ctx, const struct seat_request *request);
/* Reads the claims of the seats from PostgreSQL and writes them into the mirror. *sold_r: one of them is sold. */
BO_MUSTCHECK const struct err *seat_mirror_refresh(struct ctx *ctx, const char *schedule_id, struct json_list seat_ids,
                                                   bool *sold_r);
/* After a commit: brings the mirror in line with the reservation. Failure is logged and harmless. */
void seat_mirror_follow(struct ctx *ctx, const struct reservation *reservation);

struct seat_map {
    int64_t total;
    struct json_list sold; /* of const char * */
    struct json_list held; /* of const char * */
};
/* &err_not_found when there is no such schedule, &err_unavailable. */
BO_MUSTCHECK const struct err *seat_mirror_map(struct ctx *ctx, const char *schedule_id, struct seat_map *map_r);

#endif
