/* Another address for an account, whose owner proves it. */
#include <sys/wait.h>
#include <unistd.h>

#include "src/providers/portone.h"
#include "src/user/account.h"
#include "src/user/profile_change.h"
#include "tests/support/login_scene.h"

static struct ctx *admin;

/* A verification is of whom its id begins with. */
const struct err *portone_identity(struct ctx *unused_ctx, const char *id, struct portone_identity *identity_r)
{
    (void)unused_ctx;
    *identity_r = (struct portone_identity){.verified = true,
                                            .status_text = "VERIFIED",
                                            .ci = arena_printf(ctx->arena, "%.*s", (int)strcspn(id, ":"), id),
                                            .name = NAME,
                                            .phone = PHONE,
                                            .verified_at = clock_now()};
    return NULL;
}

static int begin_all(void **state)
{
    admin = fixture_ctx("boxoffice_admin", NEED_DB);
    return begin(state);
}

static int end_all(void **state)
{
    fixture_free(&admin);
    return end(state);
}

static const struct db_stmt proved_code = {
    .name = "test_proved_code",
    .sql = "INSERT INTO user_service.email_codes (id, email_hash, code_hash, expires_at, token_hash, verified_at)"
           " VALUES ($1, $2, $3, clock_timestamp() + interval '10 minutes', $3, clock_timestamp())"};
static const struct db_stmt make_old = {
    .name = "test_make_old",
    .sql = "UPDATE user_service.refresh_tokens SET family = uuidv7(make_interval(secs => -$2::bigint))"
           " WHERE user_id = $1"};
static const struct db_stmt told_of = {.name = "test_told_of",
                                       .sql = "SELECT id, recipient FROM user_service.mails"
                                              " WHERE user_id = $1 AND kind = 'EMAIL_CHANGED' ORDER BY created_at"};
static const struct db_stmt owners_of = {.name = "test_owners_of",
                                         .sql = "SELECT count(*) AS total FROM users WHERE email_hash = $1"};

static const char *new_email(void)
{
    return arena_printf(ctx->arena, "%s@example.com", fixture_uuid());
}

/* What the code sent to this address was exchanged for. */
static const char *proof_of(const char *email)
{
    const char *token = fixture_uuid();
    assert_null(DB_RUN(admin, &proved_code, NULL, DB_TEXT(fixture_uuid()), user_pii_blind(ctx, "email", email),
                       db_arg_sha256(ctx, token)));
    return token;
}

static const struct err *move_verified(const struct session_owner *owner, const char *email, const char *token,
                                       const char *verification)
{
    const struct profile_change input = {
        .email = email, .email_verification_token = token, .identity_verification_id = verification};
    return profile_change(ctx, owner, &input);
}

static const struct err *move_as(const struct session_owner *owner, const char *email, const char *token)
{
    return move_verified(owner, email, token, arena_printf(ctx->arena, "%s:%s", owner->user_id, token ? token : ""));
}

static struct session_owner owner_of(const struct person *person, const struct tokens *tokens)
{
    struct token_claims claims = claims_of(tokens->access_token);
    return (struct session_owner){person->id, claims.jti, claims.expires_s};
}

static void assert_email(const struct person *person, const char *email, bool proved)
{
    struct profile profile;
    assert_null(account_profile(ctx, person->id, &profile));
    assert_string_equal(profile.email, email);
    assert_int_equal(profile.email_proved, proved);
}

static size_t told(const struct person *person)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(admin, &told_of, &rows, DB_TEXT(person->id)));
    return db_count(rows);
}

