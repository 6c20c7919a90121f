/*
 * lockout: how many wrong passwords one account may see (AUTH-019).
 *
 * BOX_LOGIN_TRIES within BOX_LOGIN_LOCK_S from one address (IPv6: a /64); four times as many from its network (/24,
 * /48); twenty times as many from everywhere. Then the account is locked there until that time, counted from the first
 * of them, is over; what is tried meanwhile does not count. Where this person has logged in within 90 days is not asked
 * about what was tried from everywhere, and that very address about its own tries only: no stranger can lock the owner
 * out, and in the owner's own network none but a neighbour, of those whose address changes. An e-mail address that no
 * account has is counted like any other, so that a lock tells nothing. A new password begins anew: whoever has set it
 * is not kept out anywhere. As many more tries may slip through as there are processes that log in. Without Redis
 * nobody is locked. Keys login:{<blind index>}:<of the password>:<scope>.
 */
#ifndef USER_LOCKOUT_H
#define USER_LOCKOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

/* Where this person has logged in before: not here; in this network; from this address. */
enum lockout_place { LOCKOUT_NEW, LOCKOUT_NETWORK, LOCKOUT_ADDRESS };

struct login_try {
    const char *account; /* of whom, and of which of their passwords */
    const char *ip;      /* NULL: not known, which is an address of its own */
    enum lockout_place place;
};

/* A try from `client_ip` at the account with this blind index of an e-mail address and this stored password, NULL when
 * there is none: with another password nothing has been tried. In the arena. */
struct login_try lockout_try(struct ctx *ctx, const void *blind, size_t len, const char *password_hash,
                             const char *client_ip, enum lockout_place place);
/* &err_account_locked with ctx->retry_after_s; NULL: the password may be looked at. */
BO_MUSTCHECK const struct err *lockout_check(struct ctx *ctx, const struct login_try *login);
/* The password was wrong. */
void lockout_count(struct ctx *ctx, const struct login_try *login);
/* It was right: this address has not tried. */
void lockout_forget(struct ctx *ctx, const struct login_try *login);

/* ---- for operators ---- */

/* Wrong passwords of an account. */
struct lockout_count {
    const char *where; /* an address, "none" when it was not known; "net:" and a network; "all" */
    int64_t tries;
    int64_t most;   /* from then on it is locked there, but for whom it does not concern */
    int64_t left_s; /* until they are forgotten */
    bool locked;
};
/* What is counted of such tries, from wherever: `most` of it at most, what keeps somebody out before the rest, and in
 * *total_r how much there is. In the arena. Goes through all keys of Redis. */
BO_MUSTCHECK const struct err *lockout_look(struct ctx *ctx, const struct login_try *login,
                                            struct lockout_count *counts, size_t most, size_t *total_r);
/* Nothing is counted any more. Goes through all keys of Redis; safe to repeat. */
BO_MUSTCHECK const struct err *lockout_clear(struct ctx *ctx, const void *blind, size_t len);

#endif
