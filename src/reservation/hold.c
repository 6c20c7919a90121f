#include "src/reservation/hold.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "sql/reservation.h"
#include "src/contract/schedule.h"
#include "src/reservation/reservation.h"
#include "src/reservation/reservation_errors.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/seat_mirror.h"

#define RAISED_SEAT_TAKEN "BX001"
#define RAISED_HOLD_EXISTS "BX002"
#define JSON_MAX (64u << 10)
#define CLAIM_ARGS 6 /* of both statements */
#define KEY_ARGS 4   /* more of the one under a key */

static const struct field hold_fields[] = {
    {FIELD(struct hold, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
    {FIELD(struct hold, "status", FIELD_STR, status), .flags = FIELD_REQUIRED},
    {FIELD(struct hold, "seats", FIELD_LIST, seats), .flags = FIELD_REQUIRED, .min = 1, .max = HOLD_SEATS_MAX,
     .sub = &reservation_seat_shape},
    {FIELD(struct hold, "totalAmount", FIELD_INT, total_amount), .flags = FIELD_REQUIRED},
    {FIELD(struct hold, "holdExpiresAt", FIELD_TIME, hold_expires_at), .flags = FIELD_REQUIRED},
    {FIELD(struct hold, "holdExpiresIn", FIELD_INT, hold_expires_in)},
};
const struct shape hold_shape = {hold_fields, ARRAY_COUNT(hold_fields), sizeof(struct hold), false};

struct hold_attempt {
    struct ctx *ctx;
    const struct hold_request *request;
    struct schedule schedule;
    struct seat_request seats;
    struct seat_pass pass;
    struct hold hold;
    const struct err *not_sent; /* why the claim is not on its way */
};

/* ---- the claim ---- */

/* The event as hold_seats() takes it. */
static const char *event_json(struct ctx *ctx, const struct schedule *schedule)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, JSON_MAX);
    json_out_init(&out, &buf);
    json_open_object(&out, NULL);
    json_add_str(&out, "event_id", schedule->event_id);
    json_add_str(&out, "event_title", schedule->event_title);
    json_add_str(&out, "artist", schedule->artist);
    json_add_str(&out, "venue_name", schedule->venue_name);
    json_add_str(&out, "hall_name", schedule->hall_name);
    json_add_time(&out, "event_start_at", schedule->event_start_at);
    json_close_object(&out);
    return buf.data;
}

/* The seats as hold_seats() takes them. */
static const char *seats_json(struct ctx *ctx, struct json_list seats)
{
    const struct reservation_seat *items = seats.items;
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, JSON_MAX);
    json_out_init(&out, &buf);
    json_open_array(&out, NULL);
    for (size_t i = 0; i < seats.count; i++) {
        json_open_object(&out, NULL);
        json_add_str(&out, "seat_id", items[i].seat_id);
        json_add_str(&out, "seat_number", items[i].seat_number);
        json_add_str(&out, "grade", items[i].grade);
        json_add_int(&out, "price", items[i].price);
        json_close_object(&out);
    }
    json_close_array(&out);
    return buf.data;
}

/* The answer to be stored; what PostgreSQL decides is put in there. */
static const char *answer_json(struct ctx *ctx, const struct hold *hold)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, JSON_MAX);
    json_out_init(&out, &buf);
    json_add_shape(&out, NULL, &hold_shape, hold);
    return buf.data;
}

static const struct err *send_claim(struct hold_attempt *attempt)
{
    struct ctx *ctx = attempt->ctx;
    const struct idempotency *idem = &attempt->request->idempotency;
    struct db_arg args[CLAIM_ARGS + KEY_ARGS] = {
        DB_TEXT(attempt->hold.reservation_id),        DB_TEXT(attempt->request->user_id),
        DB_TEXT(attempt->request->schedule_id),       DB_INT(reservation_settings.hold_ttl_s),
        DB_TEXT(event_json(ctx, &attempt->schedule)), DB_TEXT(seats_json(ctx, attempt->hold.seats))};
    if (!idem->key) {
        return db_send(ctx, &sql_reservation_hold, args, CLAIM_ARGS);
    }
    const struct db_arg of_key[KEY_ARGS] = {DB_TEXT(idem->route), DB_TEXT(idem->key),
                                            idempotency_fingerprint(ctx, idem),
                                            DB_TEXT(answer_json(ctx, &attempt->hold))};
    memcpy(args + CLAIM_ARGS, of_key, sizeof of_key);
    return db_send(ctx, &sql_reservation_hold_once, args, ARRAY_COUNT(args));
}

