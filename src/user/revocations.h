/*
 * revocations: what Redis has not been told, or has lost (AUTH-008, AUTH-010): access tokens of sessions that have
 * ended, and who is an administrator no more. PostgreSQL knows both; Redis only saves asking it on every request.
 *
 * Whoever ends a session or takes a role commits that and then tells Redis; between the two a process may be killed, or
 * Redis be away, and nobody may ask again. So each run tells again what was changed since the last one that succeeded,
 * and within five minutes before it.
 *
 * A key without an end, token:{remembered}, holds when that was, in seconds, and is there as long as Redis has lost
 * nothing. When it is not there everything is told, and it is made of a key that was written at the beginning, which a
 * Redis that has lost everything once more meanwhile does not have. Between
 * the loss and that, for as long as the job's period and its work, an access token of an ended session opens what it
 * opened before; nothing else is. A Redis that comes back with all but its last second (appendfsync everysec) is taken
 * for whole. Who ends a session or demotes somebody meanwhile writes that as always. Twice at once: both write the
 * same. Killed anywhere: the key is not there, or not for long; the next run begins anew. A million sessions: batches,
 * by an index that has no others; users are read through once.
 */
#ifndef USER_REVOCATIONS_H
#define USER_REVOCATIONS_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

/* As the role maintenance, in units of its own (ctx_begin()). *done_r: how many were told. Safe to repeat. */
BO_MUSTCHECK const struct err *revocations_tell(struct ctx *ctx, int64_t *done_r);

#endif
