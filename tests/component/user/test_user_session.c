/* Refresh, logout, and a person's own view of the sessions. */
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/login_scene.h"

static const struct err *access_revoked(const char *access_token)
{
    return token_check_revoked(ctx, claims_of(access_token).jti);
}

static const struct err *refresh(const char *refresh_token, struct tokens *tokens_r)
{
    const struct client client = {"192.0.2.8", "refreshing agent"};
    return refresh_exchange(ctx, refresh_token, &client, tokens_r);
}

static const struct db_stmt token_kept = {.name = "test_token_kept",
                                          .sql = "SELECT count(*) AS total FROM refresh_tokens WHERE user_id = $1 "
                                                 "AND token_hash = sha256(convert_to($2, 'UTF8'))"};

static void test_refresh_of_the_live_token_replaces_it(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, third;
    assert_null(refresh(first.refresh_token, &second));
    assert_string_not_equal(first.refresh_token, second.refresh_token);
    assert_null(refresh(second.refresh_token, &third));
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &token_kept, &rows, DB_TEXT(person.id), DB_TEXT(third.refresh_token)));
    assert_int_equal(db_int(rows, 0, "total"), 1);
}

/* As if so much more time had passed since every exchange of this person's tokens. */
static void seconds_pass(const struct person *person, int64_t seconds)
{
    static const struct db_stmt age = {
        .name = "test_age_exchanges",
        .sql =
            "UPDATE refresh_tokens SET rotated_at = rotated_at - make_interval(secs => $2::bigint) WHERE user_id = $1"};
    assert_null(DB_RUN(ctx, &age, NULL, DB_TEXT(person->id), DB_INT(seconds)));
}

static void grace_is_over(const struct person *person)
{
    seconds_pass(person, cfg_user.refresh_grace_s);
}

static void assert_same_pair(const struct tokens *pair, const struct tokens *expected)
{
    assert_string_equal(pair->access_token, expected->access_token);
    assert_string_equal(pair->refresh_token, expected->refresh_token);
}

static void test_refresh_whose_answer_was_lost_gets_it_again(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, again, third;
    assert_null(refresh(first.refresh_token, &second));
    assert_null(refresh(first.refresh_token, &again));
    assert_same_pair(&again, &second);
    assert_in_range(again.expires_in, cfg_token.access_s - 30, cfg_token.access_s);
    assert_null(access_revoked(again.access_token));
    assert_null(refresh(again.refresh_token, &third));
}

static void test_refresh_that_was_lost_in_a_tunnel_gets_its_answer_after_it(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, again;
    assert_null(refresh(first.refresh_token, &second));
    seconds_pass(&person, 110);
    assert_null(refresh(first.refresh_token, &again));
    assert_same_pair(&again, &second);
}

static void test_refresh_is_answered_again_while_its_access_token_lives(void **state)
{
    (void)state;
    struct person person = new_person();
    cfg_user.refresh_grace_s = 600;
    cfg_token.access_s = 60;
    struct tokens first = logged_in(&person), unused;
    assert_null(refresh(first.refresh_token, &unused));
    seconds_pass(&person, 50);
    assert_null(refresh(first.refresh_token, &unused));
    seconds_pass(&person, 10);
    assert_ptr_equal(refresh(first.refresh_token, &unused), &err_refresh_reused);
}

static void test_refresh_with_a_token_whose_next_was_used_ends_the_family(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, third, unused;
    assert_null(refresh(first.refresh_token, &second));
    assert_null(refresh(second.refresh_token, &third));
    assert_ptr_equal(refresh(first.refresh_token, &unused), &err_refresh_reused);
    assert_ptr_equal(refresh(third.refresh_token, &unused), &err_token_revoked);
    assert_ptr_equal(access_revoked(third.access_token), &err_token_revoked);
}

