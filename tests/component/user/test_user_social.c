/* Social logins and the accounts that they are linked to. PostgreSQL and Redis are real; who the provider and PortOne
 * say somebody is the functions below decide. */
#include <sys/wait.h>
#include <unistd.h>

#include "src/providers/oauth.h"
#include "src/providers/portone.h"
#include "src/user/account.h"
#include "src/user/password_change.h"
#include "src/user/social.h"
#include "src/user/social_attempt.h"
#include "src/user/terms.h"
#include "tests/support/login_scene.h"

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
    assert_null(REDIS_RUN(ctx, NULL, "DEL", "limit:link:192.0.2.0", "limit:social:192.0.2.0"));
    return failed;
}

/* ---- attempts ---- */

static const struct err *finish(enum oauth_provider which, const char *state, const char *browser,
                                struct social_outcome *outcome_r)
{
    const struct social_return input = {.code = "a code", .state = state};
    return social_finish(ctx, which, &input, browser, &client, outcome_r);
}

static struct social_begun begun(void)
{
    struct social_begun begun;
    assert_null(social_begin(ctx, OAUTH_KAKAO, client.ip, NULL, &begun));
    return begun; /* the state is its address */
}

static const struct err *visit_as(enum oauth_provider which, struct social_outcome *outcome_r)
{
    struct social_begun way;
    assert_null(social_begin(ctx, which, client.ip, NULL, &way));
    return finish(which, way.url, way.browser, outcome_r);
}

static const char *link_token_of(enum oauth_provider which)
{
    struct social_outcome outcome;
    assert_null(visit_as(which, &outcome));
    assert_false(outcome.linked);
    return outcome.link_token;
}

static void test_social_attempt_comes_back_once_to_its_browser(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct social_begun way = begun(), other = begun();
    assert_null(finish(OAUTH_KAKAO, way.url, way.browser, &outcome));
    assert_ptr_equal(finish(OAUTH_KAKAO, way.url, way.browser, &outcome), &err_social_state);
    assert_ptr_equal(finish(OAUTH_KAKAO, other.url, way.browser, &outcome), &err_social_state);
    assert_ptr_equal(finish(OAUTH_KAKAO, other.url, other.browser, &outcome), &err_social_state); /* it was used up */
    assert_ptr_equal(finish(OAUTH_NAVER, begun().url, way.browser, &outcome), &err_social_state);
    assert_int_equal(codes_redeemed, 1);
}

static void test_social_attempt_that_is_none_is_refused(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct social_begun way = begun();
    static char long_text[300];
    memset(long_text, 'x', sizeof long_text - 1);
    const char *const texts[] = {NULL, "", "x", long_text};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_ptr_equal(finish(OAUTH_KAKAO, texts[i], way.browser, &outcome), &err_social_state);
    }
    assert_ptr_equal(finish(OAUTH_KAKAO, begun().url, NULL, &outcome), &err_social_state);
    assert_ptr_equal(finish(OAUTH_KAKAO, begun().url, "", &outcome), &err_social_state);
    assert_int_equal(codes_redeemed, 0);
    assert_null(finish(OAUTH_KAKAO, way.url, way.browser, &outcome));
}

static void test_social_attempt_of_another_provider_is_refused(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct social_begun way = begun();
    assert_ptr_equal(finish(OAUTH_GOOGLE, way.url, way.browser, &outcome), &err_social_state);
    assert_int_equal(codes_redeemed, 0);
}

static void test_social_attempt_ends_by_itself(void **state)
{
    (void)state;
    struct social_begun way = begun();
    const struct redis_value *left;
    assert_null(REDIS_RUN(ctx, &left, "TTL", social_key(ctx, "attempt", way.url)));
    assert_in_range(left->integer, 1, SOCIAL_ATTEMPT_S);
    const char *token = link_token_of(OAUTH_KAKAO);
    assert_null(REDIS_RUN(ctx, &left, "TTL", social_key(ctx, "link", token)));
    assert_in_range(left->integer, 1, SOCIAL_LINK_S);
}

static void test_social_login_that_the_provider_refuses_changes_nothing(void **state)
{
    (void)state;
    static const struct err *const errors[] = {&err_oauth_refused, &err_unavailable, &err_bad_gateway};
    struct social_outcome outcome = {.link_token = "untouched"};
    for (size_t i = 0; i < ARRAY_COUNT(errors); i++) {
        provider = errors[i];
        assert_ptr_equal(visit_as(OAUTH_KAKAO, &outcome), errors[i]);
        assert_string_equal(outcome.link_token, "untouched");
    }
    provider = NULL;
    struct social_begun way = begun();
    const struct social_return denied = {.code = "a code", .state = way.url, .error = "access_denied"};
    codes_redeemed = 0;
    assert_ptr_equal(social_finish(ctx, OAUTH_KAKAO, &denied, way.browser, &client, &outcome), &err_oauth_refused);
    assert_int_equal(codes_redeemed, 0);
}

