/* What a new password must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/run/program.h"
#include "src/user/password_rule.h"

static struct ctx *ctx;
static const struct password_owner nobody = {NULL, NULL, NULL};
static const struct password_owner kim = {"minsu.kim79@example.com", "김민수", "01012345678"};
static const struct password_owner hong = {"gd@example.com", "Hong Gildong", "01038475610"};

static int begin(void **state)
{
    (void)state;
    ctx = program_ctx_new(0);
    ctx_begin(ctx, NULL, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    program_ctx_free(&ctx);
    return 0;
}

/* Why it is refused; NULL: it is taken. */
static const char *refusal(const char *password, const struct password_owner *owner)
{
    ctx->details = NULL;
    const struct err *e = user_password_check(ctx, "password", password, owner);
    if (!e) {
        return NULL;
    }
    assert_ptr_equal(e, &err_invalid_request);
    assert_string_equal(ctx->details->field, "password");
    return ctx->details->reason;
}

static void test_password_of_any_kind_of_characters_is_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "correct horse battery",  "ek9xw2pq",           "93847561029",
        "비밀 번호 말 건전지",    "고래가 나무에 앉다", "🎫🎸🥁🎺🎻🎷🪕🎹",
        "correct-Horse-7-battery"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_null(refusal(good[i], &kim));
    }
}

static void test_password_length_is_counted_in_characters_and_ends_where_bcrypt_does(void **state)
{
    (void)state;
    static const char long_one[] = "m3v9 xq1z wk7t rd5y hb2n jc8p lf4s ga6u eo0i tn5k vy1d pz7c qw9b xm2h rj";
    assert_non_null(strstr(refusal("x8#kQ2z", &nobody), "8 characters"));
    assert_null(refusal("x8#kQ2z!", &nobody));
    assert_non_null(strstr(refusal("비밀문구일곱자", &nobody), "8 characters"));
    assert_null(refusal("비밀문구여덟자다", &nobody));
    assert_int_equal(strlen(long_one), 72);
    assert_null(refusal(long_one, &nobody));
    assert_non_null(strstr(refusal(ARENA_JOIN(ctx->arena, long_one, "k"), &nobody), "72 bytes"));
}

static void test_password_that_is_tried_first_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "password",         "P@ssw0rd!",        "qwerty123",        "12345678",
        "1q2w3e4r5t",       "iloveyou1",        "aaaaaaaaaaaa",     "abcdefghijkl",
        "asdfasdf123",      "19991231",         "BoxOffice",        "박스오피스박스오피스",
        "비밀번호1234",     "qlalfqjsgh1",      "tkfkdgo12",        "another password",
        "ㅁㄴㅇㄹㅁㄴㅇㄹ", "ㅂㅈㄷㄱㅅㅛㅕㅑ", "가나다라마바사아", "ㄱㄴㄷㄹㅁㅂㅅㅇ",
        "가나다라1234",     "１２３４５６７８", "ｐａｓｓｗｏｒｄ"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        const char *why = refusal(bad[i], &nobody);
        assert_non_null(why);
        assert_string_equal(why, "is too easy to guess");
    }
}

static void test_password_made_of_its_owners_data_is_refused_to_the_owner(void **state)
{
    (void)state;
    static const struct {
        const char *password;
        const struct password_owner *owner;
    } bad[] = {{"김민수김민수", &kim},
               {"민수1990민수!", &kim},
               {"minsu.kim79", &kim},
               {"Minsu1990!", &kim},
               {"01012345678", &kim},
               {"1234567812345678", &kim},
               {"minsu.kim79@example.com", &kim},
               {"rlaalstn1!", &kim}, /* 김민수 */
               {"HongGildong1", &hong},
               {"gildong38475610", &hong}};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_non_null(refusal(bad[i].password, bad[i].owner));
    }
    assert_null(refusal("민수1990민수!", &hong));
    assert_null(refusal("gildong38475610", &kim));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_password_of_any_kind_of_characters_is_taken),
        cmocka_unit_test(test_password_length_is_counted_in_characters_and_ends_where_bcrypt_does),
        cmocka_unit_test(test_password_that_is_tried_first_is_refused),
        cmocka_unit_test(test_password_made_of_its_owners_data_is_refused_to_the_owner),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
