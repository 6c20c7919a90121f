/* Mails on their way, through mail servers that fail. */
#include <stdio.h>

#include "common/base/array.h"
#include "common/crypto/crypto.h"
#include "tests/support/mailer_scene.h"

static const struct db_stmt too_late = {.name = "test_too_late",
                                        .sql =
                                            "UPDATE user_service.mails SET created_at = created_at - interval '1 day',"
                                            " expires_at = clock_timestamp() - interval '1 second'"};

static const struct db_stmt come_back = {
    .name = "test_come_back", .sql = "UPDATE user_service.users SET last_login_at = clock_timestamp() WHERE id = $1"};
static const struct db_stmt leave = {
    .name = "test_leave",
    .sql = "UPDATE user_service.users SET status = 'DELETED', deleted_at = clock_timestamp() WHERE id = $1"};

static void write_to_owner(const char *email, const char *ip, const char *agent)
{
    struct mail mail = {.kind = MAIL_NEW_DEVICE,
                        .email = email,
                        .language = "en",
                        .at = clock_now(),
                        .ip = ip,
                        .user_agent = agent,
                        .expires_at = clock_now() + 600 * CLOCK_SECOND};
    assert_null(db_transact(ctx, put, &mail));
}

static void write_notice(const char *ip, const char *agent)
{
    write_to_owner("kim@example.com", ip, agent);
}

static bool shows(const char *mail, const char *text)
{
    /* Base64 of what is said at one of three places in a group. */
    const char *part = strstr(mail, "\r\n\r\n");
    while (part) {
        char joined[MAIL_SIZE];
        size_t len = 0;
        const char *at = part + 4;
        for (; *at && *at != '-'; at++) {
            joined[len] = *at;
            len += *at != '\r' && *at != '\n';
        }
        joined[len] = '\0';
        size_t size;
        const char *plain = (const char *)crypto_base64_decode(ctx->arena, joined, &size);
        if (plain && memmem(plain, size, text, strlen(text))) {
            return true;
        }
        part = strstr(part + 4, "\r\n\r\n");
    }
    return false;
}

/* ---- */

static void test_mailer_sends_each_once_and_destroys_what_it_said(void **state)
{
    (void)state;
    write_code("kim@example.com");
    assert_true(send_one());
    assert_false(send_one());
    assert_int_equal(box->count, 1);
    assert_true(shows(box->mails[0], "012345"));
    assert_non_null(strstr(box->mails[0], "To: <kim@example.com>"));
    assert_mail(0, (struct state){"SENT", "", 1});
}

static void test_mailer_sends_codes_before_what_owners_must_know_before_notices_of_sleep(void **state)
{
    (void)state;
    write_sleep_notice();
    write_notice("192.0.2.7", "test");
    write_code("kim@example.com");
    assert_true(send_one());
    assert_true(shows(box->mails[0], "012345"));
    assert_mail(1, (struct state){"WAITING", "", 0});
    assert_true(send_one());
    assert_mail(1, (struct state){"SENT", "", 1});
    assert_mail(0, (struct state){"WAITING", "", 0});
}

/* Anybody may ask for codes, as many as there are addresses. */
static void test_mailer_lets_no_flood_of_codes_hold_up_owners(void **state)
{
    (void)state;
    enum { CODES = 20, OWNER = CODES, SLEEPER };
    for (int i = 0; i < CODES; i++) {
        write_code(arena_printf(ctx->arena, "nobody%d@example.com", i));
    }
    write_notice("192.0.2.7", "test");
    write_sleep_notice();
    for (int i = 0; i < 4; i++) {
        assert_true(send_one());
    }
    assert_mail(OWNER, (struct state){"SENT", "", 1});
    assert_mail(SLEEPER, (struct state){"WAITING", "", 0});
    for (int i = 4; i < 16; i++) {
        assert_true(send_one());
    }
    assert_mail(SLEEPER, (struct state){"SENT", "", 1});
    assert_mail(CODES - 1, (struct state){"WAITING", "", 0});
}

