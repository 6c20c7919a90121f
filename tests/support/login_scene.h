/*
 * login_scene: people with accounts who log in, for component tests of sessions. PostgreSQL and Redis are real; the
 * CAPTCHA is played by the function below.
 */
#ifndef TESTS_SUPPORT_LOGIN_SCENE_H
#define TESTS_SUPPORT_LOGIN_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/password.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "sql/user.h"
#include "src/providers/recaptcha.h"
#include "src/user/login.h"
#include "src/user/refresh.h"
#include "src/user/user_errors.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "tests/support/fixture.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PASSWORD "correct horse"
#define NAME "김민수"
#define PHONE "01012345678"

static struct ctx *ctx;
static const struct err *captcha;

const struct err *recaptcha_verify(struct ctx *unused_ctx, const char *token, const char *client_ip)
{
    (void)unused_ctx;
    (void)token;
    (void)client_ip;
    return captcha;
}

static void load_settings(void)
{
    static const struct cfg_section *const sections[] = {
        &cfg_user_section, &cfg_pii_section, &cfg_blind_section, &cfg_token_section, &cfg_token_life_section, NULL};
    const char *why = "";
    setenv("BOX_BLIND_KEY", KEY, 1);
    setenv("BOX_PII_KEYS", "1:" KEY, 1);
    setenv("BOX_USER_BCRYPT_COST", "4", 1);
    setenv("BOX_JWT_KEYS", "k1:0123456789abcdef0123456789abcdef", 1);
    assert_true(cfg_load(sections, &why));
    assert_true(user_settings_init(&why));
    assert_true(token_init(&why));
}

static int begin(void **state)
{
    (void)state;
    ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
    load_settings();
    captcha = NULL;
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&ctx);
    return 0;
}

struct person {
    const char *id;
    const char *email;
};

/* Whose CI is their id. */
static struct person new_person(void)
{
    struct person person = {fixture_uuid(), arena_printf(ctx->arena, "%s@example.com", fixture_uuid())};
    char hash[PASSWORD_HASH_SIZE];
    assert_true(password_hash(PASSWORD, 4, hash));
    assert_null(DB_RUN(ctx, &sql_user_insert, NULL, DB_TEXT(person.id),
                       user_pii_seal(ctx, "users.email", person.id, person.email),
                       user_pii_blind(ctx, "email", person.email), user_pii_seal(ctx, "users.name", person.id, NAME),
                       user_pii_seal(ctx, "users.phone", person.id, PHONE), user_pii_blind(ctx, "phone", PHONE),
                       user_pii_seal(ctx, "users.ci", person.id, person.id), user_pii_blind(ctx, "ci", person.id),
                       DB_NULL, DB_TEXT(hash)));
    return person;
}

static const struct err *login_from(const char *ip, const char *email, const char *password, struct tokens *tokens_r)
{
    const struct login input = {email, password, "token"};
    const struct client client = {ip, "test agent"};
    return login_password(ctx, &input, &client, tokens_r);
}

static inline const struct err *login(const char *email, const char *password, struct tokens *tokens_r)
{
    return login_from("192.0.2.7", email, password, tokens_r);
}

static inline void fail_to_log_in(const char *ip, const char *email, int64_t times)
{
    struct tokens unused;
    for (int64_t i = 0; i < times; i++) {
        assert_ptr_equal(login_from(ip, email, "wrong horse", &unused), &err_bad_credentials);
    }
}

static inline struct tokens logged_in(const struct person *person)
{
    struct tokens tokens;
    assert_null(login(person->email, PASSWORD, &tokens));
    return tokens;
}

static inline struct token_claims claims_of(const char *access_token)
{
    struct token_claims claims;
    assert_null(token_verify(ctx, TOKEN_ACCESS, access_token, &claims));
    return claims;
}

/* How many mails of this kind are written to the owner of an account. */
static inline int64_t mails_to(const char *user_id, const char *kind)
{
    static const struct db_stmt count = {
        .name = "test_mails_to",
        .sql = "SELECT count(*) AS total FROM user_service.mails WHERE user_id = $1 AND kind = $2"};
    const struct db_rows *rows;
    struct ctx *admin = fixture_ctx("boxoffice_admin", NEED_DB);
    assert_null(DB_RUN(admin, &count, &rows, DB_TEXT(user_id), DB_TEXT(kind)));
    int64_t total = db_int(rows, 0, "total");
    fixture_free(&admin);
    return total;
}

static const struct db_stmt make_dormant = {.name = "test_make_dormant",
                                            .sql = "UPDATE users SET status = 'DORMANT' WHERE id = $1"};
static const struct db_stmt withdraw = {
    .name = "test_withdraw",
    .sql = "UPDATE users SET status = 'DELETED', deleted_at = clock_timestamp() WHERE id = $1"};
static const struct db_stmt make_locked = {
    .name = "test_make_locked",
    .sql = "UPDATE users SET locked_until = clock_timestamp() + interval '1 hour' WHERE id = $1"};
/* Logins of before happened so much earlier ("91 days"); by boxoffice_admin. */
static const struct db_stmt age_logins = {
    .name = "test_age_logins",
    .sql = "UPDATE user_service.login_history SET created_at = created_at - $2::interval WHERE user_id = $1"};

#endif
