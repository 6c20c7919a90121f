/* Logins from new devices. */
#include <sys/wait.h>
#include <unistd.h>

#include "src/user/mail.h"
#include "tests/support/login_scene.h"

#define AT_ONCE 6
#define HOME "192.0.2.7"
#define MOBILE "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1) Version/17.1"

static struct ctx *admin;

static int begin_all(void **state)
{
    admin = fixture_ctx("boxoffice_admin", NEED_DB);
    return begin(state);
}

static int end_all(void **state)
{
    fixture_free(&admin);
    return end(state);
}

static const struct db_stmt set_email = {.name = "test_set_email", .sql = "UPDATE users SET email = $2 WHERE id = $1"};
static const struct db_stmt notices = {.name = "test_notices",
                                       .sql = "SELECT id, recipient, content, expires_at FROM user_service.mails"
                                              " WHERE user_id = $1 AND kind = 'NEW_DEVICE' ORDER BY created_at DESC"};

static void come(const struct person *person, const char *ip, const char *agent)
{
    struct tokens tokens;
    const struct login input = {person->email, PASSWORD, "token"};
    const struct client client = {ip, agent};
    assert_null(login_password(ctx, &input, &client, &tokens));
    assert_string_equal(claims_of(tokens.access_token).subject, person->id);
}

static size_t told(const struct person *person)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(admin, &notices, &rows, DB_TEXT(person->id)));
    return db_count(rows);
}

static void test_first_login_is_no_news_and_neither_are_those_like_it(void **state)
{
    (void)state;
    struct person person = new_person();
    (void)logged_in(&person);
    (void)logged_in(&person);
    assert_int_equal(told(&person), 0);
    struct person other = new_person();
    come(&other, HOME, MOBILE);
    come(&other, "192.0.2.200",
         "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4) Version/17.4"); /* the same, a version later */
    assert_int_equal(told(&other), 0);
}

static void test_login_from_another_network_or_client_is_told_once(void **state)
{
    (void)state;
    struct person person = new_person();
    come(&person, HOME, MOBILE);
    come(&person, "198.51.100.1", MOBILE);
    assert_int_equal(told(&person), 1);
    come(&person, "198.51.100.2", MOBILE);
    assert_int_equal(told(&person), 1);
    come(&person, HOME, "curl/8");
    assert_int_equal(told(&person), 2);
    come(&person, "2001:db8::1", MOBILE);
    assert_int_equal(told(&person), 3);
    come(&person, "2001:db8::ffff", MOBILE);
    assert_int_equal(told(&person), 3);
    come(&person, "", MOBILE); /* no address is a place of its own */
    come(&person, "", MOBILE);
    assert_int_equal(told(&person), 4);
}

static void test_notice_tells_its_owner_where_the_login_came_from(void **state)
{
    (void)state;
    struct person person = new_person();
    const struct db_rows *rows;
    void *values;
    come(&person, HOME, MOBILE);
    come(&person, "198.51.100.1", "<b>\"x\"</b>");
    assert_null(DB_RUN(admin, &notices, &rows, DB_TEXT(person.id)));
    const char *id = db_str(rows, 0, "id");
    assert_string_equal(user_pii_open(ctx, "mails.recipient", id, rows, "recipient"), person.email);
    const char *json = user_pii_open(ctx, "mails.content", id, rows, "content");
    assert_null(json_read(ctx, json, strlen(json), &mail_values_shape, &values));
    assert_string_equal(((struct mail *)values)->ip, "198.51.100.1");
    assert_string_equal(((struct mail *)values)->user_agent, "<b>\"x\"</b>");
    assert_int_equal(clock_seconds_left(db_time(rows, 0, "expires_at")) / 3600, 23);
}

static void test_login_that_is_refused_tells_nothing(void **state)
{
    (void)state;
    struct tokens tokens;
    struct person person = new_person();
    come(&person, HOME, MOBILE);
    assert_ptr_equal(login_from("198.51.100.1", person.email, "wrong horse", &tokens), &err_bad_credentials);
    captcha = &err_captcha_failed;
    assert_ptr_equal(login_from("198.51.100.1", person.email, PASSWORD, &tokens), &err_captcha_failed);
    assert_int_equal(told(&person), 0);
}

static void test_device_is_forgotten_after_ninety_days(void **state)
{
    (void)state;
    struct person person = new_person();
    come(&person, HOME, MOBILE);
    assert_null(DB_RUN(admin, &age_logins, NULL, DB_TEXT(person.id), DB_TEXT("91 days")));
    come(&person, HOME, MOBILE);
    assert_int_equal(told(&person), 1);
}

static void test_logins_at_once_from_one_new_device_are_one_mail(void **state)
{
    (void)state;
    pid_t pids[AT_ONCE];
    struct person person = new_person();
    come(&person, HOME, MOBILE);
    for (int i = 0; i < AT_ONCE; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct tokens tokens;
            ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            _exit(login_from("198.51.100.1", person.email, PASSWORD, &tokens) == NULL ? 0 : 1);
        }
    }
    for (int i = 0; i < AT_ONCE; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(told(&person), 1);
}

static void test_owner_is_not_flooded_by_who_moves_about(void **state)
{
    (void)state;
    struct person person = new_person();
    come(&person, HOME, MOBILE);
    for (int net = 1; net <= 12; net++) {
        come(&person, arena_printf(ctx->arena, "10.0.%d.1", net), MOBILE);
    }
    assert_int_equal(told(&person), 5);
}

static void test_address_that_cannot_be_opened_keeps_nobody_out(void **state)
{
    (void)state;
    struct person person = new_person();
    assert_null(DB_RUN(ctx, &set_email, NULL, DB_TEXT(person.id), DB_TEXT("x")));
    come(&person, HOME, MOBILE);
    come(&person, "198.51.100.1", MOBILE);
    assert_int_equal(told(&person), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_all, end_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_login_is_no_news_and_neither_are_those_like_it),
        TEST(test_login_from_another_network_or_client_is_told_once),
        TEST(test_notice_tells_its_owner_where_the_login_came_from),
        TEST(test_login_that_is_refused_tells_nothing),
        TEST(test_device_is_forgotten_after_ninety_days),
        TEST(test_logins_at_once_from_one_new_device_are_one_mail),
        TEST(test_owner_is_not_flooded_by_who_moves_about),
        TEST(test_address_that_cannot_be_opened_keeps_nobody_out),
    };
    return cmocka_run_group_tests_name("user_device", tests, NULL, NULL);
}
