#include "src/user/login.h"

#include <string.h>

#include "common/base/array.h"
#include "common/crypto/password.h"
#include "common/crypto/uuid.h"
#include "sql/user.h"
#include "src/providers/recaptcha.h"
#include "src/user/client.h"
#include "src/user/device.h"
#include "src/user/lockout.h"
#include "src/user/user_errors.h"
#include "src/user/user_limits.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "src/user/user_text.h"

static const struct field login_fields[] = {
    {FIELD(struct login, "email", FIELD_TEXT, email), .flags = FIELD_REQUIRED, .min = 1, .max = 300},
    {FIELD(struct login, "password", FIELD_PASSWORD, password), .flags = FIELD_REQUIRED, .min = 1, .max = 200},
    {FIELD(struct login, "recaptchaToken", FIELD_STR, recaptcha_token), .flags = FIELD_REQUIRED, .min = 1, .max = 4096},
};
const struct shape login_shape = {login_fields, ARRAY_COUNT(login_fields), sizeof(struct login), false};

/* ---- for every way in ---- */

const struct err *login_record(struct ctx *ctx, const struct login_entry *entry, const struct client *client)
{
    return DB_RUN(ctx, &sql_user_login_record, NULL, DB_TEXT(entry->user_id), DB_TEXT(entry->method),
                  DB_TEXT(entry->result), DB_TEXT(client_address(ctx->arena, client->ip)), DB_TEXT(client->user_agent));
}

const struct err *login_begin(struct ctx *ctx, const struct login_entry *entry, const char *role,
                              const struct client *client, struct tokens *tokens_r)
{
    char family[UUID_SIZE];
    const struct session session = {
        .user_id = entry->user_id, .role = role, .family = uuid_v7(family), .client = client};
    const struct err *e = device_notice(ctx, entry->user_id, client);
    e = e ? e : login_record(ctx, entry, client);
    return e ? e : session_issue(ctx, &session, tokens_r);
}

/* ---- with a password ---- */

const struct err *login_find(struct ctx *ctx, const char *email, const struct client *client,
                             struct login_account *account_r)
{
    const char *normal = user_email_normalise(ctx->arena, email);
    const struct db_arg blind = user_pii_blind(ctx, "email", normal ? normal : "");
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_user_login_find, &rows, blind, DB_TEXT(client_address(ctx->arena, client->ip)));
    if (e) {
        return e;
    }
    bool there = db_count(rows) == 1;
    const char *hash = there ? db_str(rows, 0, "password_hash") : NULL;
    enum lockout_place place = there ? (enum lockout_place)db_int(rows, 0, "known") : LOCKOUT_NEW;
    *account_r = (struct login_account){.login = lockout_try(ctx, blind.text, blind.len, hash, client->ip, place)};
    if (there) {
        account_r->id = db_str(rows, 0, "id");
        account_r->password_hash = hash;
        account_r->dormant = strcmp(db_str(rows, 0, "status"), "DORMANT") == 0;
        account_r->locked_s = db_int(rows, 0, "locked_s");
    }
    return NULL;
}

static const struct err *check_locked(struct ctx *ctx, const struct login_account *account)
{
    if (account->locked_s > 0) {
        ctx->retry_after_s = (int)account->locked_s;
        return &err_account_locked;
    }
    return lockout_check(ctx, &account->login);
}

struct login_verdict login_check(struct ctx *ctx, const struct login_account *account, const char *password)
{
    const struct err *locked = check_locked(ctx, account);
    if (locked) {
        return (struct login_verdict){account->id ? "LOCKED" : NULL, locked};
    }
    bool right = password_verify(password, account->password_hash, (int)cfg_user.bcrypt_cost);
    if (!right) {
        lockout_count(ctx, &account->login);
        return (struct login_verdict){account->id ? "BAD_PASSWORD" : "UNKNOWN_EMAIL", &err_bad_credentials};
    }
    lockout_forget(ctx, &account->login);
    if (account->dormant) {
        return (struct login_verdict){"DORMANT", &err_account_dormant};
    }
    return (struct login_verdict){"SUCCESS", NULL};
}

struct login_work {
    const struct login_account *account;
    const struct client *client;
    struct login_verdict verdict;
    struct tokens tokens;
};

static const struct err *finish_login(struct ctx *ctx, void *arg)
{
    struct login_work *work = arg;
    const struct login_entry entry = {work->account->id, "PASSWORD", work->verdict.result};
    if (work->verdict.e) {
        return work->verdict.result ? login_record(ctx, &entry, work->client) : NULL;
    }
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_user_login_stamp, &rows, DB_TEXT(work->account->id), DB_TEXT(work->account->password_hash));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_conflict; /* what was found has changed while bcrypt was at work */
    }
    return login_begin(ctx, &entry, db_str(rows, 0, "role"), work->client, &work->tokens);
}

const struct err *login_password(struct ctx *ctx, const struct login *input, const struct client *client,
                                 struct tokens *tokens_r)
{
    struct login_account account;
    const struct err *e = recaptcha_verify(ctx, input->recaptcha_token, client->ip);
    e = e ? e : login_find(ctx, input->email, client, &account);
    if (e) {
        return e;
    }
    struct login_work work = {
        .account = &account, .client = client, .verdict = login_check(ctx, &account, input->password)};
    e = work.verdict.e ? NULL : limit_take(ctx, &limit_login, account.id);
    e = e ? e : db_transact(ctx, finish_login, &work);
    e = e ? e : work.verdict.e;
    if (!e) {
        *tokens_r = work.tokens;
    }
    return e;
}
