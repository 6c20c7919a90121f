/*
 * mailer: sends the mails that wait (mail.h).
 *
 * Any number may run: each takes one mail at a time, for longer than sending it can take, sends it outside of any
 * transaction, and marks it. Who is killed meanwhile has it taken again when that time is over: a mail is sent at least
 * once, and one that is sent twice has the same Message-ID. What has no recipient, as its server says, or has been
 * tried BOX_MAILER_TRIES times, has FAILED; what is too late to be of use is EXPIRED and never sent. The notice that an
 * account will sleep is tried until then, as without it nobody sleeps (ending.h), and is EXPIRED once its owner has
 * come back or left.
 *
 * Codes go first, then what owners must know, then what has failed before, then notices of sleep; but in sixteen mails
 * each has turns of its own, so that no flood holds the others up. A mail server that asks the recipient's own before
 * it answers lets whoever owns a slow one hold a mailer up for BOX_SMTP_TIMEOUT_MS a mail: better is one that takes
 * mails first, else several mailers. While the server is away nothing is taken and no try counts (breaker "mail",
 * shared by all mailers of a host); a refusal never opens it. Five owners in a row that are refused, with no mail taken
 * between, are taken for a server that refuses us: whoever it refuses from then on is tried again.
 */
#ifndef USER_MAILER_H
#define USER_MAILER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"

struct cfg_mailer {
    int64_t poll_ms;    /* BOX_MAILER_POLL_MS */
    int64_t measure_ms; /* BOX_MAILER_MEASURE_MS */
    int64_t tries;      /* BOX_MAILER_TRIES */
    int64_t retry_ms;   /* BOX_MAILER_RETRY_MS */
    int64_t open_ms;    /* BOX_SMTP_BREAKER_OPEN_MS */
};
extern struct cfg_mailer cfg_mailer;
extern const struct cfg_section cfg_mailer_section;

/* After settings are loaded, and by itself when the keys have changed. False with *why_r when they are unusable. */
BO_MUSTCHECK bool mailer_init(const char **why_r);

struct mailer;
struct mailer *mailer_new(void); /* never NULL */
void mailer_free(struct mailer **mailer);

/* Sends one mail, if one is due; *more_r: there may be more. A mail that cannot be sent is no error of the tick. */
BO_MUSTCHECK const struct err *mailer_send(struct mailer *mailer, struct ctx *ctx, bool *more_r);
/* Gives up what is too late, a bounded number; *more_r: there may be more. */
BO_MUSTCHECK const struct err *mailer_expire(struct ctx *ctx, bool *more_r);
/* Tells how many wait, and the age of the oldest, as metrics. */
BO_MUSTCHECK const struct err *mailer_measure(struct ctx *ctx);

#endif
