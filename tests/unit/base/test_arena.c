#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/arena.h"

static int setup(void **state)
{
    *state = arena_new(1u << 20);
    return 0;
}

static int teardown(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    assert_null(arena);
    return 0;
}

static void test_arena_alloc_is_zeroed_also_after_reset(void **state)
{
    static const char zeros[512];
    for (int round = 0; round < 3; round++) {
        char *bytes = arena_alloc(*state, sizeof zeros);
        assert_memory_equal(bytes, zeros, sizeof zeros);
        memset(bytes, 0xff, sizeof zeros);
        arena_reset(*state);
    }
}

static void test_arena_alloc_is_aligned_for_any_type(void **state)
{
    for (size_t size = 1; size < 70; size++) {
        assert_int_equal((uintptr_t)arena_alloc(*state, size) % _Alignof(max_align_t), 0);
    }
}

static void test_arena_alloc_beyond_a_block_keeps_what_was_there(void **state)
{
    char *small = arena_strdup(*state, "small");
    char *large = arena_alloc(*state, 100000);
    memset(large, 'x', 100000);
    char *after = arena_strdup(*state, "after");
    assert_string_equal(small, "small");
    assert_string_equal(after, "after");
    assert_int_equal(large[99999], 'x');
}

static void test_arena_used_counts_since_reset(void **state)
{
    assert_int_equal(arena_used(*state), 0);
    arena_alloc(*state, 10);
    arena_alloc(*state, 20);
    assert_int_equal(arena_used(*state), 30);
    arena_reset(*state);
    assert_int_equal(arena_used(*state), 0);
}

static char order[8];

static void note(void *object)
{
    strcat(order, object);
}

static void test_arena_deferred_functions_run_newest_first_and_once(void **state)
{
    char first[] = "a";
    char second[] = "b";
    order[0] = '\0';
    arena_defer(*state, note, first);
    arena_defer(*state, note, second);
    arena_reset(*state);
    assert_string_equal(order, "ba");
    arena_reset(*state);
    assert_string_equal(order, "ba");
}

static void test_arena_join_puts_texts_together(void **state)
{
    assert_string_equal(ARENA_JOIN(*state, "a"), "a");
    assert_string_equal(ARENA_JOIN(*state, "", "key:", "", "7", ""), "key:7");
    assert_string_equal(arena_join(*state, NULL, 0), "");
}

static void test_arena_int_is_in_decimal(void **state)
{
    assert_string_equal(arena_int(*state, 0), "0");
    assert_string_equal(arena_int(*state, -120), "-120");
    assert_string_equal(arena_int(*state, INT64_MAX), "9223372036854775807");
    assert_string_equal(arena_int(*state, INT64_MIN), "-9223372036854775808");
}

static void test_arena_printf_of_any_length_is_complete(void **state)
{
    assert_string_equal(arena_printf(*state, "%s-%d", "row", 7), "row-7");
    assert_int_equal(strlen(arena_printf(*state, "%50000d", 1)), 50000);
}

static void test_arena_memdup_is_terminated(void **state)
{
    char *copy = arena_memdup(*state, "a\0b", 3);
    assert_memory_equal(copy, "a\0b\0", 4);
    assert_string_equal(arena_memdup(*state, NULL, 0), "");
}

/* The signal that ends a child which runs fn(). */
static int death_of(void (*fn)(void))
{
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        fn();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void exceed_limit(void)
{
    struct arena *arena = arena_new(100);
    arena_alloc(arena, 60);
    arena_alloc(arena, 41);
}

static void overflow_calloc(void)
{
    volatile size_t half = SIZE_MAX / 2;
    arena_calloc(arena_new(100), half, 3);
}

static void test_arena_over_its_limit_panics(void **state)
{
    (void)state;
    assert_int_equal(death_of(exceed_limit), SIGABRT);
    assert_int_equal(death_of(overflow_calloc), SIGABRT);
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(test_arena_alloc_is_zeroed_also_after_reset),
        WITH_ARENA(test_arena_alloc_is_aligned_for_any_type),
        WITH_ARENA(test_arena_alloc_beyond_a_block_keeps_what_was_there),
        WITH_ARENA(test_arena_used_counts_since_reset),
        WITH_ARENA(test_arena_deferred_functions_run_newest_first_and_once),
        WITH_ARENA(test_arena_join_puts_texts_together),
        WITH_ARENA(test_arena_int_is_in_decimal),
        WITH_ARENA(test_arena_printf_of_any_length_is_complete),
        WITH_ARENA(test_arena_memdup_is_terminated),
        cmocka_unit_test(test_arena_over_its_limit_panics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
