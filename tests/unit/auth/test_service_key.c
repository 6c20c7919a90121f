#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/auth/service_key.h"
#include "common/base/clock.h"

#define PAYMENT "7d444840-9dc0-41d1-b245-5ffdce74fad2"
#define QUEUE "2c5ea4c0-4067-41e9-8bad-9b1deb4d3b7d"
#define QUEUE_NEW "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
#define STRANGER "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"

static void test_service_key_accepted_names_its_caller(void **state)
{
    (void)state;
    cfg_service.accepted = "payment:" PAYMENT ",queue:" QUEUE ",queue:" QUEUE_NEW;
    assert_string_equal(service_key_caller(PAYMENT), "payment");
    assert_string_equal(service_key_caller(QUEUE), "queue");
    assert_string_equal(service_key_caller(QUEUE_NEW), "queue");
}

static void test_service_key_unknown_or_malformed_is_nobody(void **state)
{
    (void)state;
    cfg_service.accepted = "payment:" PAYMENT ",queue:" QUEUE;
    assert_null(service_key_caller(NULL));
    assert_null(service_key_caller(""));
    assert_null(service_key_caller(STRANGER));
    assert_null(service_key_caller("7d444840-9dc0-41d1-b245-5ffdce74fad3")); /* PAYMENT but for the last digit */
    assert_null(service_key_caller("payment:" PAYMENT));
    assert_null(service_key_caller(PAYMENT ","));
    assert_null(service_key_caller("7d444840-9dc0-41d1-b245-5ffdce74fad"));
}

static void test_service_key_malformed_entries_match_nothing(void **state)
{
    (void)state;
    cfg_service.accepted = ",:" PAYMENT ",queue:," QUEUE ",queue:" QUEUE
                           "0,a-name-that-is-far-too-long-for-a-name:" QUEUE ",good:" STRANGER;
    assert_null(service_key_caller(PAYMENT));
    assert_null(service_key_caller(QUEUE));
    assert_string_equal(service_key_caller(STRANGER), "good");
    cfg_service.accepted = NULL;
    assert_null(service_key_caller(STRANGER));
}

static void test_service_key_own_is_the_first_whose_time_has_come(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    cfg_service.key = NULL;
    assert_null(service_key_own(arena));
    cfg_service.key = QUEUE;
    assert_string_equal(service_key_own(arena), QUEUE);
    cfg_service.key = QUEUE_NEW "@1000," QUEUE;
    clock_freeze(999 * CLOCK_SECOND);
    assert_string_equal(service_key_own(arena), QUEUE);
    clock_freeze(1000 * CLOCK_SECOND);
    assert_string_equal(service_key_own(arena), QUEUE_NEW);
    clock_freeze(CLOCK_NONE);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service_key_accepted_names_its_caller),
        cmocka_unit_test(test_service_key_unknown_or_malformed_is_nobody),
        cmocka_unit_test(test_service_key_malformed_entries_match_nothing),
        cmocka_unit_test(test_service_key_own_is_the_first_whose_time_has_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
