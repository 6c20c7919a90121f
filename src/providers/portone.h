/*
 * portone: client of PortOne V2: card payments and identity verification (PAY-001, PAY-007..010, AUTH-004).
 *
 * What a result means, for every call that can move money (confirm, cancel):
 *   NULL                       PortOne did it.
 *   &err_portone_declined      PortOne's final no: nothing was done by this call. *refusal_r says why.
 *   &err_not_found             PortOne knows no such payment: nothing was done.
 *   &err_portone_unavailable   nothing was done: not reached, breaker open, throttled, or our credentials were refused
 *                              (error line). May be repeated; ctx->retry_after_s is set.
 *   &err_uncertain             it may have been done: time-out, lost connection, 5xx, an answer that is not PortOne's,
 *                              or the same idempotency key still running. Never repeat blindly: ask portone_get().
 * Calls that change nothing, or whose repetition changes nothing (get, pre-register, identity), never answer
 * &err_uncertain; they report it as unavailable.
 *
 * Every call goes through one circuit breaker per host (PAY-009). A refusal by PortOne's rules counts as its success.
 * Identity verification has a breaker of its own, so that a payment outage does not stop sign-ups.
 *
 * Answers may have members and enumeration values we do not know; they are skipped. Everything lives in ctx->arena.
 * Needs ctx->http. Never call inside a transaction.
 */
#ifndef PROVIDERS_PORTONE_H
#define PROVIDERS_PORTONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/providers/provider_errors.h"
#include "src/providers/webhook_signature.h"

struct cfg_portone {
    const char *url;            /* BOX_PORTONE_URL, no slash at the end */
    const char *secret;         /* BOX_PORTONE_SECRET: V2 API secret */
    const char *store_id;       /* BOX_PORTONE_STORE */
    const char *channel_key;    /* BOX_PORTONE_CHANNEL */
    const char *webhook_secret; /* BOX_PORTONE_WEBHOOK_SECRET: "whsec_...", two separated by a comma while rotating */
    bool test_mode;             /* BOX_PORTONE_TEST_MODE: TEST channels count as paid (PAY-002) */
    int64_t timeout_ms;         /* BOX_PORTONE_TIMEOUT_MS, 10000 (PAY-008) */
    int64_t breaker_window;     /* BOX_PORTONE_BREAKER_WINDOW, calls */
    int64_t breaker_min_calls;  /* BOX_PORTONE_BREAKER_MIN_CALLS */
    int64_t breaker_percent;    /* BOX_PORTONE_BREAKER_PERCENT */
    int64_t breaker_open_ms;    /* BOX_PORTONE_BREAKER_OPEN_MS */
    int64_t breaker_probes;     /* BOX_PORTONE_BREAKER_PROBES */
    int64_t breaker_slow_ms;    /* BOX_PORTONE_BREAKER_SLOW_MS: a slower call counts as failed */
};
extern struct cfg_portone cfg_portone;
/* Who calls PortOne, and whom it calls. */
extern const struct cfg_section cfg_portone_section, cfg_portone_webhook_section;

/* Why PortOne said no. */
struct portone_refusal {
    const char *type;       /* "ALREADY_PAID", "PG_PROVIDER", ...; never NULL after &err_portone_declined */
    const char *message;    /* "" when there is none */
    const char *pg_code;    /* of the card company's gateway; NULL unless PG_PROVIDER */
    const char *pg_message; /* same */
};

/* Tells PortOne the amount to expect (PAY-007). Repeating is harmless until paid; then &err_portone_declined with
 * "ALREADY_PAID". refusal_r may be NULL. */
BO_MUSTCHECK const struct err *portone_pre_register(struct ctx *ctx, const char *payment_id, int64_t amount,
                                                    struct portone_refusal *refusal_r);

enum portone_status {
    PORTONE_UNKNOWN, /* a status that this program does not know: treat as not settled */
    PORTONE_READY,
    PORTONE_PAY_PENDING,
    PORTONE_VIRTUAL_ACCOUNT_ISSUED,
    PORTONE_PAID,
    PORTONE_FAILED,
    PORTONE_PARTIAL_CANCELLED,
    PORTONE_CANCELLED,
};

/* PortOne's own record of a payment. Strings are NULL and amounts 0 where PortOne sent none. */
struct portone_payment {
    enum portone_status status;
    const char *status_text; /* as sent */
    const char *payment_id;
    const char *transaction_id;
    const char *store_id;
    const char *channel_key;
    bool live;            /* channel.type is LIVE, not TEST */
    const char *currency; /* "KRW" */
    int64_t total;        /* amount.total: what was asked for; compare this with the order */
    int64_t cancelled;    /* amount.cancelled */
    int64_t paid_at;      /* CLOCK_NONE until paid */
    int64_t cancelled_at; /* CLOCK_NONE unless (partly) cancelled */
    const char *method;   /* "PaymentMethodCard" */
    const char *card_name;
    const char *card_number; /* masked by PortOne */
    const char *pg_tx_id;
    const char *failure_reason; /* FAILED only */
    const char *record;         /* what is kept of it, as JSON text: see portone_record.h; NULL: nothing */
};

