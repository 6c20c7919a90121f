/* Accounts that fall asleep, and those of which nothing is kept. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/cfg.h"
#include "sql/ending.h"
#include "src/maint/job.h"
#include "src/user/ending.h"
#include "tests/support/login_scene.h"

static struct ctx *owner, *janitor;

static int setup(void **state)
{
    const char *why = "";
    begin(state);
    owner = fixture_ctx("boxoffice_admin", NEED_DB);
    janitor = fixture_ctx(accounts_job.role, NEED_DB | NEED_REDIS);
    if (!cfg_load(accounts_job.settings, &why)) {
        fail_msg("%s", why);
    }
    return 0;
}

static int teardown(void **state)
{
    fixture_free(&janitor);
    fixture_free(&owner);
    return end(state);
}

static int64_t run_job(void)
{
    int64_t done = 0;
    assert_null(accounts_job.run(janitor, &done));
    return done;
}

/* ---- what the database knows ---- */

static const struct db_stmt set_days = {
    .name = "test_set_days",
    .sql = "UPDATE user_service.users SET created_at = clock_timestamp() - interval '5 years',"
           " last_login_at = clock_timestamp() - make_interval(days => $2),"
           " dormancy_notice_at = clock_timestamp() - make_interval(days => $3) WHERE id = $1"};
static const struct db_stmt set_withdrawn = {
    .name = "test_set_withdrawn",
    .sql =
        "UPDATE user_service.users SET status = 'DELETED', deleted_at = clock_timestamp() - make_interval(days => $2)"
        " WHERE id = $1"};
static const struct db_stmt add_mail = {
    .name = "test_add_mail",
    .sql = "INSERT INTO user_service.mails"
           " (id, kind, user_id, recipient, content, language, expires_at, status, ended_at, last_error)"
           " SELECT uuidv7(), 'DORMANCY_NOTICE', $1, CASE $2 WHEN 'WAITING' THEN ''::bytea END,"
           " CASE $2 WHEN 'WAITING' THEN ''::bytea END, 'ko', clock_timestamp() + interval '1 day', $2,"
           " CASE WHEN $2 <> 'WAITING' THEN clock_timestamp() END, $3"};
static const struct db_stmt lose_mails = {.name = "test_lose_mails",
                                          .sql = "DELETE FROM user_service.mails WHERE user_id = $1"};
static const struct db_stmt break_address = {
    .name = "test_break_address", .sql = "UPDATE user_service.users SET email = email || '\\x00' WHERE id = $1"};
static const struct db_stmt state_of = {
    .name = "test_state_of",
    .sql =
        "SELECT status, dormancy_notice_at > clock_timestamp() - interval '1 minute' AS told_now,"
        " num_nonnulls(email, email_hash, name, phone, phone_hash, ci, ci_hash, password_hash) AS known,"
        " (SELECT count(*) FROM user_service.mails WHERE user_id = users.id AND kind = 'DORMANCY_NOTICE') AS mails,"
        " (SELECT count(*) FROM user_service.refresh_tokens WHERE user_id = users.id) AS tokens,"
        " (SELECT count(*) FROM user_service.refresh_tokens WHERE user_id = users.id AND revoked_at IS NULL) AS live,"
        " (SELECT count(*) FROM user_service.oauth_accounts WHERE user_id = users.id) AS links,"
        " (SELECT count(*) FROM user_service.login_history WHERE user_id = users.id) AS logins,"
        " (SELECT count(*) FROM user_service.login_history WHERE user_id = users.id"
        " AND (ip IS NOT NULL OR user_agent <> '')) AS traces,"
        " (SELECT count(*) FROM user_service.terms_agreements WHERE user_id = users.id) AS agreements"
        " FROM user_service.users WHERE id = $1"};

static const struct db_rows *find_state(const struct person *person)
{
    const struct db_rows *rows;
    assert_null(DB_RUN(owner, &state_of, &rows, DB_TEXT(person->id)));
    return rows;
}

static int64_t number(const struct person *person, const char *what)
{
    return db_int(find_state(person), 0, what);
}

static void assert_status(const struct person *person, const char *status)
{
    assert_string_equal(db_str(find_state(person), 0, "status"), status);
}

#define NEVER (-1)

