#include "src/user/reactivation.h"

#include <string.h>

#include "common/base/array.h"
#include "common/io/db.h"
#include "sql/user.h"
#include "src/user/client_limit.h"
#include "src/user/identity.h"
#include "src/user/login.h"
#include "src/user/user_errors.h"
#include "src/user/user_limits.h"
#include "src/user/user_pii.h"

#define ID_FIELD "identityVerificationId"

static const struct field reactivation_fields[] = {
    {FIELD(struct reactivation, "email", FIELD_TEXT, email), .flags = FIELD_REQUIRED, .min = 1, .max = 300},
    {FIELD(struct reactivation, "password", FIELD_PASSWORD, password), .flags = FIELD_REQUIRED, .min = 1, .max = 200},
    {FIELD(struct reactivation, ID_FIELD, FIELD_STR, identity_verification_id), .flags = FIELD_REQUIRED, .min = 1,
     .max = 200},
};
const struct shape reactivation_shape = {reactivation_fields, ARRAY_COUNT(reactivation_fields),
                                         sizeof(struct reactivation), false};

struct waking {
    const struct client *client;
    const char *verification_id;
    struct db_arg ci;
    struct login_account account;
    bool used; /* the verification, for this account */
    struct tokens tokens;
};

/* Anybody may ask, and each asking costs a call to PortOne and bcrypt. */
static const struct err *check_person(struct ctx *ctx, struct waking *waking)
{
    struct portone_identity identity;
    const struct err *e = client_limit_take(ctx, &limit_reactivation, waking->client->ip);
    e = e ? e : identity_fetch(ctx, waking->verification_id, &identity);
    if (!e) {
        waking->ci = user_pii_blind(ctx, "ci", identity.ci);
    }
    return e;
}

static const struct err *check_password(struct ctx *ctx, const struct waking *waking, const char *password)
{
    const struct login_verdict verdict = login_check(ctx, &waking->account, password);
    if (!verdict.e || verdict.e == &err_account_dormant) {
        return NULL;
    }
    const struct login_entry entry = {waking->account.id, "PASSWORD", verdict.result};
    const struct err *e = verdict.result ? login_record(ctx, &entry, waking->client) : NULL;
    return e ? e : verdict.e;
}

static const struct err *check_owner(struct ctx *ctx, struct waking *waking)
{
    const struct db_rows *rows;
    const char *user_id = NULL;
    const struct err *e = DB_RUN(ctx, &sql_user_is_person, &rows, DB_TEXT(waking->account.id), waking->ci);
    e = e ? e : identity_used_by(ctx, waking->verification_id, &user_id);
    if (e) {
        return e;
    }
    if (!db_bool(rows, 0, "own")) {
        return identity_refused(ctx, ID_FIELD, "is not of the person with this account");
    }
    waking->used = user_id && !waking->account.dormant && strcmp(user_id, waking->account.id) == 0;
    return NULL;
}

static const struct err *wake(struct ctx *ctx, void *arg)
{
    struct waking *waking = arg;
    const struct login_account *account = &waking->account;
    const struct login_entry entry = {account->id, "PASSWORD", "SUCCESS"};
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_user_wake, &rows, DB_TEXT(account->id), DB_TEXT(account->password_hash), waking->ci);
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_conflict; /* what was found has changed while bcrypt was at work */
    }
    e = waking->used ? NULL : identity_use(ctx, waking->verification_id, account->id);
    return e ? e : login_begin(ctx, &entry, db_str(rows, 0, "role"), waking->client, &waking->tokens);
}

const struct err *reactivation(struct ctx *ctx, const struct reactivation *input, const struct client *client,
                               struct tokens *tokens_r)
{
    struct waking waking = {.client = client, .verification_id = input->identity_verification_id};
    const struct err *e = check_person(ctx, &waking);
    e = e ? e : login_find(ctx, input->email, client, &waking.account);
    /* First who it is: nobody else may try passwords here, where no CAPTCHA is asked for, or lock the account. */
    e = e ? e : check_owner(ctx, &waking);
    e = e ? e : check_password(ctx, &waking, input->password);
    if (e) {
        return e;
    }
    e = db_transact(ctx, wake, &waking);
    /* The same twice at once: the other was first, and the account is awake. */
    if (e == &err_identity_not_verified && !login_find(ctx, input->email, client, &waking.account) &&
        !check_owner(ctx, &waking) && waking.used) {
        e = db_transact(ctx, wake, &waking);
    }
    if (!e) {
        *tokens_r = waking.tokens;
    }
    return e;
}
