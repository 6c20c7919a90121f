/* Mails on their way, through mail servers that fail and mailers that die. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/io/db.h"
#include "common/io/smtp.h"
#include "src/user/mail.h"
#include "src/user/mailer.h"
#include "src/user/user_pii.h"
#include "tests/support/fixture.h"
#include "tests/support/mail_server.h"

#define KEYS "1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct ctx *ctx, *admin, *unit;
static struct mail_server *server;
static struct mail_box *box;
static struct mailer *mailer;
static char folder[] = "/tmp/test_mailer.XXXXXX";

static const struct db_stmt clear = {.name = "test_clear", .sql = "DELETE FROM user_service.mails"};
static const struct db_stmt states = {
    .name = "test_states",
    .sql =
        "SELECT status, coalesce(last_error, '') AS reason, attempts, recipient IS NULL AND content IS NULL AS empty,"
        " next_try_at > clock_timestamp() AS later FROM user_service.mails ORDER BY created_at"};
static const struct db_stmt due_now = {
    .name = "test_due_now",
    .sql = "UPDATE user_service.mails SET next_try_at = clock_timestamp() - interval '1 second'"
           " WHERE status = 'WAITING'"};
static const struct db_stmt too_late = {.name = "test_too_late",
                                        .sql =
                                            "UPDATE user_service.mails SET created_at = created_at - interval '1 day',"
                                            " expires_at = clock_timestamp() - interval '1 second'"};

/* Somebody who was here two years ago. */
static const char *idle;
static const struct db_stmt new_idle = {
    .name = "test_new_idle",
    .sql = "INSERT INTO user_service.users"
           " (email, email_hash, name, phone, phone_hash, ci, ci_hash, created_at, last_login_at)"
           " SELECT sealed, hash, sealed, sealed, hash, sealed, hash, clock_timestamp() - interval '3 years',"
           " clock_timestamp() - interval '2 years'"
           " FROM (SELECT decode('00', 'hex') AS sealed, sha256(uuidv7()::text::bytea) AS hash) AS bytes RETURNING id"};
static const struct db_stmt come_back = {
    .name = "test_come_back", .sql = "UPDATE user_service.users SET last_login_at = clock_timestamp() WHERE id = $1"};
static const struct db_stmt leave = {
    .name = "test_leave",
    .sql = "UPDATE user_service.users SET status = 'DELETED', deleted_at = clock_timestamp() WHERE id = $1"};
static const struct db_stmt forget_idle = {.name = "test_forget_idle",
                                           .sql = "DELETE FROM user_service.users WHERE id = $1"};

static void set_smtp(void)
{
    cfg_smtp = mail_server_settings(server);
    cfg_smtp.timeout_ms = 500;
    cfg_mailer = (struct cfg_mailer){.tries = 30, .retry_ms = 60000, .open_ms = 60000};
}

static int begin(void **state)
{
    (void)state;
    const char *why;
    ctx = fixture_ctx("user_service", NEED_DB);
    unit = fixture_ctx("mailer", NEED_DB);
    admin = fixture_ctx("boxoffice_admin", NEED_DB);
    assert_true(user_pii_init(NULL, KEYS, &why));
    assert_null(DB_RUN0(admin, &clear, NULL));
    const struct db_rows *rows;
    assert_null(DB_RUN0(admin, &new_idle, &rows));
    idle = db_str(rows, 0, "id");
    server = mail_server_start();
    box = mail_server_box(server);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    cfg_process.run_dir = folder; /* a breaker of its own */
    cfg_process.sandbox = true;
    set_smtp();
    mailer = mailer_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    mailer_free(&mailer);
    mail_server_stop(&server);
    assert_null(DB_RUN0(admin, &clear, NULL));
    assert_null(DB_RUN(admin, &forget_idle, NULL, DB_TEXT(idle)));
    fixture_free(&unit);
    fixture_free(&admin);
    fixture_free(&ctx);
    return fixture_remove(folder);
}

static const struct err *put(struct ctx *work, void *mail)
{
    return mail_put(work, mail);
}

static void write_code(const char *email)
{
    struct mail mail = {
        .kind = MAIL_EMAIL_CODE, .email = email, .code = "012345", .expires_at = clock_now() + 600 * CLOCK_SECOND};
    assert_null(db_transact(ctx, put, &mail));
}

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

/* Of an account that will sleep. */
static void write_sleep_notice(void)
{
    struct mail mail = {.kind = MAIL_DORMANCY_NOTICE,
                        .user_id = idle,
                        .email = "kim@example.com",
                        .at = clock_now(),
                        .expires_at = clock_now() + 600 * CLOCK_SECOND};
    assert_null(db_transact(ctx, put, &mail));
}