/* Last login and notice, in days ago. */
static void set(const struct person *person, int login_days, int notice_days)
{
    assert_null(DB_RUN(owner, &set_days, NULL, DB_TEXT(person->id), DB_INT(login_days),
                       notice_days == NEVER ? DB_NULL : DB_INT(notice_days)));
}

static struct person idle(int login_days, int notice_days)
{
    struct person person = new_person();
    set(&person, login_days, notice_days);
    return person;
}

static void add(const struct person *person, const char *status, const char *error)
{
    assert_null(DB_RUN(owner, &add_mail, NULL, DB_TEXT(person->id), DB_TEXT(status), DB_TEXT(error)));
}

/* ---- sleep ---- */

static void test_notice_is_given_a_month_before_and_once(void **state)
{
    (void)state;
    struct person due = idle(336, NEVER), early = idle(334, NEVER), late = idle(2000, NEVER), back = idle(336, 800);
    run_job();
    run_job();
    assert_int_equal(number(&due, "mails"), 1);
    assert_true(db_bool(find_state(&due), 0, "told_now"));
    assert_int_equal(number(&late, "mails"), 1); /* also who should have slept long ago is told before */
    assert_int_equal(number(&back, "mails"), 1); /* the notice of another absence is none of this one */
    assert_int_equal(number(&early, "mails"), 0);
    assert_status(&due, "ACTIVE");
    assert_status(&late, "ACTIVE");
}

static void test_account_sleeps_after_a_year_and_a_month_after_its_notice(void **state)
{
    (void)state;
    struct person due = new_person();
    struct tokens tokens = logged_in(&due), unused;
    set(&due, 366, 32);
    add(&due, "SENT", NULL);
    struct person lately = idle(366, 29), back = idle(10, 40), young = idle(364, 40), refused = idle(366, 32);
    struct person returned = idle(400, 800); /* whose notice was of another absence */
    add(&refused, "FAILED", "SMTP_550");
    add(&lately, "SENT", NULL);
    add(&young, "SENT", NULL);
    run_job();
    assert_status(&due, "DORMANT");
    assert_int_equal(number(&due, "live"), 0);
    assert_ptr_equal(token_check_revoked(ctx, claims_of(tokens.access_token).jti), &err_token_revoked);
    assert_ptr_equal(login(due.email, PASSWORD, &unused), &err_account_dormant);
    assert_status(&refused, "DORMANT");
    assert_status(&lately, "ACTIVE");
    assert_status(&back, "ACTIVE");
    assert_status(&young, "ACTIVE");
    assert_status(&returned, "ACTIVE");
}

/* While no mail server takes anything nobody falls asleep untold. */
static void test_account_does_not_sleep_while_its_notice_waits(void **state)
{
    (void)state;
    struct person person = idle(500, 90);
    add(&person, "WAITING", NULL);
    int64_t done;
    assert_null(ending_put_to_sleep(janitor, 1000, &done));
    assert_status(&person, "ACTIVE");
    run_job();
    assert_status(&person, "ACTIVE");
    assert_true(db_bool(find_state(&person), 0, "told_now"));
    assert_int_equal(number(&person, "mails"), 1);
}

/* A server that put everybody off for too long, a mail that nobody knows of any more. */
static void test_owner_whose_notice_was_not_sent_is_told_anew(void **state)
{
    (void)state;
    static const struct {
        const char *status, *error;
    } cases[] = {
        {"EXPIRED", "SMTP_451"}, {"FAILED", "SMTP_451"}, {"FAILED", "SEALED"}, {"EXPIRED", NULL}, {"FAILED", NULL}};
    struct person people[ARRAY_COUNT(cases)], gone = idle(500, 90);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        people[i] = idle(500, 90);
        add(&people[i], cases[i].status, cases[i].error);
    }
    for (int runs = 0; runs < 2; runs++) {
        run_job();
        for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
            assert_status(&people[i], "ACTIVE");
            assert_int_equal(number(&people[i], "mails"), 2);
        }
        assert_status(&gone, "ACTIVE");
        assert_int_equal(number(&gone, "mails"), 1);
    }
    assert_true(db_bool(find_state(&gone), 0, "told_now"));
    assert_null(DB_RUN(owner, &lose_mails, NULL, DB_TEXT(gone.id)));
    add(&gone, "SENT", NULL);
    set(&gone, 500, 32);
    run_job();
    assert_status(&gone, "DORMANT");
}

