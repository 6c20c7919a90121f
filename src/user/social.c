#include "src/user/social.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/text.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "sql/user.h"
#include "src/user/account.h"
#include "src/user/client_limit.h"
#include "src/user/identity.h"
#include "src/user/login.h"
#include "src/user/owner_notice.h"
#include "src/user/social_attempt.h"
#include "src/user/terms.h"
#include "src/user/user_errors.h"
#include "src/user/user_limits.h"
#include "src/user/user_pii.h"
#include "src/user/user_text.h"

#define REPEATED_S 60
#define NAME_MAX_BYTES 200 /* 50 characters of Hangul, as of a sign-up */

/* Other parameters come back too (Google's scope, authuser, prompt). */
static const struct field social_return_fields[] = {
    {FIELD(struct social_return, "code", FIELD_STR, code), .max = 2000},
    {FIELD(struct social_return, "state", FIELD_STR, state), .max = 200},
    {FIELD(struct social_return, "error", FIELD_STR, error), .max = 200},
};
const struct shape social_return_shape = {social_return_fields, ARRAY_COUNT(social_return_fields),
                                          sizeof(struct social_return), true};

static const struct field social_link_fields[] = {
    {FIELD(struct social_link, "linkToken", FIELD_STR, link_token), .flags = FIELD_REQUIRED, .min = 1, .max = 200},
    {FIELD(struct social_link, "identityVerificationId", FIELD_STR, identity_verification_id), .flags = FIELD_REQUIRED,
     .min = 1, .max = 200},
    {FIELD(struct social_link, "email", FIELD_TEXT, email), .min = 3, .max = 300},
    {FIELD(struct social_link, "name", FIELD_TEXT, name), .min = 1, .max = 50},
    {FIELD(struct social_link, "phone", FIELD_TEXT, phone), .min = 9, .max = 30},
    {FIELD(struct social_link, "agreements", FIELD_LIST, agreements), .max = 10, .sub = &agreement_shape},
    {FIELD(struct social_link, "emailVerificationToken", FIELD_STR, email_verification_token), .min = 1, .max = 1000},
};
const struct shape social_link_shape = {social_link_fields, ARRAY_COUNT(social_link_fields), sizeof(struct social_link),
                                        false};

const struct err *social_provider(const char *name, enum oauth_provider *provider_r)
{
    enum oauth_provider provider;
    if (!oauth_provider_find(name, &provider)) {
        return &err_not_found;
    }
    if (!oauth_on(provider)) {
        return &err_social_off;
    }
    *provider_r = provider;
    return NULL;
}

const struct err *social_begin(struct ctx *ctx, enum oauth_provider provider, const char *client_ip,
                               const char *sandbox_user, struct social_begun *begun_r)
{
    if (sandbox_user && !cfg_process.sandbox) {
        return ctx_invalid(ctx, "sandbox_user", "is not known");
    }
    struct oauth_attempt attempt;
    const char *browser;
    const struct err *e = client_limit_take(ctx, &limit_social, client_ip);
    e = e ? e : social_attempt_begin(ctx, provider, &attempt, &browser);
    if (!e) {
        *begun_r = (struct social_begun){oauth_authorize_url(ctx, provider, &attempt, sandbox_user), browser};
    }
    return e;
}

/* ---- into an account ---- */

/* Who has come from a provider, and what is to become of it. */
struct entry {
    const char *provider; /* as rows have it */
    const char *subject;
    const char *user_id; /* NULL: no account yet */
    const struct client *client;
    const char *verification_id;       /* of a link; NULL: a login */
    bool wakes;                        /* of a link: the account sleeps */
    struct db_arg ci;                  /* of the person verified */
    const struct candidate *candidate; /* of a new account */
    struct tokens tokens;
};

struct login_state {
    const char *id; /* NULL: there is no such account */
    bool dormant;
    int64_t locked_s;
};

static struct login_state read_state(const struct db_rows *rows)
{
    if (db_count(rows) == 0) {
        return (struct login_state){0};
    }
    return (struct login_state){db_str(rows, 0, "id"), strcmp(db_str(rows, 0, "status"), "DORMANT") == 0,
                                db_int(rows, 0, "locked_s")};
}

