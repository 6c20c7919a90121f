#include "common/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_YEAR 1970
#define LAST_YEAR 9999

static int64_t frozen_at = CLOCK_NONE;
static int64_t skipped_us;

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

int64_t clock_now(void)
{
    return frozen_at != CLOCK_NONE ? frozen_at : read_clock(CLOCK_REALTIME);
}

int64_t clock_seconds_left(int64_t at)
{
    int64_t left = at - clock_now();
    return left > 0 ? left / CLOCK_SECOND : 0;
}

int64_t clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC) + skipped_us;
}

void clock_sleep(int64_t ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

void clock_skip(int64_t microseconds)
{
    skipped_us += microseconds;
}

void clock_freeze(int64_t at)
{
    frozen_at = at;
}

/* tzset() takes any unknown name for UTC, so the database is asked first. */
static bool zone_known(const char *name)
{
    if (name[0] == '\0' || name[0] == '/' || strstr(name, "..") != NULL) {
        return false;
    }
    const char *folder = getenv("TZDIR");
    char path[256];
    int len = snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/usr/share/zoneinfo", name);
    FILE *file = len < (int)sizeof path ? fopen(path, "re") : NULL;
    if (file == NULL) {
        return false;
    }
    char magic[4];
    bool known = fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
    fclose(file);
    return known;
}

bool clock_set_zone(const char *name)
{
    if (!zone_known(name) || setenv("TZ", name, 1) != 0) {
        return false;
    }
    tzset();
    return true;
}

/* ---- writing ---- */

/* Whole seconds, rounded towards the past, and the microseconds left over. */
static time_t split(int64_t at, int *micros_r)
{
    int64_t micros = at % CLOCK_SECOND;
    int64_t seconds = at / CLOCK_SECOND;
    if (micros < 0) {
        micros += CLOCK_SECOND;
        seconds--;
    }
    *micros_r = (int)micros;
    return (time_t)seconds;
}

char *clock_format(int64_t at, char out[CLOCK_TEXT_SIZE])
{
    int micros;
    time_t seconds = split(at, &micros);
    struct tm tm;
    localtime_r(&seconds, &tm);
    size_t len = strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    int minutes = abs((int)tm.tm_gmtoff / 60);
    snprintf(out + len, CLOCK_TEXT_SIZE - len, "%c%02d:%02d", tm.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
    return out;
}

/* With the fraction's first `digits` of six. */
static char *format_utc(int64_t at, int digits, char out[CLOCK_TEXT_SIZE])
{
    int micros;
    time_t seconds = split(at, &micros);
    struct tm tm;
    char fraction[sizeof "999999"];
    gmtime_r(&seconds, &tm);
    size_t len = strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(fraction, sizeof fraction, "%06u", (unsigned)micros % 1000000);
    snprintf(out + len, CLOCK_TEXT_SIZE - len, ".%.*sZ", digits, fraction);
    return out;
}

char *clock_format_utc(int64_t at, char out[CLOCK_TEXT_SIZE])
{
    return format_utc(at, 3, out);
}

char *clock_format_exact(int64_t at, char out[CLOCK_TEXT_SIZE])
{
    return format_utc(at, 6, out);
}

/* ---- reading: each take_* moves *text past what it took, and leaves it alone when it answers false ---- */

struct parts {
    int year, month, day, hour, minute, second, micros;
};

static bool take_char(const char **text, char c)
{
    if (**text != c) {
        return false;
    }
    (*text)++;
    return true;
}

static bool take_number(const char **text, int digits, int *out)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *text += digits;
    *out = value;
    return true;
}

/* Nothing, or ".5" to ".123456789". */
static bool take_fraction(const char **text, int *micros)
{
    const char *at = *text;
    *micros = 0;
    if (!take_char(&at, '.')) {
        return true;
    }
    int digits = 0;
    int scale = 100000;
    for (int digit; take_number(&at, 1, &digit); digits++) {
        *micros += digit * scale;
        scale /= 10;
    }
    *text = at;
    return digits >= 1 && digits <= 9;
}

static bool take_parts(const char **text, char between, struct parts *parts)
{
    return take_number(text, 4, &parts->year) && take_char(text, '-') && take_number(text, 2, &parts->month) &&
           take_char(text, '-') && take_number(text, 2, &parts->day) && take_char(text, between) &&
           take_number(text, 2, &parts->hour) && take_char(text, ':') && take_number(text, 2, &parts->minute) &&
           take_char(text, ':') && take_number(text, 2, &parts->second) && take_fraction(text, &parts->micros);
}

static bool leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool real(const struct parts *parts)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (parts->year < 1 || parts->month < 1 || parts->month > 12) {
        return false;
    }
    int last = days[parts->month - 1] + (parts->month == 2 && leap(parts->year));
    return parts->day >= 1 && parts->day <= last && parts->hour <= 23 && parts->minute <= 59 && parts->second <= 59;
}

