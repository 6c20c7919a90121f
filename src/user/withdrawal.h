/*
 * withdrawal: the end of an account that its person wants (AUTH-017).
 *
 * At once nobody gets in any more; what is known of the person is destroyed after BOX_WITHDRAWN_RETENTION_DAYS
 * (ending.h), and until then neither the address nor the person can sign up again.
 *
 *   Asked first, outside the transaction: the reservation service, whether a ticket or a purchase would be lost. While
 *   it is away nobody withdraws.
 *   Two at once, or again: the account ends once; whoever comes second finishes what the first one has left.
 *   A login or a refresh at the same moment: waits for the account's row or the session's lock, and is refused.
 *   Killed: before the commit nothing has happened; after it the account is none, its refresh tokens are revoked, and a
 *   repetition blacklists the access tokens; the one that asks last. Without one they end within the hour.
 *   A purchase at the same moment, by a request that was let in before: a hold ages out, as nobody can pay for it; of a
 *   payment that got through, the ticket stays as if it had been kept by `with_tickets`, the row of the account can be
 *   found for as long as it is kept, and a line in the log tells the operator to ask that person.
 *   A place in a line: nobody polls for it any more, it ages out.
 */
#ifndef USER_WITHDRAWAL_H
#define USER_WITHDRAWAL_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/user/session.h"

/* Ends the account of whoever asks, its sessions and its social logins. Safe to repeat after any error.
 * &err_login_too_old when the session that asks did not begin within BOX_FRESH_LOGIN_S, however it was refreshed since:
 * whoever has taken a token cannot end the account with it; &err_purchase_pending while seats are held or being paid
 * for; &err_tickets_remain while there are paid tickets of performances to come, unless `with_tickets`: then they stay
 * paid and nobody can show or refund them here any more; &err_token_revoked when the account is none;
 * &err_unavailable: nothing has happened. */
BO_MUSTCHECK const struct err *withdrawal(struct ctx *ctx, const struct session_owner *owner, bool with_tickets);

#endif
