#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/context/trace.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void assert_fresh(const struct trace *trace)
{
    assert_int_equal(strspn(trace->id, "0123456789abcdef"), 32);
    assert_string_not_equal(trace->id, ID);
}

static void test_trace_start_without_input_is_new(void **state)
{
    (void)state;
    struct trace first;
    struct trace second;
    trace_start(&first, NULL, NULL);
    trace_start(&second, NULL, NULL);
    assert_fresh(&first);
    assert_string_not_equal(first.id, second.id);
}

static void test_trace_start_continues_a_valid_parent(void **state)
{
    (void)state;
    struct trace trace;
    trace_start(&trace, "00-" ID "-" SPAN "-00", "ffffffffffffffffffffffffffffffff");
    assert_string_equal(trace.id, ID);
    assert_int_equal(trace.flags, 0);
    trace_start(&trace, "00-" ID "-" SPAN "-ff", NULL);
    assert_int_equal(trace.flags, 3);
    trace_start(&trace, "01-" ID "-" SPAN "-01-what-comes-later", NULL);
    assert_string_equal(trace.id, ID);
}

static void test_trace_start_ignores_malformed_parents(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00-" ID "-" SPAN,
        "00-" ID "-" SPAN "-0",
        "00-" ID "-" SPAN "-01-",
        "00-" ID "-" SPAN "-01x",
        "01-" ID "-" SPAN "-01x",
        "ff-" ID "-" SPAN "-01",
        "0g-" ID "-" SPAN "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" ID "-0000000000000000-01",
        "00_" ID "-" SPAN "-01",
        "00-" ID "-" SPAN "-0x",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct trace trace;
        trace_start(&trace, bad[i], NULL);
        assert_fresh(&trace);
        trace_start(&trace, bad[i], ID);
        assert_string_equal(trace.id, ID);
    }
}

static void test_trace_start_takes_over_an_id_or_a_uuid(void **state)
{
    (void)state;
    struct trace trace;
    trace_start(&trace, NULL, "4BF92F3577B34DA6A3CE929D0E0E4736");
    assert_string_equal(trace.id, ID);
    trace_start(&trace, NULL, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736");
    assert_string_equal(trace.id, ID);
    static const char *const bad[] = {"",
                                      "4bf9",
                                      ID "0",
                                      "00000000000000000000000000000000",
                                      "00000000-0000-0000-0000-000000000000",
                                      "4bf92f3577b34da6a3ce929d0e0e473\n",
                                      "4bf92f-3577b34da6a3ce929d0e0e4736"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        trace_start(&trace, NULL, bad[i]);
        assert_fresh(&trace);
    }
}

static void test_trace_parent_is_read_back(void **state)
{
    (void)state;
    struct trace trace;
    struct trace next;
    char parent[TRACE_PARENT_SIZE];
    trace_start(&trace, NULL, NULL);
    trace_parent(&trace, parent);
    assert_int_equal(strlen(parent), TRACE_PARENT_SIZE - 1);
    assert_int_equal(strspn(trace.span, "0123456789abcdef"), 16);
    trace_start(&next, parent, NULL);
    assert_string_equal(next.id, trace.id);
    assert_int_equal(next.flags, trace.flags);
}

static void test_trace_parent_names_one_span_of_our_own(void **state)
{
    (void)state;
    struct trace first, second;
    char parent[TRACE_PARENT_SIZE], again[TRACE_PARENT_SIZE];
    trace_start(&first, "00-" ID "-" SPAN "-00", NULL);
    trace_start(&second, "00-" ID "-" SPAN "-00", NULL);
    trace_parent(&first, parent);
    assert_string_equal(trace_parent(&first, again), parent);
    assert_string_not_equal(trace_parent(&second, again), parent);
    assert_string_not_equal(first.span, SPAN);
    trace_start(&first, "00-" ID "-" SPAN "-00", NULL);
    assert_string_not_equal(trace_parent(&first, again), parent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_start_without_input_is_new),
        cmocka_unit_test(test_trace_start_continues_a_valid_parent),
        cmocka_unit_test(test_trace_start_ignores_malformed_parents),
        cmocka_unit_test(test_trace_start_takes_over_an_id_or_a_uuid),
        cmocka_unit_test(test_trace_parent_is_read_back),
        cmocka_unit_test(test_trace_parent_names_one_span_of_our_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