/* Whether the account may be logged in to; a refusal is written down. */
static const struct err *check_state(struct ctx *ctx, const struct login_state *state, const char *provider,
                                     const struct client *client)
{
    const struct err *refused = state->locked_s > 0 ? &err_account_locked : NULL;
    if (!refused && state->dormant) {
        refused = &err_account_dormant;
    }
    if (!refused) {
        return NULL;
    }
    const struct login_entry entry = {state->id, provider, refused == &err_account_locked ? "LOCKED" : "DORMANT"};
    const struct err *e = login_record(ctx, &entry, client);
    ctx->retry_after_s = state->locked_s > 0 ? (int)state->locked_s : ctx->retry_after_s;
    return e ? e : refused;
}

/* No row: what was found has changed meanwhile. */
static const struct err *begin_session(struct ctx *ctx, struct entry *entry)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_social_stamp, &rows, DB_TEXT(entry->user_id), DB_TEXT(entry->provider),
                                 DB_TEXT(entry->subject));
    if (e || db_count(rows) == 0) {
        return e ? e : &err_conflict;
    }
    const struct login_entry login = {entry->user_id, entry->provider, "SUCCESS"};
    return login_begin(ctx, &login, db_str(rows, 0, "role"), entry->client, &entry->tokens);
}

static const struct err *log_in(struct ctx *ctx, void *arg)
{
    return begin_session(ctx, arg);
}

/* ---- back from the provider ---- */

/* A suggestion for a form: what cannot be a name is none. */
static const char *name_of(struct ctx *ctx, const char *name)
{
    const char *why, *line = name ? text_line(ctx->arena, name, &why) : NULL;
    return line && line[0] && strlen(line) <= NAME_MAX_BYTES ? line : NULL;
}

static const struct err *offer_link(struct ctx *ctx, const char *provider, const struct oauth_person *person,
                                    bool dormant, struct social_outcome *outcome_r)
{
    const char *token = social_random(ctx);
    const char *stands_for = ARENA_JOIN(ctx->arena, provider, ":", person->subject);
    const struct err *e = err_of_read(REDIS_RUN(ctx, NULL, "SET", social_key(ctx, "link", token), stands_for, "EX",
                                                arena_int(ctx->arena, SOCIAL_LINK_S)));
    if (!e) {
        *outcome_r =
            (struct social_outcome){.link_token = token,
                                    .dormant = dormant,
                                    .email = person->email ? user_email_normalise(ctx->arena, person->email) : NULL,
                                    .name = name_of(ctx, person->name)};
    }
    return e;
}

/* RFC 6749 appendix A.11. NULL is none. */
static bool is_code(const char *text)
{
    size_t len = 0;
    while (text && text[len] >= ' ' && text[len] <= '~') {
        len++;
    }
    return len > 0 && text[len] == '\0';
}

const struct err *social_finish(struct ctx *ctx, enum oauth_provider provider, const struct social_return *input,
                                const char *browser, const struct client *client, struct social_outcome *outcome_r)
{
    struct oauth_attempt attempt;
    struct oauth_person person;
    const struct db_rows *rows;
    const struct err *e = social_attempt_end(ctx, provider, input->state, browser, &attempt);
    if (!e && (input->error || !is_code(input->code))) {
        e = &err_oauth_refused;
    }
    e = e ? e : oauth_person_of(ctx, provider, &attempt, input->code, &person);
    if (e) {
        return e;
    }
    struct entry entry = {.provider = oauth_provider_code(provider), .subject = person.subject, .client = client};
    e = DB_RUN(ctx, &sql_user_of_subject, &rows, DB_TEXT(entry.provider), DB_TEXT(entry.subject));
    if (e) {
        return e;
    }
    const struct login_state state = read_state(rows);
    if (!state.id) {
        return offer_link(ctx, entry.provider, &person, false, outcome_r);
    }
    entry.user_id = state.id;
    e = check_state(ctx, &state, entry.provider, client);
    if (e == &err_account_dormant) {
        return offer_link(ctx, entry.provider, &person, true, outcome_r);
    }
    e = e ? e : limit_take(ctx, &limit_login, state.id);
    e = e ? e : db_transact(ctx, log_in, &entry);
    if (!e) {
        *outcome_r = (struct social_outcome){.linked = true, .tokens = entry.tokens};
    }
    return e;
}

/* ---- linking ---- */

