/* Personal data under a new key, while its owners change it, and while who seals it dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "sql/user.h"
#include "src/user/user_pii.h"
#include "src/user/user_reseal.h"
#include "tests/support/fixture.h"

#define BLIND "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
/* Ids that no other test seals under: what others have left in the table is passed over. */
#define OLD_ID 201
#define NEW_ID 202
#define OLD "201:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define NEW "202:ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define OTHER "203:a0a1a2a3a4a5a6a7a8a9aaabacadaeafa0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define PEOPLE 40
#define PHONE "01012345678"
#define NAME "김민수"

static const char *const columns[] = {"email", "name", "phone", "ci", "di"};

static struct ctx *owner, *keeper; /* the user service; who seals anew */
static const char *people[PEOPLE];

static const struct db_stmt under = {.name = "test_reseal_under",
                                     .sql =
                                         "SELECT count(*) AS total FROM users WHERE id = ANY($1) AND get_byte(email, 0)"
                                         " = $2::integer AND get_byte(name, 0) = $2 AND get_byte(phone, 0) = $2"
                                         " AND get_byte(ci, 0) = $2 AND coalesce(get_byte(di, 0), $2) = $2"};
static const struct db_stmt stored = {.name = "test_reseal_stored",
                                      .sql = "SELECT email, name, phone, ci, di FROM users WHERE id = $1"};
static const struct db_stmt new_phone = {.name = "test_reseal_new_phone",
                                         .sql = "UPDATE users SET phone = $2 WHERE id = $1"};
static const struct db_stmt new_name = {.name = "test_reseal_new_name",
                                        .sql = "UPDATE users SET name = $2 WHERE id = $1"};
static const struct db_stmt forget = {.name = "test_reseal_forget",
                                      .sql =
                                          "UPDATE users SET status = 'DELETED', deleted_at = now(), email = NULL, name"
                                          " = NULL, phone = NULL, ci = NULL, di = NULL WHERE id = $1"};

static void use_ring(const char *ring)
{
    const char *why;
    assert_true(user_pii_init(BLIND, ring, &why));
}

static void insert_person(const char *id, bool with_di)
{
    const char *email = arena_printf(owner->arena, "%s@example.com", id);
    assert_null(DB_RUN(owner, &sql_user_insert, NULL, DB_TEXT(id), user_pii_seal(owner, "users.email", id, email),
                       user_pii_blind(owner, "email", email), user_pii_seal(owner, "users.name", id, NAME),
                       user_pii_seal(owner, "users.phone", id, PHONE), user_pii_blind(owner, "phone", PHONE),
                       user_pii_seal(owner, "users.ci", id, id), user_pii_blind(owner, "ci", id),
                       user_pii_seal(owner, "users.di", id, with_di ? "di" : NULL),
                       DB_TEXT("$2b$04$.....................................................")));
}

static int begin(void **state)
{
    (void)state;
    owner = fixture_ctx("user_service", NEED_DB);
    keeper = fixture_ctx("key_keeper", NEED_DB);
    use_ring(OLD);
    for (size_t i = 0; i < PEOPLE; i++) {
        people[i] = fixture_uuid();
        insert_person(people[i], i % 2 == 0);
    }
    use_ring(NEW "," OLD);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&owner);
    fixture_free(&keeper);
    return 0;
}

static int64_t count_under(struct ctx *ctx, int key)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &under, &rows, DB_UUIDS(people, PEOPLE), DB_INT(key)));
    return db_int(rows, 0, "total");
}

static struct user_reseal walk(struct ctx *ctx, int64_t most)
{
    struct user_reseal total = {.last = USER_RESEAL_START}, step = total;
    do {
        const char *after = arena_strdup(ctx->arena, step.last);
        assert_null(user_reseal_step(ctx, after, most, &step));
        total.done += step.done;
        total.changed += step.changed;
        total.closed += step.closed;
    } while (step.seen > 0);
    return total;
}

