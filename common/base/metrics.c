#include "common/base/metrics.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/log.h"
#include "common/base/shared.h"

#define LAYOUT UINT64_C(0x626f2d6d65743031) /* "bo-met01" */
#define SERIES_MAX 4096
#define NAME_SIZE 64
#define LABELS_SIZE 160
#define PROGRAM_SIZE 64
#define SUFFIX ".metrics"

/* Upper bounds of the histogram's buckets in milliseconds; one more bucket takes the rest. */
static const int bounds_ms[] = {1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000};
#define BOUNDS ARRAY_COUNT(bounds_ms)

/* A counter and a gauge use values[0]. A histogram uses one value per bucket (each observation counts in one), then
 * the sum in microseconds. */
#define SUM (BOUNDS + 1)
#define VALUES (SUM + 1)

struct metric {
    char name[NAME_SIZE];
    char labels[LABELS_SIZE];
    int type; /* enum metric_type */
    _Atomic int64_t values[VALUES];
};

struct metrics_file {
    struct shared_head head;
    pthread_mutex_t mutex;  /* held to add a series */
    _Atomic uint32_t count; /* raised only when a series is complete */
    struct metric series[SERIES_MAX];
};

/* This program's file; NULL while metrics are off. */
static struct metrics_file *own;

static void init_file(void *fresh)
{
    struct metrics_file *file = fresh;
    shared_mutex_init(&file->mutex);
}

static bool dir_path(const char *run_dir, char out[static PATH_MAX])
{
    return snprintf(out, PATH_MAX, "%s/metrics", run_dir) < PATH_MAX;
}

bool metrics_open(const char *run_dir, const char *program)
{
    char dir[PATH_MAX];
    char name[PROGRAM_SIZE + sizeof SUFFIX];
    snprintf(name, sizeof name, "%s" SUFFIX, program);
    if (!dir_path(run_dir, dir) || strlen(program) >= PROGRAM_SIZE) {
        log_warn(NULL, "metrics are off: the path is too long");
        return false;
    }
    if (own != NULL) {
        munmap(own, sizeof *own);
    }
    own = shared_map(dir, name, LAYOUT, sizeof *own, init_file);
    if (own == NULL) {
        log_warn(NULL, "metrics are off: no shared memory in '%s': %s", dir, strerror(errno));
    }
    return own != NULL;
}

/* ---- series ---- */

static struct metric *find(enum metric_type type, const char *name, const char *labels)
{
    uint32_t count = atomic_load_explicit(&own->count, memory_order_acquire);
    for (uint32_t i = 0; i < count && i < SERIES_MAX; i++) {
        struct metric *metric = &own->series[i];
        if (metric->type == (int)type && strcmp(metric->labels, labels) == 0 && strcmp(metric->name, name) == 0) {
            return metric;
        }
    }
    return NULL;
}

/* The caller holds the mutex. */
static struct metric *add(enum metric_type type, const char *name, const char *labels)
{
    uint32_t count = atomic_load_explicit(&own->count, memory_order_relaxed);
    if (count >= SERIES_MAX) {
        return NULL;
    }
    struct metric *metric = &own->series[count];
    metric->type = (int)type;
    snprintf(metric->name, sizeof metric->name, "%s", name);
    snprintf(metric->labels, sizeof metric->labels, "%s", labels);
    atomic_store_explicit(&own->count, count + 1, memory_order_release);
    return metric;
}

struct metric *metrics_get(enum metric_type type, const char *name, const char *labels)
{
    if (own == NULL || strlen(name) >= NAME_SIZE || strlen(labels) >= LABELS_SIZE) {
        return NULL;
    }
    struct metric *metric = find(type, name, labels);
    if (metric != NULL || shared_lock(&own->mutex) == SHARED_FAILED) {
        return metric;
    }
    /* Another process may have added it in the meantime. */
    metric = find(type, name, labels);
    if (metric == NULL) {
        metric = add(type, name, labels);
    }
    shared_unlock(&own->mutex);
    return metric;
}

void metrics_add(struct metric *metric, int64_t delta)
{
    if (metric != NULL) {
        atomic_fetch_add_explicit(&metric->values[0], delta, memory_order_relaxed);
    }
}

void metrics_set(struct metric *metric, int64_t value)
{
    if (metric != NULL) {
        atomic_store_explicit(&metric->values[0], value, memory_order_relaxed);
    }
}

