#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "src/event/event_query.h"

static void test_instant_of_a_date_is_its_first_or_the_next_days(void **state)
{
    (void)state;
    int64_t from, to, midnight, next;
    assert_true(clock_set_zone("Asia/Seoul"));
    assert_true(clock_parse("2026-06-01T00:00:00+09:00", &midnight));
    assert_true(clock_parse("2026-06-02T00:00:00+09:00", &next));
    assert_true(event_instant_parse("2026-06-01", false, &from));
    assert_true(event_instant_parse("2026-06-01", true, &to));
    assert_int_equal(from, midnight);
    assert_int_equal(to, next);
}

/* Days of 23 and 25 hours, one that begins at one, and the one before it. */
static void test_instant_of_a_date_follows_the_clocks_of_the_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *date, *from, *to;
    } cases[] = {
        {"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
        {"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
        {"Africa/Cairo", "2026-04-23", "2026-04-22T22:00:00Z", "2026-04-23T22:00:00Z"},
        {"Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t from, to, first, next;
        assert_true(clock_set_zone(cases[i].zone));
        assert_true(clock_parse(cases[i].from, &first) && clock_parse(cases[i].to, &next));
        assert_true(event_instant_parse(cases[i].date, false, &from));
        assert_true(event_instant_parse(cases[i].date, true, &to));
        assert_int_equal(from, first);
        assert_int_equal(to, next);
    }
}

static void test_instant_of_a_time_is_taken_as_it_is(void **state)
{
    (void)state;
    int64_t at, expected;
    assert_true(clock_parse("2026-06-01T10:30:00Z", &expected));
    assert_true(event_instant_parse("2026-06-01T10:30:00Z", true, &at));
    assert_int_equal(at, expected);
}

static void test_instant_of_anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"2026-13-01",  "2026-02-30",  "20260601ab",
                                      "next monday", "2026-06-01T", "1-1-1-1-1-1"};
    int64_t at = 42;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(event_instant_parse(bad[i], false, &at));
    }
    assert_int_equal(at, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instant_of_a_date_is_its_first_or_the_next_days),
        cmocka_unit_test(test_instant_of_a_date_follows_the_clocks_of_the_zone),
        cmocka_unit_test(test_instant_of_a_time_is_taken_as_it_is),
        cmocka_unit_test(test_instant_of_anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
