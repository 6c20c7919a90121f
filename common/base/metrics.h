/*
 * metrics: counters, gauges and latency histograms in shared memory, one file per program in <run_dir>/metrics, shared
 * by its prefork processes and kept over their restarts. Written without locks; read by gateway.fcgi as Prometheus
 * text and by boxctl.
 */
#ifndef COMMON_METRICS_H
#define COMMON_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"

struct metric; /* one series; NULL is valid everywhere and does nothing */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM /* seconds; observed in microseconds */ };

/* Opens the program's file, creating it if need be. False (with a warning logged) leaves all metrics off. */
bool metrics_open(const char *run_dir, const char *program);
/* The series `name` with `labels` in Prometheus form ("route=\"GET /events\",status=\"2xx\"", or ""), made on first
 * use; NULL when the table (4096 series) is full. Look it up once, keep the pointer. */
struct metric *metrics_get(enum metric_type type, const char *name, const char *labels);
void metrics_add(struct metric *metric, int64_t delta);
void metrics_set(struct metric *metric, int64_t value);
void metrics_observe(struct metric *metric, int64_t microseconds);
/* Writes all programs' series found in <run_dir>/metrics as Prometheus text, each with label program="...". */
BO_MUSTCHECK const struct err *metrics_write(const char *run_dir, struct buf *out);

#endif