static void test_refresh_is_not_repeated_for_an_account_that_is_none_any_more(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, unused;
    assert_null(refresh(first.refresh_token, &second));
    assert_null(DB_RUN(ctx, &withdraw, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(refresh(first.refresh_token, &unused), &err_token_revoked);
    assert_ptr_equal(refresh(second.refresh_token, &unused), &err_token_revoked);
}

static void test_refresh_of_a_replaced_token_ends_the_family(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, other = logged_in(&person), unused;
    assert_null(refresh(first.refresh_token, &second));
    assert_null(access_revoked(second.access_token));
    grace_is_over(&person);
    assert_ptr_equal(refresh(first.refresh_token, &unused), &err_refresh_reused);
    assert_ptr_equal(refresh(second.refresh_token, &unused), &err_token_revoked);
    assert_ptr_equal(access_revoked(first.access_token), &err_token_revoked);
    assert_ptr_equal(access_revoked(second.access_token), &err_token_revoked);
    assert_null(refresh(other.refresh_token, &unused));
}

static void test_refresh_with_anything_else_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person), unused;
    assert_ptr_equal(refresh(tokens.access_token, &unused), &err_token_invalid);
    assert_ptr_equal(refresh("a.b.c", &unused), &err_token_invalid);
    struct token_claims unknown = {.subject = person.id, .family = fixture_uuid()};
    assert_ptr_equal(refresh(token_issue(ctx, TOKEN_REFRESH, &unknown), &unused), &err_token_invalid);
}

static void test_refresh_of_a_dormant_account_is_refused(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person), unused;
    assert_null(DB_RUN(ctx, &make_dormant, NULL, DB_TEXT(person.id)));
    assert_ptr_equal(refresh(tokens.refresh_token, &unused), &err_account_dormant);
}

static const struct db_stmt last_seen = {
    .name = "test_last_seen",
    .sql = "UPDATE users SET last_login_at = clock_timestamp() - make_interval(hours => $2) WHERE id = $1"};
static const struct db_stmt hours_since = {
    .name = "test_hours_since",
    .sql =
        "SELECT round(extract(epoch FROM clock_timestamp() - last_login_at) / 3600) AS hours FROM users WHERE id = $1"};

/* Refreshes when the account was used so long ago. */
static int64_t hours_after_refresh(const struct person *person, struct tokens *tokens, int hours)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &last_seen, NULL, DB_TEXT(person->id), DB_INT(hours)));
    assert_null(refresh(tokens->refresh_token, tokens));
    assert_null(DB_RUN(ctx, &hours_since, &rows, DB_TEXT(person->id)));
    return db_int(rows, 0, "hours");
}

static void test_refresh_says_to_the_day_that_the_account_is_used(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person);
    assert_int_equal(hours_after_refresh(&person, &tokens, 360 * 24), 0);
    assert_int_equal(hours_after_refresh(&person, &tokens, 23), 23);
}

static void test_logout_ends_the_session_and_no_other(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), other = logged_in(&person), second, unused;
    assert_null(refresh(first.refresh_token, &second));
    struct token_claims claims = claims_of(second.access_token);
    const struct session_owner owner = {person.id, claims.jti, claims.expires_s};
    assert_null(session_logout(ctx, &owner));
    assert_null(session_logout(ctx, &owner));
    assert_ptr_equal(access_revoked(first.access_token), &err_token_revoked);
    assert_ptr_equal(access_revoked(second.access_token), &err_token_revoked);
    assert_ptr_equal(refresh(second.refresh_token, &unused), &err_token_revoked);
    assert_null(access_revoked(other.access_token));
    assert_null(refresh(other.refresh_token, &unused));
}

static const struct db_stmt live_tokens = {.name = "test_live_tokens",
                                           .sql = "SELECT count(*) AS total FROM refresh_tokens WHERE user_id = $1 "
                                                  "AND rotated_at IS NULL AND revoked_at IS NULL"};

/* One token used by several processes at once: all are served, and one live token is left. */
static void test_refresh_of_one_token_at_once_leaves_one_live_token(void **state)
{
    (void)state;
    enum { RIVALS = 4 };
    struct person person = new_person();
    struct tokens tokens = logged_in(&person), unused;
    pid_t pids[RIVALS];
    for (int i = 0; i < RIVALS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            _exit(refresh(tokens.refresh_token, &unused) ? 1 : 0);
        }
    }
    for (int i = 0; i < RIVALS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &live_tokens, &rows, DB_TEXT(person.id)));
    assert_int_equal(db_int(rows, 0, "total"), 1);
}

