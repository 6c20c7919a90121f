/*
 * receipt: a signed arrival number (docs/queue.md). Its owner gets the number back from a Redis that has forgotten it.
 *
 * "<number>.<base64url of the first 16 bytes of HMAC-SHA-256>" under the schedule's key (queue_settings.h) over
 * schedule, user and number: it is of no use to anybody else, nor for another sale.
 */
#ifndef QUEUE_RECEIPT_H
#define QUEUE_RECEIPT_H

#include <stdint.h>

#include "common/base/arena.h"

#define RECEIPT_LENGTH_MAX 64

/* In the arena. Both ids must be UUIDs. */
const char *receipt_issue(struct arena *arena, const char *schedule_id, const char *user_id, int64_t number);
/* The number of an authentic receipt; -1 for anything else. */
int64_t receipt_read(struct arena *arena, const char *schedule_id, const char *user_id, const char *receipt);

#endif