static void assert_readable_as(const char *id, const char *name, const char *phone, bool with_di)
{
    const struct db_rows *rows;
    const char *const plain[] = {arena_printf(owner->arena, "%s@example.com", id), name, phone, id,
                                 with_di ? "di" : NULL};
    assert_null(DB_RUN(owner, &stored, &rows, DB_TEXT(id)));
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        const char *place = arena_printf(owner->arena, "users.%s", columns[i]);
        const char *text = user_pii_open(owner, place, id, rows, columns[i]);
        if (plain[i]) {
            assert_string_equal(text, plain[i]);
        } else {
            assert_null(text);
        }
    }
}

static void assert_readable(const char *id, const char *phone, bool with_di)
{
    assert_readable_as(id, NAME, phone, with_di);
}

static void test_everybody_is_sealed_under_the_new_key(void **state)
{
    (void)state;
    bool used;
    assert_int_equal(count_under(owner, OLD_ID), PEOPLE);
    assert_null(user_reseal_uses(keeper, OLD_ID, &used));
    assert_true(used);
    assert_true(walk(keeper, 7).done >= PEOPLE);
    assert_int_equal(count_under(owner, NEW_ID), PEOPLE);
    assert_null(user_reseal_uses(keeper, OLD_ID, &used));
    assert_false(used);
    use_ring(NEW); /* the old key is gone */
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_readable(people[i], PHONE, i % 2 == 0);
    }
    assert_int_equal(walk(keeper, 7).done, 0);
}

static const struct db_stmt add_mail = {
    .name = "test_reseal_add_mail",
    .sql =
        "INSERT INTO mails (id, kind, recipient, content, language, expires_at) VALUES ($1, 'EMAIL_CODE', $2, $3, 'ko',"
        " now() + interval '1 hour')"};
static const struct db_stmt end_mail = {
    .name = "test_reseal_end_mail",
    .sql = "UPDATE mails SET status = 'SENT', ended_at = now(), recipient = NULL, content = NULL WHERE id = $1"};

static void test_mail_that_waits_needs_its_key(void **state)
{
    (void)state;
    bool used;
    const char *mail = fixture_uuid();
    struct ctx *mailer = fixture_ctx("mailer", NEED_DB);
    use_ring(OLD);
    assert_null(DB_RUN(owner, &add_mail, NULL, DB_TEXT(mail), user_pii_seal(owner, "mails.recipient", mail, "a@b.c"),
                       user_pii_seal(owner, "mails.content", mail, "{}")));
    use_ring(NEW "," OLD);
    walk(keeper, 100);
    assert_null(user_reseal_uses(keeper, OLD_ID, &used));
    assert_true(used);
    assert_null(DB_RUN(mailer, &end_mail, NULL, DB_TEXT(mail)));
    assert_null(user_reseal_uses(keeper, OLD_ID, &used));
    assert_false(used);
    fixture_free(&mailer);
}

static void test_key_that_waits_seals_nothing(void **state)
{
    (void)state;
    walk(keeper, 100);
    use_ring(arena_printf(owner->arena, "203@%lld%s," NEW "," OLD, (long long)(clock_now() / CLOCK_SECOND) + 3600,
                          strchr(OTHER, ':')));
    assert_int_equal(walk(keeper, 100).done, 0);
    assert_int_equal(count_under(owner, NEW_ID), PEOPLE);
}

static void test_value_that_is_under_no_key_of_ours_is_told_and_passed_over(void **state)
{
    (void)state;
    log_init("test_user_reseal", LOG_LEVEL_ERROR);
    const char *stranger = fixture_uuid();
    use_ring(OTHER);
    insert_person(stranger, true);
    use_ring(NEW "," OLD);
    assert_true(walk(keeper, 3).closed >= 1);
    assert_int_equal(count_under(owner, NEW_ID), PEOPLE);
    int64_t left;
    assert_null(user_reseal_left(keeper, &left));
    assert_true(left >= 1);
    use_ring(OTHER);
    assert_readable(stranger, PHONE, true);
    assert_null(DB_RUN(owner, &forget, NULL, DB_TEXT(stranger)));
}