static const struct err *read_stored(struct ctx *ctx, const char *answer, struct hold *hold_r)
{
    void *hold;
    const struct err *e = answer ? json_read(ctx, answer, strlen(answer), &hold_shape, &hold) : &err_internal;
    if (e) {
        return &err_internal;
    }
    *hold_r = *(struct hold *)hold;
    hold_r->replayed = true;
    return NULL;
}

static const struct err *read_claim(struct hold_attempt *attempt, const struct db_rows *rows)
{
    const char *key_state = attempt->request->idempotency.key ? db_str(rows, 0, "key_state") : "FIRST";
    if (strcmp(key_state, "STORED") == 0) {
        return read_stored(attempt->ctx, db_str(rows, 0, "stored"), &attempt->hold);
    }
    if (strcmp(key_state, "REUSED") == 0) {
        return &err_idempotency_key_reused;
    }
    if (strcmp(key_state, "IN_USE") == 0) {
        return idempotency_in_use(attempt->ctx);
    }
    attempt->hold.total_amount = db_int(rows, 0, "total_amount");
    attempt->hold.hold_expires_at = db_time(rows, 0, "hold_expires_at");
    return NULL;
}

/* After send_claim(), which has answered `sent`. */
static const struct err *receive_claim(struct hold_attempt *attempt, const struct err *sent)
{
    const struct db_rows *rows;
    const struct err *e = sent ? sent : db_receive(attempt->ctx, &rows);
    return e ? e : read_claim(attempt, rows);
}

static const struct err *cancel_own_lapsed(struct ctx *ctx, void *arg)
{
    const struct hold_attempt *attempt = arg;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reservation_lock_lapsed_of, &rows, DB_TEXT(attempt->request->user_id),
                                 DB_TEXT(attempt->request->schedule_id));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return NULL; /* a sweeper was faster, or it has not lapsed */
    }
    struct reservation lapsed;
    e = reservation_read_row(ctx, rows, 0, &lapsed);
    return e ? e : reservation_cancel(ctx, &lapsed, RESERVATION_ON_LAPSED, NULL);
}

/* A hold of the same buyer that has lapsed but was not swept yet stands in the way once. */
static const struct err *claim_seats(struct hold_attempt *attempt)
{
    struct ctx *ctx = attempt->ctx;
    const struct err *e = receive_claim(attempt, attempt->not_sent);
    if (e == &err_db_raised && strcmp(db_raised(ctx), RAISED_HOLD_EXISTS) == 0) {
        e = err_of_read(db_transact(ctx, cancel_own_lapsed, attempt)); /* nothing is claimed, whatever became of it */
        e = e ? e : receive_claim(attempt, send_claim(attempt));
    }
    if (e != &err_db_raised) {
        return e;
    }
    return strcmp(db_raised(ctx), RAISED_SEAT_TAKEN) == 0 ? &err_seat_already_held : &err_hold_exists;
}

/* PostgreSQL's word for the seats, where the mirror was wrong or may be. */
static bool set_marks_right(struct hold_attempt *attempt)
{
    bool sold = false;
    const struct err *e = seat_mirror_refresh(attempt->ctx, attempt->seats.schedule_id, attempt->seats.seat_ids, &sold);
    if (e) {
        log_warn(&attempt->ctx->log, "seat mirror not refreshed: %s", e->code);
    }
    return sold;
}

static const struct err *claim_or_release(struct hold_attempt *attempt)
{
    const struct err *e = claim_seats(attempt);
    bool claimed = !e && !attempt->hold.replayed;
    /* Unknown outcome: the hold may stand, so its mark stays and lapses with it. */
    if (!claimed && !(e && (e->flags & ERR_UNCERTAIN))) {
        seat_mirror_release(attempt->ctx, &attempt->seats);
    }
    if (e == &err_seat_already_held || (!e && (attempt->pass.own || !claimed))) {
        bool sold = set_marks_right(attempt);
        return e && sold ? &err_seat_sold : e;
    }
    return e;
}

/* ---- step by step ---- */

