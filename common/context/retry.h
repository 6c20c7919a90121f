/* retry: how long to wait before the next try. One mechanism for PostgreSQL, Redis, Kafka and providers. */
#ifndef COMMON_RETRY_H
#define COMMON_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct retry_policy {
    int64_t base_ms; /* first wait */
    int64_t cap_ms;  /* longest wait */
    int max_tries;   /* waits granted before giving up; 0 = for ever */
    bool jitter;     /* decorrelated jitter between base and three times the last wait; else doubling */
};

struct retry {
    struct retry_policy policy;
    int tries;       /* waits granted so far */
    int64_t last_ms; /* the last wait */
};

/* Reconnecting to a store: 50 ms to 2 s with jitter, for ever. */
struct retry retry_reconnect(void);
/* A message that failed: 1 s, 2 s, 4 s, then no more. */
struct retry retry_message(void);
/* A serialization failure: 5 ms to 100 ms with jitter, five times. */
struct retry retry_transaction(void);

/* The next wait in milliseconds; -1 when the policy is exhausted. */
int64_t retry_next(struct retry *retry);
/* After a success. */
void retry_reset(struct retry *retry);

#endif
