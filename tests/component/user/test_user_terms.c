/* What people decide about terms after their sign-up. */
#include "src/user/terms.h"
#include "tests/support/login_scene.h"

#define DECISIONS_A_DAY 50

static const struct db_stmt kept_of = {.name = "test_decisions_kept",
                                       .sql = "SELECT count(*) AS total FROM terms_agreements WHERE user_id = $1"};

static const struct err *decide(const struct person *person, bool agreed)
{
    struct agreement decision = {"MARKETING", 1, agreed};
    return terms_decide(ctx, person->id, &(struct json_list){&decision, 1});
}

static void assert_kept(const struct person *person, int expected)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &kept_of, &rows, DB_TEXT(person->id)));
    assert_int_equal(db_int(rows, 0, "total"), expected);
}

static void test_decision_that_is_the_latest_again_leaves_nothing(void **state)
{
    (void)state;
    struct person person = new_person();
    for (int i = 0; i < 3; i++) {
        assert_null(decide(&person, true));
    }
    assert_kept(&person, 1);
    assert_null(decide(&person, false));
    assert_null(decide(&person, false));
    assert_kept(&person, 2);
    assert_null(decide(&person, true)); /* as once before, but not as the latest */
    assert_kept(&person, 3);
}

static void test_decisions_of_a_day_have_a_limit_but_for_withdrawing(void **state)
{
    (void)state;
    struct person person = new_person(), other = new_person();
    for (int i = 0; i < DECISIONS_A_DAY; i++) {
        assert_null(decide(&person, true));
        assert_null(decide(&person, false));
    }
    assert_kept(&person, 2 * DECISIONS_A_DAY);
    assert_ptr_equal(decide(&person, true), &err_too_many_requests);
    assert_null(decide(&person, false));
    assert_kept(&person, 2 * DECISIONS_A_DAY);
    assert_null(decide(&other, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_decision_that_is_the_latest_again_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_decisions_of_a_day_have_a_limit_but_for_withdrawing, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
