/* What a user service may be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/cfg.h"
#include "src/user/user_settings.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static bool accepted(const char *cost, bool sandbox)
{
    static const struct cfg_section *const sections[] = {&cfg_process_section, &cfg_user_section, &cfg_pii_section,
                                                         &cfg_blind_section, NULL};
    const char *why = "";
    setenv("BOX_SANDBOX", sandbox ? "1" : "0", 1);
    setenv("BOX_BLIND_KEY", KEY, 1);
    setenv("BOX_PII_KEYS", "1:" KEY, 1);
    setenv("BOX_USER_BCRYPT_COST", cost, 1);
    return cfg_load(sections, &why) && user_settings_init(&why);
}

static void test_bcrypt_cost_is_ten_to_twelve_and_less_in_the_sandbox_only(void **state)
{
    (void)state;
    static const struct {
        const char *cost;
        bool sandbox, sale;
    } rows[] = {{"3", false, false}, {"4", true, false}, {"9", true, false},
                {"10", true, true},  {"12", true, true}, {"13", false, false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(accepted(rows[i].cost, true), rows[i].sandbox);
        assert_int_equal(accepted(rows[i].cost, false), rows[i].sale);
    }
    unsetenv("BOX_USER_BCRYPT_COST");
}

static void test_bcrypt_cost_that_nobody_sets_is_ten(void **state)
{
    (void)state;
    assert_true(accepted("10", false));
    unsetenv("BOX_USER_BCRYPT_COST");
    const char *why = "";
    static const struct cfg_section *const sections[] = {&cfg_user_section, NULL};
    assert_true(cfg_load(sections, &why));
    assert_int_equal(cfg_user.bcrypt_cost, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bcrypt_cost_is_ten_to_twelve_and_less_in_the_sandbox_only),
        cmocka_unit_test(test_bcrypt_cost_that_nobody_sets_is_ten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