/* ---- the person's own view ---- */

static struct session_owner owner_of(const struct person *person, const struct tokens *tokens)
{
    struct token_claims claims = claims_of(tokens->access_token);
    return (struct session_owner){person->id, claims.jti, claims.expires_s};
}

static const struct session_view *sessions_of(const struct session_owner *owner, size_t expected)
{
    static const struct page all = {0, 100};
    struct json_list list;
    int64_t total;
    assert_null(session_list(ctx, owner, &all, &list, &total));
    assert_int_equal(list.count, expected);
    assert_int_equal(total, expected);
    return list.items;
}

/* Somebody's lock keeps a refresh waiting between having used up the old token and adding the new one. */
static const struct db_stmt hold_user = {.name = "test_hold_user", .sql = "SELECT FROM users WHERE id = $1 FOR UPDATE"};

struct rivals {
    const char *user_id;
    const char *refresh_token;
    struct session_owner owner;
    const struct err *(*leave)(struct ctx *ctx, const struct session_owner *owner);
    pid_t refreshing, leaving;
};

static const struct err *refresh_then_leave(struct ctx *holder, void *arg)
{
    struct rivals *rivals = arg;
    struct tokens unused;
    assert_null(DB_RUN(holder, &hold_user, NULL, DB_TEXT(rivals->user_id)));
    rivals->refreshing = fork();
    if (rivals->refreshing == 0) {
        ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
        _exit(refresh(rivals->refresh_token, &unused) ? 1 : 0);
    }
    fixture_await_waiting(holder, 1);
    rivals->leaving = fork();
    if (rivals->leaving == 0) {
        ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
        _exit(rivals->leave(ctx, &rivals->owner) ? 1 : 0);
    }
    fixture_await_waiting(holder, 2);
    return NULL;
}

static void assert_nothing_lives_after(struct rivals *rivals)
{
    int refreshed, left;
    assert_null(db_transact(ctx, refresh_then_leave, rivals));
    assert_int_equal(waitpid(rivals->refreshing, &refreshed, 0), rivals->refreshing);
    assert_int_equal(waitpid(rivals->leaving, &left, 0), rivals->leaving);
    assert_int_equal(refreshed, 0);
    assert_int_equal(left, 0);
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &live_tokens, &rows, DB_TEXT(rivals->user_id)));
    assert_int_equal(db_int(rows, 0, "total"), 0);
}

static void test_logout_during_a_refresh_leaves_no_live_token(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person);
    assert_nothing_lives_after(&(struct rivals){.user_id = person.id,
                                                .refresh_token = tokens.refresh_token,
                                                .owner = owner_of(&person, &tokens),
                                                .leave = session_logout});
}

static void test_session_end_all_during_a_refresh_leaves_no_live_token(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person), tokens = logged_in(&person);
    assert_nothing_lives_after(&(struct rivals){.user_id = person.id,
                                                .refresh_token = tokens.refresh_token,
                                                .owner = owner_of(&person, &own),
                                                .leave = session_end_all});
}

static const struct err *refresh_beside_a_link(struct ctx *linking, void *arg)
{
    const struct rivals *rivals = arg;
    int refreshed;
    assert_null(DB_RUN(linking, &sql_user_lock, NULL, DB_TEXT(rivals->user_id)));
    pid_t pid = fork();
    if (pid == 0) {
        struct tokens unused;
        alarm(30); /* rather than wait for ever */
        ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
        _exit(refresh(rivals->refresh_token, &unused) ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &refreshed, 0), pid);
    assert_int_equal(refreshed, 0);
    return session_lock(linking, rivals->user_id);
}

/* Who links and logs in has the account's row and wants the sessions' lock; who refreshes, the other way round. */
static void test_refresh_waits_for_nobody_who_will_wait_for_it(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person);
    struct rivals rivals = {.user_id = person.id, .refresh_token = tokens.refresh_token};
    assert_null(db_transact(ctx, refresh_beside_a_link, &rivals));
}

