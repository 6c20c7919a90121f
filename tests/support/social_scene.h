/*
 * social_scene: visitors who come from a provider of social logins, for component tests. PostgreSQL and Redis are real;
 * the providers and the identity verification are played by the functions below.
 */
#ifndef TESTS_SUPPORT_SOCIAL_SCENE_H
#define TESTS_SUPPORT_SOCIAL_SCENE_H

#include "src/providers/oauth.h"
#include "src/providers/portone.h"
#include "src/user/account.h"
#include "src/user/password_change.h"
#include "src/user/social.h"
#include "src/user/social_attempt.h"
#include "src/user/terms.h"
#include "tests/support/login_scene.h"
#include <sys/wait.h>
#include <unistd.h>

static struct oauth_person visitor;
static const struct err *provider;
static int codes_redeemed;
static struct portone_identity identity;
static const struct client client = {"192.0.2.7", "test agent"};

const struct err *oauth_person_of(struct ctx *unused_ctx, enum oauth_provider unused_provider,
                                  const struct oauth_attempt *attempt, const char *code, struct oauth_person *person_r)
{
    (void)unused_ctx;
    (void)unused_provider;
    (void)code;
    assert_int_equal(strlen(attempt->verifier), 43);
    codes_redeemed++;
    if (!provider) {
        *person_r = visitor;
    }
    return provider;
}

const char *oauth_authorize_url(struct ctx *unused_ctx, enum oauth_provider unused_provider,
                                const struct oauth_attempt *attempt, const char *sandbox_user)
{
    (void)unused_provider;
    (void)sandbox_user;
    return arena_strdup(unused_ctx->arena, attempt->state);
}

bool oauth_provider_find(const char *name, enum oauth_provider *provider_r)
{
    *provider_r = OAUTH_KAKAO;
    return strcmp(name, "kakao") == 0;
}

const char *oauth_provider_code(enum oauth_provider which)
{
    static const char *const codes[] = {"KAKAO", "NAVER", "GOOGLE"};
    return codes[which];
}

bool oauth_on(enum oauth_provider which)
{
    return which == OAUTH_KAKAO;
}

const struct err *portone_identity(struct ctx *unused_ctx, const char *verification_id,
                                   struct portone_identity *identity_r)
{
    (void)unused_ctx;
    (void)verification_id;
    *identity_r = identity;
    return NULL;
}

static int begin_visit(void **state)
{
    int failed = begin(state);
    provider = NULL;
    codes_redeemed = 0;
    visitor = (struct oauth_person){fixture_uuid(), "kim@example.com", "김민수"};
    identity = (struct portone_identity){.verified = true,
                                         .status_text = "VERIFIED",
                                         .ci = fixture_uuid(),
                                         .name = NAME,
                                         .phone = PHONE,
                                         .verified_at = clock_now()};
    assert_null(REDIS_RUN(ctx, NULL, "FLUSHDB")); /* this program's alone */
    return failed;
}

/* ---- attempts ---- */

static inline const struct err *finish(enum oauth_provider which, const char *state, const char *browser,
                                       struct social_outcome *outcome_r)
{
    const struct social_return input = {.code = "a code", .state = state};
    return social_finish(ctx, which, &input, browser, &client, outcome_r);
}

static inline struct social_begun begun(void)
{
    struct social_begun begun;
    assert_null(social_begin(ctx, OAUTH_KAKAO, client.ip, NULL, &begun));
    return begun; /* the state is its address */
}

static inline const struct err *visit_as(enum oauth_provider which, struct social_outcome *outcome_r)
{
    struct social_begun way;
    assert_null(social_begin(ctx, which, client.ip, NULL, &way));
    return finish(which, way.url, way.browser, outcome_r);
}

static inline const char *link_token_of(enum oauth_provider which)
{
    struct social_outcome outcome;
    assert_null(visit_as(which, &outcome));
    assert_false(outcome.linked);
    return outcome.link_token;
}

/* ---- linking ---- */

static inline struct json_list agreed(void)
{
    struct terms_list current;
    assert_null(terms_current(ctx, &current));
    struct agreement *list = arena_calloc(ctx->arena, current.terms.count, sizeof *list);
    for (size_t i = 0; i < current.terms.count; i++) {
        const struct terms *terms = (const struct terms *)current.terms.items + i;
        list[i] = (struct agreement){terms->type, terms->version, 1};
    }
    return (struct json_list){list, current.terms.count};
}

static inline struct social_link body_of(const char *token)
{
    return (struct social_link){.link_token = token,
                                .identity_verification_id = fixture_uuid(),
                                .email = arena_printf(ctx->arena, "%s@example.com", fixture_uuid()),
                                .agreements = agreed()};
}

static inline const struct err *link_with(const struct social_link *body, struct tokens *tokens_r)
{
    return social_link(ctx, body, &client, tokens_r);
}

static inline const char *owner_of(const struct tokens *tokens)
{
    return claims_of(tokens->access_token).subject;
}

/* A person who has come in by Kakao and has no password. */
static inline const char *new_visitor(void)
{
    struct tokens tokens;
    const struct social_link body = body_of(link_token_of(OAUTH_KAKAO));
    assert_null(link_with(&body, &tokens));
    return owner_of(&tokens);
}

static const struct db_stmt made_of = {
    .name = "test_made_of",
    .sql = "SELECT (SELECT count(*) FROM users WHERE ci_hash = $1) AS accounts,"
           " (SELECT count(*) FROM oauth_accounts AS o INNER JOIN users AS u ON o.user_id = u.id WHERE u.ci_hash = $1)"
           " AS links,"
           " (SELECT count(*) FROM terms_agreements AS t INNER JOIN users AS u ON t.user_id = u.id"
           " WHERE u.ci_hash = $1) AS decisions"};

static inline void assert_made(int accounts, int links)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &made_of, &rows, user_pii_blind(ctx, "ci", identity.ci)));
    assert_int_equal(db_int(rows, 0, "accounts"), accounts);
    assert_int_equal(db_int(rows, 0, "links"), links);
    assert_true((db_int(rows, 0, "decisions") > 0) == (accounts > 0));
}

enum { RIVALS = 4 };

/* Runs `work` in so many processes at once; returns how many succeeded. */
static inline int at_once(bool (*work)(int number, const void *arg), const void *arg)
{
    pid_t pids[RIVALS];
    int done = 0;
    for (int i = 0; i < RIVALS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            _exit(work(i, arg) ? 0 : 1);
        }
    }
    for (int i = 0; i < RIVALS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        done += WEXITSTATUS(status) == 0;
    }
    return done;
}

#define VISIT(name) cmocka_unit_test_setup_teardown(name, begin_visit, end)

#endif