static void test_email_change_moves_the_login_and_tells_the_old_address(void **state)
{
    (void)state;
    struct person person = new_person(), other = new_person();
    struct tokens own = logged_in(&person), elsewhere = logged_in(&person), unused;
    const struct session_owner owner = owner_of(&person, &own);
    const char *email = new_email(), *token = proof_of(email);
    const struct db_rows *rows;
    assert_null(move_as(&owner, email, token));
    assert_email(&person, email, true);
    assert_email(&other, other.email, false);
    assert_ptr_equal(login(person.email, PASSWORD, &unused), &err_bad_credentials);
    assert_null(login(email, PASSWORD, &unused));
    assert_null(token_check_revoked(ctx, claims_of(elsewhere.access_token).jti));
    assert_null(DB_RUN(admin, &told_of, &rows, DB_TEXT(person.id)));
    assert_int_equal(db_count(rows), 1);
    assert_string_equal(user_pii_open(ctx, "mails.recipient", db_str(rows, 0, "id"), rows, "recipient"), person.email);
    assert_null(move_as(&owner, email, token)); /* the answer was lost */
    assert_null(move_as(&owner, email, NULL));
    assert_int_equal(told(&person), 1);
}

static void test_email_that_is_proved_later_stays_and_nobody_is_told(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person);
    const struct session_owner owner = owner_of(&person, &own);
    assert_null(move_as(&owner, person.email, NULL));
    assert_email(&person, person.email, false);
    assert_null(move_as(&owner, person.email, proof_of(person.email)));
    assert_email(&person, person.email, true);
    assert_int_equal(told(&person), 0);
}

static void test_email_change_without_its_proof_is_refused(void **state)
{
    (void)state;
    struct person person = new_person(), other = new_person();
    struct tokens own = logged_in(&person), others = logged_in(&other);
    const struct session_owner owner = owner_of(&person, &own), thief = owner_of(&other, &others);
    const char *email = new_email(), *token = proof_of(email);
    assert_ptr_equal(move_as(&owner, email, NULL), &err_invalid_request);
    assert_ptr_equal(move_as(&owner, email, fixture_uuid()), &err_invalid_request);
    assert_ptr_equal(move_as(&owner, new_email(), token), &err_invalid_request);
    assert_ptr_equal(move_as(&owner, "nobody", token), &err_invalid_request);
    assert_ptr_equal(move_as(&owner, other.email, proof_of(other.email)), &err_email_taken);
    assert_email(&person, person.email, false);
    assert_null(move_as(&owner, email, token));
    assert_null(move_as(&owner, person.email, proof_of(person.email)));
    assert_ptr_equal(move_as(&thief, email, token), &err_invalid_request); /* which has been used */
    assert_email(&other, other.email, false);
}

/* Whoever has taken a token cannot take the account's name with it. */
static void test_email_change_wants_a_fresh_login_that_lives(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens old = logged_in(&person);
    struct session_owner owner = owner_of(&person, &old);
    const char *email = new_email(), *token = proof_of(email);
    assert_null(DB_RUN(admin, &make_old, NULL, DB_TEXT(person.id), DB_INT(cfg_user.fresh_login_s + 5)));
    assert_ptr_equal(move_as(&owner, email, token), &err_login_too_old);
    struct tokens left = logged_in(&person);
    owner = owner_of(&person, &left);
    assert_null(session_logout(ctx, &owner));
    assert_ptr_equal(move_as(&owner, email, token), &err_token_revoked);
    assert_email(&person, person.email, false);
    struct tokens fresh = logged_in(&person);
    owner = owner_of(&person, &fresh);
    assert_null(move_as(&owner, email, token));
}

/* Whoever has got hold of the password is not the person. */
static void test_email_change_wants_the_accounts_own_person(void **state)
{
    (void)state;
    struct person person = new_person(), thief = new_person();
    struct tokens own = logged_in(&person);
    const struct session_owner owner = owner_of(&person, &own);
    const char *email = new_email(), *token = proof_of(email);
    assert_ptr_equal(move_verified(&owner, email, token, NULL), &err_invalid_request);
    assert_string_equal(ctx->details->field, "identityVerificationId");
    assert_ptr_equal(move_verified(&owner, email, token, arena_printf(ctx->arena, "%s:1", thief.id)),
                     &err_identity_not_verified);
    assert_email(&person, person.email, false);
    assert_int_equal(told(&person), 0);
    assert_null(move_as(&owner, email, token));
}