/* Whether there was one to send. */
static bool send_one(void)
{
    bool more = false;
    ctx_begin(unit, NULL, NULL);
    assert_null(mailer_send(mailer, unit, &more));
    return more;
}

struct state {
    const char *status, *reason;
    int64_t attempts;
};

static void assert_mail(size_t number, struct state state)
{
    const struct db_rows *rows;
    assert_null(DB_RUN0(admin, &states, &rows));
    assert_true(number < db_count(rows));
    assert_string_equal(db_str(rows, number, "status"), state.status);
    assert_string_equal(db_str(rows, number, "reason"), state.reason);
    assert_int_equal(db_int(rows, number, "attempts"), state.attempts);
    bool waits = strcmp(state.status, "WAITING") == 0;
    assert_int_equal(db_bool(rows, number, "empty"), !waits);
    assert_true(!waits || db_bool(rows, number, "later") == (state.attempts > 0));
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

static void test_mailer_that_is_killed_in_the_middle_loses_no_mail(void **state)
{
    (void)state;
    write_code("kim@example.com");
    box->fault = (struct mail_fault){.at = ".", .how = MAIL_HANGS, .keep = true, .times = 1};
    cfg_smtp.timeout_ms = 30000;
    pid_t pid = fork();
    if (pid == 0) {
        struct ctx *own = fixture_ctx("mailer", NEED_DB); /* a connection of its own */
        bool more;
        _exit(mailer_send(mailer_new(), own, &more) == NULL ? 0 : 1);
    }
    while (box->failed == 0) {
        usleep(1000);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(box->count, 1);
    assert_mail(0, (struct state){"WAITING", "", 1});
    assert_false(send_one()); /* it is taken */
    assert_null(DB_RUN0(admin, &due_now, NULL));
    assert_true(send_one());
    assert_mail(0, (struct state){"SENT", "", 2});
    assert_int_equal(box->count, 2);
    const char *ids[2];
    for (int i = 0; i < 2; i++) {
        ids[i] = strstr(box->mails[i], "Message-ID: <");
        assert_non_null(ids[i]);
    }
    assert_memory_equal(ids[0], ids[1], strcspn(ids[0], "\r"));
}

static void test_mailer_that_was_thought_dead_marks_nothing(void **state)
{
    (void)state;
    static const struct db_stmt taken_by_another = {.name = "test_taken_by_another",
                                                    .sql = "UPDATE user_service.mails SET attempts = attempts + 1"};
    write_code("kim@example.com");
    box->fault = (struct mail_fault){.at = ".", .how = MAIL_HANGS, .times = 1};
    pid_t pid = fork();
    if (pid == 0) {
        struct ctx *own = fixture_ctx("boxoffice_admin", NEED_DB);
        while (box->failed == 0) {
            usleep(1000);
        }
        _exit(DB_RUN0(own, &taken_by_another, NULL) == NULL ? 0 : 1);
    }
    assert_true(send_one()); /* times out, when the other has it */
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_mail(0, (struct state){"WAITING", "", 2});
}

static void test_mailers_side_by_side_send_each_mail_once(void **state)
{
    (void)state;
    static const int mails = 12, mailers = 3;
    pid_t pids[3];
    for (int i = 0; i < mails; i++) {
        write_code(arena_printf(ctx->arena, "kim%d@example.com", i));
    }
    for (int i = 0; i < mailers; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct ctx *own = fixture_ctx("mailer", NEED_DB);
            struct mailer *one = mailer_new();
            bool more = true;
            const struct err *e = NULL;
            for (int turn = 0; !e && more && turn < 2 * mails; turn++) {
                more = false;
                e = mailer_send(one, own, &more);
            }
            _exit(e == NULL ? 0 : 1);
        }
    }
    for (int i = 0; i < mailers; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(box->count, mails);
    for (int i = 0; i < mails; i++) {
        assert_mail((size_t)i, (struct state){"SENT", "", 1});
    }
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mailer_sends_each_once_and_destroys_what_it_said),
        TEST(test_mailer_sends_codes_before_what_owners_must_know_before_notices_of_sleep),
        TEST(test_mailer_tries_again_what_was_put_off),
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
        TEST(test_mailer_that_is_killed_in_the_middle_loses_no_mail),
        TEST(test_mailer_that_was_thought_dead_marks_nothing),
        TEST(test_mailers_side_by_side_send_each_mail_once),
        TEST(test_mailer_escapes_what_a_client_calls_itself),
    };
    return cmocka_run_group_tests_name("user_mailer", tests, NULL, NULL);
}
