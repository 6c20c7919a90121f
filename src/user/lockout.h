/*
 * lockout: how many wrong passwords one account may see (AUTH-019).
 *
 * BOX_LOGIN_TRIES within BOX_LOGIN_LOCK_S from one address; four times as many from its network (/24, /64); twenty
 * times as many from everywhere. Then the account is locked there until that time, counted from the first of them, is
 * over; what is tried meanwhile does not count. An address from which this person has logged in within 90 days is asked
 * about its own tries only, so that no stranger can lock the owner out. An e-mail address that no account has is
 * counted like any other, so that a lock tells nothing. A new password begins anew: whoever has set it is not kept out
 * anywhere. As many more tries may slip through as there are processes that log in. Without Redis nobody is locked.
 * Keys login:{<blind index>}:<of the password>:<scope>.
 */
#ifndef USER_LOCKOUT_H
#define USER_LOCKOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

struct login_try {
    const char *account; /* of whom, and of which of their passwords */
    const char *ip;      /* NULL: not known, which is an address of its own */
    bool known;          /* this person has logged in from there */
};

/* `text` when it is an IP address; NULL for what is none: a unix socket, a shell. */
const char *lockout_address(const char *text);
/* The network of an address (/24, /64), or the address itself when it is none. In the arena. */
const char *lockout_network(struct arena *arena, const char *ip);
/* A try from `client_ip` at the account with this blind index of an e-mail address and this stored password, NULL when
 * there is none: with another password nothing has been tried. In the arena. */
struct login_try lockout_try(struct ctx *ctx, const void *blind, size_t len, const char *password_hash,
                             const char *client_ip, bool known);
/* &err_account_locked with ctx->retry_after_s; NULL: the password may be looked at. */
BO_MUSTCHECK const struct err *lockout_check(struct ctx *ctx, const struct login_try *login);
/* The password was wrong. */
void lockout_count(struct ctx *ctx, const struct login_try *login);
/* It was right: this address has not tried. */
void lockout_forget(struct ctx *ctx, const struct login_try *login);

#endif
