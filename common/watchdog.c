#include "common/watchdog.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

/* All that the signal handler needs, made ready beforehand: it may not format. */
static struct {
    const char *program;
    const struct ctx *ctx;
    int64_t line_at; /* the second for which the line was made */
    char line[256];  /* up to the trace id */
} dog;

static void bark(int signal_number)
{
    (void)signal_number;
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

static void set_timer(int64_t ms)
{
    const struct itimerval timer = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};
    if (setitimer(ITIMER_REAL, &timer, NULL) < 0) {
        log_panic("cannot set the watchdog to %lld ms", (long long)ms);
    }
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
    set_timer(limit_ms);
}

void watchdog_disarm(void)
{
    set_timer(0);
}
