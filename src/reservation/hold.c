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

/* One attempt, as it goes through the gate and the transaction. */
struct attempt {
    const struct hold_request *request;
    struct schedule schedule;
    struct seat_request seats;
    struct hold hold;
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

static const struct err *claim(struct ctx *ctx, struct attempt *attempt)
{
    struct hold *hold = &attempt->hold;
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_reservation_hold, &rows, DB_TEXT(hold->reservation_id), DB_TEXT(attempt->request->user_id),
               DB_TEXT(attempt->request->schedule_id), DB_INT(reservation_settings.hold_ttl_s),
               DB_TEXT(event_json(ctx, &attempt->schedule)), DB_TEXT(seats_json(ctx, hold->seats)));
    if (!e) {
        hold->total_amount = db_int(rows, 0, "total_amount");
        hold->hold_expires_at = db_time(rows, 0, "hold_expires_at");
    }
    return e;
}

static const struct err *read_stored(struct ctx *ctx, const char *answer, struct hold *hold_r)
{
    void *hold;
    const struct err *e = json_read(ctx, answer, strlen(answer), &hold_shape, &hold);
    if (e) {
        return &err_internal;
    }
    *hold_r = *(struct hold *)hold;
    hold_r->replayed = true;
    return NULL;
}

static const struct err *store_answer(struct ctx *ctx, const struct attempt *attempt)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, JSON_MAX);
    json_out_init(&out, &buf);
    json_add_shape(&out, NULL, &hold_shape, &attempt->hold);
    return idempotency_store(ctx, &attempt->request->idempotency, buf.data);
}

static const struct err *claim_once(struct ctx *ctx, void *arg)
{
    struct attempt *attempt = arg;
    const char *stored;
    const struct err *e = idempotency_begin(ctx, &attempt->request->idempotency, &stored);
    if (e) {
        return e;
    }
    if (stored) {
        return read_stored(ctx, stored, &attempt->hold);
    }
    e = claim(ctx, attempt);
    return e ? e : store_answer(ctx, attempt);
}

/* Without a key the claim is one statement and commits by itself. */
static const struct err *try_claim(struct ctx *ctx, struct attempt *attempt)
{
    return attempt->request->idempotency.key ? db_transact(ctx, claim_once, attempt) : claim(ctx, attempt);
}

static const struct err *cancel_own_lapsed(struct ctx *ctx, void *arg)
{
    const struct attempt *attempt = arg;
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
static const struct err *claim_seats(struct ctx *ctx, struct attempt *attempt)
{
    const struct err *e = try_claim(ctx, attempt);
    if (e == &err_db_raised && strcmp(db_raised(ctx), RAISED_HOLD_EXISTS) == 0) {
        e = db_transact(ctx, cancel_own_lapsed, attempt);
        e = e ? e : try_claim(ctx, attempt);
    }
    if (e != &err_db_raised) {
        return e;
    }
    return strcmp(db_raised(ctx), RAISED_SEAT_TAKEN) == 0 ? &err_seat_already_held : &err_hold_exists;
}

/* ---- the gate and after ---- */

/* PostgreSQL's word for the seats, where the mirror was wrong or may be. */
static bool set_marks_right(struct ctx *ctx, const struct attempt *attempt)
{
    bool sold = false;
    const struct err *e = seat_mirror_refresh(ctx, attempt->seats.schedule_id, attempt->seats.seat_ids, &sold);
    if (e) {
        log_warn(&ctx->log, "seat mirror not refreshed: %s", e->code);
    }
    return sold;
}

/* `own`: some seats had a mark of the same buyer, which the gate has left as it was. */
static const struct err *claim_or_release(struct ctx *ctx, struct attempt *attempt, bool own)
{
    const struct err *e = claim_seats(ctx, attempt);
    bool claimed = !e && !attempt->hold.replayed;
    /* Unknown outcome: the hold may stand, so its mark stays and lapses with it. */
    if (!claimed && !(e && (e->flags & ERR_UNCERTAIN))) {
        seat_mirror_release(ctx, &attempt->seats);
    }
    if (e == &err_seat_already_held || (!e && (own || !claimed))) {
        bool sold = set_marks_right(ctx, attempt);
        return e && sold ? &err_seat_sold : e;
    }
    return e;
}

/* A new hold, if nothing is in its way; *before_r as the gate says. */
static const struct err *make_hold(struct ctx *ctx, struct attempt *attempt, bool *before_r)
{
    const struct hold_request *request = attempt->request;
    const struct err *e = schedule_get(ctx, request->schedule_id, &attempt->schedule);
    e = e ? e : schedule_check_sale(&attempt->schedule);
    if (e) {
        return e;
    }
    char id[UUID_SIZE];
    const char *reservation_id = arena_strdup(ctx->arena, uuid_v7(id));
    attempt->seats = (struct seat_request){request->queue_token, request->user_id, request->schedule_id, reservation_id,
                                           request->seat_ids};
    attempt->hold = (struct hold){.reservation_id = reservation_id,
                                  .status = reservation_status_name(RESERVATION_PENDING),
                                  .hold_expires_in = FIELD_NO_INT};
    struct seat_pass pass = {.own = false};
    e = seat_mirror_pass(ctx, &attempt->seats, &pass);
    *before_r = pass.before;
    attempt->hold.seats = pass.seats;
    return e ? e : claim_or_release(ctx, attempt, pass.own);
}

/* A refused request may be a repeat whose first answer was a hold: whatever has become of that, it is the answer. */
static const struct err *replay_or(struct ctx *ctx, struct attempt *attempt, const struct err *refusal)
{
    const char *stored;
    const struct err *e = idempotency_peek(ctx, &attempt->request->idempotency, &stored);
    if (e) {
        return e;
    }
    return stored ? read_stored(ctx, stored, &attempt->hold) : refusal;
}

const struct err *hold_create(struct ctx *ctx, const struct hold_request *request, struct hold *hold_r)
{
    if (request->seat_ids.count > HOLD_SEATS_MAX) {
        return &err_too_many_seats;
    }
    struct attempt attempt = {.request = request};
    bool before = true; /* for what is refused ahead of the gate */
    const struct err *e = make_hold(ctx, &attempt, &before);
    if (e && before && request->idempotency.key && !(e->flags & (ERR_RETRY | ERR_UNCERTAIN))) {
        e = replay_or(ctx, &attempt, e);
    }
    if (!e) {
        *hold_r = attempt.hold;
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