static void test_account_without_data_is_left_alone(void **state)
{
    (void)state;
    const struct db_rows *rows;
    assert_null(DB_RUN(owner, &forget, NULL, DB_TEXT(people[0])));
    walk(keeper, 100);
    assert_int_equal(count_under(owner, NEW_ID), PEOPLE - 1);
    assert_null(DB_RUN(owner, &stored, &rows, DB_TEXT(people[0])));
    assert_true(db_null(rows, 0, "email"));
}

/* ---- while others are at work ---- */

static struct ctx *looking;

static void *walk_beside(void *unused)
{
    (void)unused;
    walk(keeper, 100);
    return NULL;
}

/* Their changes, of one thing each, are not committed yet when the accounts are read, and are when they are to be
 * written. */
static const struct err *change_while_sealing(struct ctx *ctx, void *arg)
{
    assert_null(
        DB_RUN(ctx, &new_phone, NULL, DB_TEXT(people[3]), user_pii_seal(ctx, "users.phone", people[3], "01099999999")));
    assert_null(
        DB_RUN(ctx, &new_name, NULL, DB_TEXT(people[5]), user_pii_seal(ctx, "users.name", people[5], "김민지")));
    assert_int_equal(pthread_create(arg, NULL, walk_beside, NULL), 0);
    fixture_await_waiting(looking, 1);
    return NULL;
}

static void test_change_of_its_owner_is_never_undone(void **state)
{
    (void)state;
    pthread_t thread;
    looking = fixture_ctx("user_service", NEED_DB);
    assert_null(db_transact(owner, change_while_sealing, &thread));
    assert_int_equal(pthread_join(thread, NULL), 0);
    fixture_free(&looking);
    assert_readable(people[3], "01099999999", false);
    assert_readable_as(people[5], "김민지", PHONE, false);
    walk(keeper, 100);
    assert_int_equal(count_under(owner, NEW_ID), PEOPLE);
    assert_readable(people[3], "01099999999", false);
    assert_readable_as(people[5], "김민지", PHONE, false);
}

static void *walk_in_a_thread(void *ctx)
{
    walk(ctx, 3);
    return NULL;
}

static void test_two_at_once_do_the_same(void **state)
{
    (void)state;
    pthread_t threads[2];
    struct ctx *keepers[2] = {keeper, fixture_ctx("key_keeper", NEED_DB)};
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, walk_in_a_thread, keepers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    fixture_free(&keepers[1]);
    walk(keeper, 100);
    assert_int_equal(count_under(owner, NEW_ID), PEOPLE);
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_readable(people[i], PHONE, i % 2 == 0);
    }
}

static void test_killed_in_the_middle_goes_on_where_it_was(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct ctx *ctx = fixture_ctx("key_keeper", NEED_DB);
        walk(ctx, 1);
        _exit(0);
    }
    int64_t done = 0;
    for (int64_t deadline = clock_monotonic() + 20 * CLOCK_SECOND; done < 3 && clock_monotonic() < deadline;) {
        done = count_under(owner, NEW_ID);
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    done = count_under(owner, NEW_ID);
    assert_true(done >= 3);
    assert_int_equal(done + count_under(owner, OLD_ID), PEOPLE); /* nobody is half sealed */
    walk(keeper, 100);
    assert_int_equal(count_under(owner, NEW_ID), PEOPLE);
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_readable(people[i], PHONE, i % 2 == 0);
    }
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_everybody_is_sealed_under_the_new_key),
        FIXED(test_mail_that_waits_needs_its_key),
        FIXED(test_key_that_waits_seals_nothing),
        FIXED(test_value_that_is_under_no_key_of_ours_is_told_and_passed_over),
        FIXED(test_account_without_data_is_left_alone),
        FIXED(test_change_of_its_owner_is_never_undone),
        FIXED(test_two_at_once_do_the_same),
        FIXED(test_killed_in_the_middle_goes_on_where_it_was),
    };
    return cmocka_run_group_tests_name("reseal", tests, NULL, NULL);
}
