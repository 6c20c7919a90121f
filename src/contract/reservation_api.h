/*
 * reservation_api: what others ask of the reservation service (PAY-005, AUTH-017), served under /internal on its
 * responder.
 *
 * Securing comes before any call that may move money: it marks the hold as owned by one payment so that neither expiry
 * nor another buyer can take its seats until that payment has an outcome (PaymentSuccess or PaymentFailed), or lets go
 * of it because nothing was charged.
 */
#ifndef CONTRACT_RESERVATION_API_H
#define CONTRACT_RESERVATION_API_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

/* Answer of GET /internal/reservations/{id} and of POST /internal/reservations/{id}/secure. */
struct reservation_info {
    const char *reservation_id;
    const char *user_id;
    const char *schedule_id;
    const char *status; /* PENDING, CONFIRMED, CANCELLED */
    int64_t total_amount;
    int64_t hold_expires_at; /* of a PENDING one */
    const char *secured_by;  /* payment id, or NULL */
    const char *event_title; /* for the provider's order name */
    int called_off;          /* with GET: 1: the performance was called off, as far as is known */
};
extern const struct shape reservation_info_shape;

/* Body of POST /internal/reservations/{id}/secure. */
struct reservation_secure {
    const char *payment_id;
    int64_t amount;
};
extern const struct shape reservation_secure_shape;

/* Body of POST /internal/reservations/{id}/unsecure. */
struct reservation_unsecure {
    const char *payment_id;
};
extern const struct shape reservation_unsecure_shape;

/* Query of GET /internal/reservations. */
struct reservation_standing_query {
    const char *user_id;
};
extern const struct shape reservation_standing_query_shape;

/* Its answer: what a buyer would lose by going now. */
struct reservation_standing {
    int64_t tickets; /* paid, of performances that have not begun */
    int64_t pending; /* holds that may still be paid, or are being */
};
extern const struct shape reservation_standing_shape;

/* Query of GET /internal/reservations/live. */
struct reservation_live_query {
    const char *schedule_id;
};
extern const struct shape reservation_live_query_shape;

/* Its answer. */
struct reservation_live {
    int64_t seats; /* held, being paid or sold */
};
extern const struct shape reservation_live_shape;

/* Query of GET /internal/reservations/sold. */
struct reservation_sold_query {
    const char *schedule_id;
    const char *after; /* seat behind which to begin; NULL: at the first */
};
extern const struct shape reservation_sold_query_shape;

/* Its answer: seats that are paid for, each with who has it, in the order of their ids. */
#define RESERVATION_SOLD_PAGE 1000
struct reservation_sold {
    const char *seat_id;
    const char *reservation_id;
    int64_t confirmed_at;
};
struct reservation_sold_page {
    struct json_list sold; /* of struct reservation_sold, at most RESERVATION_SOLD_PAGE */
    const char *next;      /* `after` of the next page; NULL: this was the last */
};
extern const struct shape reservation_sold_page_shape;

#define ERR_HOLD_LIST(X)                                                               \
    X(hold_expired, "HOLD_EXPIRED", 409, 0, "좌석 선점 시간이 만료되었습니다.",        \
      "The hold on these seats has expired.")                                          \
    X(amount_mismatch, "AMOUNT_MISMATCH", 400, 0, "결제 금액이 예매 금액과 다릅니다.", \
      "The amount differs from the reservation's.")
ERR_HOLD_LIST(ERR_DECLARE)

/* &err_not_found; &err_unavailable when the service cannot be reached. */
BO_MUSTCHECK const struct err *reservation_api_get(struct ctx *ctx, const char *reservation_id,
                                                   struct reservation_info *info_r);
/* For the user service. &err_unavailable when the service is away or answers anything else. */
BO_MUSTCHECK const struct err *reservation_api_standing(struct ctx *ctx, const char *user_id,
                                                        struct reservation_standing *standing_r);
/* For the event service: seats of a performance that somebody has. &err_unavailable as above. */
BO_MUSTCHECK const struct err *reservation_api_live(struct ctx *ctx, const char *schedule_id, int64_t *seats_r);
/* For the event service: a page of the seats of a performance that are sold, behind seat `after` (NULL: from the first
 * on). &err_unavailable as above, also when the page is not in order. */
BO_MUSTCHECK const struct err *reservation_api_sold(struct ctx *ctx, const char *schedule_id, const char *after,
                                                    struct reservation_sold_page *page_r);
/* Secures; repeating it with the same payment is a success. &err_hold_expired (not PENDING, lapsed and taken, or
 * secured by another payment), &err_sale_ended (called off before), &err_amount_mismatch, &err_not_found,
 * &err_uncertain (ask again). */
BO_MUSTCHECK const struct err *reservation_api_secure(struct ctx *ctx, const char *reservation_id,
                                                      const struct reservation_secure *secure,
                                                      struct reservation_info *info_r);

/* Lets go of a hold that this payment has secured: it ends when it would have ended. Repeating it is a success, and so
 * is one for a hold that this payment has not secured, or that has an outcome. &err_not_found, &err_uncertain (ask
 * again). */
BO_MUSTCHECK const struct err *reservation_api_unsecure(struct ctx *ctx, const char *reservation_id,
                                                        const char *payment_id);

#endif