/* The instant if the parts were UTC. */
static int64_t as_utc(const struct parts *parts)
{
    struct tm tm = {.tm_year = parts->year - 1900,
                    .tm_mon = parts->month - 1,
                    .tm_mday = parts->day,
                    .tm_hour = parts->hour,
                    .tm_min = parts->minute,
                    .tm_sec = parts->second};
    return (int64_t)timegm(&tm) * CLOCK_SECOND + parts->micros;
}

/* The instant if the parts were read off a wall clock here; false for an hour that a time change skips. */
static bool as_local(const struct parts *parts, int64_t *at_r)
{
    struct tm tm = {.tm_year = parts->year - 1900,
                    .tm_mon = parts->month - 1,
                    .tm_mday = parts->day,
                    .tm_hour = parts->hour,
                    .tm_min = parts->minute,
                    .tm_sec = parts->second,
                    .tm_isdst = -1};
    time_t seconds = mktime(&tm);
    if (tm.tm_hour != parts->hour || tm.tm_min != parts->minute) {
        return false;
    }
    *at_r = (int64_t)seconds * CLOCK_SECOND + parts->micros;
    return true;
}

/* "+09:00": seconds east of UTC. PostgreSQL leaves out minutes that are zero and adds seconds for old local times. */
static bool take_offset(const char **text, bool pg, int *seconds)
{
    int sign = **text == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    int rest = 0;
    if (!take_char(text, '+') && !take_char(text, '-')) {
        return false;
    }
    if (!take_number(text, 2, &hours)) {
        return false;
    }
    if ((!pg || **text == ':') && (!take_char(text, ':') || !take_number(text, 2, &minutes))) {
        return false;
    }
    if (pg && take_char(text, ':') && !take_number(text, 2, &rest)) {
        return false;
    }
    *seconds = sign * (hours * 3600 + minutes * 60 + rest);
    return hours <= 23 && minutes <= 59 && rest <= 59;
}

static bool year_fits(const struct tm *tm)
{
    return tm->tm_year + 1900 >= FIRST_YEAR && tm->tm_year + 1900 <= LAST_YEAR;
}

/* What is read may be written, in UTC as well as here, and read again. */
static bool writable(int64_t at)
{
    int micros;
    time_t seconds = split(at, &micros);
    struct tm utc, local;
    return gmtime_r(&seconds, &utc) && localtime_r(&seconds, &local) && year_fits(&utc) && year_fits(&local);
}

bool clock_parse(const char *text, int64_t *at_r)
{
    struct parts parts;
    int64_t at;
    if (!take_parts(&text, 'T', &parts) || !real(&parts)) {
        return false;
    }
    if (*text == '\0') {
        if (!as_local(&parts, &at)) {
            return false;
        }
    } else {
        int offset = 0;
        if ((!take_char(&text, 'Z') && !take_offset(&text, false, &offset)) || *text != '\0') {
            return false;
        }
        at = as_utc(&parts) - offset * CLOCK_SECOND;
    }
    if (!writable(at)) {
        return false;
    }
    *at_r = at;
    return true;
}

bool clock_parse_pg(const char *text, int64_t *at_r)
{
    if (strcmp(text, "infinity") == 0) {
        *at_r = INT64_MAX;
        return true;
    }
    struct parts parts;
    int offset;
    if (!take_parts(&text, ' ', &parts) || !real(&parts) || !take_offset(&text, true, &offset) || *text != '\0') {
        return false;
    }
    *at_r = as_utc(&parts) - offset * CLOCK_SECOND;
    return true;
}