/* What a link token stands for. */
static const struct err *read_link_token(struct ctx *ctx, const char *token, struct entry *entry)
{
    const struct redis_value *value;
    const struct err *e = err_of_read(REDIS_RUN(ctx, &value, "GET", social_key(ctx, "link", token)));
    if (e) {
        return e;
    }
    size_t len = value->type == REDIS_STR ? strcspn(value->str, ":") : 0;
    if (len == 0 || value->str[len] == '\0') {
        return &err_link_token_invalid;
    }
    entry->provider = arena_memdup(ctx->arena, value->str, len);
    entry->subject = value->str + len + 1;
    return NULL;
}

/* After a success it is of use for the repetition of a lost answer alone. */
static void forget_link_token(struct ctx *ctx, const char *token)
{
    const struct err *e =
        REDIS_RUN(ctx, NULL, "EXPIRE", social_key(ctx, "link", token), arena_int(ctx->arena, REPEATED_S), "LT");
    if (e) {
        log_warn(&ctx->log, "a link token that was used lives on: %s", e->code);
    }
}

static const struct err *insert_link(struct ctx *ctx, const struct entry *entry)
{
    const struct err *e = DB_RUN(ctx, &sql_user_link_insert, NULL, DB_TEXT(entry->user_id), DB_TEXT(entry->provider),
                                 DB_TEXT(entry->subject));
    if (e != &err_db_unique) {
        return e;
    }
    return strcmp(db_constraint(ctx), "oauth_accounts_subject_linked") == 0 ? &err_social_linked : &err_internal;
}

static const struct err *wake(struct ctx *ctx, const struct entry *entry)
{
    const struct err *e = DB_RUN(ctx, &sql_user_social_wake, NULL, DB_TEXT(entry->user_id), entry->ci);
    return e ? e : identity_use(ctx, entry->verification_id, entry->user_id);
}

/* The row of the account is locked: what it has changes with nobody else meanwhile. */
static const struct err *link_account(struct ctx *ctx, void *arg)
{
    struct entry *entry = arg;
    const struct db_rows *locked, *linked;
    const struct err *e = entry->wakes ? wake(ctx, entry) : NULL;
    e = e ? e : DB_RUN(ctx, &sql_user_lock, &locked, DB_TEXT(entry->user_id));
    if (e || db_count(locked) == 0) {
        return e ? e : &err_conflict;
    }
    e = DB_RUN(ctx, &sql_user_link_subject, &linked, DB_TEXT(entry->user_id), DB_TEXT(entry->provider));
    if (e) {
        return e;
    }
    const char *subject = db_count(linked) == 1 ? db_str(linked, 0, "subject") : NULL;
    if (subject && strcmp(subject, entry->subject) != 0) {
        return &err_social_other;
    }
    if (!subject) {
        e = insert_link(ctx, entry);
        e = e || entry->wakes ? e : identity_use(ctx, entry->verification_id, entry->user_id);
        e = e ? e : owner_notice(ctx, entry->user_id, MAIL_SOCIAL_LINKED, entry->provider);
    }
    return e ? e : begin_session(ctx, entry);
}

static const struct err *create_account(struct ctx *ctx, void *arg)
{
    struct entry *entry = arg;
    const struct err *e = account_create(ctx, entry->candidate);
    e = e ? e : insert_link(ctx, entry);
    return e ? e : begin_session(ctx, entry);
}

/* What a sign-up asks for, of which the verified person need not say again what the verification says. */
static const struct err *gather(struct ctx *ctx, const struct social_link *input,
                                const struct portone_identity *identity, struct sign_up *sign_up_r)
{
    const char *why;
    *sign_up_r = (struct sign_up){
        .email = input->email,
        .name = input->name ? input->name : text_line(ctx->arena, identity->name, &why),
        .phone = input->phone ? input->phone : identity->phone,
        .agreements = input->agreements,
        .identity_verification_id = input->identity_verification_id,
        .email_verification_token = input->email_verification_token,
    };
    const struct {
        const char *field, *value;
    } needed[] = {{"email", sign_up_r->email}, {"name", sign_up_r->name}, {"phone", sign_up_r->phone}};
    const struct err *e = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        if (!needed[i].value || !needed[i].value[0]) {
            e = ctx_invalid(ctx, needed[i].field, "is required for a new account");
        }
    }
    return e;
}

