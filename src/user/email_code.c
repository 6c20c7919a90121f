#include "src/user/email_code.h"

#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "sql/email.h"
#include "src/providers/recaptcha.h"
#include "src/user/client.h"
#include "src/user/client_limit.h"
#include "src/user/mail.h"
#include "src/user/user_errors.h"
#include "src/user/user_limits.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"
#include "src/user/user_text.h"

#define CODE_DIGITS 6
#define CODES 1000000u
#define LIFE_S 600
#define HOUR_S 3600
#define TRIES_A_CODE 10   /* five wrong ones, and right ones again */
#define EVERYBODY_TIMES 6 /* as many codes to one address as one network may ask for */
#define FREE_A_DAY 3      /* codes to one address, whoever asks for them; for more a person solves a challenge */

static const struct field email_request_fields[] = {
    {FIELD(struct email_request, "email", FIELD_TEXT, email), .flags = FIELD_REQUIRED, .min = 1, .max = 300},
    {FIELD(struct email_request, "recaptchaToken", FIELD_STR, recaptcha_token), .min = 1, .max = 4096},
};
const struct shape email_request_shape = {email_request_fields, ARRAY_COUNT(email_request_fields),
                                          sizeof(struct email_request), false};

static const struct field email_proof_fields[] = {
    {FIELD(struct email_proof, "email", FIELD_TEXT, email), .flags = FIELD_REQUIRED, .min = 1, .max = 300},
    {FIELD(struct email_proof, "code", FIELD_TEXT, code), .flags = FIELD_REQUIRED, .min = CODE_DIGITS,
     .max = CODE_DIGITS},
};
const struct shape email_proof_shape = {email_proof_fields, ARRAY_COUNT(email_proof_fields), sizeof(struct email_proof),
                                        false};

static const struct err *limit(struct ctx *ctx, const char *name, int64_t times, const char *client_ip)
{
    return client_limit_take(ctx, &(struct limit){name, cfg_user.email_codes_per_hour * times, HOUR_S}, client_ip);
}

/* NULL: not known. */
static const char *network_of(struct ctx *ctx, const char *client_ip)
{
    const char *ip = client_address(ctx->arena, client_ip);
    return ip ? client_network(ctx->arena, ip) : NULL;
}

/* Of the code, its row and the address: none of the three can be exchanged. */
static struct db_arg code_hash(struct ctx *ctx, const char *id, const char *email, const char *code)
{
    return user_pii_blind(ctx, "email_code", ARENA_JOIN(ctx->arena, id, ":", code, ":", email));
}

/* ---- sending ---- */

struct sending {
    const char *email;
    const char *language;
    const char *network;
    struct db_arg blind;
    struct db_arg mailbox;
    bool by_person; /* who asks has solved a challenge */
};

static const char *new_code(struct ctx *ctx)
{
    uint32_t random;
    do {
        crypto_random(&random, sizeof random);
    } while (random >= UINT32_MAX / CODES * CODES); /* or low codes would be likelier */
    return arena_printf(ctx->arena, "%06u", random % CODES);
}

/* &err_captcha_failed: only for a person. */
static const struct err *check_pace(struct ctx *ctx, const struct sending *sending)
{
    int64_t most = cfg_user.email_codes_per_day, rush = cfg_user.email_codes_per_minute;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_email_code_pace, &rows, sending->mailbox, DB_INT(most),
                                 DB_INT(most * EVERYBODY_TIMES), DB_TEXT(sending->network), DB_INT(rush));
    if (e) {
        return e;
    }
    ctx->retry_after_s = (int)db_int(rows, 0, "wait_s");
    if (ctx->retry_after_s > 0) {
        return &err_too_many_requests;
    }
    bool many = db_int(rows, 0, "sent") >= FREE_A_DAY || db_int(rows, 0, "rush") >= rush;
    return many && !sending->by_person ? &err_captcha_failed : NULL;
}

/* Outside of any transaction, and only when it matters: a token serves once. */
static const struct err *check_person(struct ctx *ctx, struct sending *sending, const char *token,
                                      const char *client_ip)
{
    const struct err *e = check_pace(ctx, sending);
    if (e != &err_captcha_failed) {
        return e;
    }
    if (!token) {
        ctx_detail(ctx, "recaptchaToken", "is needed for so many codes");
        return e;
    }
    e = recaptcha_verify(ctx, token, client_ip);
    sending->by_person = !e;
    return e;
}