static const struct db_stmt moved = {.name = "test_moved",
                                     .sql = "UPDATE user_service.users SET email = $2, email_hash = $3 WHERE id = $1"};

struct race {
    struct session_owner thief;
    const char *from, *to, *token;
    pid_t pid;
};

/* Somebody proves the address that is there, while it becomes another one. */
static const struct err *move_meanwhile(struct ctx *tx, void *arg)
{
    struct race *race = arg;
    assert_null(DB_RUN(tx, &moved, NULL, DB_TEXT(race->thief.user_id),
                       user_pii_seal(ctx, "users.email", race->thief.user_id, race->to),
                       user_pii_blind(ctx, "email", race->to)));
    race->pid = fork();
    if (race->pid == 0) {
        ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
        _exit(move_verified(&race->thief, race->from, race->token, NULL) == &err_conflict ? 0 : 1);
    }
    fixture_await_waiting(tx, 1);
    return NULL;
}

static void test_email_that_moves_while_it_is_proved_does_not_move_back(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person);
    int status;
    struct race race = {.thief = owner_of(&person, &own), .from = person.email, .to = new_email()};
    race.token = proof_of(person.email);
    assert_null(db_transact(admin, move_meanwhile, &race));
    assert_int_equal(waitpid(race.pid, &status, 0), race.pid);
    assert_int_equal(status, 0);
    assert_email(&person, race.to, false);
}

enum { RIVALS = 4 };

/* Each of them at once; how many have got the address. */
static int move_at_once(const struct session_owner owners[RIVALS], const char *email, const char *const tokens[RIVALS])
{
    pid_t pids[RIVALS];
    int done = 0;
    for (int i = 0; i < RIVALS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            ctx = fixture_ctx("user_service", NEED_DB | NEED_REDIS);
            const struct err *e = move_as(&owners[i], email, tokens[i]);
            _exit(e == &err_email_taken ? 1 : e ? 2 : 0);
        }
    }
    for (int i = 0; i < RIVALS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        assert_in_range(WEXITSTATUS(status), 0, 1);
        done += WEXITSTATUS(status) == 0;
    }
    return done;
}

static void test_email_is_one_accounts_however_many_take_it_at_once(void **state)
{
    (void)state;
    struct session_owner owners[RIVALS];
    const char *email = new_email(), *tokens[RIVALS];
    for (int i = 0; i < RIVALS; i++) {
        struct person person = new_person();
        struct tokens own = logged_in(&person);
        owners[i] = owner_of(&person, &own);
        tokens[i] = proof_of(email);
    }
    assert_int_equal(move_at_once(owners, email, tokens), 1);
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &owners_of, &rows, user_pii_blind(ctx, "email", email)));
    assert_int_equal(db_int(rows, 0, "total"), 1);
}

static void test_email_change_that_is_sent_twice_at_once_is_done_once(void **state)
{
    (void)state;
    struct person person = new_person();
    struct tokens own = logged_in(&person);
    const struct session_owner owner = owner_of(&person, &own), owners[RIVALS] = {owner, owner, owner, owner};
    const char *email = new_email(), *token = proof_of(email), *const tokens[RIVALS] = {token, token, token, token};
    assert_int_equal(move_at_once(owners, email, tokens), RIVALS);
    assert_email(&person, email, true);
    assert_int_equal(told(&person), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_all, end_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_email_change_moves_the_login_and_tells_the_old_address),
        TEST(test_email_that_is_proved_later_stays_and_nobody_is_told),
        TEST(test_email_change_without_its_proof_is_refused),
        TEST(test_email_change_wants_a_fresh_login_that_lives),
        TEST(test_email_change_wants_the_accounts_own_person),
        TEST(test_email_that_moves_while_it_is_proved_does_not_move_back),
        TEST(test_email_is_one_accounts_however_many_take_it_at_once),
        TEST(test_email_change_that_is_sent_twice_at_once_is_done_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
