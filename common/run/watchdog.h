/*
 * watchdog: ends the process when one unit of work hangs, so that its supervisor starts a fresh one.
 *
 * One per process, on SIGALRM and the real-time interval timer. Expiry writes one log line with the unit's trace id and
 * ends the process with status WATCHDOG_STATUS; nothing is cleaned up, as nothing can be trusted any more.
 */
#ifndef COMMON_WATCHDOG_H
#define COMMON_WATCHDOG_H

#include <stdint.h>

#include "common/context/ctx.h"

#define WATCHDOG_STATUS 70

/* Once at start. */
void watchdog_init(const char *program, const struct ctx *ctx);
/* Whose trace id is told; `ctx` is borrowed up to the next call. */
void watchdog_follow(const struct ctx *ctx);
/* The unit that begins now has `limit_ms`, or a hundredth less. Replaces an earlier limit. */
void watchdog_arm(int64_t limit_ms);
void watchdog_disarm(void);
/* Like disarm, for many short units one after the other: the timer runs on and the next one may use it, without a
 * system call. Should it expire before, that does nothing but to interrupt what the process waits for. */
void watchdog_rest(void);

#endif
