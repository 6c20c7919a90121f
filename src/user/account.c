#include "src/user/account.h"

#include <string.h>

#include "common/base/array.h"
#include "sql/user.h"
#include "src/providers/recaptcha.h"
#include "src/user/client_limit.h"
#include "src/user/email_code.h"
#include "src/user/identity.h"
#include "src/user/lockout.h"
#include "src/user/password_rule.h"
#include "src/user/terms.h"
#include "src/user/user_errors.h"
#include "src/user/user_limits.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "src/user/user_text.h"

static const struct field sign_up_fields[] = {
    {FIELD(struct sign_up, "email", FIELD_TEXT, email), .flags = FIELD_REQUIRED, .min = 3, .max = 300},
    {FIELD(struct sign_up, "password", FIELD_PASSWORD, password), .flags = FIELD_REQUIRED, .min = 1, .max = 200},
    {FIELD(struct sign_up, "name", FIELD_TEXT, name), .flags = FIELD_REQUIRED, .min = 1, .max = 50},
    {FIELD(struct sign_up, "phone", FIELD_TEXT, phone), .flags = FIELD_REQUIRED, .min = 9, .max = 30},
    {FIELD(struct sign_up, "agreements", FIELD_LIST, agreements), .flags = FIELD_REQUIRED, .max = 10,
     .sub = &agreement_shape},
    {FIELD(struct sign_up, "recaptchaToken", FIELD_STR, recaptcha_token), .flags = FIELD_REQUIRED, .min = 1,
     .max = 4096},
    {FIELD(struct sign_up, "identityVerificationId", FIELD_STR, identity_verification_id), .flags = FIELD_REQUIRED,
     .min = 1, .max = 200},
    {FIELD(struct sign_up, "emailVerificationToken", FIELD_STR, email_verification_token), .min = 1, .max = 1000},
};
const struct shape sign_up_shape = {sign_up_fields, ARRAY_COUNT(sign_up_fields), sizeof(struct sign_up), false};

static const struct field account_fields[] = {
    {FIELD(struct account, "id", FIELD_UUID, id), .flags = FIELD_REQUIRED},
    {FIELD(struct account, "email", FIELD_STR, email), .flags = FIELD_REQUIRED},
    {FIELD(struct account, "name", FIELD_STR, name), .flags = FIELD_REQUIRED},
};
const struct shape account_shape = {account_fields, ARRAY_COUNT(account_fields), sizeof(struct account), false};

const struct err *account_email_available(struct ctx *ctx, const char *email, const char *client_ip, bool *available_r)
{
    const char *normal = user_email_normalise(ctx->arena, email);
    if (!normal) {
        return ctx_invalid(ctx, "email", "must be an e-mail address");
    }
    const struct db_rows *rows;
    const struct err *e = client_limit_take(ctx, &limit_email_check, client_ip);
    e = e ? e : DB_RUN(ctx, &sql_user_email_exists, &rows, user_pii_blind(ctx, "email", normal));
    if (!e) {
        *available_r = !db_bool(rows, 0, "taken");
    }
    return e;
}

static const struct err *check_profile(struct ctx *ctx, const struct sign_up *input, struct candidate *person)
{
    const struct err *e = NULL;
    person->email = user_email_normalise(ctx->arena, input->email);
    if (!person->email) {
        e = ctx_invalid(ctx, "email", "must be an e-mail address");
    }
    person->name = input->name;
    person->phone = user_phone_normalise(ctx->arena, input->phone);
    if (!person->phone) {
        e = ctx_invalid(ctx, "phone", "must be a phone number");
    }
    const struct password_owner owner = {person->email, person->name, person->phone};
    const struct err *unfit = input->password ? user_password_check(ctx, "password", input->password, &owner) : NULL;
    e = unfit ? unfit : e;
    person->agreements = &input->agreements;
    person->email_token = input->email_verification_token;
    person->verification_id = input->identity_verification_id;
    return e;
}

static const struct err *check_email_token(struct ctx *ctx, const struct candidate *person)
{
    if (!person->email_token) {
        return cfg_user.signup_email_proof ? ctx_invalid(ctx, "emailVerificationToken", "is required") : NULL;
    }
    return email_token_check(ctx, person->email_token, person->email ? person->email : "");
}

static const struct err *check_terms(struct ctx *ctx, const struct json_list *agreements)
{
    struct terms_list current;
    const struct err *e = terms_current(ctx, &current);
    return e ? e : terms_check(ctx, &current, agreements);
}

const struct err *account_check(struct ctx *ctx, const struct sign_up *input, struct candidate *candidate)
{
    const struct err *e = check_profile(ctx, input, candidate);
    const struct err *unproved = check_email_token(ctx, candidate);
    e = unproved ? unproved : e;
    return e ? e : check_terms(ctx, &input->agreements);
}

static const struct err *check_identity(struct ctx *ctx, const char *verification_id, struct candidate *person)
{
    const struct err *e = identity_fetch(ctx, verification_id, &person->identity);
    return e ? e : identity_says(ctx, &person->identity, person->name, person->phone);
}