static const struct err *write_code(struct ctx *ctx, void *arg)
{
    const struct sending *sending = arg;
    const struct db_rows *rows;
    char id[UUID_SIZE];
    uuid_v4(id); /* a part of what the token is made of */
    const char *code = new_code(ctx);
    const struct err *e = DB_RUN(ctx, &sql_email_code_lock, NULL, sending->mailbox);
    e = e ? e : check_pace(ctx, sending);
    e = e ? e
          : DB_RUN(ctx, &sql_email_code_insert, &rows, DB_TEXT(id), sending->blind,
                   code_hash(ctx, id, sending->email, code), DB_INT(LIFE_S), DB_TEXT(sending->network),
                   sending->mailbox);
    if (e) {
        return e;
    }
    return mail_put(ctx, &(struct mail){.kind = MAIL_EMAIL_CODE,
                                        .email = sending->email,
                                        .language = sending->language,
                                        .code = code,
                                        .expires_at = db_time(rows, 0, "expires_at")});
}

/* Without a tag, which leads to the same mailbox where there are any: kim+tickets@ is kim@. */
static const char *mailbox_of(struct arena *arena, const char *email)
{
    size_t at = strcspn(email, "@"), tag = strcspn(email, "+");
    return tag == 0 || tag > at ? email : ARENA_JOIN(arena, arena_printf(arena, "%.*s", (int)tag, email), email + at);
}

const struct err *email_code_send(struct ctx *ctx, const struct email_request *input, const char *client_ip,
                                  const char *language)
{
    struct sending sending = {.email = user_email_normalise(ctx->arena, input->email),
                              .language = language,
                              .network = network_of(ctx, client_ip)};
    if (!sending.email) {
        return ctx_invalid(ctx, "email", "must be an e-mail address");
    }
    const struct err *e = client_limit_take(ctx, &limit_email_code, client_ip);
    e = e ? e : limit(ctx, "emailcode", 1, client_ip);
    sending.blind = user_pii_blind(ctx, "email", sending.email);
    sending.mailbox = user_pii_blind(ctx, "email", mailbox_of(ctx->arena, sending.email));
    e = e ? e : check_person(ctx, &sending, input->recaptcha_token, client_ip);
    return e ? e : db_transact(ctx, write_code, &sending);
}

/* ---- verifying ---- */

/* What nobody can guess who has not the key, and what is the same when it is asked for again. */
static const char *token_of(struct ctx *ctx, const char *id)
{
    const struct db_arg digest = user_pii_blind(ctx, "email_token", id);
    return crypto_base64url(ctx->arena, digest.text, digest.len);
}

static bool is_right(struct ctx *ctx, const struct db_rows *row, const char *email, const char *code)
{
    size_t len;
    const unsigned char *kept = db_bytes(ctx, row, 0, "code_hash", &len);
    const struct db_arg given = code_hash(ctx, db_str(row, 0, "id"), email, code);
    return len == given.len && crypto_equal(kept, given.text, len);
}

static const struct err *check_form(struct ctx *ctx, const struct email_proof *input, const char **email_r)
{
    *email_r = user_email_normalise(ctx->arena, input->email);
    const struct err *e = *email_r ? NULL : ctx_invalid(ctx, "email", "must be an e-mail address");
    return strspn(input->code, "0123456789") == CODE_DIGITS ? e : ctx_invalid(ctx, "code", "must be six digits");
}

const struct err *email_code_verify(struct ctx *ctx, const struct email_proof *input, const char *client_ip,
                                    const char **token_r)
{
    const char *email;
    const struct db_rows *row, *proved;
    const struct err *e = check_form(ctx, input, &email);
    e = e ? e : limit(ctx, "emailproof", TRIES_A_CODE, client_ip);
    const char *network = network_of(ctx, client_ip), *tried_from = network ? network : "none";
    e = e ? e
          : DB_RUN(ctx, &sql_email_code_try, &row, user_pii_blind(ctx, "email", email), DB_TEXT(tried_from),
                   DB_TEXT(network));
    if (e) {
        return e;
    }
    if (db_count(row) == 0 || !is_right(ctx, row, email, input->code)) {
        return &err_email_code_invalid;
    }
    const char *token = token_of(ctx, db_str(row, 0, "id"));
    e = DB_RUN(ctx, &sql_email_code_prove, &proved, DB_TEXT(db_str(row, 0, "id")), db_arg_sha256(ctx, token),
               DB_TEXT(tried_from));
    if (e) {
        return e;
    }
    if (db_count(proved) == 0) {
        return &err_email_code_invalid;
    }
    *token_r = token;
    return NULL;
}

/* ---- using ---- */

static const struct err *refused(struct ctx *ctx)
{
    return ctx_invalid(ctx, "emailVerificationToken", "is not valid");
}

const struct err *email_token_check(struct ctx *ctx, const char *token, const char *email)
{
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_email_token_find, &rows, db_arg_sha256(ctx, token), user_pii_blind(ctx, "email", email));
    return e ? e : db_bool(rows, 0, "valid") ? NULL : refused(ctx);
}

const struct err *email_token_use(struct ctx *ctx, const char *token, const char *email, const char *user_id)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_email_token_use, &rows, db_arg_sha256(ctx, token),
                                 user_pii_blind(ctx, "email", email), DB_TEXT(user_id));
    return e ? e : db_count(rows) == 1 ? NULL : refused(ctx);
}