static void test_social_login_without_redis_is_unavailable(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct social_begun way = begun(), unused;
    struct redis *redis = ctx->redis;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_ptr_equal(social_begin(ctx, OAUTH_KAKAO, client.ip, NULL, &unused), &err_unavailable);
    assert_ptr_equal(finish(OAUTH_KAKAO, way.url, way.browser, &outcome), &err_unavailable);
    redis_free(&ctx->redis);
    ctx->redis = redis;
    assert_null(finish(OAUTH_KAKAO, way.url, way.browser, &outcome));
}

static void test_social_offer_keeps_what_a_form_could_take(void **state)
{
    (void)state;
    struct social_outcome outcome;
    visitor.email = "KIM@Example.com";
    visitor.name = "  김  민수 ";
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_string_equal(outcome.email, "kim@example.com");
    assert_string_equal(outcome.name, "김 민수");
    static char long_name[300];
    memset(long_name, 'x', sizeof long_name - 1);
    const char *const names[] = {NULL, "", " ", "a\u202eb", "a\r\nb", "a\tb\x01", long_name};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        visitor.email = "not an address\r\nBcc: x";
        visitor.name = names[i];
        assert_null(visit_as(OAUTH_KAKAO, &outcome));
        assert_null(outcome.email);
        if (i != 4) { /* white space is a space */
            assert_null(outcome.name);
        }
    }
}

/* ---- linking ---- */

static struct json_list agreed(void)
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

static struct social_link body_of(const char *token)
{
    return (struct social_link){.link_token = token,
                                .identity_verification_id = fixture_uuid(),
                                .email = arena_printf(ctx->arena, "%s@example.com", fixture_uuid()),
                                .agreements = agreed()};
}

static const struct err *link_with(const struct social_link *body, struct tokens *tokens_r)
{
    return social_link(ctx, body, &client, tokens_r);
}

static const char *owner_of(const struct tokens *tokens)
{
    return claims_of(tokens->access_token).subject;
}

/* A person who has come in by Kakao and has no password. */
static const char *new_visitor(void)
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

static void assert_made(int accounts, int links)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &made_of, &rows, user_pii_blind(ctx, "ci", identity.ci)));
    assert_int_equal(db_int(rows, 0, "accounts"), accounts);
    assert_int_equal(db_int(rows, 0, "links"), links);
    assert_true((db_int(rows, 0, "decisions") > 0) == (accounts > 0));
}

static void test_social_link_of_a_new_person_makes_an_account(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct profile profile;
    const char *id = new_visitor();
    assert_made(1, 1);
    assert_null(account_profile(ctx, id, &profile));
    assert_string_equal(profile.name, NAME);
    assert_string_equal(profile.phone, PHONE);
    assert_string_equal(profile.linked_providers, "[\"KAKAO\"]");
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_true(outcome.linked);
    assert_string_equal(owner_of(&outcome.tokens), id);
}

static void test_social_link_that_is_refused_leaves_nothing(void **state)
{
    (void)state;
    struct tokens tokens = {.access_token = "untouched"};
    const char *token = link_token_of(OAUTH_KAKAO);
    struct social_link body = body_of("no token");
    assert_ptr_equal(link_with(&body, &tokens), &err_link_token_invalid);
    body = body_of(token);
    body.email = NULL;
    assert_ptr_equal(link_with(&body, &tokens), &err_invalid_request);
    body = body_of(token);
    body.agreements.count = 0;
    assert_ptr_equal(link_with(&body, &tokens), &err_terms_required);
    body = body_of(token);
    body.name = "이몽룡";
    assert_ptr_equal(link_with(&body, &tokens), &err_identity_not_verified);
    struct person other = new_person();
    body = body_of(token);
    body.email = other.email;
    assert_ptr_equal(link_with(&body, &tokens), &err_email_taken);
    identity.verified = false;
    body = body_of(token);
    assert_ptr_equal(link_with(&body, &tokens), &err_identity_not_verified);
    identity.verified = true;
    assert_made(0, 0);
    assert_string_equal(tokens.access_token, "untouched");
}

static void test_social_link_goes_to_the_account_of_the_person(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens;
    identity.ci = person.id; /* as the scene has it */
    struct social_link body = {.link_token = link_token_of(OAUTH_KAKAO), .identity_verification_id = fixture_uuid()};
    assert_null(link_with(&body, &tokens));
    assert_string_equal(owner_of(&tokens), person.id);
    assert_null(link_with(&body, &tokens)); /* the answer was lost */
    assert_true(strcmp(owner_of(&tokens), person.id) == 0 && mails_to(person.id, "SOCIAL_LINKED") == 1);

    visitor.subject = fixture_uuid(); /* the same person's other login there */
    body = (struct social_link){.link_token = link_token_of(OAUTH_KAKAO), .identity_verification_id = fixture_uuid()};
    assert_ptr_equal(link_with(&body, &tokens), &err_social_other);
}

