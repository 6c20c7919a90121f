#include "src/contract/reservation_api.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/buf.h"
#include "common/crypto/uuid.h"
#include "src/contract/internal_call.h"
#include "src/contract/schedule.h"

#define WON_MAX INT64_C(1000000000000)
#define BODY_MAX 1024

ERR_HOLD_LIST(ERR_DEFINE)

static const struct field info_fields[] = {
    {FIELD(struct reservation_info, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
    {FIELD(struct reservation_info, "userId", FIELD_UUID, user_id), .flags = FIELD_REQUIRED},
    {FIELD(struct reservation_info, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
    {FIELD(struct reservation_info, "status", FIELD_ENUM, status), .flags = FIELD_REQUIRED,
     .choices = "PENDING|CONFIRMED|CANCELLED"},
    {FIELD(struct reservation_info, "totalAmount", FIELD_INT, total_amount), .flags = FIELD_REQUIRED, .min = 0,
     .max = WON_MAX},
    {FIELD(struct reservation_info, "holdExpiresAt", FIELD_TIME, hold_expires_at)},
    {FIELD(struct reservation_info, "securedBy", FIELD_UUID, secured_by)},
    {FIELD(struct reservation_info, "eventTitle", FIELD_STR, event_title), .flags = FIELD_REQUIRED},
    {FIELD(struct reservation_info, "calledOff", FIELD_BOOL, called_off)},
};
const struct shape reservation_info_shape = {info_fields, ARRAY_COUNT(info_fields), sizeof(struct reservation_info),
                                             /* open= */ true};

static const struct field secure_fields[] = {
    {FIELD(struct reservation_secure, "paymentId", FIELD_UUID, payment_id), .flags = FIELD_REQUIRED},
    {FIELD(struct reservation_secure, "amount", FIELD_INT, amount), .flags = FIELD_REQUIRED, .min = 0, .max = WON_MAX},
};
const struct shape reservation_secure_shape = {secure_fields, ARRAY_COUNT(secure_fields),
                                               sizeof(struct reservation_secure), /* open= */ false};

static const struct field unsecure_fields[] = {
    {FIELD(struct reservation_unsecure, "paymentId", FIELD_UUID, payment_id), .flags = FIELD_REQUIRED},
};
const struct shape reservation_unsecure_shape = {unsecure_fields, ARRAY_COUNT(unsecure_fields),
                                                 sizeof(struct reservation_unsecure), /* open= */ false};

static const struct field standing_query_fields[] = {
    {FIELD(struct reservation_standing_query, "userId", FIELD_UUID, user_id), .flags = FIELD_REQUIRED},
};
const struct shape reservation_standing_query_shape = {standing_query_fields, ARRAY_COUNT(standing_query_fields),
                                                       sizeof(struct reservation_standing_query), /* open= */ false};

static const struct field standing_fields[] = {
    {FIELD(struct reservation_standing, "tickets", FIELD_INT, tickets), .flags = FIELD_REQUIRED, .min = 0,
     .max = INT64_MAX},
    {FIELD(struct reservation_standing, "pending", FIELD_INT, pending), .flags = FIELD_REQUIRED, .min = 0,
     .max = INT64_MAX},
};
const struct shape reservation_standing_shape = {standing_fields, ARRAY_COUNT(standing_fields),
                                                 sizeof(struct reservation_standing), /* open= */ true};

static const struct field live_query_fields[] = {
    {FIELD(struct reservation_live_query, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
};
const struct shape reservation_live_query_shape = {live_query_fields, ARRAY_COUNT(live_query_fields),
                                                   sizeof(struct reservation_live_query), /* open= */ false};

static const struct field live_fields[] = {
    {FIELD(struct reservation_live, "seats", FIELD_INT, seats), .flags = FIELD_REQUIRED, .min = 0, .max = INT64_MAX},
};
const struct shape reservation_live_shape = {live_fields, ARRAY_COUNT(live_fields), sizeof(struct reservation_live),
                                             /* open= */ true};

static const struct field sold_query_fields[] = {
    {FIELD(struct reservation_sold_query, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
    {FIELD(struct reservation_sold_query, "after", FIELD_UUID, after)},
};
const struct shape reservation_sold_query_shape = {sold_query_fields, ARRAY_COUNT(sold_query_fields),
                                                   sizeof(struct reservation_sold_query), /* open= */ false};

SHAPE_OPEN(sold_shape, struct reservation_sold,
           {FIELD(struct reservation_sold, "seatId", FIELD_UUID, seat_id), .flags = FIELD_REQUIRED},
           {FIELD(struct reservation_sold, "reservationId", FIELD_UUID, reservation_id), .flags = FIELD_REQUIRED},
           {FIELD(struct reservation_sold, "confirmedAt", FIELD_TIME, confirmed_at),
            .flags = FIELD_REQUIRED | FIELD_EXACT});

static const struct field sold_page_fields[] = {
    {FIELD(struct reservation_sold_page, "sold", FIELD_LIST, sold), .flags = FIELD_REQUIRED,
     .max = RESERVATION_SOLD_PAGE, .sub = &sold_shape},
    {FIELD(struct reservation_sold_page, "next", FIELD_UUID, next)},
};
const struct shape reservation_sold_page_shape = {sold_page_fields, ARRAY_COUNT(sold_page_fields),
                                                  sizeof(struct reservation_sold_page), /* open= */ true};

/* Errors that the service answers by name. Anything else tells nothing about what it did. */
static const struct err *named_error(struct ctx *ctx, const struct http_answer *answer)
{
    static const struct err *const known[] = {&err_hold_expired, &err_sale_ended, &err_amount_mismatch, &err_not_found,
                                              &err_unavailable};
    const char *code = internal_error_code(ctx, answer);
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (answer->status == known[i]->status && strcmp(code, known[i]->code) == 0) {
            return known[i];
        }
    }
    log_error(&ctx->log, "the reservation service answered %d", answer->status);
    return &err_uncertain;
}

static const struct err *ask(struct ctx *ctx, const struct internal_call *call, struct reservation_info *info_r)
{
    struct http_answer answer;
    const struct err *e = internal_call(ctx, call, &answer);
    if (e) {
        return e == &err_unavailable ? e : &err_uncertain;
    }
    if (answer.status != 200) {
        return named_error(ctx, &answer);
    }
    struct reservation_info *info;
    if (internal_read(ctx, answer.body, answer.len, &reservation_info_shape, (void **)&info) != NULL) {
        return &err_uncertain;
    }
    *info_r = *info;
    return NULL;
}

const struct err *reservation_api_get(struct ctx *ctx, const char *reservation_id, struct reservation_info *info_r)
{
    if (!uuid_valid(reservation_id)) {
        return &err_not_found;
    }
    const char *path = arena_printf(ctx->arena, "/internal/reservations/%s", reservation_id);
    const struct err *e = ask(ctx, &(struct internal_call){.method = "GET", .path = path}, info_r);
    return err_of_read(e);
}

/* Of a question whose answer is 200 and of this shape, or none: &err_unavailable. */
static const struct err *read_answer(struct ctx *ctx, const char *path, const struct shape *shape, void **value_r)
{
    struct http_answer answer;
    const struct err *e = internal_call(ctx, &(struct internal_call){.method = "GET", .path = path}, &answer);
    if (!e && answer.status != 200) {
        log_error(&ctx->log, "the reservation service answered %d", answer.status);
        e = &err_unavailable;
    }
    return e || internal_read(ctx, answer.body, answer.len, shape, value_r) ? &err_unavailable : NULL;
}

const struct err *reservation_api_standing(struct ctx *ctx, const char *user_id,
                                           struct reservation_standing *standing_r)
{
    struct reservation_standing *standing;
    const char *path = arena_printf(ctx->arena, "/internal/reservations?userId=%s", user_id);
    const struct err *e = read_answer(ctx, path, &reservation_standing_shape, (void **)&standing);
    if (!e) {
        *standing_r = *standing;
    }
    return e;
}

const struct err *reservation_api_live(struct ctx *ctx, const char *schedule_id, int64_t *seats_r)
{
    struct reservation_live *live;
    const char *path = arena_printf(ctx->arena, "/internal/reservations/live?scheduleId=%s", schedule_id);
    const struct err *e = read_answer(ctx, path, &reservation_live_shape, (void **)&live);
    if (!e) {
        *seats_r = live->seats;
    }
    return e;
}

const struct err *reservation_api_sold(struct ctx *ctx, const char *schedule_id, const char *after,
                                       struct reservation_sold_page *page_r)
{
    struct reservation_sold_page *page;
    const char *path = arena_printf(ctx->arena, "/internal/reservations/sold?scheduleId=%s%s%s", schedule_id,
                                    after ? "&after=" : "", after ? after : "");
    const struct err *e = read_answer(ctx, path, &reservation_sold_page_shape, (void **)&page);
    if (e) {
        return e;
    }
    if (page->next && strcmp(page->next, after ? after : "") <= 0) {
        log_error(&ctx->log, "the reservation service's pages lead nowhere");
        return &err_unavailable;
    }
    *page_r = *page;
    return NULL;
}

/* POST /internal/reservations/{id}/<what> */
static const struct err *post(struct ctx *ctx, const char *reservation_id, const char *what, const struct shape *shape,
                              const void *value, struct reservation_info *info_r)
{
    if (!uuid_valid(reservation_id)) {
        return &err_not_found;
    }
    struct buf body;
    struct json_out out;
    buf_init(&body, ctx->arena, BODY_MAX);
    json_out_init(&out, &body);
    json_add_shape(&out, NULL, shape, value);
    const struct internal_call call = {
        .method = "POST",
        .path = arena_printf(ctx->arena, "/internal/reservations/%s/%s", reservation_id, what),
        .body = body.data,
    };
    return ask(ctx, &call, info_r);
}

const struct err *reservation_api_secure(struct ctx *ctx, const char *reservation_id,
                                         const struct reservation_secure *secure, struct reservation_info *info_r)
{
    return post(ctx, reservation_id, "secure", &reservation_secure_shape, secure, info_r);
}

const struct err *reservation_api_unsecure(struct ctx *ctx, const char *reservation_id, const char *payment_id)
{
    const struct reservation_unsecure unsecure = {payment_id};
    struct reservation_info info;
    return post(ctx, reservation_id, "unsecure", &reservation_unsecure_shape, &unsecure, &info);
}
