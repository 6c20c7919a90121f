/*
 * mailer_scene: mails that are written by the user service, a mailer and a mail server, for component tests of the
 * mailer. PostgreSQL is real.
 */
#ifndef TESTS_SUPPORT_MAILER_SCENE_H
#define TESTS_SUPPORT_MAILER_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
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
        " next_try_at > clock_timestamp() AS later,"
        " extract(EPOCH FROM next_try_at - clock_timestamp())::bigint AS wait_s"
        " FROM user_service.mails ORDER BY created_at"};
static const struct db_stmt due_now = {
    .name = "test_due_now",
    .sql = "UPDATE user_service.mails SET next_try_at = created_at WHERE status = 'WAITING'"}; /* in this order */

/* Somebody who was here two years ago. */
static const char *idle;
static const struct db_stmt new_idle = {
    .name = "test_new_idle",
    .sql = "INSERT INTO user_service.users"
           " (email, email_hash, name, phone, phone_hash, ci, ci_hash, created_at, last_login_at)"
           " SELECT sealed, hash, sealed, sealed, hash, sealed, hash, clock_timestamp() - interval '3 years',"
           " clock_timestamp() - interval '2 years'"
           " FROM (SELECT decode('00', 'hex') AS sealed, sha256(uuidv7()::text::bytea) AS hash) AS bytes RETURNING id"};
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

static inline void write_code(const char *email)
{
    struct mail mail = {
        .kind = MAIL_EMAIL_CODE, .email = email, .code = "012345", .expires_at = clock_now() + 600 * CLOCK_SECOND};
    assert_null(db_transact(ctx, put, &mail));
}

/* Of an account that will sleep. */
static inline void write_sleep_notice(void)
{
    struct mail mail = {.kind = MAIL_DORMANCY_NOTICE,
                        .user_id = idle,
                        .email = "kim@example.com",
                        .at = clock_now(),
                        .expires_at = clock_now() + 600 * CLOCK_SECOND};
    assert_null(db_transact(ctx, put, &mail));
}

/* Whether there was one to send. */
static inline bool send_one(void)
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

static inline void assert_mail(size_t number, struct state state)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
