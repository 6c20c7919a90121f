#include "common/base/breaker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/shared.h"

#define LAYOUT UINT64_C(0x626f2d62726b3031) /* "bo-brk01" */
#define WINDOW_MAX 1000

/* What all processes see. Everything after the mutex belongs to whoever holds it. */
struct breaker_file {
    struct shared_head head;
    pthread_mutex_t mutex;
    int state;           /* enum breaker_state */
    uint64_t generation; /* one more with every change of state */
    int64_t changed_at;  /* clock_monotonic() of the last change */
    int granted;         /* half open: probes let through */
    int succeeded;       /* half open: probes that came back well */
    int count;           /* closed: outcomes in the window */
    int failures;        /* closed: failures among them */
    int next;            /* closed: where the next outcome goes */
    bool failed[WINDOW_MAX];
};

struct breaker {
    char name[64];
    struct breaker_policy policy;
    struct breaker_file *file;
};

static const char *const state_names[] = {
    [BREAKER_CLOSED] = "closed",
    [BREAKER_OPEN] = "open",
    [BREAKER_HALF_OPEN] = "half open",
};

static void init_file(void *fresh)
{
    struct breaker_file *file = fresh;
    shared_mutex_init(&file->mutex);
}

struct breaker *breaker_open(const char *dir, const char *name, const struct breaker_policy *policy)
{
    if (policy->window < 1 || policy->window > WINDOW_MAX || policy->probes < 1 || policy->min_calls < 1 ||
        policy->open_percent < 1 || policy->open_percent > 100) {
        log_panic("breaker '%s' has a policy out of range", name);
    }
    struct breaker *breaker = calloc(1, sizeof *breaker);
    if (breaker == NULL) {
        log_panic("out of memory for a breaker");
    }
    breaker->policy = *policy;
    snprintf(breaker->name, sizeof breaker->name, "%s", name);
    char file_name[80];
    snprintf(file_name, sizeof file_name, "%s.breaker", breaker->name);
    breaker->file = shared_map(dir, file_name, LAYOUT, sizeof *breaker->file, init_file);
    if (breaker->file == NULL) {
        log_warn(NULL, "breaker '%s' is off: no shared memory in '%s': %s", name, dir, strerror(errno));
        free(breaker);
        return NULL;
    }
    return breaker;
}

void breaker_close(struct breaker **breaker)
{
    if (*breaker == NULL) {
        return;
    }
    munmap((*breaker)->file, sizeof *(*breaker)->file);
    free(*breaker);
    *breaker = NULL;
}

/* ---- the state machine; the caller holds the mutex ---- */

static void change(struct breaker_file *file, enum breaker_state state, int64_t now)
{
    file->state = state;
    file->generation++;
    file->changed_at = now;
    file->granted = 0;
    file->succeeded = 0;
    file->count = 0;
    file->failures = 0;
    file->next = 0;
}

static int64_t open_us(const struct breaker *breaker)
{
    return breaker->policy.open_ms * 1000;
}

static bool allow(struct breaker *breaker, int64_t now)
{
    struct breaker_file *file = breaker->file;
    bool waited = now - file->changed_at >= open_us(breaker);
    bool probes_gone = file->granted >= breaker->policy.probes;
    switch ((enum breaker_state)file->state) {
    case BREAKER_CLOSED:
        return true;
    case BREAKER_OPEN:
        if (!waited) {
            return false;
        }
        change(file, BREAKER_HALF_OPEN, now);
        break;
    case BREAKER_HALF_OPEN:
        if (probes_gone && !waited) {
            return false;
        }
        if (probes_gone) {
            /* A process died with its permit: its result will never come, so probing begins anew. */
            change(file, BREAKER_HALF_OPEN, now);
        }
        break;
    }
    file->granted++;
    return true;
}

static void forget_oldest(struct breaker_file *file)
{
    int oldest = (file->next - file->count + WINDOW_MAX) % WINDOW_MAX;
    file->failures -= file->failed[oldest];
    file->count--;
}

