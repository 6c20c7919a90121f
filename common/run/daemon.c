#include "common/run/daemon.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/io/kafka.h"
#include "common/run/consumer.h"
#include "common/run/program.h"
#include "common/run/watchdog.h"

#define POLL_SLICE_MS 200 /* a signal is noticed between two polls for records */
#define IDLE_MS 1000      /* of a daemon without ticks and records */

struct tick_state {
    const struct tick *tick;
    int64_t due_at;          /* clock_monotonic() */
    const struct err *error; /* of the last run */
    struct metric *duration;
    struct metric *failures;
};

struct run {
    const struct daemon *daemon;
    struct ctx *ctx;
    struct tick_state *ticks;
    struct consumer *consumer; /* NULL without a subscription */
    sigset_t waiting_mask;     /* signals are let in only while the daemon waits */
};

static volatile sig_atomic_t stopping;

static void on_stop(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

/* SIGTERM and SIGINT stay blocked while work is done, so none can slip in between a test of `stopping` and a wait. */
static void catch_signals(sigset_t *waiting_mask)
{
    struct sigaction action = {.sa_handler = on_stop};
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigprocmask(SIG_BLOCK, &stops, waiting_mask);
    sigdelset(waiting_mask, SIGTERM);
    sigdelset(waiting_mask, SIGINT);
}

/* Waits, and lets pending signals in. */
static void wait_us(const struct run *run, int64_t microseconds)
{
    const struct timespec limit = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000};
    ppoll(NULL, 0, &limit, &run->waiting_mask);
}

/* ---- ticks ---- */

static void note_result(struct tick_state *state, const struct ctx *ctx, const struct err *e)
{
    if (e) {
        metrics_add(state->failures, 1);
    }
    if (e && e != state->error) {
        log_error(&ctx->log, "tick '%s' failed: '%s'", state->tick->name, e->code);
    }
    if (!e && state->error != NULL) {
        log_info(&ctx->log, "tick '%s' works again", state->tick->name);
    }
    state->error = e;
}

static void run_tick(const struct run *run, struct tick_state *state)
{
    struct ctx *ctx = run->ctx;
    int64_t started = clock_monotonic();
    bool more = false;
    ctx_begin(ctx, NULL, NULL);
    log_field(&ctx->log, "tick", state->tick->name);
    watchdog_arm(cfg_process.watchdog_ms);
    const struct err *e = state->tick->run(ctx, &more);
    watchdog_disarm();
    metrics_observe(state->duration, clock_monotonic() - started);
    note_result(state, ctx, e);
    state->due_at = !e && more ? started : started + *state->tick->period_ms * 1000;
}

/* Runs each tick that is due once; the time until the next one in microseconds. */
static int64_t run_due_ticks(const struct run *run)
{
    int64_t next_at = clock_monotonic() + IDLE_MS * 1000;
    for (size_t i = 0; i < run->daemon->tick_count; i++) {
        struct tick_state *state = &run->ticks[i];
        if (state->due_at <= clock_monotonic()) {
            run_tick(run, state);
        }
        next_at = state->due_at < next_at ? state->due_at : next_at;
    }
    int64_t wait = next_at - clock_monotonic();
    return wait > 0 ? wait : 0;
}

static struct tick_state *ticks_new(const struct daemon *daemon)
{
    struct tick_state *ticks = calloc(daemon->tick_count + 1, sizeof *ticks);
    if (ticks == NULL) {
        log_panic("out of memory");
    }
    for (size_t i = 0; i < daemon->tick_count; i++) {
        char labels[100];
        snprintf(labels, sizeof labels, "tick=\"%s\"", daemon->ticks[i].name);
        ticks[i].tick = &daemon->ticks[i];
        ticks[i].duration = metrics_get(METRIC_HISTOGRAM, "boxoffice_tick_seconds", labels);
        ticks[i].failures = metrics_get(METRIC_COUNTER, "boxoffice_tick_failures_total", labels);
    }
    return ticks;
}

/* ---- the whole ---- */

static void loop(struct run *run)
{
    struct metric *heartbeat = metrics_get(METRIC_GAUGE, "boxoffice_heartbeat_timestamp_seconds", "");
    while (!stopping) {
        metrics_set(heartbeat, clock_now() / CLOCK_SECOND);
        int64_t idle_us = run_due_ticks(run);
        if (run->consumer != NULL) {
            int64_t slice_us = idle_us < POLL_SLICE_MS * 1000 ? idle_us : POLL_SLICE_MS * 1000;
            consumer_step(run->consumer, run->ctx, (int)((slice_us + 999) / 1000));
            idle_us = 0;
        }
        wait_us(run, idle_us);
    }
}

static void finish(struct run *run)
{
    log_info(NULL, "stopping");
    watchdog_arm(cfg_process.drain_ms > 0 ? cfg_process.drain_ms : 1);
    ctx_begin(run->ctx, NULL, NULL);
    if (run->daemon->drain != NULL) {
        run->daemon->drain(run->ctx);
    }
    consumer_free(&run->consumer);
    watchdog_disarm();
    program_ctx_free(&run->ctx);
    free(run->ticks);
    log_info(NULL, "stopped");
}

static void begin(struct run *run)
{
    const struct daemon *daemon = run->daemon;
    run->ctx = program_ctx_new(daemon->needs | (daemon->subscription != NULL ? NEED_DB : 0));
    catch_signals(&run->waiting_mask);
    watchdog_init(daemon->name, run->ctx);
    metrics_open(cfg_process.run_dir, daemon->name);
    ctx_begin(run->ctx, NULL, NULL);
    const struct err *e = daemon->init != NULL ? daemon->init(run->ctx) : NULL;
    if (e) {
        log_fatal("cannot start: '%s'", e->code);
    }
    run->ticks = ticks_new(daemon);
    run->consumer = daemon->subscription != NULL ? consumer_new(daemon->subscription) : NULL;
    log_info(NULL, "started");
}

int daemon_main(const struct daemon *daemon, int argc, char **argv)
{
    const struct cfg_section *sections[PROGRAM_SECTIONS_MAX];
    unsigned needs = daemon->needs | (daemon->subscription != NULL ? NEED_DB : 0);
    program_sections(needs, daemon->settings, sections);
    if (daemon->subscription != NULL) {
        program_sections_add(sections, &cfg_kafka_section);
    }
    if (!program_options(daemon->name, sections, argc, argv)) {
        return 0;
    }
    struct run run = {.daemon = daemon};
    begin(&run);
    loop(&run);
    finish(&run);
    return 0;
}