static void test_session_list_shows_each_session_once_as_last_used(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens old = logged_in(&person), other = logged_in(&person), used;
    logged_in(&stranger);
    assert_null(refresh(old.refresh_token, &used));
    const struct session_owner by_old = owner_of(&person, &old), by_used = owner_of(&person, &used);
    const struct session_view *views = sessions_of(&by_old, 2);
    int mine = views[0].current ? 0 : 1;
    assert_int_equal(views[mine].current, 1);
    assert_int_equal(views[1 - mine].current, 0);
    assert_string_equal(views[mine].ip, "192.0.2.8");
    assert_string_equal(views[mine].user_agent, "refreshing agent");
    assert_string_equal(views[1 - mine].ip, "192.0.2.7");
    assert_true(views[mine].created_at <= views[mine].last_used_at + CLOCK_SECOND);
    assert_int_equal(views[mine].expires_at, views[mine].last_used_at + cfg_token.refresh_s * CLOCK_SECOND);
    assert_string_equal(sessions_of(&by_used, 2)[mine].id, views[mine].id);
    const struct session_owner by_other = owner_of(&person, &other);
    assert_int_equal(sessions_of(&by_other, 2)[1 - mine].current, 1);
}

static void test_session_end_ends_that_one_and_only_ones_own(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens first = logged_in(&person), other = logged_in(&person), unused;
    const struct session_owner owner = owner_of(&person, &first);
    const struct session_view *views = sessions_of(&owner, 2);
    const char *id = views[views[0].current ? 1 : 0].id;
    assert_ptr_equal(session_end(ctx, stranger.id, id), &err_not_found);
    assert_ptr_equal(session_end(ctx, person.id, fixture_uuid()), &err_not_found);
    assert_null(access_revoked(other.access_token));
    assert_null(session_end(ctx, person.id, id));
    assert_null(session_end(ctx, person.id, id));
    assert_ptr_equal(access_revoked(other.access_token), &err_token_revoked);
    assert_ptr_equal(refresh(other.refresh_token, &unused), &err_token_revoked);
    assert_null(access_revoked(first.access_token));
    sessions_of(&owner, 1);
}

static void test_session_end_all_ends_every_session_of_one_person(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens sessions[] = {logged_in(&person), logged_in(&person), logged_in(&person)}, unused;
    struct tokens foreign = logged_in(&stranger);
    const struct session_owner owner = owner_of(&person, &sessions[1]);
    assert_null(session_end_all(ctx, &owner));
    for (size_t i = 0; i < ARRAY_COUNT(sessions); i++) {
        assert_ptr_equal(access_revoked(sessions[i].access_token), &err_token_revoked);
        assert_ptr_equal(refresh(sessions[i].refresh_token, &unused), &err_token_revoked);
    }
    assert_null(session_end_all(ctx, &owner));
    assert_null(access_revoked(foreign.access_token));
    assert_null(refresh(foreign.refresh_token, &unused));
}

/* Whoever ends all sessions asks again until it is done. */
static void test_session_end_all_is_finished_by_its_repetition(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens other = logged_in(&person), own = logged_in(&person);
    const struct session_owner owner = owner_of(&person, &own);
    struct redis *redis = ctx->redis;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_ptr_equal(session_end_all(ctx, &owner), &err_uncertain);
    redis_free(&ctx->redis);
    ctx->redis = redis;
    assert_null(access_revoked(other.access_token));
    assert_null(session_end_all(ctx, &owner));
    assert_ptr_equal(access_revoked(other.access_token), &err_token_revoked);
    assert_ptr_equal(access_revoked(own.access_token), &err_token_revoked);
}