static void test_social_login_is_one_accounts(void **state)
{
    (void)state;
    struct tokens tokens;
    const char *token = link_token_of(OAUTH_KAKAO);
    struct social_link body = body_of(token);
    assert_null(link_with(&body, &tokens));
    struct person other = new_person();
    identity.ci = other.id;
    body = body_of(token);
    assert_ptr_equal(link_with(&body, &tokens), &err_social_linked);
    identity.ci = fixture_uuid(); /* nobody's yet */
    body = body_of(token);
    assert_ptr_equal(link_with(&body, &tokens), &err_social_linked);
    assert_made(0, 0);
}

static void test_social_link_uses_its_verification_up(void **state)
{
    (void)state;
    struct tokens tokens;
    struct social_link body = body_of(link_token_of(OAUTH_KAKAO));
    assert_null(link_with(&body, &tokens));
    body.link_token = link_token_of(OAUTH_NAVER);
    assert_ptr_equal(link_with(&body, &tokens), &err_identity_not_verified);
    assert_made(1, 1);
}

static void test_social_link_of_one_subject_is_of_one_provider(void **state)
{
    (void)state;
    struct social_outcome outcome;
    (void)new_visitor();
    assert_null(visit_as(OAUTH_GOOGLE, &outcome));
    assert_false(outcome.linked);
}

enum { RIVALS = 4 };

/* Runs `work` in so many processes at once; returns how many succeeded. */
static int at_once(bool (*work)(int number, const void *arg), const void *arg)
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

static bool link_now(int number, const void *arg)
{
    (void)number;
    struct tokens tokens;
    return !link_with(arg, &tokens);
}

static void test_social_link_at_once_makes_one_account(void **state)
{
    (void)state;
    const struct social_link body = body_of(link_token_of(OAUTH_KAKAO));
    assert_int_equal(at_once(link_now, &body), RIVALS);
    assert_made(1, 1);
}

/* ---- accounts that may not be logged in to ---- */

static const struct db_stmt lock = {
    .name = "test_lock", .sql = "UPDATE users SET locked_until = clock_timestamp() + interval '1 hour' WHERE id = $1"};
static const struct db_stmt last_result = {
    .name = "test_last_result",
    .sql = "SELECT method, result FROM login_history WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1"};

static void assert_last_login(const char *id, const char *result)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &last_result, &rows, DB_TEXT(id)));
    assert_string_equal(db_str(rows, 0, "method"), "KAKAO");
    assert_string_equal(db_str(rows, 0, "result"), result);
}

static void test_social_login_of_a_locked_or_sleeping_account_is_refused(void **state)
{
    (void)state;
    struct social_outcome outcome;
    const char *id = new_visitor();
    assert_last_login(id, "SUCCESS");
    assert_null(DB_RUN(ctx, &lock, NULL, DB_TEXT(id)));
    assert_ptr_equal(visit_as(OAUTH_KAKAO, &outcome), &err_account_locked);
    assert_in_range(ctx->retry_after_s, 3590, 3600);
    assert_last_login(id, "LOCKED");

    visitor.subject = fixture_uuid();
    identity.ci = fixture_uuid();
    id = new_visitor();
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(id)));
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_true(!outcome.linked && outcome.dormant);
    assert_last_login(id, "DORMANT");
    assert_made(1, 1);
}

static void test_social_link_of_its_verified_owner_wakes_an_account(void **state)
{
    (void)state;
    struct social_outcome outcome;
    struct tokens tokens;
    const char *id = new_visitor();
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(id)));
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    struct social_link body = body_of(outcome.link_token);
    const char *own = identity.ci;
    identity.ci = fixture_uuid(); /* somebody else */
    assert_non_null(link_with(&body, &tokens));
    assert_last_login(id, "DORMANT");
    identity.ci = own;
    body.identity_verification_id = fixture_uuid();
    assert_null(link_with(&body, &tokens));
    assert_last_login(id, "SUCCESS");
    assert_null(link_with(&body, &tokens)); /* its answer was lost */
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_true(outcome.linked);

    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(id)));
    visitor.subject = fixture_uuid(); /* by another provider */
    body = body_of(link_token_of(OAUTH_NAVER));
    body.identity_verification_id = fixture_uuid();
    assert_null(link_with(&body, &tokens));
    assert_string_equal(owner_of(&tokens), id);
}

static void test_social_login_of_a_closed_account_is_nobodys(void **state)
{
    (void)state;
    struct social_outcome outcome;
    const char *id = new_visitor();
    assert_null(DB_RUN(ctx, &withdraw, NULL, DB_TEXT(id)));
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_false(outcome.linked);
    assert_ptr_equal(social_unlink(ctx, &(struct session_owner){.user_id = id}, OAUTH_KAKAO), &err_token_revoked);
}