static const struct err *insert_user(struct ctx *ctx, const struct candidate *person)
{
    return DB_RUN(
        ctx, &sql_user_insert, NULL, DB_TEXT(person->id), user_pii_seal(ctx, "users.email", person->id, person->email),
        user_pii_blind(ctx, "email", person->email), user_pii_seal(ctx, "users.name", person->id, person->name),
        user_pii_seal(ctx, "users.phone", person->id, person->phone), user_pii_blind(ctx, "phone", person->phone),
        user_pii_seal(ctx, "users.ci", person->id, person->identity.ci), user_pii_blind(ctx, "ci", person->identity.ci),
        user_pii_seal(ctx, "users.di", person->id, person->identity.di),
        DB_TEXT(person->password_hash[0] ? person->password_hash : NULL));
}

static const struct err *unique_means(const struct ctx *ctx)
{
    const char *constraint = db_constraint(ctx);
    if (strcmp(constraint, "users_email_taken") == 0) {
        return &err_email_taken;
    }
    if (strcmp(constraint, "users_person_registered") == 0) {
        return &err_person_already_registered;
    }
    return &err_internal;
}

const struct err *account_create(struct ctx *ctx, const struct candidate *candidate)
{
    const struct err *e = insert_user(ctx, candidate);
    if (e == &err_db_unique) {
        return unique_means(ctx);
    }
    e = e ? e : terms_store(ctx, candidate->id, candidate->agreements);
    if (!e && candidate->email_token) {
        e = email_token_use(ctx, candidate->email_token, candidate->email, candidate->id);
    }
    return e ? e : identity_use(ctx, candidate->verification_id, candidate->id);
}

static const struct err *create_account(struct ctx *ctx, void *arg)
{
    return account_create(ctx, arg);
}

/* A wrong one counts as it does at a login. */
static bool is_password(struct ctx *ctx, const char *email, const char *password, const char *hash,
                        const char *client_ip)
{
    const struct db_arg blind = user_pii_blind(ctx, "email", email);
    const struct login_try login = lockout_try(ctx, blind.text, blind.len, hash, client_ip, LOCKOUT_NEW);
    if (lockout_check(ctx, &login)) {
        ctx->retry_after_s = 0; /* what is told is that the address is taken */
        return false;
    }
    if (!password_verify(password, hash, (int)cfg_user.bcrypt_cost)) {
        lockout_count(ctx, &login);
        return false;
    }
    return true;
}

/* The same sign-up once more, whose answer was lost: who knows its verification and its password has made it, some
 * minutes ago. False also when that cannot be found out now. */
static bool signed_up_before(struct ctx *ctx, const struct sign_up *input, const char *email, const char *client_ip,
                             struct account *account_r)
{
    const struct db_rows *rows;
    if (!email || identity_signed_up(ctx, input->identity_verification_id, email, &rows) || db_count(rows) == 0 ||
        !is_password(ctx, email, input->password, db_str(rows, 0, "password_hash"), client_ip)) {
        return false;
    }
    *account_r = (struct account){db_str(rows, 0, "id"), email, input->name};
    return true;
}

/* Somebody new, once it is known that a person asks. */
static const struct err *sign_up(struct ctx *ctx, const struct sign_up *input, struct candidate *person)
{
    const struct err *e = check_identity(ctx, input->identity_verification_id, person);
    if (e) {
        return e;
    }
    if (!password_hash(input->password, (int)cfg_user.bcrypt_cost, person->password_hash)) {
        return &err_internal;
    }
    uuid_v7(person->id);
    return db_transact(ctx, create_account, person);
}

const struct err *account_sign_up(struct ctx *ctx, const struct sign_up *input, const char *client_ip,
                                  struct account *account_r)
{
    struct candidate person = {0};
    const struct err *e = account_check(ctx, input, &person);
    if (e && !person.email_token) {
        return e;
    }
    const struct err *captcha = recaptcha_verify(ctx, input->recaptcha_token, client_ip);
    if (captcha) {
        return e ? e : captcha;
    }
    e = e ? e : sign_up(ctx, input, &person);
    if (!e) {
        *account_r = (struct account){arena_strdup(ctx->arena, person.id), person.email, person.name};
        return NULL;
    }
    /* What is in the way may be itself: its proof of the address, its verification or its account. */
    return signed_up_before(ctx, input, person.email, client_ip, account_r) ? NULL : e;
}

const struct err *account_profile(struct ctx *ctx, const char *user_id, struct profile *profile_r)
{
    const struct err *e = account_profile_ask(ctx, user_id);
    return e ? e : account_profile_answer(ctx, user_id, profile_r);
}

const struct err *account_profile_ask(struct ctx *ctx, const char *user_id)
{
    return DB_SEND(ctx, &sql_user_profile, DB_TEXT(user_id));
}

const struct err *account_profile_answer(struct ctx *ctx, const char *user_id, struct profile *profile_r)
{
    const struct db_rows *rows;
    const struct err *e = db_receive(ctx, &rows);
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_token_revoked;
    }
    *profile_r = (struct profile){.id = user_id,
                                  .email = user_pii_open(ctx, "users.email", user_id, rows, "email"),
                                  .email_proved = db_bool(rows, 0, "email_proved"),
                                  .name = user_pii_open(ctx, "users.name", user_id, rows, "name"),
                                  .phone = user_pii_open(ctx, "users.phone", user_id, rows, "phone"),
                                  .role = db_str(rows, 0, "role"),
                                  .created_at = db_time(rows, 0, "created_at"),
                                  .linked_providers = db_str(rows, 0, "linked_providers")};
    return profile_r->email && profile_r->name && profile_r->phone ? NULL : &err_internal;
}