/* Not "nothing has happened": it has ended, but nobody could be told. */
static void test_session_end_and_logout_without_redis_are_uncertain_and_finished_by_their_repetition(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens other = logged_in(&person), own = logged_in(&person), unused;
    const struct session_owner owner = owner_of(&person, &own);
    const struct session_view *views = sessions_of(&owner, 2);
    const char *id = views[views[0].current ? 1 : 0].id;
    struct redis *redis = ctx->redis;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_ptr_equal(session_end(ctx, person.id, id), &err_uncertain);
    assert_ptr_equal(session_logout(ctx, &owner), &err_uncertain);
    redis_free(&ctx->redis);
    ctx->redis = redis;
    assert_ptr_equal(refresh(other.refresh_token, &unused), &err_token_revoked);
    sessions_of(&owner, 0);
    assert_null(access_revoked(own.access_token));
    assert_null(session_end(ctx, person.id, id));
    assert_null(session_logout(ctx, &owner));
    assert_ptr_equal(access_revoked(other.access_token), &err_token_revoked);
    assert_ptr_equal(access_revoked(own.access_token), &err_token_revoked);
}

/* A thief's access tokens as well: the token that was used again says so until it is done. */
static void test_refresh_that_was_reused_is_finished_by_its_repetition(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), second, unused;
    assert_null(refresh(first.refresh_token, &second));
    grace_is_over(&person);
    struct redis *redis = ctx->redis;
    ctx->redis = redis_new_at("unix:///nonexistent/redis.sock");
    assert_non_null(refresh(first.refresh_token, &unused));
    redis_free(&ctx->redis);
    ctx->redis = redis;
    assert_null(access_revoked(second.access_token));
    assert_non_null(refresh(first.refresh_token, &unused));
    assert_ptr_equal(access_revoked(second.access_token), &err_token_revoked);
}

static void use_keys(const char *keys)
{
    const char *why = "";
    cfg_token.keys = keys;
    assert_true(token_init(&why));
}

static void test_refresh_repeated_while_keys_change_gives_a_living_session(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens first = logged_in(&person), lost, again, next;
    const char *keys = cfg_token.keys;
    assert_null(refresh(first.refresh_token, &lost));
    use_keys(arena_printf(ctx->arena, "k2:fedcba9876543210fedcba9876543210,%s", keys));
    for (int tab = 0; tab < 2; tab++) {
        assert_null(refresh(first.refresh_token, &again));
        assert_same_pair(&again, &lost);
    }
    assert_null(access_revoked(again.access_token));
    assert_null(refresh(again.refresh_token, &next));
    use_keys(keys);
}

static void test_refresh_is_limited(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person), first = tokens;
    const struct err *e = NULL;
    int done = 0;
    while (!(e = refresh(tokens.refresh_token, &tokens)) && done < 100) {
        done++;
    }
    assert_ptr_equal(e, &err_too_many_requests);
    assert_in_range(done, 10, 60);
    assert_in_range(ctx->retry_after_s, 1, 900);
    /* Theft is noticed all the same. */
    grace_is_over(&person);
    assert_ptr_equal(refresh(first.refresh_token, &tokens), &err_refresh_reused);
    assert_ptr_equal(access_revoked(tokens.access_token), &err_token_revoked);
}

/* A token opens doors for a while after its end, as clocks differ. */
static void test_session_end_reaches_tokens_that_have_just_ended(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person);
    struct ctx *admin = fixture_ctx("boxoffice_admin", NEED_DB);
    const struct db_stmt by_admin = {.name = "test_end_access_as_owner",
                                     .sql = "UPDATE user_service.refresh_tokens SET access_expires_at = "
                                            "clock_timestamp() - interval '10 seconds' WHERE user_id = $1"};
    assert_null(DB_RUN(admin, &by_admin, NULL, DB_TEXT(person.id)));
    fixture_free(&admin);
    const struct session_owner owner = owner_of(&person, &tokens);
    assert_null(session_end_all(ctx, &(struct session_owner){person.id, fixture_uuid(), owner.expires_s}));
    assert_ptr_equal(token_check_revoked(ctx, owner.jti), &err_token_revoked);
}

/* Redis takes nothing but the blacklisting of this access token, until redis_takes_all(). */
static void redis_takes_only(const char *jti)
{
    const char *key = arena_printf(ctx->arena, "~token:revoked:%s", jti);
    assert_null(REDIS_RUN(ctx, NULL, "ACL", "SETUSER", "test_narrow", "on", "nopass", "+@all", "resetkeys", key));
    assert_null(REDIS_RUN(ctx, NULL, "AUTH", "test_narrow", "any"));
}

