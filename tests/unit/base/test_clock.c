#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/clock.h"

#define JUNE_1_10H (INT64_C(1780308000) * CLOCK_SECOND) /* 2026-06-01T10:00:00Z */

static int setup_seoul(void **state)
{
    (void)state;
    return clock_set_zone("Asia/Seoul") ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    clock_freeze(CLOCK_NONE);
    return 0;
}

static void test_clock_frozen_stands_still_until_released(void **state)
{
    (void)state;
    clock_freeze(42);
    assert_int_equal(clock_now(), 42);
    clock_freeze(CLOCK_NONE);
    assert_true(clock_now() > INT64_C(1700000000) * CLOCK_SECOND);
}

static void test_clock_skip_moves_monotonic_time_only(void **state)
{
    (void)state;
    int64_t before = clock_monotonic();
    int64_t wall = clock_now();
    clock_skip(3600 * CLOCK_SECOND);
    assert_true(clock_monotonic() >= before + 3600 * CLOCK_SECOND);
    assert_true(clock_now() < wall + 1800 * CLOCK_SECOND);
}

static void test_clock_set_zone_unknown_is_refused(void **state)
{
    (void)state;
    assert_false(clock_set_zone("Asia/Atlantis"));
    assert_false(clock_set_zone(""));
    assert_false(clock_set_zone("../../etc/passwd"));
    assert_false(clock_set_zone("/etc/localtime"));
    assert_false(clock_set_zone("Asia"));
}

static void test_clock_format_shows_zone(void **state)
{
    (void)state;
    char out[CLOCK_TEXT_SIZE];
    assert_string_equal(clock_format(JUNE_1_10H, out), "2026-06-01T19:00:00+09:00");
    assert_string_equal(clock_format_utc(JUNE_1_10H + 7999, out), "2026-06-01T10:00:00.007Z");
    assert_string_equal(clock_format_utc(-1, out), "1969-12-31T23:59:59.999Z");
    assert_string_equal(clock_format_exact(JUNE_1_10H + 7, out), "2026-06-01T10:00:00.000007Z");
    assert_string_equal(clock_format_exact(-1, out), "1969-12-31T23:59:59.999999Z");
    assert_true(clock_set_zone("America/St_Johns"));
    assert_string_equal(clock_format(JUNE_1_10H, out), "2026-06-01T07:30:00-02:30");
}

static void test_clock_format_extremes_fit(void **state)
{
    (void)state;
    char out[CLOCK_TEXT_SIZE];
    assert_true(strlen(clock_format(INT64_MAX, out)) < sizeof out);
    assert_true(strlen(clock_format_utc(INT64_MIN, out)) < sizeof out);
    assert_true(strlen(clock_format_exact(INT64_MIN, out)) < sizeof out);
}

static void assert_parses(const char *text, int64_t expected)
{
    int64_t at = -1;
    if (!clock_parse(text, &at)) {
        fail_msg("refused '%s'", text);
    }
    assert_int_equal(at, expected);
}

static void test_clock_parse_good_texts(void **state)
{
    (void)state;
    assert_parses("2026-06-01T19:00:00+09:00", JUNE_1_10H);
    assert_parses("2026-06-01T10:00:00Z", JUNE_1_10H);
    assert_parses("2026-06-01T10:00:00.5Z", JUNE_1_10H + 500000);
    assert_parses("2026-06-01T10:00:00.123456789Z", JUNE_1_10H + 123456);
    assert_parses("2026-06-01T06:30:00-03:30", JUNE_1_10H);
    assert_parses("2026-06-01T19:00:00", JUNE_1_10H);
    assert_parses("2024-02-29T00:00:00Z", INT64_C(1709164800) * CLOCK_SECOND);
    assert_parses("1970-01-01T09:00:00", 0);
    assert_parses("9999-12-31T23:59:59", INT64_C(253402268399) * CLOCK_SECOND);
}