static void record(struct breaker *breaker, bool failed, int64_t now)
{
    struct breaker_file *file = breaker->file;
    while (file->count >= breaker->policy.window) {
        forget_oldest(file);
    }
    file->failed[file->next] = failed;
    file->next = (file->next + 1) % WINDOW_MAX;
    file->count++;
    file->failures += failed;
    if (file->count >= breaker->policy.min_calls &&
        file->failures * 100 >= breaker->policy.open_percent * file->count) {
        change(file, BREAKER_OPEN, now);
    }
}

static void record_probe(struct breaker *breaker, bool failed, int64_t now)
{
    struct breaker_file *file = breaker->file;
    if (failed) {
        change(file, BREAKER_OPEN, now);
        return;
    }
    file->succeeded++;
    if (file->succeeded >= breaker->policy.probes) {
        change(file, BREAKER_CLOSED, now);
    }
}

/* ---- locking ---- */

static bool lock(struct breaker *breaker)
{
    struct breaker_file *file = breaker->file;
    enum shared_lock locked = shared_lock(&file->mutex);
    if (locked == SHARED_INHERITED) {
        bool known = file->state >= BREAKER_CLOSED && file->state <= BREAKER_HALF_OPEN;
        change(file, known ? (enum breaker_state)file->state : BREAKER_CLOSED, clock_monotonic());
    }
    return locked != SHARED_FAILED;
}

/* Logs outside the mutex. */
static void unlock(struct breaker *breaker, enum breaker_state before)
{
    enum breaker_state after = (enum breaker_state)breaker->file->state;
    shared_unlock(&breaker->file->mutex);
    if (after != before) {
        log_warn(NULL, "breaker '%s' is %s", breaker->name, state_names[after]);
    }
}

bool breaker_allow(struct breaker *breaker, struct breaker_permit *permit_r)
{
    *permit_r = (struct breaker_permit){.started_at = clock_monotonic()};
    if (breaker == NULL || !lock(breaker)) {
        return true;
    }
    enum breaker_state before = (enum breaker_state)breaker->file->state;
    bool allowed = allow(breaker, permit_r->started_at);
    permit_r->generation = breaker->file->generation;
    unlock(breaker, before);
    return allowed;
}

void breaker_done(struct breaker *breaker, const struct breaker_permit *permit, bool success)
{
    if (breaker == NULL || !lock(breaker)) {
        return;
    }
    int64_t now = clock_monotonic();
    int64_t slow_ms = breaker->policy.slow_ms;
    bool failed = !success || (slow_ms > 0 && now - permit->started_at > slow_ms * 1000);
    enum breaker_state before = (enum breaker_state)breaker->file->state;
    if (permit->generation == breaker->file->generation && before == BREAKER_CLOSED) {
        record(breaker, failed, now);
    } else if (permit->generation == breaker->file->generation && before == BREAKER_HALF_OPEN) {
        record_probe(breaker, failed, now);
    }
    unlock(breaker, before);
}

enum breaker_state breaker_state(struct breaker *breaker)
{
    if (breaker == NULL || !lock(breaker)) {
        return BREAKER_CLOSED;
    }
    enum breaker_state state = (enum breaker_state)breaker->file->state;
    unlock(breaker, state);
    return state;
}

int breaker_retry_after_s(struct breaker *breaker)
{
    if (breaker == NULL || !lock(breaker)) {
        return 0;
    }
    const struct breaker_file *file = breaker->file;
    enum breaker_state state = (enum breaker_state)file->state;
    bool blocked = state == BREAKER_OPEN || (state == BREAKER_HALF_OPEN && file->granted >= breaker->policy.probes);
    int64_t left_us = file->changed_at + open_us(breaker) - clock_monotonic();
    unlock(breaker, state);
    return blocked && left_us > 0 ? (int)((left_us + CLOCK_SECOND - 1) / CLOCK_SECOND) : 0;
}