/* Those of whom nothing is to be done stand between, and are not looked at again. */
static void test_all_who_were_told_are_looked_at_however_few_at_a_time(void **state)
{
    (void)state;
    enum { PEOPLE = 9, AT_A_TIME = 2 };
    struct person waiting[PEOPLE], told[PEOPLE], untold[PEOPLE];
    for (size_t i = 0; i < PEOPLE; i++) {
        waiting[i] = idle(500, 90);
        told[i] = idle(500, 90);
        untold[i] = idle(500, 90);
        add(&waiting[i], "WAITING", NULL);
        add(&told[i], "SENT", NULL);
    }
    int64_t put_off = 0, found = 0;
    assert_null(ending_put_off(janitor, AT_A_TIME, &put_off));
    assert_null(ending_tell_anew(janitor, AT_A_TIME, &found));
    assert_true(put_off >= PEOPLE && found >= PEOPLE);
    for (size_t i = 0; i < PEOPLE; i++) {
        assert_true(db_bool(find_state(&waiting[i]), 0, "told_now"));
        assert_false(db_bool(find_state(&told[i]), 0, "told_now"));
        assert_false(db_null(find_state(&told[i]), 0, "told_now"));
        assert_true(db_null(find_state(&untold[i]), 0, "told_now"));
    }
    put_off = found = 0;
    assert_null(ending_put_off(janitor, AT_A_TIME, &put_off));
    assert_null(ending_tell_anew(janitor, AT_A_TIME, &found));
    assert_int_equal(put_off + found, 0);
}

/* The notice of another absence tells nothing of this one. */
static void test_notice_of_another_absence_does_not_count(void **state)
{
    (void)state;
    static const struct db_stmt long_ago = {
        .name = "test_long_ago",
        .sql = "UPDATE user_service.mails SET created_at = created_at - interval '600 days' WHERE user_id = $1"};
    struct person person = idle(500, 90);
    add(&person, "SENT", NULL);
    assert_null(DB_RUN(owner, &long_ago, NULL, DB_TEXT(person.id)));
    run_job();
    assert_status(&person, "ACTIVE");
    assert_int_equal(number(&person, "mails"), 2);
}

