/* Mails that wait to be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/db.h"
#include "src/user/mail.h"
#include "src/user/user_pii.h"
#include "tests/support/fixture.h"

#define KEYS "1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct ctx *ctx, *admin;

static int begin(void **state)
{
    (void)state;
    const char *why;
    ctx = fixture_ctx("user_service", NEED_DB);
    admin = fixture_ctx("boxoffice_admin", NEED_DB);
    assert_true(user_pii_init(NULL, KEYS, &why));
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&admin);
    fixture_free(&ctx);
    return 0;
}

static const struct db_stmt mail_of = {.name = "test_mail_of",
                                       .sql = "SELECT id, kind, recipient, content, language, status, attempts,"
                                              " position(convert_to($1, 'UTF8') IN recipient) > 0 AS readable"
                                              " FROM user_service.mails ORDER BY created_at DESC LIMIT 1"};

static const struct err *put(struct ctx *unit, void *mail)
{
    return mail_put(unit, mail);
}

static const struct err *put_and_fail(struct ctx *unit, void *mail)
{
    assert_null(mail_put(unit, mail));
    return &err_conflict;
}

static struct mail mail_to(const char *email)
{
    return (struct mail){.kind = MAIL_NEW_DEVICE,
                         .email = email,
                         .at = clock_now(),
                         .ip = "192.0.2.7",
                         .user_agent = "test \"agent\" \\ <b>",
                         .expires_at = clock_now() + 3600 * CLOCK_SECOND};
}

static void test_mail_waits_sealed_and_opens_in_its_row_only(void **state)
{
    (void)state;
    const char *email = arena_printf(ctx->arena, "%s@example.com", fixture_uuid());
    struct mail mail = mail_to(email);
    const struct db_rows *rows;
    void *values;
    assert_null(db_transact(ctx, put, &mail));
    assert_null(DB_RUN(admin, &mail_of, &rows, DB_TEXT(email)));
    assert_string_equal(db_str(rows, 0, "status"), "WAITING");
    assert_string_equal(db_str(rows, 0, "kind"), "NEW_DEVICE");
    assert_string_equal(db_str(rows, 0, "language"), "ko");
    assert_false(db_bool(rows, 0, "readable"));
    const char *id = db_str(rows, 0, "id");
    assert_string_equal(user_pii_open(ctx, "mails.recipient", id, rows, "recipient"), email);
    assert_null(user_pii_open(ctx, "mails.recipient", fixture_uuid(), rows, "recipient"));
    const char *json = user_pii_open(ctx, "mails.content", id, rows, "content");
    assert_null(json_read(ctx, json, strlen(json), &mail_values_shape, &values));
    assert_string_equal(((struct mail *)values)->user_agent, mail.user_agent);
}

static void test_mail_of_a_transaction_that_fails_is_none(void **state)
{
    (void)state;
    const char *email = arena_printf(ctx->arena, "%s@example.com", fixture_uuid());
    struct mail mail = mail_to(email);
    const struct db_rows *rows;
    assert_ptr_equal(db_transact(ctx, put_and_fail, &mail), &err_conflict);
    assert_null(DB_RUN(admin, &mail_of, &rows, DB_TEXT(email)));
    const char *id = db_count(rows) == 1 ? db_str(rows, 0, "id") : "";
    assert_true(db_count(rows) == 0 || db_null(rows, 0, "recipient") ||
                strcmp(user_pii_open(ctx, "mails.recipient", id, rows, "recipient"), email) != 0);
}

static const struct db_stmt new_owner = {
    .name = "test_new_owner",
    .sql = "INSERT INTO user_service.users (email, email_hash, name, phone, phone_hash, ci, ci_hash)"
           " SELECT sealed, hash, sealed, sealed, hash, sealed, hash"
           " FROM (SELECT decode('00', 'hex') AS sealed, sha256(uuidv7()::text::bytea) AS hash) AS bytes RETURNING id"};
static const struct db_stmt count_of = {
    .name = "test_count_of",
    .sql = "SELECT count(*) AS total FROM user_service.mails WHERE user_id = $1 AND kind = $2"};
static const struct db_stmt a_day_later = {
    .name = "test_a_day_later",
    .sql = "UPDATE user_service.mails SET created_at = created_at - interval '1 day' WHERE user_id = $1"};

static void assert_count(const char *owner, const char *kind, int64_t expected)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(admin, &count_of, &rows, DB_TEXT(owner), DB_TEXT(kind)));
    assert_int_equal(db_int(rows, 0, "total"), expected);
}

/* Whoever does it over and over fills no mailbox, and hides nothing else. */
static void test_mails_of_a_kind_to_one_owner_are_five_a_day(void **state)
{
    (void)state;
    const struct db_rows *rows;
    assert_null(DB_RUN0(admin, &new_owner, &rows));
    const char *owner = db_str(rows, 0, "id");
    struct mail mail = mail_to("kim@example.com");
    mail.user_id = owner;
    for (int i = 0; i < 7; i++) {
        assert_null(db_transact(ctx, put, &mail));
    }
    assert_count(owner, "NEW_DEVICE", 5);
    mail.kind = MAIL_PASSWORD_CHANGED;
    assert_null(db_transact(ctx, put, &mail));
    assert_count(owner, "PASSWORD_CHANGED", 1);
    assert_null(DB_RUN(admin, &a_day_later, NULL, DB_TEXT(owner)));
    mail.kind = MAIL_NEW_DEVICE;
    assert_null(db_transact(ctx, put, &mail));
    assert_count(owner, "NEW_DEVICE", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mail_waits_sealed_and_opens_in_its_row_only, begin, end),
        cmocka_unit_test_setup_teardown(test_mail_of_a_transaction_that_fails_is_none, begin, end),
        cmocka_unit_test_setup_teardown(test_mails_of_a_kind_to_one_owner_are_five_a_day, begin, end),
    };
    return cmocka_run_group_tests_name("user_mail", tests, NULL, NULL);
}
