/*
 * sandbox_payment: the books of the PortOne stand-in: every attempt, charge and cancellation.
 *
 * Each change is one atomic replacement of the payment's document, so of two concurrent confirms one charges and the
 * other finds the payment paid.
 */
#ifndef SANDBOX_SANDBOX_PAYMENT_H
#define SANDBOX_SANDBOX_PAYMENT_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

struct sandbox_charge {
    const char *transaction_id;
    const char *pg_tx_id;
    int64_t amount;
    int64_t at;
};

struct sandbox_cancellation {
    const char *id;
    int64_t amount;
    const char *reason;
    int64_t at;
};

/* What a webhook says; kept to be sent again. */
struct sandbox_notice {
    const char *id;
    const char *type;
    int64_t at;
    const char *cancellation_id;
};

struct sandbox_payment {
    const char *payment_id;
    const char *store_id;
    const char *status;         /* PortOne's; NULL: pre-registered only, nobody has tried to pay */
    const char *transaction_id; /* of the last attempt */
    const char *payment_token;  /* authorised, waiting for the confirm; else NULL */
    int64_t expected;           /* pre-registered amount, or FIELD_NO_INT */
    int64_t total;
    int64_t requested_at;           /* of the last attempt */
    int64_t changed_at;             /* of the status */
    int silent;                     /* 1: this payment sends no webhooks */
    struct json_list notice_urls;   /* const char *; replaces the configured address */
    struct json_list charges;       /* struct sandbox_charge */
    struct json_list cancellations; /* struct sandbox_cancellation */
    struct sandbox_notice notice;   /* the last webhook; id NULL when there was none */
};

int64_t sandbox_payment_cancelled(const struct sandbox_payment *payment);

/* &err_sandbox_payment_unknown when nobody has tried to pay under this id. */
BO_MUSTCHECK const struct err *sandbox_payment_find(struct ctx *ctx, const char *payment_id,
                                                    struct sandbox_payment *payment_r);
/* All payments that were tried, in order of appearance: struct sandbox_payment elements. */
BO_MUSTCHECK const struct err *sandbox_payment_list(struct ctx *ctx, struct json_list *payments_r);

/* Fixes the expected amount; &err_sandbox_already_paid. */
BO_MUSTCHECK const struct err *sandbox_payment_register(struct ctx *ctx, const char *payment_id, int64_t amount);

enum sandbox_outcome { SANDBOX_PAID, SANDBOX_FAILED, SANDBOX_AUTHORIZED };

/* What a person does in the payment window. */
struct sandbox_attempt {
    enum sandbox_outcome outcome;
    int64_t amount; /* FIELD_NO_INT: the pre-registered one */
    bool force;     /* pay `amount` although another one was pre-registered */
    bool silent;
    struct json_list notice_urls;
};
/* &err_sandbox_already_paid, &err_sandbox_amount_differs, &err_invalid_request (no amount known). */
BO_MUSTCHECK const struct err *sandbox_payment_attempt(struct ctx *ctx, const char *payment_id,
                                                       const struct sandbox_attempt *attempt,
                                                       struct sandbox_payment *payment_r);

/* PortOne's confirm. NULL or FIELD_NO_INT guards are not checked. */
struct sandbox_confirm {
    const char *payment_token;
    const char *tx_id;
    const char *currency;
    int64_t total_amount;
    int is_test; /* -1: no guard */
};
BO_MUSTCHECK const struct err *sandbox_payment_confirm(struct ctx *ctx, const char *payment_id,
                                                       const struct sandbox_confirm *confirm,
                                                       struct sandbox_payment *payment_r);

/* PortOne's cancel. FIELD_NO_INT: all that is left; no guard. */
struct sandbox_cancel {
    const char *reason;
    int64_t amount;
    int64_t current_cancellable;
};
/* The new cancellation is the last of payment_r->cancellations. */
BO_MUSTCHECK const struct err *sandbox_payment_cancel(struct ctx *ctx, const char *payment_id,
                                                      const struct sandbox_cancel *cancel,
                                                      struct sandbox_payment *payment_r);

/* A webhook of `type` (NULL: the one that fits the present status), the last one once more if it is of that type. */
BO_MUSTCHECK const struct err *sandbox_payment_notice(struct ctx *ctx, const char *payment_id, const char *type,
                                                      struct sandbox_payment *payment_r);

#endif
