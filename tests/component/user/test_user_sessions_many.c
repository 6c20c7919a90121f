/* People with more sessions than anybody has devices. */
#include "tests/support/login_scene.h"

static struct session_owner owner_of(const struct person *person, const struct tokens *tokens)
{
    struct token_claims claims = claims_of(tokens->access_token);
    return (struct session_owner){person->id, claims.jti, claims.expires_s};
}

static const struct err *refresh(const char *refresh_token, struct tokens *tokens_r)
{
    const struct client client = {"192.0.2.8", "refreshing agent"};
    return refresh_exchange(ctx, refresh_token, &client, tokens_r);
}

/* Of those listed. */
static struct session_view last_of(const struct session_owner *owner)
{
    static const struct page all = {0, 100};
    struct json_list list;
    int64_t total;
    assert_null(session_list(ctx, owner, &all, &list, &total));
    assert_true(list.count > 0);
    return ((const struct session_view *)list.items)[list.count - 1];
}

/* Older than any that has begun here. */
static void add_sessions(const struct person *person, int how_many)
{
    static const struct db_stmt add = {
        .name = "test_add_sessions",
        .sql = "INSERT INTO refresh_tokens"
               " (id, user_id, family, token_hash, access_jti, access_expires_at, issued_at, expires_at, user_agent)"
               " SELECT uuidv4(), $1::uuid, uuidv7(make_interval(hours => -5)),"
               " sha256(convert_to($1::uuid::text || n, 'UTF8')), uuidv4(), now() - interval '1 hour',"
               " now() - make_interval(hours => 4, secs => n), now() + interval '1 day', 'agent ' || n"
               " FROM generate_series(1, $2::bigint) AS n"};
    assert_null(DB_RUN(ctx, &add, NULL, DB_TEXT(person->id), DB_INT(how_many)));
}

static const struct db_stmt live_tokens = {.name = "test_live_tokens",
                                           .sql = "SELECT count(*) AS total FROM refresh_tokens WHERE user_id = $1 "
                                                  "AND rotated_at IS NULL AND revoked_at IS NULL"};

static int live_of(const struct person *person)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &live_tokens, &rows, DB_TEXT(person->id)));
    return (int)db_int(rows, 0, "total");
}

struct counting {
    const struct session_owner *owner;
    int64_t locks;
};

static const struct err *revoke_and_count_locks(struct ctx *asking, void *arg)
{
    static const struct db_stmt count_locks = {
        .name = "test_count_locks",
        .sql = "SELECT count(*) AS total FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'"};
    struct counting *counting = arg;
    const struct db_rows *rows;
    const struct err *e = session_revoke_others(asking, counting->owner);
    e = e ? e : DB_RUN(asking, &count_locks, &rows);
    if (!e) {
        counting->locks = db_int(rows, 0, "total");
    }
    return e;
}

/* The table of locks is everybody's, and has room for a few thousand. */
static void test_end_of_many_sessions_takes_one_lock(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens own = logged_in(&person);
    const struct session_owner owner = owner_of(&person, &own);
    add_sessions(&stranger, 1);
    struct counting counting = {.owner = &owner};
    add_sessions(&person, 300);
    assert_null(db_transact(ctx, revoke_and_count_locks, &counting));
    assert_int_equal(counting.locks, 1);
    assert_int_equal(live_of(&person), 1);
    assert_int_equal(last_of(&owner).current, 1);
    assert_int_equal(live_of(&stranger), 1);
    assert_null(session_end_all(ctx, &owner));
    assert_int_equal(live_of(&person), 0);
}

static void test_login_beyond_the_most_sessions_ends_the_one_used_longest_ago(void **state)
{
    (void)state;
    struct person person = new_person(), stranger = new_person();
    struct tokens foreign = logged_in(&stranger), first = logged_in(&person), second, unused;
    add_sessions(&person, SESSIONS_MOST - 1);
    assert_int_equal(live_of(&person), SESSIONS_MOST);
    assert_null(refresh(first.refresh_token, &second)); /* ends none */
    assert_int_equal(live_of(&person), SESSIONS_MOST);
    struct tokens newest = logged_in(&person);
    const struct session_owner owner = owner_of(&person, &newest);
    assert_int_equal(live_of(&person), SESSIONS_MOST);
    /* The next in age. */
    assert_string_equal(last_of(&owner).user_agent, arena_printf(ctx->arena, "agent %d", SESSIONS_MOST - 2));
    assert_null(refresh(second.refresh_token, &unused));
    assert_null(refresh(foreign.refresh_token, &unused));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_end_of_many_sessions_takes_one_lock, begin, end),
        cmocka_unit_test_setup_teardown(test_login_beyond_the_most_sessions_ends_the_one_used_longest_ago, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
