#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/clock.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/ticket.h"

#define MAY_31_2026_15H_UTC (INT64_C(1780239600) * CLOCK_SECOND) /* June 1 in Seoul */

static int set_up(void **state)
{
    *state = arena_new(64 << 10);
    reservation_settings.ticket_key = "ticket-key-of-these-tests-0123456789";
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
    reservation_settings.ticket_key = "another-key-of-these-tests-012345678";
    assert_string_not_equal(ticket_qr_data(*state, "T20260601-AAAAAAA"), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_number_has_the_local_day_and_no_look_alikes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_qr_data_of_another_number_or_key_differs, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