/* Whoever owns a slow or full mailbox may ask for codes over and over. */
static void test_mailer_lets_what_fails_over_and_over_hold_up_no_first_mail(void **state)
{
    (void)state;
    enum { FAILING = 10 };
    box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .answer = "450 busy", .times = FAILING};
    for (int i = 0; i < FAILING; i++) {
        write_code(arena_printf(ctx->arena, "slow%d@example.com", i));
        assert_true(send_one());
    }
    assert_null(DB_RUN0(admin, &due_now, NULL));
    write_code("kim@example.com");
    write_notice("192.0.2.7", "test");
    box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .answer = "450 busy", .times = FAILING};
    for (int i = 0; i < 4; i++) {
        assert_true(send_one());
    }
    box->fault.times = 0;
    const struct db_rows *rows;
    assert_null(DB_RUN0(admin, &states, &rows));
    int64_t again = 0;
    for (size_t i = 0; i < FAILING; i++) {
        again += db_int(rows, i, "attempts") - 1;
    }
    assert_in_range(again, 1, 2);
    assert_int_equal(db_int(rows, FAILING, "attempts") + db_int(rows, FAILING + 1, "attempts"), 2);
}

static void test_mailer_tries_again_what_was_put_off(void **state)
{
    (void)state;
    write_code("kim@example.com");
    box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .answer = "450 busy", .times = 1};
    assert_true(send_one());
    assert_mail(0, (struct state){"WAITING", "SMTP_450", 1});
    assert_false(send_one()); /* not at once */
    assert_null(DB_RUN0(admin, &due_now, NULL));
    assert_true(send_one());
    assert_mail(0, (struct state){"SENT", "", 2});
    assert_int_equal(box->count, 1);
}

/* The wait after this try is about so long. It is spread by a fourth, and has begun a moment ago. */
static void assert_waits(int64_t attempts, uint64_t seconds)
{
    const struct db_rows *rows;
    box->fault.times = 1;
    assert_true(send_one());
    assert_null(DB_RUN0(admin, &states, &rows));
    assert_int_equal(db_int(rows, 0, "attempts"), attempts);
    assert_in_range(db_int(rows, 0, "wait_s"), seconds / 3 * 2, seconds / 4 * 5);
    assert_null(DB_RUN0(admin, &due_now, NULL));
}

static void test_mailer_waits_twice_as_long_after_each_try_and_an_hour_at_most(void **state)
{
    (void)state;
    write_code("kim@example.com");
    box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .answer = "451 busy"};
    cfg_mailer.retry_ms = 60000;
    assert_waits(1, 60);
    assert_waits(2, 120);
    assert_waits(3, 240);
    assert_waits(4, 480);
    cfg_mailer.retry_ms = 3599000; /* the hour is passed by nearly as much as it can be */
    assert_waits(5, 3600);
}

static void test_mailer_remembers_the_last_reason_of_several(void **state)
{
    (void)state;
    static const char *const reasons[] = {"451", "452", "450"};
    write_code("kim@example.com");
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .times = 1};
        snprintf(box->fault.answer, sizeof box->fault.answer, "%s busy", reasons[i]);
        assert_true(send_one());
        const char *reason = arena_printf(ctx->arena, "SMTP_%s", reasons[i]);
        assert_mail(0, (struct state){"WAITING", reason, (int64_t)i + 1});
        assert_null(DB_RUN0(admin, &due_now, NULL));
    }
}

static void test_mailer_gives_up_what_is_refused_for_good_or_tried_too_often(void **state)
{
    (void)state;
    write_code("nobody@example.com");
    box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .answer = "550 <nobody@example.com>", .times = 1};
    assert_true(send_one());
    assert_mail(0, (struct state){"FAILED", "SMTP_550", 1});
    cfg_mailer.tries = 2;
    write_code("kim@example.com");
    box->fault = (struct mail_fault){.at = ".", .how = MAIL_SAYS, .answer = "451 busy", .times = 2};
    assert_true(send_one());
    assert_mail(1, (struct state){"WAITING", "SMTP_451", 1});
    assert_null(DB_RUN0(admin, &due_now, NULL));
    assert_true(send_one());
    assert_mail(1, (struct state){"FAILED", "SMTP_451", 2});
    assert_int_equal(box->count, 0);
}

