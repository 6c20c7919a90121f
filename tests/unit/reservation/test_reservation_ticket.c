#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/ticket.h"

static void use_keys(const char *keys)
{
    const char *why;
    reservation_settings.ticket_key = keys;
    assert_true(ticket_init(&why));
}

#define MAY_31_2026_15H_UTC (INT64_C(1780239600) * CLOCK_SECOND) /* June 1 in Seoul */

static int set_up(void **state)
{
    *state = arena_new(64 << 10);
    use_keys("ticket-key-of-these-tests-0123456789");
    return clock_set_zone("Asia/Seoul") ? 0 : 1;
}

static int tear_down(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    return 0;
}

static void test_number_has_the_local_day_and_no_look_alikes(void **state)
{
    for (int i = 0; i < 200; i++) {
        const char *number = ticket_number(*state, MAY_31_2026_15H_UTC);
        assert_int_equal(strlen(number), 17);
        assert_memory_equal(number, "T20260601-", 10);
        assert_int_equal(strspn(number + 10, "23456789ABCDEFGHJKMNPQRSTUVWXYZ"), 7);
    }
}

static void test_qr_data_of_another_number_or_key_differs(void **state)
{
    const char *first = ticket_qr_data(*state, "T20260601-AAAAAAA");
    assert_memory_equal(first, "T20260601-AAAAAAA.", 18);
    assert_int_equal(strlen(first), 18 + 43); /* 32 bytes in base64url */
    assert_string_equal(ticket_qr_data(*state, "T20260601-AAAAAAA"), first);
    assert_string_not_equal(ticket_qr_data(*state, "T20260601-AAAAAAB") + 18, first + 18);
    use_keys("another-key-of-these-tests-012345678");
    assert_string_not_equal(ticket_qr_data(*state, "T20260601-AAAAAAA"), first);
    assert_null(ticket_qr_number(*state, first));
}

#define OLD "ticket-key-of-these-tests-0123456789"
#define NEW "another-key-of-these-tests-012345678"
#define NUMBER "T20260601-AAAAAAA"

static void test_qr_data_of_an_older_key_is_read_until_the_key_is_gone(void **state)
{
    clock_freeze(1000 * CLOCK_SECOND);
    const char *old = ticket_qr_data(*state, NUMBER);
    use_keys("1@1060:" NEW ",0:" OLD);
    assert_string_equal(ticket_qr_data(*state, NUMBER), old); /* not yet */
    clock_freeze(1060 * CLOCK_SECOND);
    const char *new = ticket_qr_data(*state, NUMBER);
    assert_memory_equal(new, NUMBER ".1.", strlen(NUMBER ".1."));
    assert_string_equal(ticket_qr_number(*state, old), NUMBER);
    assert_string_equal(ticket_qr_number(*state, new), NUMBER);
    use_keys("2:" OLD ",1:" NEW);
    assert_string_equal(ticket_qr_number(*state, new), NUMBER);
    assert_null(ticket_qr_number(*state, old)); /* the same secret under another id is another key */
    use_keys("1:" NEW);
    assert_null(ticket_qr_number(*state, old));
    clock_freeze(CLOCK_NONE);
}

static void test_qr_data_changed_anywhere_is_none(void **state)
{
    static const char *const keys[] = {OLD, "7:" OLD};
    for (size_t k = 0; k < ARRAY_COUNT(keys); k++) {
        use_keys(keys[k]);
        char *text = ticket_qr_data(*state, NUMBER);
        assert_string_equal(ticket_qr_number(*state, text), NUMBER);
        for (size_t i = 0; text[i] != '\0'; i++) {
            char kept = text[i];
            text[i] = kept == 'A' ? 'B' : 'A';
            assert_null(ticket_qr_number(*state, text));
            text[i] = '\0';
            assert_null(ticket_qr_number(*state, text));
            text[i] = kept;
        }
        assert_null(ticket_qr_number(*state, arena_printf(*state, "%sA", text)));
        assert_null(ticket_qr_number(*state, arena_printf(*state, ".%s", text)));
    }
    char *endless = arena_alloc(*state, 20001);
    memset(endless, 'A', 20000);
    endless[20000] = '\0';
    assert_null(ticket_qr_number(*state, endless));
    endless[10] = '.';
    assert_null(ticket_qr_number(*state, endless));
}

static void test_ring_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "short",
                                      "1:short",
                                      "1:" OLD ",",
                                      "1:" OLD ",1:" NEW,
                                      "1:" OLD "," NEW,
                                      "1:" OLD ",256:" NEW,
                                      "1@5:" OLD ",x:" NEW};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const char *why = NULL;
        reservation_settings.ticket_key = bad[i];
        assert_false(ticket_init(&why));
        assert_non_null(why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_number_has_the_local_day_and_no_look_alikes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_qr_data_of_another_number_or_key_differs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_qr_data_of_an_older_key_is_read_until_the_key_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_qr_data_changed_anywhere_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ring_that_is_none_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
