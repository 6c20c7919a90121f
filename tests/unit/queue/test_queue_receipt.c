/* Receipts: whose they are, and what is no receipt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/array.h"
#include "src/queue/draw.h"
#include "src/queue/queue_settings.h"
#include "src/queue/receipt.h"

#define SCHEDULE "018f3c0e-7d2a-7c1b-9a33-5f0f3b1d2c4e"
#define USER "018f3c0e-0000-7c1b-9a33-5f0f3b1d2c4e"
#define MAC_TEXT_LEN 22 /* 128 bits: nobody guesses one */
#define OTHER "018f3c0e-1111-7c1b-9a33-5f0f3b1d2c4e"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    queue_settings.key = "queue-key-of-these-tests-0123456789ab";
    arena = arena_new(1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void test_receipt_gives_its_number_back_to_its_owner_only(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, 7, 49999, DRAW_COUNT_MAX - 1};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        const char *receipt = receipt_issue(arena, SCHEDULE, USER, numbers[i]);
        assert_true(strlen(receipt) <= RECEIPT_LENGTH_MAX);
        assert_int_equal(strlen(strchr(receipt, '.') + 1), MAC_TEXT_LEN);
        assert_int_equal(receipt_read(arena, SCHEDULE, USER, receipt), numbers[i]);
        assert_int_equal(receipt_read(arena, SCHEDULE, OTHER, receipt), -1);
        assert_int_equal(receipt_read(arena, OTHER, USER, receipt), -1);
    }
}

static void test_receipt_changed_in_any_character_is_none(void **state)
{
    (void)state;
    const char *receipt = receipt_issue(arena, SCHEDULE, USER, 4711);
    for (size_t i = 0; i < strlen(receipt); i++) {
        char *changed = arena_strdup(arena, receipt);
        changed[i] = changed[i] == '7' ? '8' : '7';
        assert_int_equal(receipt_read(arena, SCHEDULE, USER, changed), -1);
        changed[i] = '\0';
        assert_int_equal(receipt_read(arena, SCHEDULE, USER, changed), -1);
    }
    assert_int_equal(receipt_read(arena, SCHEDULE, USER, arena_printf(arena, "%s7", receipt)), -1);
    assert_int_equal(receipt_read(arena, SCHEDULE, USER, arena_printf(arena, "0%s", receipt)), -1);
}

static void test_receipt_beyond_any_line_is_none(void **state)
{
    (void)state;
    assert_int_equal(receipt_read(arena, SCHEDULE, USER, receipt_issue(arena, SCHEDULE, USER, DRAW_COUNT_MAX)), -1);
    assert_int_equal(receipt_read(arena, SCHEDULE, USER, receipt_issue(arena, SCHEDULE, USER, -1)), -1);
    assert_int_equal(receipt_read(arena, SCHEDULE, USER, receipt_issue(arena, SCHEDULE, USER, INT64_MAX)), -1);
}

static void test_receipt_of_another_key_is_none(void **state)
{
    (void)state;
    const char *receipt = receipt_issue(arena, SCHEDULE, USER, 1);
    queue_settings.key = "another-key-of-these-tests-012345678";
    assert_int_equal(receipt_read(arena, SCHEDULE, USER, receipt), -1);
}

/* 018f3c0e-7d2a: a schedule of second 1714699533. */
static void test_schedule_keeps_the_key_of_the_time_it_was_made_at(void **state)
{
    (void)state;
    const char *old = queue_settings.key;
    const char *before = receipt_issue(arena, SCHEDULE, USER, 7);
    queue_settings.key = arena_printf(arena, "1@1714699534:another-key-of-these-tests-012345678,0:%s", old);
    assert_string_equal(queue_key_of(SCHEDULE), old);
    assert_string_equal(receipt_issue(arena, SCHEDULE, USER, 7), before);
    assert_int_equal(receipt_read(arena, SCHEDULE, USER, before), 7);
    queue_settings.key = arena_printf(arena, "1@1714699533:another-key-of-these-tests-012345678,0:%s", old);
    assert_string_equal(queue_key_of(SCHEDULE), "another-key-of-these-tests-012345678");
    assert_int_equal(receipt_read(arena, SCHEDULE, USER, before), -1);
    assert_string_equal(queue_key_of("7d444840-9dc0-41d1-b245-5ffdce74fad2"), old); /* of no time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_receipt_gives_its_number_back_to_its_owner_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receipt_changed_in_any_character_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receipt_beyond_any_line_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receipt_of_another_key_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_schedule_keeps_the_key_of_the_time_it_was_made_at, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("queue receipt", tests, NULL, NULL);
}