static void test_mailer_loses_no_mail_to_a_server_that_refuses_us(void **state)
{
    (void)state;
    static const char *const answers[] = {"554 5.7.1 Client host blocked", "550 5.7.1 no relaying", "554 no"};
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        write_code("kim@example.com");
        box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .times = 1};
        snprintf(box->fault.answer, sizeof box->fault.answer, "%s", answers[i]);
        assert_true(send_one());
        assert_mail(i, (struct state){"WAITING", strncmp(answers[i], "550", 3) == 0 ? "SMTP_550" : "SMTP_554", 1});
    }
    assert_null(DB_RUN0(admin, &due_now, NULL));
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        assert_true(send_one());
        assert_mail(i, (struct state){"SENT", "", 2});
    }
}

/* A server that says of every owner that there is no such person. */
static void test_mailer_gives_up_few_owners_on_the_word_of_a_server_that_refuses_everybody(void **state)
{
    (void)state;
    enum { MAILS = 20, BELIEVED = 4 };
    box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .answer = "550 no relaying", .times = MAILS};
    for (int i = 0; i < MAILS; i++) {
        write_to_owner(arena_printf(ctx->arena, "kim%d@example.com", i), "192.0.2.7", "test");
        assert_true(send_one());
        assert_mail((size_t)i, (struct state){i < BELIEVED ? "FAILED" : "WAITING", "SMTP_550", 1});
    }
    assert_null(DB_RUN0(admin, &due_now, NULL));
    for (int i = BELIEVED; i < MAILS; i++) {
        assert_true(send_one());
        assert_mail((size_t)i, (struct state){"SENT", "", 2});
    }
}

/* Anybody may ask for codes, for addresses that nobody has. */
static void test_mailer_goes_on_after_codes_for_addresses_that_nobody_has(void **state)
{
    (void)state;
    enum { CODES = 20 };
    box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .answer = "550 nobody", .times = CODES};
    for (int i = 0; i < CODES; i++) {
        write_code(arena_printf(ctx->arena, "nobody%d@example.com", i));
        assert_true(send_one());
        assert_mail((size_t)i, (struct state){"FAILED", "SMTP_550", 1});
    }
    write_code("lee@example.com");
    assert_true(send_one());
    assert_mail(CODES, (struct state){"SENT", "", 1});
    box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .answer = "550 nobody", .times = 1};
    write_notice("192.0.2.7", "test");
    assert_true(send_one());
    assert_mail(CODES + 1, (struct state){"FAILED", "SMTP_550", 1}); /* believed: the codes say nothing of the server */
}

/* One address that is refused over and over says nothing of the server. */
static void test_mailer_goes_on_after_one_recipient_that_is_refused_often(void **state)
{
    (void)state;
    enum { MAILS = 12 };
    box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .answer = "550 nobody", .times = MAILS};
    for (int i = 0; i < MAILS; i++) {
        write_notice("192.0.2.7", "test");
        assert_true(send_one());
        assert_mail((size_t)i, (struct state){"FAILED", "SMTP_550", 1});
    }
    write_code("lee@example.com");
    assert_true(send_one());
    assert_mail(MAILS, (struct state){"SENT", "", 1});
}

static void test_mailer_tries_the_notice_of_sleep_as_long_as_it_is_of_use(void **state)
{
    (void)state;
    cfg_mailer.tries = 1;
    write_sleep_notice();
    box->fault = (struct mail_fault){.at = "RCPT", .how = MAIL_SAYS, .answer = "451 busy", .times = 3};
    for (int i = 1; i <= 3; i++) {
        assert_true(send_one());
        assert_mail(0, (struct state){"WAITING", "SMTP_451", i});
        assert_null(DB_RUN0(admin, &due_now, NULL));
    }
    assert_true(send_one());
    assert_mail(0, (struct state){"SENT", "", 4});
}

static void test_mailer_sends_no_notice_of_sleep_to_who_has_come_back(void **state)
{
    (void)state;
    write_sleep_notice();
    assert_null(DB_RUN(admin, &come_back, NULL, DB_TEXT(idle)));
    assert_true(send_one());
    assert_mail(0, (struct state){"EXPIRED", "MOOT", 1});
    assert_int_equal(box->count, 0);
}

static void test_mailer_sends_no_notice_of_sleep_to_who_has_left(void **state)
{
    (void)state;
    write_sleep_notice();
    assert_null(DB_RUN(admin, &leave, NULL, DB_TEXT(idle)));
    assert_true(send_one());
    assert_mail(0, (struct state){"EXPIRED", "MOOT", 1});
    assert_int_equal(box->count, 0);
}

