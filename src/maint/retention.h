/*
 * retention: what is kept for a time is kept no longer. Published events 7 days, processed ones and webhooks 30,
 * idempotency keys 24 hours (sql/080_purge.sql); refresh tokens a day after their end, used identity verifications two
 * days, logins a year (sql/140_sessions.sql), mails 7 days after their end, codes two days (sql/150_mails.sql). Runs as
 * the role maintenance.
 */
#ifndef MAINT_RETENTION_H
#define MAINT_RETENTION_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

/* Deletes what is past its time, at most `most` rows of each table, in one transaction; *deleted_r: how many, 0 when
 * nothing is left. Safe to repeat, and to run twice at once: each skips what the other has in hand. */
BO_MUSTCHECK const struct err *retention_purge(struct ctx *ctx, int64_t most, int64_t *deleted_r);
/* Makes the months of what is kept by month ahead of time, and drops those that are past. Safe to repeat; *changed_r:
 * how many were made or dropped. Waits 2 s at most for whoever is at the table. */
BO_MUSTCHECK const struct err *retention_roll(struct ctx *ctx, int64_t *changed_r);

#endif
