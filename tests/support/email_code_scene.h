/*
 * email_code_scene: who asks for codes and enters them, for component tests; CAPTCHA and identity verification are
 * played by the functions below.
 */
#ifndef TESTS_SUPPORT_EMAIL_CODE_SCENE_H
#define TESTS_SUPPORT_EMAIL_CODE_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "src/providers/portone.h"
#include "src/providers/recaptcha.h"
#include "src/user/account.h"
#include "src/user/email_code.h"
#include "src/user/lockout.h"
#include "src/user/mail.h"
#include "src/user/terms.h"
#include "src/user/user_errors.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "tests/support/fixture.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define IP "192.0.2.7"
#define STRANGER "198.51.100.1"
#define TRIES 5
#define AT_ONCE 8

static struct ctx *ctx, *admin;
static const char *email;

static int challenges; /* that were looked at */

const struct err *recaptcha_verify(struct ctx *unused_ctx, const char *token, const char *client_ip)
{
    (void)unused_ctx, (void)client_ip;
    challenges++;
    return strcmp(token, "solved") == 0 ? NULL : &err_captcha_failed;
}

const struct err *portone_identity(struct ctx *unused_ctx, const char *id, struct portone_identity *identity_r)
{
    (void)unused_ctx;
    *identity_r = (struct portone_identity){.verified = true,
                                            .status_text = "VERIFIED",
                                            .ci = id,
                                            .name = "김민수",
                                            .phone = "01012345678",
                                            .verified_at = clock_now()};
    return NULL;
}

static inline const char *new_email(void)
{
    return arena_printf(ctx->arena, "%s@example.com", fixture_uuid());
}

static int begin(void **state)
{
    (void)state;
    static const struct cfg_section *const sections[] = {&cfg_user_section, &cfg_pii_section, &cfg_blind_section, NULL};
    const char *why = "";
    ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
    admin = fixture_ctx("boxoffice_admin", NEED_DB);
    setenv("BOX_BLIND_KEY", KEY, 1);
    setenv("BOX_PII_KEYS", "1:" KEY, 1);
    setenv("BOX_USER_BCRYPT_COST", "4", 1);
    assert_true(cfg_load(sections, &why));
    assert_true(user_settings_init(&why));
    assert_null(REDIS_RUN(ctx, NULL, "FLUSHDB")); /* this program's alone */
    email = new_email();
    challenges = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&admin);
    fixture_free(&ctx);
    return 0;
}

static const struct db_stmt mails = {
    .name = "test_mails",
    .sql = "SELECT id, recipient, content, language, expires_at FROM user_service.mails WHERE kind = 'EMAIL_CODE'"
           " ORDER BY created_at DESC LIMIT 200"};
static const struct db_stmt one_mail = {.name = "test_one_mail",
                                        .sql = "SELECT id, recipient, content FROM user_service.mails WHERE id = $1"};

/* The code of the newest mail to `to`; *count_r: how many there are. "" when there is none. */
static inline const char *code_mailed(const char *to, int *count_r)
{
    const struct db_rows *rows, *row;
    const char *code = "";
    void *values;
    *count_r = 0;
    assert_null(DB_RUN0(admin, &mails, &rows));
    for (size_t i = 0; i < db_count(rows); i++) {
        const char *id = db_str(rows, i, "id");
        assert_null(DB_RUN(admin, &one_mail, &row, DB_TEXT(id)));
        const char *recipient = user_pii_open(ctx, "mails.recipient", id, row, "recipient");
        if (!recipient || strcmp(recipient, to) != 0) {
            continue;
        }
        const char *json = user_pii_open(ctx, "mails.content", id, row, "content");
        assert_null(json_read(ctx, json, strlen(json), &mail_values_shape, &values));
        code = *count_r == 0 ? ((struct mail *)values)->code : code;
        ++*count_r;
    }
    return code;
}

static inline const struct err *ask(struct ctx *own, const char *to, const char *ip)
{
    return email_code_send(own, &(struct email_request){to, NULL}, ip, "ko");
}

static inline const struct err *ask_as_person(const char *to, const char *ip)
{
    return email_code_send(ctx, &(struct email_request){to, "solved"}, ip, "ko");
}

static inline const char *sent_code(const char *to)
{
    int count;
    assert_null(ask(ctx, to, IP));
    const char *code = code_mailed(to, &count);
    assert_int_equal(count, 1);
    return code;
}

static inline const struct err *verify(const char *address, const char *code, const char **token_r)
{
    const struct email_proof proof = {address, code};
    return email_code_verify(ctx, &proof, IP, token_r);
}

static inline const char *other_than(const char *code)
{
    return arena_printf(ctx->arena, "%c%s", code[0] == '9' ? '0' : code[0] + 1, code + 1);
}

static inline void fail_to_verify(const char *code, int times)
{
    const char *unused;
    for (int i = 0; i < times; i++) {
        assert_ptr_equal(verify(email, other_than(code), &unused), &err_email_code_invalid);
    }
}

/* Makes the codes of an address so many seconds older. */
static const struct db_stmt make_older = {
    .name = "test_make_older",
    .sql = "UPDATE user_service.email_codes SET sent_at = sent_at - make_interval(secs => $2::bigint),"
           " expires_at = expires_at - make_interval(secs => $2::bigint),"
           " verified_at = verified_at - make_interval(secs => $2::bigint) WHERE email_hash = $1"};

static inline void pass(int64_t seconds)
{
    assert_null(DB_RUN(admin, &make_older, NULL, user_pii_blind(ctx, "email", email), DB_INT(seconds)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
