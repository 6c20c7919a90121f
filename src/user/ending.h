/*
 * ending: accounts that end by themselves: sleep after a year (AUTH-018), destruction after a withdrawal (AUTH-017).
 * boxoffice-maint calls these over and over until none is left to do; it runs as the role maintenance.
 *
 *   The notice: BOX_DORMANCY_NOTICE_DAYS before the account would sleep, once for each long absence, written down in
 * the transaction that marks it as told. A login, or a session that goes on, makes it count no more. Sleep:
 * BOX_DORMANT_AFTER_DAYS after the last login, and never sooner than BOX_DORMANCY_NOTICE_DAYS after the notice was
 * sent: while the mail waits, because no mail server takes it, the days begin anew. A mail to where
 * nobody can be reached, as its server says, counts as sent: nobody can be told there. Who was to be told in any other
 * mail that was not sent (too late, given up, or gone) is told anew, in the same run, and nobody sleeps without one
 * that counts: such mails are kept for 100 days. Tickets stay as they are; their owner wakes the account. Twice at
 * once: each takes rows that the other has not locked. Killed anywhere: each call is one transaction, what it did not
 * come to is done by the next run. A refresh at the moment in which the account falls asleep may give one more access
 * token, of an hour. A million rows: every step finds its rows by an index that has no others.
 */
#ifndef USER_ENDING_H
#define USER_ENDING_H

#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"

struct cfg_ending {
    int64_t dormant_days;   /* BOX_DORMANT_AFTER_DAYS */
    int64_t notice_days;    /* BOX_DORMANCY_NOTICE_DAYS */
    int64_t retention_days; /* BOX_WITHDRAWN_RETENTION_DAYS */
};
extern struct cfg_ending cfg_ending;
extern const struct cfg_section cfg_ending_section;

/* One batch, of `most` accounts, in one transaction, or where it says so all of them, `most` in a transaction (units of
 * their own, ctx_begin()). *done_r, which is 0 before: how many, 0 when none is left. All are safe to repeat after any
 * error, and to run twice at once. */
typedef const struct err *ending_step(struct ctx *ctx, int64_t most, int64_t *done_r);

/* Destroys what is known of people who withdrew BOX_WITHDRAWN_RETENTION_DAYS ago; their addresses and they themselves
 * are free to sign up then. */
ending_step ending_destroy;
/* Begins the days anew for all whose notice has not been sent yet: before ending_put_to_sleep(). */
ending_step ending_put_off;
/* Puts accounts to sleep and ends their sessions; blacklists their access tokens after the commit, in Redis: where that
 * fails the rest of them ends within the hour. */
ending_step ending_put_to_sleep;
/* Marks all as untold whose notice ended without being sent: before ending_notify(). */
ending_step ending_tell_anew;
/* Tells owners that their accounts will sleep: all of them. Needs the keys of personal data (user_pii.h).
 * &err_internal, after all others are told, when there are owners whose addresses cannot be opened (an error line with
 * the row each): they are not marked, and told by a later call. */
ending_step ending_notify;

#endif