/* Fetches the record. &err_not_found: nobody has ever tried to pay under this id. */
BO_MUSTCHECK const struct err *portone_get(struct ctx *ctx, const char *payment_id, struct portone_payment *payment_r);
/* Whether the record proves that exactly this was paid to us: PAID, our store, KRW, `amount`, and a channel that counts
 * (LIVE, or TEST in test mode and in the sandbox). *why_r names the first thing that does not fit. */
BO_MUSTCHECK bool portone_proves_paid(const struct portone_payment *payment, int64_t amount, const char **why_r);

struct portone_confirm {
    const char *payment_token;   /* from the browser SDK */
    const char *tx_id;           /* guard: the attempt that gave the token; may be NULL */
    int64_t amount;              /* guard: total in won */
    const char *idempotency_key; /* 16-256 characters of [A-Za-z0-9_-]; the same for every try of one confirm */
};

struct portone_confirmation {
    int64_t paid_at;
    const char *pg_tx_id;
};

/* Charges a payment authorised in the browser (manual capture). Declined types worth telling apart: ALREADY_PAID (ask
 * portone_get()), INVALID_PAYMENT_TOKEN, INFORMATION_MISMATCH, PG_PROVIDER (the card was declined). */
BO_MUSTCHECK const struct err *portone_confirm(struct ctx *ctx, const char *payment_id,
                                               const struct portone_confirm *confirm,
                                               struct portone_confirmation *confirmation_r,
                                               struct portone_refusal *refusal_r);

struct portone_cancel {
    const char *reason;          /* required */
    int64_t amount;              /* won; 0 = all that is left */
    int64_t current_cancellable; /* guard against a double cancel: what we believe is left; 0 = no guard */
    const char *idempotency_key; /* 16-256 of [A-Za-z0-9_-]; the same answer comes again under the same one */
};

enum portone_cancel_status {
    PORTONE_CANCEL_UNKNOWN, /* a status this program does not know: not settled */
    PORTONE_CANCEL_SUCCEEDED,
    PORTONE_CANCEL_REQUESTED, /* asynchronous: the outcome comes by webhook or portone_get() */
    PORTONE_CANCEL_FAILED,
};

struct portone_cancellation {
    enum portone_cancel_status status; /* NULL is returned for all of them: look here */
    const char *id;
    int64_t amount;
    int64_t cancelled_at; /* CLOCK_NONE unless SUCCEEDED */
};

/* Gives money back. Declined types worth telling apart: PAYMENT_ALREADY_CANCELLED (an earlier try came through),
 * CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN (the guard: ask portone_get()), PAYMENT_NOT_PAID, PG_PROVIDER. */
BO_MUSTCHECK const struct err *portone_cancel(struct ctx *ctx, const char *payment_id,
                                              const struct portone_cancel *cancel,
                                              struct portone_cancellation *cancellation_r,
                                              struct portone_refusal *refusal_r);

struct portone_identity {
    bool verified; /* false: READY, FAILED or a status we do not know; the rest is then NULL */
    const char *status_text;
    const char *ci; /* the person, the same at every service; may be NULL (merchant setting) */
    const char *di; /* the person at this service; NULL with some agencies */
    const char *name;
    const char *phone;      /* digits only; may be NULL */
    const char *birth_date; /* "YYYY-MM-DD"; may be NULL */
    int64_t verified_at;    /* CLOCK_NONE unless verified */
};

/* What PortOne knows about an identity verification (AUTH-004). &err_not_found, also without asking when that could be
 * no id of PortOne's; &err_unavailable when PortOne is away (never &err_portone_unavailable: this is not
 * about a payment). */
BO_MUSTCHECK const struct err *portone_identity(struct ctx *ctx, const char *verification_id,
                                                struct portone_identity *identity_r);

/* A webhook's content. It is a hint that something changed; the truth is what portone_get() says. */
struct portone_webhook {
    const char *type;            /* "Transaction.Paid"; types not known to us must be answered 200 and ignored */
    int64_t at;                  /* event time, the same over retries */
    const char *payment_id;      /* NULL for types that are not about a payment */
    const char *store_id;        /* may be NULL */
    const char *transaction_id;  /* may be NULL */
    const char *cancellation_id; /* may be NULL */
};

/* Checks the signature with cfg_portone.webhook_secret, then reads the body. &err_webhook_signature;
 * &err_invalid_request for a signed body that is no webhook. */
BO_MUSTCHECK const struct err *portone_webhook_read(struct ctx *ctx, const struct webhook_headers *headers,
                                                    const char *body, size_t len, struct portone_webhook *webhook_r);

/* Once at start, after settings: false with *why_r when they do not fit together. */
BO_MUSTCHECK bool portone_check_settings(const char **why_r);
/* The same of cfg_portone_webhook_section. */
BO_MUSTCHECK bool portone_check_webhook_settings(const char **why_r);

#endif