/* A refused request may be a repeat whose first answer was a hold: whatever has become of that, it is the answer. */
static const struct err *replay_or(struct hold_attempt *attempt, const struct err *refusal)
{
    const struct idempotency *idem = &attempt->request->idempotency;
    const char *stored = NULL;
    bool final = !(refusal->flags & (ERR_RETRY | ERR_UNCERTAIN));
    const struct err *e = idem->key && final ? idempotency_peek(attempt->ctx, idem, &stored) : NULL;
    if (e) {
        return e;
    }
    return stored ? read_stored(attempt->ctx, stored, &attempt->hold) : refusal;
}

static struct redis_pipe *knock(struct hold_attempt *attempt)
{
    const struct hold_request *request = attempt->request;
    char id[UUID_SIZE];
    const char *reservation_id = arena_strdup(attempt->ctx->arena, uuid_v7(id));
    attempt->seats = (struct seat_request){request->queue_token, request->user_id, request->schedule_id, reservation_id,
                                           request->seat_ids};
    attempt->hold = (struct hold){.reservation_id = reservation_id,
                                  .status = reservation_status_name(RESERVATION_PENDING),
                                  .hold_expires_at = CLOCK_NONE,
                                  .hold_expires_in = FIELD_NO_INT};
    return seat_mirror_knock(attempt->ctx, &attempt->seats);
}

const struct err *hold_knock(struct ctx *ctx, const struct hold_request *request, struct hold_attempt **attempt_r,
                             struct redis_pipe **pipe_r)
{
    if (request->seat_ids.count > HOLD_SEATS_MAX) {
        return &err_too_many_seats;
    }
    struct hold_attempt *attempt = ARENA_NEW(ctx->arena, struct hold_attempt);
    *attempt = (struct hold_attempt){.ctx = ctx, .request = request};
    *attempt_r = attempt;
    const struct err *e = schedule_get(ctx, request->schedule_id, &attempt->schedule);
    e = e ? e : schedule_check_sale(&attempt->schedule);
    *pipe_r = e ? NULL : knock(attempt);
    return e ? replay_or(attempt, e) : NULL;
}

const struct err *hold_lost(struct hold_attempt *attempt, const struct err *e)
{
    return seat_mirror_lost(attempt->ctx, &attempt->seats, e);
}

const struct err *hold_claim(struct hold_attempt *attempt, const struct redis_value *answers)
{
    const struct err *e = seat_mirror_pass(attempt->ctx, &attempt->seats, &answers[0], &attempt->pass);
    if (e) {
        return attempt->pass.before ? replay_or(attempt, e) : e;
    }
    attempt->hold.seats = attempt->pass.seats;
    attempt->not_sent = send_claim(attempt);
    return NULL;
}

const struct err *hold_take(struct hold_attempt *attempt, struct hold *hold_r)
{
    const struct err *e = attempt->hold.replayed ? NULL : claim_or_release(attempt);
    if (!e) {
        *hold_r = attempt->hold;
        hold_r->hold_expires_in = clock_seconds_left(hold_r->hold_expires_at);
    }
    return e;
}

/* ---- giving back ---- */

struct release {
    const char *user_id;
    const char *reservation_id;
    struct reservation reservation;
};

static const struct err *release_locked(struct ctx *ctx, void *arg)
{
    struct release *release = arg;
    struct reservation *reservation = &release->reservation;
    const struct err *e = reservation_lock(ctx, release->reservation_id, reservation);
    if (e) {
        return e;
    }
    if (strcmp(reservation->user_id, release->user_id) != 0) {
        return &err_not_found;
    }
    switch (reservation->status) {
    case RESERVATION_CANCELLED:
        return NULL;
    case RESERVATION_PENDING:
        if (reservation->secured_by) {
            return &err_payment_in_progress;
        }
        e = reservation_cancel(ctx, reservation, RESERVATION_ON_GIVEN_BACK, NULL);
        reservation->status = RESERVATION_CANCELLED;
        return e;
    case RESERVATION_CONFIRMED:
    case RESERVATION_STATUS__MAX:
        break;
    }
    return &err_cancel_not_allowed;
}

const struct err *hold_release(struct ctx *ctx, const char *user_id, const char *reservation_id)
{
    struct release release = {.user_id = user_id, .reservation_id = reservation_id};
    const struct err *e = db_transact(ctx, release_locked, &release);
    if (!e) {
        seat_mirror_follow(ctx, &release.reservation);
    }
    return e;
}