static void test_mailer_never_sends_what_is_too_late(void **state)
{
    (void)state;
    bool more = true;
    write_code("kim@example.com");
    assert_null(DB_RUN0(admin, &too_late, NULL));
    assert_false(send_one());
    assert_null(mailer_expire(unit, &more));
    assert_false(more);
    assert_mail(0, (struct state){"EXPIRED", "", 0});
    assert_int_equal(box->count, 0);
}

static void test_mailer_takes_nothing_while_the_server_is_away(void **state)
{
    (void)state;
    static const int mails = 5, opens_at = 3;
    mail_server_stop(&server);
    for (int i = 0; i < mails; i++) {
        write_code("kim@example.com");
    }
    for (int i = 0; i < opens_at; i++) {
        assert_true(send_one());
    }
    assert_false(send_one());
    assert_null(DB_RUN0(admin, &due_now, NULL));
    assert_false(send_one());
    const struct db_rows *rows;
    assert_null(DB_RUN0(admin, &states, &rows));
    for (size_t i = 0; i < db_count(rows); i++) {
        assert_string_equal(db_str(rows, i, "status"), "WAITING");
        assert_int_equal(db_int(rows, i, "attempts"), i < (size_t)opens_at);
    }
}

static void test_mailer_probes_a_server_that_was_away(void **state)
{
    (void)state;
    mailer_free(&mailer);
    cfg_mailer.open_ms = 100;
    assert_int_equal(fixture_remove(folder), 0);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    mailer = mailer_new();
    box->fault = (struct mail_fault){.at = "hello", .how = MAIL_SAYS, .answer = "421 away", .times = 3};
    write_code("kim@example.com");
    for (int i = 0; i < 3; i++) {
        assert_true(send_one());
        assert_null(DB_RUN0(admin, &due_now, NULL));
    }
    assert_false(send_one());
    clock_skip(CLOCK_SECOND);
    assert_true(send_one());
    assert_mail(0, (struct state){"SENT", "", 4});
}

static void test_mailer_escapes_what_a_client_calls_itself(void **state)
{
    (void)state;
    write_notice("192.0.2.7", "<script>alert(\"x\")</script> & Co");
    assert_true(send_one());
    const char *mail = box->mails[0];
    assert_true(shows(mail, "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; Co"));
    assert_true(shows(mail, "Device: <script>alert(\"x\")</script> & Co\n"));
    assert_true(shows(mail, "192.0.2.*"));
    assert_true(shows(mail, "k***@example.com"));
    assert_true(shows(mail, "새로운 기기"));
    assert_false(shows(mail, "192.0.2.7"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mailer_sends_each_once_and_destroys_what_it_said),
        TEST(test_mailer_sends_codes_before_what_owners_must_know_before_notices_of_sleep),
        TEST(test_mailer_lets_no_flood_of_codes_hold_up_owners),
        TEST(test_mailer_lets_what_fails_over_and_over_hold_up_no_first_mail),
        TEST(test_mailer_tries_again_what_was_put_off),
        TEST(test_mailer_waits_twice_as_long_after_each_try_and_an_hour_at_most),
        TEST(test_mailer_remembers_the_last_reason_of_several),
        TEST(test_mailer_gives_up_what_is_refused_for_good_or_tried_too_often),
        TEST(test_mailer_sends_no_notice_of_sleep_to_who_has_come_back),
        TEST(test_mailer_sends_no_notice_of_sleep_to_who_has_left),
        TEST(test_mailer_never_sends_what_is_too_late),
        TEST(test_mailer_loses_no_mail_to_a_server_that_refuses_us),
        TEST(test_mailer_gives_up_few_owners_on_the_word_of_a_server_that_refuses_everybody),
        TEST(test_mailer_goes_on_after_codes_for_addresses_that_nobody_has),
        TEST(test_mailer_goes_on_after_one_recipient_that_is_refused_often),
        TEST(test_mailer_tries_the_notice_of_sleep_as_long_as_it_is_of_use),
        TEST(test_mailer_takes_nothing_while_the_server_is_away),
        TEST(test_mailer_probes_a_server_that_was_away),
        TEST(test_mailer_escapes_what_a_client_calls_itself),
    };
    return cmocka_run_group_tests_name("user_mailer", tests, NULL, NULL);
}
