/*
 * lockout: how many wrong passwords one account may see (AUTH-019).
 *
 * BOX_LOGIN_TRIES within BOX_LOGIN_LOCK_S from one address; four times as many from its network (/24, /64); twenty
 * times as many from everywhere. Then the account is locked there until that time, counted from the first of them, is
 * over; what is tried meanwhile does not count. An address from which this person has logged in within 90 days is asked
 * about its own tries only, so that no stranger can lock the owner out. An e-mail address that no account has is
 * counted like any other, so that a lock tells nothing. As many more tries may slip through as there are processes that
 * log in. Without Redis nobody is locked. Keys login:{<blind index>}:<scope>, of Redis only.
 */
#ifndef USER_LOCKOUT_H
#define USER_LOCKOUT_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

struct login_try {
    const char *account; /* hex of the address's blind index */
    const char *ip;      /* NULL: not known, which is an address of its own */
    bool known;          /* this person has logged in from there */
};

/* `text` when it is an IP address; NULL for what is none: a unix socket, a shell. */
const char *lockout_address(const char *text);
/* &err_account_locked with ctx->retry_after_s; NULL: the password may be looked at. */
BO_MUSTCHECK const struct err *lockout_check(struct ctx *ctx, const struct login_try *login);
/* The password was wrong. */
void lockout_count(struct ctx *ctx, const struct login_try *login);
/* It was right: this address has not tried. */
void lockout_forget(struct ctx *ctx, const struct login_try *login);
/* This person has proved who they are: nobody's tries count any more, from here and its network and from everywhere. */
void lockout_end(struct ctx *ctx, const struct login_try *login);

#endif