static const struct err *sign_up(struct ctx *ctx, const struct social_link *input,
                                 const struct portone_identity *identity, struct entry *entry)
{
    struct sign_up gathered;
    struct candidate candidate = {.identity = *identity};
    const struct err *e = gather(ctx, input, identity, &gathered);
    e = e ? e : account_check(ctx, &gathered, &candidate);
    e = e ? e : identity_says(ctx, identity, candidate.name, candidate.phone);
    if (e) {
        return e;
    }
    entry->user_id = uuid_v7(candidate.id);
    entry->candidate = &candidate;
    e = db_transact(ctx, create_account, entry);
    entry->user_id = NULL;
    entry->candidate = NULL;
    return e;
}

static const struct err *find_person(struct ctx *ctx, const char *ci, struct login_state *state_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_of_ci, &rows, user_pii_blind(ctx, "ci", ci));
    if (!e) {
        *state_r = read_state(rows);
    }
    return e;
}

static const struct err *link_found(struct ctx *ctx, const struct login_state *state, struct entry *entry)
{
    const struct err *e = check_state(ctx, state, entry->provider, entry->client);
    entry->user_id = state->id;
    entry->wakes = e == &err_account_dormant;
    return e && !entry->wakes ? e : db_transact(ctx, link_account, entry);
}

const struct err *social_link(struct ctx *ctx, const struct social_link *input, const struct client *client,
                              struct tokens *tokens_r)
{
    struct entry entry = {.client = client, .verification_id = input->identity_verification_id};
    struct portone_identity identity;
    struct login_state state;
    const struct err *e = read_link_token(ctx, input->link_token, &entry);
    /* What follows costs a call to PortOne. */
    e = e ? e : limit_take(ctx, &limit_link_token, social_key(ctx, "tries", input->link_token));
    e = e ? e : client_limit_take(ctx, &limit_link, client->ip);
    e = e ? e : identity_fetch(ctx, input->identity_verification_id, &identity);
    e = e ? e : find_person(ctx, identity.ci, &state);
    if (e) {
        return e;
    }
    entry.ci = user_pii_blind(ctx, "ci", identity.ci);
    e = state.id ? link_found(ctx, &state, &entry) : sign_up(ctx, input, &identity, &entry);
    /* The same twice at once: the other was first. */
    bool beaten =
        !state.id && (e == &err_person_already_registered || e == &err_email_taken || e == &err_social_linked);
    if (beaten && !find_person(ctx, identity.ci, &state) && state.id) {
        e = link_found(ctx, &state, &entry);
    }
    if (!e) {
        *tokens_r = entry.tokens;
        forget_link_token(ctx, input->link_token);
    }
    return e;
}

/* ---- unlinking ---- */

struct unlinking {
    const struct session_owner *owner;
    const char *provider;
};

static const struct err *unlink_account(struct ctx *ctx, void *arg)
{
    const struct unlinking *work = arg;
    const struct db_rows *locked, *others, *removed;
    const struct err *e = DB_RUN(ctx, &sql_user_lock, &locked, DB_TEXT(work->owner->user_id));
    if (e || db_count(locked) == 0) {
        return e ? e : &err_token_revoked;
    }
    e = DB_RUN(ctx, &sql_user_link_others, &others, DB_TEXT(work->owner->user_id), DB_TEXT(work->provider));
    e = e ? e : DB_RUN(ctx, &sql_user_link_remove, &removed, DB_TEXT(work->owner->user_id), DB_TEXT(work->provider));
    if (e) {
        return e;
    }
    if (db_affected(removed) == 0) {
        return NULL;
    }
    bool stays = db_bool(locked, 0, "has_password") || db_bool(others, 0, "others");
    e = stays ? session_revoke_others(ctx, work->owner) : &err_last_way_in;
    return e ? e : owner_notice(ctx, work->owner->user_id, MAIL_SOCIAL_UNLINKED, work->provider);
}

const struct err *social_unlink(struct ctx *ctx, const struct session_owner *owner, enum oauth_provider provider)
{
    struct unlinking work = {owner, oauth_provider_code(provider)};
    const struct err *e = db_transact(ctx, unlink_account, &work);
    return e ? e : session_blacklist_others(ctx, owner);
}