static void redis_takes_all(void)
{
    assert_null(REDIS_RUN(ctx, NULL, "AUTH", "default", ""));
    assert_null(REDIS_RUN(ctx, NULL, "ACL", "DELUSER", "test_narrow"));
}

/* A token that is blacklisted cannot ask again for what has failed half way: here that of `other`. */
static void assert_ends_last(const struct err *(*end_of)(struct ctx *ctx, const struct session_owner *owner),
                             const struct person *person, const struct tokens *own, const struct tokens *other)
{
    const struct session_owner owner = owner_of(person, own);
    redis_takes_only(owner.jti);
    const struct err *e = end_of(ctx, &owner);
    redis_takes_all();
    assert_non_null(e);
    assert_null(access_revoked(own->access_token));
    assert_null(end_of(ctx, &owner));
    assert_ptr_equal(access_revoked(own->access_token), &err_token_revoked);
    assert_ptr_equal(access_revoked(other->access_token), &err_token_revoked);
}

static void test_session_that_asks_is_the_last_to_end(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens other = logged_in(&person), own = logged_in(&person), next;
    assert_ends_last(session_end_all, &person, &own, &other);
    own = logged_in(&person);
    assert_null(refresh(own.refresh_token, &next));
    assert_ends_last(session_logout, &person, &next, &own);
}

static void test_revoked_token_is_remembered_for_the_rest_of_its_life(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens tokens = logged_in(&person);
    const struct session_owner owner = owner_of(&person, &tokens);
    const struct redis_value *left;
    assert_null(session_logout(ctx, &owner));
    assert_null(REDIS_RUN(ctx, &left, "TTL", arena_printf(ctx->arena, "token:revoked:%s", owner.jti)));
    assert_in_range(left->integer, cfg_token.access_s, cfg_token.access_s + 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refresh_of_the_live_token_replaces_it, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_whose_answer_was_lost_gets_it_again, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_that_was_lost_in_a_tunnel_gets_its_answer_after_it, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_is_answered_again_while_its_access_token_lives, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_with_a_token_whose_next_was_used_ends_the_family, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_is_not_repeated_for_an_account_that_is_none_any_more, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_of_a_replaced_token_ends_the_family, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_with_anything_else_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_of_a_dormant_account_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_says_to_the_day_that_the_account_is_used, begin, end),
        cmocka_unit_test_setup_teardown(test_logout_ends_the_session_and_no_other, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_of_one_token_at_once_leaves_one_live_token, begin, end),
        cmocka_unit_test_setup_teardown(test_session_list_shows_each_session_once_as_last_used, begin, end),
        cmocka_unit_test_setup_teardown(test_session_end_ends_that_one_and_only_ones_own, begin, end),
        cmocka_unit_test_setup_teardown(test_session_end_all_ends_every_session_of_one_person, begin, end),
        cmocka_unit_test_setup_teardown(test_session_that_asks_is_the_last_to_end, begin, end),
        cmocka_unit_test_setup_teardown(test_revoked_token_is_remembered_for_the_rest_of_its_life, begin, end),
        cmocka_unit_test_setup_teardown(test_logout_during_a_refresh_leaves_no_live_token, begin, end),
        cmocka_unit_test_setup_teardown(test_session_end_all_during_a_refresh_leaves_no_live_token, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_waits_for_nobody_who_will_wait_for_it, begin, end),
        cmocka_unit_test_setup_teardown(test_session_end_all_is_finished_by_its_repetition, begin, end),
        cmocka_unit_test_setup_teardown(
            test_session_end_and_logout_without_redis_are_uncertain_and_finished_by_their_repetition, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_that_was_reused_is_finished_by_its_repetition, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_repeated_while_keys_change_gives_a_living_session, begin, end),
        cmocka_unit_test_setup_teardown(test_refresh_is_limited, begin, end),
        cmocka_unit_test_setup_teardown(test_session_end_reaches_tokens_that_have_just_ended, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
