#include "src/user/password_change.h"

#include <string.h>

#include "common/base/array.h"
#include "common/crypto/password.h"
#include "common/io/db.h"
#include "sql/user.h"
#include "src/user/client.h"
#include "src/user/lockout.h"
#include "src/user/owner_notice.h"
#include "src/user/password_rule.h"
#include "src/user/user_errors.h"
#include "src/user/user_limits.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"

static const struct field password_change_fields[] = {
    {FIELD(struct password_change, "currentPassword", FIELD_PASSWORD, current_password), .flags = FIELD_REQUIRED,
     .min = 1, .max = 200},
    {FIELD(struct password_change, "newPassword", FIELD_PASSWORD, new_password), .flags = FIELD_REQUIRED, .min = 1,
     .max = 200},
};
const struct shape password_change_shape = {password_change_fields, ARRAY_COUNT(password_change_fields),
                                            sizeof(struct password_change), false};

struct new_password {
    const struct session_owner *owner;
    struct password_owner person;
    const char *old_hash;
    struct login_try login;
    char new_hash[PASSWORD_HASH_SIZE];
};

static const struct err *check_new(struct ctx *ctx, const struct new_password *change,
                                   const struct password_change *input)
{
    const struct err *e = user_password_check(ctx, "newPassword", input->new_password, &change->person);
    if (!e && strcmp(input->new_password, input->current_password) == 0) {
        e = ctx_invalid(ctx, "newPassword", "must be another one");
    }
    return e;
}

static const struct err *find_password(struct ctx *ctx, const char *client_ip, struct new_password *change)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_password_find, &rows, DB_TEXT(change->owner->user_id),
                                 DB_TEXT(client_address(ctx->arena, client_ip)));
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_token_revoked;
    }
    size_t len;
    const unsigned char *blind = db_bytes(ctx, rows, 0, "email_hash", &len);
    const char *id = change->owner->user_id;
    change->old_hash = db_str(rows, 0, "password_hash");
    if (!change->old_hash) {
        return &err_password_not_set;
    }
    change->person = (struct password_owner){.email = user_pii_open(ctx, "users.email", id, rows, "email"),
                                             .name = user_pii_open(ctx, "users.name", id, rows, "name"),
                                             .phone = user_pii_open(ctx, "users.phone", id, rows, "phone")};
    change->login =
        lockout_try(ctx, blind, len, change->old_hash, client_ip, (enum lockout_place)db_int(rows, 0, "known"));
    return NULL;
}

/* *done_r: the new password is the one that is stored, as this change was made before and its answer lost. */
static const struct err *check_current(struct ctx *ctx, const struct new_password *change,
                                       const struct password_change *input, bool *done_r)
{
    const struct err *e =
        lockout_check(ctx, &change->login); /* first: who is locked out uses up nothing of the owner's */
    e = e ? e : limit_take(ctx, &limit_password, change->owner->user_id);
    if (e) {
        return e;
    }
    bool right = password_verify(input->current_password, change->old_hash, (int)cfg_user.bcrypt_cost);
    *done_r = !right && password_verify(input->new_password, change->old_hash, (int)cfg_user.bcrypt_cost);
    if (!right && !*done_r) {
        lockout_count(ctx, &change->login); /* two were tried */
        lockout_count(ctx, &change->login);
        return &err_bad_credentials;
    }
    lockout_forget(ctx, &change->login);
    return NULL;
}

static const struct err *store(struct ctx *ctx, void *arg)
{
    const struct new_password *change = arg;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_password_set, &rows, DB_TEXT(change->owner->user_id),
                                 DB_TEXT(change->old_hash), DB_TEXT(change->new_hash));
    if (e) {
        return e;
    }
    if (db_affected(rows) == 0) {
        return &err_conflict;
    }
    e = session_revoke_others(ctx, change->owner);
    return e ? e : owner_notice(ctx, change->owner->user_id, MAIL_PASSWORD_CHANGED, NULL);
}

const struct err *password_change(struct ctx *ctx, const struct session_owner *owner, const char *client_ip,
                                  const struct password_change *input)
{
    struct new_password change = {.owner = owner};
    bool done = false;
    const struct err *e = find_password(ctx, client_ip, &change);
    e = e ? e : check_new(ctx, &change, input);
    e = e ? e : check_current(ctx, &change, input, &done);
    if (!e && !done && !password_hash(input->new_password, (int)cfg_user.bcrypt_cost, change.new_hash)) {
        e = &err_internal;
    }
    if (e) {
        return e;
    }
    e = done ? NULL : db_transact(ctx, store, &change);
    /* The same twice at once: the other was first. */
    if (e == &err_conflict && !find_password(ctx, client_ip, &change) &&
        password_verify(input->new_password, change.old_hash, (int)cfg_user.bcrypt_cost)) {
        e = NULL;
    }
    return e ? e : session_blacklist_others(ctx, owner);
}
