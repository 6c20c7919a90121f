#include "common/run/watchdog.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

#define SLACK_SHARE 100 /* a timer that has run for less than this part of the limit serves the next unit too */

/* All that the signal handler needs, made ready beforehand: it may not format. */
static struct {
    const char *program;
    const struct ctx *ctx;
    int64_t line_at;               /* the second for which the line was made */
    char line[256];                /* up to the trace id */
    volatile int64_t limit_ms;     /* of the timer that runs; 0: none does */
    int64_t set_at;                /* clock_monotonic() at which it was set */
    volatile sig_atomic_t resting; /* between two units */
} dog;

static void bark(int signal_number)
{
    (void)signal_number;
    if (dog.resting) {
        dog.limit_ms = 0;
        return;
    }
    const struct iovec parts[] = {
        {dog.line, strlen(dog.line)}, {(void *)dog.ctx->trace.id, strlen(dog.ctx->trace.id)}, {(void *)"\"}\n", 3}};
    ssize_t written = writev(STDERR_FILENO, parts, 3);
    (void)written;
    _exit(WATCHDOG_STATUS);
}

void watchdog_init(const char *program, const struct ctx *ctx)
{
    dog.program = program;
    dog.ctx = ctx;
    struct sigaction action = {.sa_handler = bark};
    sigaction(SIGALRM, &action, NULL);
}

void watchdog_follow(const struct ctx *ctx)
{
    dog.ctx = ctx;
}

static void run_timer(int64_t ms)
{
    const struct itimerval timer = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};
    if (setitimer(ITIMER_REAL, &timer, NULL) < 0) {
        log_panic("cannot set the watchdog to %lld ms", (long long)ms);
    }
    dog.limit_ms = ms;
    dog.set_at = clock_monotonic();
}

static void make_line(int64_t at, int64_t limit_ms)
{
    char time[CLOCK_TEXT_SIZE];
    clock_format_utc(at + limit_ms * 1000, time);
    snprintf(dog.line, sizeof dog.line,
             "{\"time\":\"%s\",\"level\":\"error\",\"program\":\"%.64s\",\"pid\":%ld,"
             "\"msg\":\"no end after %lld ms, the process gives up\",\"trace_id\":\"",
             time, dog.program, (long)getpid(), (long long)limit_ms);
    dog.line_at = at / CLOCK_SECOND;
}

void watchdog_arm(int64_t limit_ms)
{
    int64_t now = clock_now();
    if (now / CLOCK_SECOND != dog.line_at) {
        make_line(now, limit_ms);
    }
    int64_t age = clock_monotonic() - dog.set_at;
    if (limit_ms != dog.limit_ms || age > limit_ms * 1000 / SLACK_SHARE) {
        run_timer(limit_ms);
    }
    dog.resting = 0;
    /* A process that was stopped just now may have slept through the last of its timer. */
    if (dog.limit_ms == 0) {
        run_timer(limit_ms);
    }
}

void watchdog_disarm(void)
{
    run_timer(0);
}

void watchdog_rest(void)
{
    dog.resting = 1;
}