/* ---- unlinking ---- */

static const char *new_visitor_of_two(void)
{
    struct tokens tokens;
    const char *id = new_visitor();
    const struct social_link body = body_of(link_token_of(OAUTH_NAVER));
    assert_null(link_with(&body, &tokens));
    assert_string_equal(owner_of(&tokens), id);
    return id;
}

static void test_social_unlink_never_takes_the_last_way_in(void **state)
{
    (void)state;
    const char *id = new_visitor_of_two();
    assert_made(1, 2);
    assert_null(social_unlink(ctx, &(struct session_owner){.user_id = id}, OAUTH_GOOGLE)); /* there was none */
    assert_null(social_unlink(ctx, &(struct session_owner){.user_id = id}, OAUTH_KAKAO));
    assert_null(social_unlink(ctx, &(struct session_owner){.user_id = id}, OAUTH_KAKAO));
    assert_ptr_equal(social_unlink(ctx, &(struct session_owner){.user_id = id}, OAUTH_NAVER), &err_last_way_in);
    assert_made(1, 1);
}

static bool unlink_now(int number, const void *arg)
{
    return !social_unlink(ctx, &(struct session_owner){.user_id = arg}, number % 2 == 0 ? OAUTH_KAKAO : OAUTH_NAVER);
}

static void test_social_unlink_at_once_leaves_one_way_in(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        visitor.subject = fixture_uuid();
        identity.ci = fixture_uuid();
        const char *id = new_visitor_of_two();
        assert_in_range(at_once(unlink_now, id), 1, RIVALS - 1);
        assert_made(1, 1);
    }
}

static void test_social_unlink_of_who_has_a_password_is_done(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens;
    identity.ci = person.id;
    const struct social_link body = body_of(link_token_of(OAUTH_KAKAO));
    assert_null(link_with(&body, &tokens));
    assert_null(social_unlink(ctx, &(struct session_owner){.user_id = person.id}, OAUTH_KAKAO));
    struct social_outcome outcome;
    assert_null(visit_as(OAUTH_KAKAO, &outcome));
    assert_true(!outcome.linked && mails_to(person.id, "SOCIAL_UNLINKED") == 1);
    (void)logged_in(&person);
}

static void test_password_that_is_none_cannot_be_changed_nor_logged_in_with(void **state)
{
    (void)state;
    struct tokens tokens;
    const struct social_link body = body_of(link_token_of(OAUTH_KAKAO));
    assert_null(link_with(&body, &tokens));
    struct token_claims claims = claims_of(tokens.access_token);
    const struct session_owner owner = {claims.subject, claims.jti, claims.expires_s};
    const struct password_change change = {"", "a-New-passphrase-77"};
    assert_ptr_equal(password_change(ctx, &owner, client.ip, &change), &err_password_not_set);
    assert_ptr_equal(login(body.email, "", &tokens), &err_bad_credentials);
}

static void test_social_provider_is_one_that_is_on(void **state)
{
    (void)state;
    enum oauth_provider which;
    assert_null(social_provider("kakao", &which));
    assert_int_equal(which, OAUTH_KAKAO);
    assert_ptr_equal(social_provider("facebook", &which), &err_not_found);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_visit, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_social_attempt_comes_back_once_to_its_browser),
        TEST(test_social_attempt_that_is_none_is_refused),
        TEST(test_social_attempt_of_another_provider_is_refused),
        TEST(test_social_attempt_ends_by_itself),
        TEST(test_social_login_that_the_provider_refuses_changes_nothing),
        TEST(test_social_login_without_redis_is_unavailable),
        TEST(test_social_offer_keeps_what_a_form_could_take),
        TEST(test_social_link_of_a_new_person_makes_an_account),
        TEST(test_social_link_that_is_refused_leaves_nothing),
        TEST(test_social_link_goes_to_the_account_of_the_person),
        TEST(test_social_login_is_one_accounts),
        TEST(test_social_link_uses_its_verification_up),
        TEST(test_social_link_of_one_subject_is_of_one_provider),
        TEST(test_social_link_at_once_makes_one_account),
        TEST(test_social_login_of_a_locked_or_sleeping_account_is_refused),
        TEST(test_social_link_of_its_verified_owner_wakes_an_account),
        TEST(test_social_login_of_a_closed_account_is_nobodys),
        TEST(test_social_unlink_never_takes_the_last_way_in),
        TEST(test_social_unlink_at_once_leaves_one_way_in),
        TEST(test_social_unlink_of_who_has_a_password_is_done),
        TEST(test_password_that_is_none_cannot_be_changed_nor_logged_in_with),
        TEST(test_social_provider_is_one_that_is_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
