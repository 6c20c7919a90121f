/*
 * hold: taking seats for the length of a hold, and giving them back (RSV-001, RSV-005, RSV-008).
 *
 * The mirror's gate turns losers away without touching PostgreSQL; hold_seats() then claims all seats or none in one
 * statement, which under an Idempotency-Key also finds or stores the answer.
 *   Two at once: the claim rows' unique key decides; the loser gets &err_seat_already_held. One buyer, one PENDING
 *     reservation per performance: a partial unique index decides; &err_hold_exists.
 *   Killed here: before the commit nobody owns the seats, though the mirror shows them held for at most one hold's
 *     life; after it the hold stands, and lapses by itself.
 *   Side by side: a claim that waits for another transaction's row is waited for with all others of its batch; none is
 *     sent in a transaction that stays open.
 *   Answer lost: with an Idempotency-Key a repeat gets the first answer; without one &err_hold_exists, and the hold is
 *     found in the list of reservations.
 *   Store gone: without Redis or PostgreSQL &err_unavailable and nothing is held; a connection lost during the claim
 *     is &err_uncertain.
 *   Repeated tomorrow: a new hold, if the seats are free.
 */
#ifndef RESERVATION_HOLD_H
#define RESERVATION_HOLD_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/idempotency.h"
#include "common/io/redis.h"
#include "common/json/json.h"

#define HOLD_SEATS_MAX 4

struct hold_request {
    const char *user_id;
    const char *queue_token;
    const char *schedule_id;
    struct json_list seat_ids; /* of const char *, no two the same */
    struct idempotency idempotency;
};

struct hold {
    const char *reservation_id;
    const char *status;     /* "PENDING" */
    struct json_list seats; /* of struct reservation_seat */
    int64_t total_amount;   /* won */
    int64_t hold_expires_at;
    int64_t hold_expires_in; /* seconds from the moment of the answer; no part of what a replay gives again */
    bool replayed;           /* the first answer again, under the same Idempotency-Key */
};
extern const struct shape hold_shape;

/* A hold is made in steps, so that many can be made side by side: what is asked of Redis at the end of one is answered
 * at the beginning of the next. Any of them may fail, and is the last one then: &err_too_many_seats,
 * &err_sale_not_open, &err_sale_ended (also when cancelled), &err_seat_already_held,
 * &err_seat_sold, &err_hold_exists, &err_queue_token_invalid, &err_too_many_requests, &err_invalid_request (no such
 * seat), &err_not_found (no such performance), &err_idempotency_key_reused, &err_idempotency_key_in_use,
 * &err_unavailable, &err_uncertain. */
struct hold_attempt; /* in the arena of ctx, as long as which `request` must live */

/* First the gate. *pipe_r NULL: a repeat, whose answer hold_take() gives. */
BO_MUSTCHECK const struct err *hold_knock(struct ctx *ctx, const struct hold_request *request,
                                          struct hold_attempt **attempt_r, struct redis_pipe **pipe_r);
/* What it means that this question failed with `e`. */
BO_MUSTCHECK const struct err *hold_lost(struct hold_attempt *attempt, const struct err *e);
/* Then PostgreSQL, which is at it until hold_take(); in between the session belongs to this hold. */
BO_MUSTCHECK const struct err *hold_claim(struct hold_attempt *attempt, const struct redis_value *answers);
BO_MUSTCHECK const struct err *hold_take(struct hold_attempt *attempt, struct hold *hold_r);

/* Gives the seats of a PENDING reservation back; repeating it is a success. &err_not_found (also somebody else's),
 * &err_payment_in_progress, &err_cancel_not_allowed when it is CONFIRMED. */
BO_MUSTCHECK const struct err *hold_release(struct ctx *ctx, const char *user_id, const char *reservation_id);

#endif
