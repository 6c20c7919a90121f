/*
 * breaker: a circuit breaker in shared memory, so that all processes of a host see one state (PAY-009).
 *
 * Closed: outcomes of the last `window` calls are counted; at `min_calls` or more with a failure (or slow-call) share
 * of `open_percent` it opens for `open_ms`. Then half open: `probes` calls are let through; all must succeed to close
 * it, one failure opens it again. A permit carries the generation of the state that granted it; results of an older
 * generation do not count.
 */
#ifndef COMMON_BREAKER_H
#define COMMON_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct breaker_policy {
    int window; /* calls, at most 1000 */
    int min_calls;
    int open_percent; /* 1-100 */
    int64_t open_ms;
    int probes;
    int64_t slow_ms; /* a call that took longer counts as a failure; 0 = off */
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker;

struct breaker_permit {
    uint64_t generation;
    int64_t started_at; /* clock_monotonic() */
};

/* Opens (creating it if need be) the breaker `name` in directory `dir`. NULL with a warning logged when shared memory
 * cannot be had: every function below then lets calls through. */
struct breaker *breaker_open(const char *dir, const char *name, const struct breaker_policy *policy);
void breaker_close(struct breaker **breaker);
/* May a call be made now? If so fills *permit_r, to be handed to breaker_done(). */
bool breaker_allow(struct breaker *breaker, struct breaker_permit *permit_r);
/* The call's result. A refusal by the provider's rules (a declined card) is a success. */
void breaker_done(struct breaker *breaker, const struct breaker_permit *permit, bool success);
enum breaker_state breaker_state(struct breaker *breaker);
/* Seconds until the next call may be let through; 0 when it may be now. */
int breaker_retry_after_s(struct breaker *breaker);

#endif