/* What tells that somebody was told is kept longer than it is asked for; no longer than that. */
static void test_notice_that_counts_outlives_the_sleep(void **state)
{
    (void)state;
    static const struct db_stmt end_days_ago = {
        .name = "test_end_days_ago",
        .sql = "UPDATE user_service.mails SET created_at = clock_timestamp() - make_interval(days => $2 + 1),"
               " ended_at = clock_timestamp() - make_interval(days => $2) WHERE user_id = $1"};
    static const struct db_stmt purge = {.name = "test_purge", .sql = "SELECT user_service.purge(100000)"};
    static const struct {
        int days, left;
    } cases[] = {{8, 1}, {99, 1}, {101, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct person person = idle(400, 32);
        add(&person, "SENT", NULL);
        assert_null(DB_RUN(owner, &end_days_ago, NULL, DB_TEXT(person.id), DB_INT(cases[i].days)));
        assert_null(DB_RUN0(janitor, &purge, NULL));
        assert_int_equal(number(&person, "mails"), cases[i].left);
    }
}

static void test_owners_are_told_later_when_the_keys_are_wrong(void **state)
{
    (void)state;
    int64_t done = 0;
    struct person person = idle(400, NEVER);
    const char *right = cfg_user.pii_keys;
    cfg_user.pii_keys = "1:ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
    const struct err *e = accounts_job.run(janitor, &done);
    cfg_user.pii_keys = right;
    assert_ptr_equal(e, &err_internal);
    assert_false(db_bool(find_state(&person), 0, "told_now"));
    assert_int_equal(number(&person, "mails"), 0);
    run_job();
    assert_true(db_bool(find_state(&person), 0, "told_now"));
    assert_int_equal(number(&person, "mails"), 1);
}

static void test_owner_who_cannot_be_told_keeps_no_other_from_it(void **state)
{
    (void)state;
    enum { PEOPLE = 60 };
    int64_t done = 0;
    struct person broken = idle(900, NEVER), people[PEOPLE];
    assert_null(DB_RUN(owner, &break_address, NULL, DB_TEXT(broken.id)));
    for (int i = 0; i < PEOPLE; i++) {
        people[i] = idle(400 + i, NEVER);
    }
    assert_ptr_equal(accounts_job.run(janitor, &done), &err_internal);
    for (int i = 0; i < PEOPLE; i++) {
        assert_int_equal(number(&people[i], "mails"), 1);
    }
    assert_int_equal(number(&broken, "mails"), 0);
    assert_false(db_bool(find_state(&broken), 0, "told_now"));
    set(&broken, 1, NEVER);
    run_job();
}

static void test_login_after_the_notice_begins_another_year(void **state)
{
    (void)state;
    struct person person = idle(366, 32);
    struct tokens unused;
    assert_null(login(person.email, PASSWORD, &unused));
    run_job();
    assert_status(&person, "ACTIVE");
    assert_int_equal(number(&person, "mails"), 0);
}

/* ---- destruction ---- */

static const struct db_stmt leave_traces = {
    .name = "test_leave_traces",
    .sql =
        "WITH linked AS (INSERT INTO user_service.oauth_accounts (user_id, provider, subject)"
        " VALUES ($1::uuid, 'KAKAO', $1::uuid::text))"
        " INSERT INTO user_service.terms_agreements (user_id, type, version, agreed) VALUES ($1, 'SERVICE', 1, true)"};

static struct person withdrawn(int days)
{
    struct person person = new_person();
    logged_in(&person);
    assert_null(DB_RUN(owner, &leave_traces, NULL, DB_TEXT(person.id)));
    assert_null(DB_RUN(owner, &set_withdrawn, NULL, DB_TEXT(person.id), DB_INT(days)));
    return person;
}

static void test_withdrawn_account_is_destroyed_after_its_time_and_no_other(void **state)
{
    (void)state;
    struct person gone = withdrawn(31), lately = withdrawn(29), living = new_person();
    logged_in(&living);
    run_job();
    const struct db_rows *rows = find_state(&gone);
    assert_string_equal(db_str(rows, 0, "status"), "DELETED");
    static const char *const nothing[] = {"known", "tokens", "links", "traces", "mails"};
    for (size_t i = 0; i < ARRAY_COUNT(nothing); i++) {
        assert_int_equal(db_int(rows, 0, nothing[i]), 0);
    }
    assert_int_equal(db_int(rows, 0, "logins"), 1);
    assert_int_equal(db_int(rows, 0, "agreements"), 1);
    assert_int_equal(number(&lately, "known"), 8);
    assert_int_equal(number(&lately, "traces"), 1);
    assert_int_equal(number(&living, "known"), 8);
    assert_int_equal(number(&living, "live"), 1);
    assert_int_equal(number(&living, "traces"), 1);
}

static const struct err *sign_up_again(const struct person *before)
{
    const char *id = fixture_uuid();
    return DB_RUN(ctx, &sql_user_insert, NULL, DB_TEXT(id), user_pii_seal(ctx, "users.email", id, before->email),
                  user_pii_blind(ctx, "email", before->email), user_pii_seal(ctx, "users.name", id, NAME),
                  user_pii_seal(ctx, "users.phone", id, PHONE), user_pii_blind(ctx, "phone", PHONE),
                  user_pii_seal(ctx, "users.ci", id, before->id), user_pii_blind(ctx, "ci", before->id), DB_NULL,
                  DB_NULL);
}

static void test_address_and_person_are_free_after_the_destruction_only(void **state)
{
    (void)state;
    struct person gone = withdrawn(31);
    assert_ptr_equal(sign_up_again(&gone), &err_db_unique);
    run_job();
    assert_null(sign_up_again(&gone));
}

/* ---- runs ---- */

static const struct err *take_and_die(struct ctx *unit, void *arg)
{
    (void)arg;
    assert_null(DB_RUN(unit, &sql_ending_take_idle, NULL, DB_INT(335), DB_TIME(CLOCK_NONE), DB_NULL, DB_INT(50)));
    kill(getpid(), SIGKILL);
    return NULL;
}

/* Parts of the work, and nothing for whoever runs it again. */
static void test_accounts_are_told_in_batches_and_by_several_runs_at_once_each_once(void **state)
{
    (void)state;
    enum { PEOPLE = 130, RUNS = 3 };
    struct person people[PEOPLE];
    pid_t pids[RUNS];
    for (int i = 0; i < PEOPLE; i++) {
        people[i] = idle(400, NEVER);
    }
    for (int i = 0; i < RUNS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            int64_t done = 0;
            janitor = fixture_ctx(accounts_job.role, NEED_DB | NEED_REDIS);
            if (i == 0) {
                assert_null(db_transact(janitor, take_and_die, NULL));
            }
            _exit(accounts_job.run(janitor, &done) ? 1 : 0);
        }
    }
    for (int i = 0; i < RUNS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(i == 0 ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    run_job();
    for (int i = 0; i < PEOPLE; i++) {
        assert_int_equal(number(&people[i], "mails"), 1);
    }
    assert_int_equal(run_job(), 0);
}

static const struct db_stmt hold_person = {.name = "test_hold_person",
                                           .sql = "SELECT FROM user_service.users WHERE id = $1 FOR UPDATE"};

static const struct err *hold_and_run(struct ctx *holder, void *arg)
{
    const struct person *person = arg;
    assert_null(DB_RUN(holder, &hold_person, NULL, DB_TEXT(person->id)));
    run_job();
    return NULL;
}

/* Who is in the middle of a login is not waited for. */
static void test_accounts_that_somebody_holds_are_passed_over(void **state)
{
    (void)state;
    struct person idle_one = idle(400, NEVER), due = idle(400, 40), gone = withdrawn(31), other = idle(400, NEVER);
    add(&due, "SENT", NULL);
    struct ctx *holder = fixture_ctx("boxoffice_admin", NEED_DB);
    assert_null(db_transact(holder, hold_and_run, &idle_one));
    assert_int_equal(number(&idle_one, "mails"), 0);
    assert_int_equal(number(&other, "mails"), 1);
    run_job();
    assert_null(db_transact(holder, hold_and_run, &due));
    assert_int_equal(number(&idle_one, "mails"), 1);
    assert_status(&due, "DORMANT");
    assert_int_equal(number(&gone, "known"), 0);
    fixture_free(&holder);
}

static const struct db_stmt forbidden[] = {
    {.name = "test_read_people", .sql = "SELECT email FROM user_service.users"},
    {.name = "test_change_people", .sql = "UPDATE user_service.users SET status = 'DELETED' WHERE false"},
    {.name = "test_read_mails", .sql = "SELECT recipient FROM user_service.mails"},
    {.name = "test_sessions", .sql = "DELETE FROM user_service.refresh_tokens WHERE false"},
};

static void test_maintenance_role_reads_and_changes_nothing_by_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(forbidden); i++) {
        assert_non_null(DB_RUN0(janitor, &forbidden[i], NULL));
    }
}

