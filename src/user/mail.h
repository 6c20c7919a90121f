/*
 * mail: what people are told by e-mail (AUTH-019, AUTH-020).
 *
 * A mail is a row of user_service.mails, written in the transaction of what it tells and sent by the mailer (mailer.h)
 * after the commit: no request waits for a mail server, and no mail is lost or tells what did not happen. Address and
 * values are sealed and bound to their row; they are destroyed once the mail is sent, given up or too late.
 */
#ifndef USER_MAIL_H
#define USER_MAIL_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

enum mail_kind {
    MAIL_EMAIL_CODE,      /* the code that proves an address: of no use to whom the address does not belong */
    MAIL_NEW_DEVICE,      /* somebody has logged in from where this account never did */
    MAIL_DORMANCY_NOTICE, /* the account will sleep unless its owner logs in */
    MAIL_PASSWORD_CHANGED,
    MAIL_SOCIAL_LINKED,
    MAIL_SOCIAL_UNLINKED,
    MAIL_WITHDRAWN,
    MAIL_EMAIL_CHANGED, /* the account has another address than this one */
    MAIL__MAX,
};

struct mail {
    enum mail_kind kind;
    const char *user_id;  /* whose account it is about; NULL: an address that need not have one */
    const char *email;    /* as stored: user_email_normalise(), or opened from users.email */
    const char *language; /* "ko" or "en"; NULL: "ko". What is not asked for is told in both, this one first */
    int64_t expires_at;   /* not sent after this */

    /* EMAIL_CODE */
    const char *code; /* six digits */
    /* DORMANCY_NOTICE: from when the account sleeps. EMAIL_CODE: none. Else when it was done. */
    int64_t at;
    /* NEW_DEVICE: where from, as the login history has it; either may be NULL or "" */
    const char *ip;
    const char *user_agent;
    /* SOCIAL_LINKED, SOCIAL_UNLINKED: "KAKAO" */
    const char *provider;
};

/* Writes the mail down to be sent: inside the caller's transaction, of which it is a part. Needs the keys of personal
 * data (user_pii.h). Runs as user_service, or as another role that may INSERT (id, kind, user_id, recipient, content,
 * language, expires_at) on user_service.mails and whose search_path begins with user_service. Waits for nobody.
 * Two calls are two mails: who must not tell something twice sees to it in the same transaction. But five of a kind
 * about one account within a day are all: somebody who links and unlinks fills no mailbox, and keeps no mail of another
 * kind from its owner. */
BO_MUSTCHECK const struct err *mail_put(struct ctx *ctx, const struct mail *mail);

/* The name of a kind in the table, and back; MAIL__MAX for what is none. */
const char *mail_kind_name(enum mail_kind kind);
enum mail_kind mail_kind_of(const char *name);

/* ---- for the mailer ---- */

/* The values of a mail, as they are sealed. */
extern const struct shape mail_values_shape;

#endif