static void test_clock_parse_bad_texts_leave_the_result_alone(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-06-01",
        "2026-06-01T19:00",
        "2026-06-01 19:00:00",
        "2026-06-01t19:00:00z",
        "9999-12-31T23:59:59Z", /* here it is the year 10000 */
        "9999-12-31T23:59:59-09:00",
        "1970-01-01T08:59:59", /* in UTC it is 1969 */
        "1970-01-01T00:00:00+09:00",
        "1969-12-31T23:59:59Z",
        "2026-6-01T19:00:00",
        "2026-06-01T19:00:00+09",
        "2026-06-01T19:00:00+0900",
        "2026-06-01T19:00:00+24:00",
        "2026-06-01T19:00:00+09:60",
        "2026-06-01T19:00:00+09:00 ",
        "2026-06-01T19:00:00Zx",
        "2026-06-01T19:00:00.Z",
        "2026-06-01T19:00:00.1234567890Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-06-30T23:59:60Z",
        "1969-12-31T23:59:59Z",
        "10000-01-01T00:00:00Z",
        "-026-01-01T00:00:00Z",
        "+026-01-01T00:00:00Z",
        "2026-06-01T19:00:00\xef\xbc\x8b"
        "09:00",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        int64_t at = 77;
        if (clock_parse(bad[i], &at)) {
            fail_msg("took '%s'", bad[i]);
        }
        assert_int_equal(at, 77);
    }
}

static void test_clock_parse_hour_skipped_by_summer_time_is_refused(void **state)
{
    (void)state;
    assert_true(clock_set_zone("Europe/Berlin"));
    int64_t at;
    assert_false(clock_parse("2026-03-29T02:30:00", &at));
    assert_true(clock_parse("2026-03-29T03:30:00", &at));
}

static void test_clock_parse_reads_what_format_writes(void **state)
{
    (void)state;
    const int64_t step_s = 86400 * 41 + 4321;
    for (int64_t at = 0; at < INT64_C(4000000000) * CLOCK_SECOND; at += step_s * CLOCK_SECOND) {
        char out[CLOCK_TEXT_SIZE];
        assert_parses(clock_format(at, out), at);
        assert_parses(clock_format_utc(at, out), at);
    }
}

static void test_clock_parse_pg_good_texts(void **state)
{
    (void)state;
    int64_t at;
    assert_true(clock_parse_pg("2026-06-01 19:00:00.5+09", &at));
    assert_int_equal(at, JUNE_1_10H + 500000);
    assert_true(clock_parse_pg("2026-06-01 15:30:00+05:30", &at));
    assert_int_equal(at, JUNE_1_10H);
    assert_true(clock_parse_pg("1900-01-01 08:27:52+08:27:52", &at));
    assert_int_equal(at, INT64_C(-2208988800) * CLOCK_SECOND);
    assert_true(clock_parse_pg("infinity", &at));
    assert_int_equal(at, INT64_MAX);
}

static void test_clock_parse_pg_bad_texts(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-infinity",
                                      "infinity ",
                                      "2026-06-01 19:00:00",
                                      "2026-06-01T19:00:00+09",
                                      "2026-06-01 19:00:00+9",
                                      "2026-06-01 19:00:00+09:",
                                      "2026-06-01 19:00:00+09 BC"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        int64_t at = 77;
        assert_false(clock_parse_pg(bad[i], &at));
        assert_int_equal(at, 77);
    }
}

#define IN_SEOUL(test) cmocka_unit_test_setup_teardown(test, setup_seoul, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SEOUL(test_clock_frozen_stands_still_until_released),
        IN_SEOUL(test_clock_skip_moves_monotonic_time_only),
        IN_SEOUL(test_clock_set_zone_unknown_is_refused),
        IN_SEOUL(test_clock_format_shows_zone),
        IN_SEOUL(test_clock_format_extremes_fit),
        IN_SEOUL(test_clock_parse_good_texts),
        IN_SEOUL(test_clock_parse_bad_texts_leave_the_result_alone),
        IN_SEOUL(test_clock_parse_hour_skipped_by_summer_time_is_refused),
        IN_SEOUL(test_clock_parse_reads_what_format_writes),
        IN_SEOUL(test_clock_parse_pg_good_texts),
        IN_SEOUL(test_clock_parse_pg_bad_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
