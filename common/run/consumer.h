/*
 * consumer: the subscription half of a daemon (contract in daemon.h). Private to the daemon skeleton, and to the tests
 * that drive it record by record.
 */
#ifndef COMMON_CONSUMER_H
#define COMMON_CONSUMER_H

#include "common/run/daemon.h"

struct consumer;

/* Joins the group. `ctx` needs a database. Never NULL. */
struct consumer *consumer_new(const struct subscription *subscription);
/* Waits at most timeout_ms for a record and deals with it: effect and commit, a later try, or a dead letter. */
void consumer_step(struct consumer *consumer, struct ctx *ctx, int timeout_ms);
/* Leaves the group. NULL-safe; leaves NULL. */
void consumer_free(struct consumer **consumer);

#endif