/* What a run that is told of no days, or of few, cannot do. */
static void test_functions_of_the_maintenance_keep_the_least_times(void **state)
{
    (void)state;
    static const struct db_stmt hasty[] = {
        {.name = "test_hasty_sleep", .sql = "SELECT put_to_sleep(0, 0, 1000)"},
        {.name = "test_hasty_notice", .sql = "SELECT told_of_sleep(id) FROM take_idle(0, NULL, NULL, 1000)"},
        {.name = "test_hasty_end", .sql = "SELECT destroy_withdrawn(0, 1000)"},
    };
    run_job();
    struct person active = idle(20, NEVER), told = idle(20, 10), left = withdrawn(0);
    for (size_t i = 0; i < ARRAY_COUNT(hasty); i++) {
        assert_null(DB_RUN0(janitor, &hasty[i], NULL));
    }
    assert_status(&told, "ACTIVE");
    assert_false(db_bool(find_state(&active), 0, "told_now"));
    assert_int_equal(number(&left, "known"), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_notice_is_given_a_month_before_and_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_account_sleeps_after_a_year_and_a_month_after_its_notice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_account_does_not_sleep_while_its_notice_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owner_whose_notice_was_not_sent_is_told_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_who_were_told_are_looked_at_however_few_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_notice_of_another_absence_does_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_notice_that_counts_outlives_the_sleep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owners_are_told_later_when_the_keys_are_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owner_who_cannot_be_told_keeps_no_other_from_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_login_after_the_notice_begins_another_year, setup, teardown),
        cmocka_unit_test_setup_teardown(test_withdrawn_account_is_destroyed_after_its_time_and_no_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_address_and_person_are_free_after_the_destruction_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_accounts_are_told_in_batches_and_by_several_runs_at_once_each_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_accounts_that_somebody_holds_are_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_maintenance_role_reads_and_changes_nothing_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_functions_of_the_maintenance_keep_the_least_times, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
