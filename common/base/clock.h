/*
 * clock: the only source of time, and times as text.
 *
 * An instant is int64_t microseconds since the Unix epoch (suffix _at or _us). CLOCK_NONE means "no instant".
 * Tests inject time with clock_freeze(). The zone for text is process-wide (BOX_TIMEZONE, set once by
 * clock_set_zone() at start).
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_NONE INT64_MIN
#define CLOCK_TEXT_SIZE 40 /* room for the longest text, with NUL */
#define CLOCK_SECOND INT64_C(1000000)

/* Wall clock; the frozen instant while a test holds it. */
int64_t clock_now(void);
/* Whole seconds from now until `at`; 0 when it is over. */
int64_t clock_seconds_left(int64_t at);
/* Monotonic microseconds: for durations and time-outs only. Never frozen. */
int64_t clock_monotonic(void);
/* Moves clock_monotonic() ahead. Tests only. */
void clock_skip(int64_t microseconds);
/* Waits, also through signals. For pauses between tries; never in a test. */
void clock_sleep(int64_t ms);
/* Makes clock_now() answer `at` until clock_freeze(CLOCK_NONE). Tests only. */
void clock_freeze(int64_t at);

/* Sets the zone ("Asia/Seoul"). False when the system's tz database does not know it. */
bool clock_set_zone(const char *name);
/* RFC 3339 with offset in the process's zone, whole seconds: "2026-06-01T19:00:00+09:00". Returns out. */
char *clock_format(int64_t at, char out[CLOCK_TEXT_SIZE]);
/* RFC 3339 in UTC with milliseconds: "2026-06-01T10:00:00.000Z". Returns out. */
char *clock_format_utc(int64_t at, char out[CLOCK_TEXT_SIZE]);
/* RFC 3339 in UTC with microseconds, nothing of `at` is lost: "2026-06-01T10:00:00.000000Z". Returns out. */
char *clock_format_exact(int64_t at, char out[CLOCK_TEXT_SIZE]);
/* RFC 3339 with offset, or "yyyy-MM-ddTHH:mm:ss" read in the process's zone; years 1970-9999 in UTC and in the
 * process's zone, so that it can be written and read again; real dates only, no leap seconds, "T" and "Z" in upper
 * case; of a fraction (1 to 9 digits) what is finer than a microsecond is dropped. Nothing may follow. False (and *at_r
 * untouched) for anything else. */
bool clock_parse(const char *text, int64_t *at_r);
/* PostgreSQL's ISO output of a timestamptz ("2026-06-01 19:00:00.5+09"); "infinity" gives INT64_MAX. */
bool clock_parse_pg(const char *text, int64_t *at_r);

#endif