void metrics_observe(struct metric *metric, int64_t microseconds)
{
    if (metric == NULL) {
        return;
    }
    size_t bucket = 0;
    while (bucket < BOUNDS && microseconds > bounds_ms[bucket] * INT64_C(1000)) {
        bucket++;
    }
    atomic_fetch_add_explicit(&metric->values[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->values[SUM], microseconds, memory_order_relaxed);
}

/* ---- reading the files of all programs ---- */

struct row {
    char program[PROGRAM_SIZE];
    struct metric series;
};

/* Outside the arena: the rows of all programs may be many times what one request is given. */
struct rows {
    struct row *items;
    size_t count;
};

static void reserve(struct rows *rows, size_t more)
{
    struct row *items = realloc(rows->items, (rows->count + more) * sizeof *items);
    if (items == NULL) {
        log_panic("out of memory for metrics");
    }
    rows->items = items;
}

/* By name, so that one metric of several programs makes one group, as the text format wants it. */
static int compare(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    int order = strcmp(left->series.name, right->series.name);
    order = order != 0 ? order : strcmp(left->program, right->program);
    return order != 0 ? order : strcmp(left->series.labels, right->series.labels);
}

/* The bytes may be anything: a file of another version, cut short, or no file of ours. */
static bool sane(const struct metric *series)
{
    return series->type >= METRIC_COUNTER && series->type <= METRIC_HISTOGRAM &&
           memchr(series->name, '\0', NAME_SIZE) != NULL && memchr(series->labels, '\0', LABELS_SIZE) != NULL;
}

static void read_program(int fd, const char *program, struct rows *rows)
{
    struct shared_head head;
    uint32_t count;
    if (pread(fd, &head, sizeof head, 0) != sizeof head || !shared_current(&head, LAYOUT) ||
        pread(fd, &count, sizeof count, offsetof(struct metrics_file, count)) != sizeof count || count == 0) {
        return;
    }
    count = count < SERIES_MAX ? count : SERIES_MAX;
    reserve(rows, count);
    off_t at = offsetof(struct metrics_file, series);
    for (uint32_t i = 0; i < count; i++, at += (off_t)sizeof(struct metric)) {
        struct row *row = &rows->items[rows->count];
        if (pread(fd, &row->series, sizeof row->series, at) != sizeof row->series) {
            return;
        }
        snprintf(row->program, sizeof row->program, "%s", program);
        rows->count += sane(&row->series);
    }
}

static void read_all(DIR *dir, struct rows *rows)
{
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        size_t len = strlen(entry->d_name);
        size_t suffix_len = strlen(SUFFIX);
        if (len <= suffix_len || len - suffix_len >= PROGRAM_SIZE ||
            strcmp(entry->d_name + len - suffix_len, SUFFIX) != 0) {
            continue;
        }
        int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd >= 0) {
            char program[PROGRAM_SIZE];
            snprintf(program, sizeof program, "%.*s", (int)(len - suffix_len), entry->d_name);
            read_program(fd, program, rows);
            close(fd);
        }
    }
}

/* ---- text ---- */

static void write_head(const struct metric *series, struct buf *out)
{
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
    };
    buf_printf(out, "# HELP %s ", series->name);
    for (const char *c = series->name; *c != '\0'; c++) {
        buf_char(out, *c == '_' ? ' ' : *c);
    }
    buf_printf(out, "\n# TYPE %s %s\n", series->name, types[series->type]);
}

/* name_suffix{program="...",labels */
static void write_start(const struct row *row, const char *suffix, struct buf *out)
{
    buf_printf(out, "%s%s{program=\"", row->series.name, suffix);
    for (const char *c = row->program; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            buf_char(out, '\\');
        }
        buf_str(out, *c == '\n' ? "\\n" : (const char[]){*c, '\0'});
    }
    buf_printf(out, "\"%s%s", row->series.labels[0] != '\0' ? "," : "", row->series.labels);
}

static void write_histogram(const struct row *row, struct buf *out)
{
    int64_t total = 0;
    for (size_t i = 0; i <= BOUNDS; i++) {
        total += row->series.values[i];
        write_start(row, "_bucket", out);
        if (i < BOUNDS) {
            buf_printf(out, ",le=\"%g\"} %lld\n", bounds_ms[i] / 1000.0, (long long)total);
        } else {
            buf_printf(out, ",le=\"+Inf\"} %lld\n", (long long)total);
        }
    }
    write_start(row, "_sum", out);
    buf_printf(out, "} %.6f\n", (double)row->series.values[SUM] / 1e6);
    write_start(row, "_count", out);
    buf_printf(out, "} %lld\n", (long long)total);
}

static void write_rows(const struct rows *rows, struct buf *out)
{
    const struct metric *group = NULL;
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->items[i];
        if (group == NULL || strcmp(group->name, row->series.name) != 0) {
            group = &row->series;
            write_head(group, out);
        }
        if (row->series.type != group->type) {
            continue; /* two programs disagree: a name can have one type only */
        }
        if (row->series.type == METRIC_HISTOGRAM) {
            write_histogram(row, out);
        } else {
            write_start(row, "", out);
            buf_printf(out, "} %lld\n", (long long)row->series.values[0]);
        }
    }
}

const struct err *metrics_write(const char *run_dir, struct buf *out)
{
    char path[PATH_MAX];
    DIR *dir = dir_path(run_dir, path) ? opendir(path) : NULL;
    if (dir == NULL) {
        return NULL;
    }
    struct rows rows = {0};
    read_all(dir, &rows);
    closedir(dir);
    if (rows.count > 0) {
        qsort(rows.items, rows.count, sizeof rows.items[0], compare);
    }
    write_rows(&rows, out);
    free(rows.items);
    return out->overflow ? &err_internal : NULL;
}
