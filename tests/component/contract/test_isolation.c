/* What one service may not say in the name of another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/array.h"
#include "common/io/db.h"
#include "src/contract/events.h"
#include "tests/support/fixture.h"

static const char *const roles[] = {"user_service", "event_service", "reservation_service", "payment_service"};

static const struct {
    const struct event_type *type;
    const char *publisher;
} words[] = {
    {&event_payment_success, "payment_service"},           {&event_payment_failed, "payment_service"},
    {&event_payment_refunded, "payment_service"},          {&event_reservation_confirmed, "reservation_service"},
    {&event_reservation_cancelled, "reservation_service"}, {&event_reservation_rejected, "reservation_service"},
};

static const struct {
    const char *consumer, *reader;
} consumers[] = {
    {"payment-reservation-consumer", "payment_service"},
    {"reservation-payment-consumer", "reservation_service"},
    {"event-reservation-consumer", "event_service"},
};

/* An event of this type ($1 type, $2 topic, $3 aggregate type) whose envelope says $4; rolled back. */
static const struct db_stmt say = {
    .name = "test_say",
    .sql =
        "WITH new AS (SELECT uuidv7() AS id, gen_random_uuid() AS of)"
        " INSERT INTO common.outbox_events"
        " (id, aggregate_type, aggregate_id, topic, partition_key, event_type, envelope)"
        " SELECT id, $3::text, of, $2::text, 'test', $1::text, jsonb_build_object('eventId', id, 'eventType', $4::text,"
        " 'aggregateType', $3::text, 'aggregateId', of) FROM new"};
static const struct db_stmt say_published = {
    .name = "test_say_published",
    .sql = "INSERT INTO common.outbox_events (aggregate_type, aggregate_id, topic, partition_key, event_type, envelope,"
           " published_at) SELECT $3, uuidv7(), $2, 'test', $1, '{}', now()"};
static const struct db_stmt handled = {
    .name = "test_handled", .sql = "INSERT INTO common.processed_events (event_id, consumer) VALUES (uuidv7(), $1)"};
static const struct db_stmt seen = {.name = "test_seen",
                                    .sql = "SELECT count(*) AS total FROM common.processed_events"
                                           " WHERE consumer = $1"};

struct attempt {
    const struct db_stmt *stmt;
    const struct db_arg *args;
    size_t count;
    bool allowed;
};

static const struct err *try_and_undo(struct ctx *ctx, void *arg)
{
    struct attempt *attempt = arg;
    attempt->allowed = db_run(ctx, attempt->stmt, attempt->args, attempt->count, NULL) == NULL;
    return &err_conflict; /* whatever came of it */
}

static bool may(struct ctx *ctx, const struct db_stmt *stmt, const struct db_arg *args, size_t count)
{
    struct attempt attempt = {.stmt = stmt, .args = args, .count = count};
    assert_non_null(db_transact(ctx, try_and_undo, &attempt));
    return attempt.allowed;
}

static bool may_say(struct ctx *ctx, const struct event_type *type, const char *envelope_says)
{
    const struct db_arg args[] = {DB_TEXT(type->name), DB_TEXT(type->topic), DB_TEXT(type->aggregate_type),
                                  DB_TEXT(envelope_says)};
    return may(ctx, &say, args, ARRAY_COUNT(args));
}

static void test_every_role_says_its_own_words_only(void **state)
{
    (void)state;
    for (size_t r = 0; r < ARRAY_COUNT(roles); r++) {
        struct ctx *ctx = fixture_ctx(roles[r], NEED_DB);
        for (size_t w = 0; w < ARRAY_COUNT(words); w++) {
            bool own = strcmp(words[w].publisher, roles[r]) == 0;
            assert_int_equal(may_say(ctx, words[w].type, words[w].type->name), own);
        }
        fixture_free(&ctx);
    }
}

static void test_no_role_makes_up_a_topic_or_says_another_thing_in_the_envelope(void **state)
{
    (void)state;
    struct event_type elsewhere = event_reservation_confirmed;
    elsewhere.topic = TOPIC_PAYMENT;
    struct ctx *ctx = fixture_ctx("reservation_service", NEED_DB);
    assert_false(may_say(ctx, &elsewhere, elsewhere.name));
    assert_false(may_say(ctx, &event_reservation_confirmed, "PaymentSuccess"));
    assert_false(may_say(ctx, &event_reservation_confirmed, NULL));
    const struct db_arg args[] = {DB_TEXT("ReservationConfirmed"), DB_TEXT(TOPIC_RESERVATION), DB_TEXT("Reservation")};
    assert_false(may(ctx, &say_published, args, ARRAY_COUNT(args)));
    fixture_free(&ctx);
}

static void test_every_role_handles_as_its_own_consumers_only(void **state)
{
    (void)state;
    for (size_t r = 0; r < ARRAY_COUNT(roles); r++) {
        struct ctx *ctx = fixture_ctx(roles[r], NEED_DB);
        for (size_t c = 0; c < ARRAY_COUNT(consumers); c++) {
            bool own = strcmp(consumers[c].reader, roles[r]) == 0;
            const struct db_arg consumer = DB_TEXT(consumers[c].consumer);
            assert_int_equal(may(ctx, &handled, &consumer, 1), own);
        }
        fixture_free(&ctx);
    }
}

/* What a role may change of its own tables, in the order of the columns; nothing of those that are not here. */
static const struct {
    const char *role, *changes;
} changes[] = {
    {"user_service",
     "email_codes: attempts verified_at token_hash used_at tries"
     "; refresh_tokens: rotated_at revoked_at"
     "; users: email email_hash name phone phone_hash ci ci_hash di password_hash status locked_until last_login_at"
     " updated_at deleted_at email_verified_at"},
    {"user_admin", "users: role updated_at demoted_at"},
    {"maintenance", ""},
    {"mailer", "mails: recipient content status next_try_at attempts last_error ended_at"},
    {"key_keeper", "users: email name phone ci di"},
    {"event_service",
     "event_prices: price"
     "; event_schedules: play_sequence event_start_at event_end_at sale_start_at sale_end_at status admission_rate"
     " queue_capacity seats_total seats_sold seats_version updated_at cancelled_at cancel_reason layout_at"
     "; events: venue_id hall_id title artist description poster_url status updated_at deleted_at"
     "; halls: name capacity seat_template updated_at"
     "; seat_doubts: sold_by sold_at freed_at owner owned_since seen_at"
     "; seat_looks: began_at"
     "; seats: price status sold_by sold_at version freed_at"
     "; venues: name address city updated_at"},
    {"reservation_service", "idempotency_keys: fingerprint answer created_at"
                            "; reservations: status hold_expires_at secured_by ticket_number confirmed_at cancelled_at "
                            "cancel_reason secured_check_at"
                            "; seat_claims: reservation_id expires_at sold"},
    {"payment_service",
     "idempotency_keys: fingerprint answer created_at"
     "; payments: status busy_until check_at checks give_up_at portone_transaction_id portone_record failure_reason"
     " paid_at failed_at refund_requested_at refund_reason refunded_at question question_ends_at hold_ends_at turn "
     "nudges"
     " charge_key superseded refunded_amount"},
    {"outbox_relay", "outbox_events: published_at attempts last_error retry_at"},
    {"gateway", ""},
};
static const struct db_stmt may_change = {
    .name = "test_may_change",
    .sql = "SELECT coalesce(string_agg(relname || ': ' || columns, '; ' ORDER BY relname), '') AS changes"
           " FROM (SELECT c.relname, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns"
           " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
           " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
           " WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p')"
           " AND has_column_privilege($1, c.oid, a.attnum, 'UPDATE') GROUP BY c.relname) AS own"};
/* Tables of which it may delete rows. */
static const struct db_stmt may_delete = {
    .name = "test_may_delete",
    .sql = "SELECT coalesce(string_agg(c.oid::regclass::text, ' ' ORDER BY c.oid::regclass::text), '') AS tables"
           " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
           " WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p')"
           " AND (has_table_privilege($1, c.oid, 'DELETE') OR has_table_privilege($1, c.oid, 'TRUNCATE'))"};

static void test_every_role_changes_its_own_columns_only(void **state)
{
    (void)state;
    struct ctx *ctx = fixture_ctx("boxoffice_admin", NEED_DB);
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        const struct db_rows *rows;
        assert_null(DB_RUN(ctx, &may_change, &rows, DB_TEXT(changes[i].role)));
        assert_string_equal(db_str(rows, 0, "changes"), changes[i].changes);
    }
    fixture_free(&ctx);
}

static void test_what_has_happened_is_never_deleted(void **state)
{
    (void)state;
    static const struct {
        const char *role, *tables;
    } deletes[] = {
        {"user_service", "user_service.oauth_accounts user_service.refresh_tokens"},
        {"user_admin", ""},
        {"mailer", ""},
        {"maintenance", ""},
        {"key_keeper", ""},
        {"event_service",
         "event_service.event_prices event_service.halls event_service.seat_doubts event_service.venues"},
        {"reservation_service", "reservation_service.idempotency_keys reservation_service.seat_claims"},
        {"payment_service", "payment_service.idempotency_keys"},
        {"outbox_relay", ""},
        {"gateway", ""},
    };
    struct ctx *ctx = fixture_ctx("boxoffice_admin", NEED_DB);
    for (size_t i = 0; i < ARRAY_COUNT(deletes); i++) {
        const struct db_rows *rows;
        assert_null(DB_RUN(ctx, &may_delete, &rows, DB_TEXT(deletes[i].role)));
        assert_string_equal(db_str(rows, 0, "tables"), deletes[i].tables);
    }
    fixture_free(&ctx);
}

/* What only the database's own defaults say when a row is new. */
static void test_no_service_says_who_is_an_administrator_or_when_something_happened(void **state)
{
    (void)state;
    static const struct {
        const char *role, *sql;
    } forged[] = {
        {"user_service", "INSERT INTO users (id, role) SELECT uuidv7(), 'ADMIN' WHERE false"},
        {"user_service", "INSERT INTO login_history (method, result, user_agent, created_at)"
                         " SELECT 'PASSWORD', 'SUCCESS', '', now() WHERE false"},
        {"user_service", "INSERT INTO terms_agreements (user_id, type, version, agreed, decided_at)"
                         " SELECT uuidv7(), 'SERVICE', 1, true, now() WHERE false"},
        {"event_service", "INSERT INTO changes (admin_id, action, subject, subject_id)"
                          " SELECT uuidv7(), 'UPDATE', 'EVENT', uuidv7() WHERE false"},
        {"payment_service", "INSERT INTO webhook_events (webhook_id, payment_key, type, received_at)"
                            " SELECT '', '', '', now() WHERE false"},
        {"reservation_service", "INSERT INTO check_ins (reservation_id, checked_by, checked_at)"
                                " SELECT uuidv7(), uuidv7(), now() WHERE false"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(forged); i++) {
        struct ctx *ctx = fixture_ctx(forged[i].role, NEED_DB);
        assert_false(may(ctx, &(struct db_stmt){.name = "test_forged", .sql = forged[i].sql}, NULL, 0));
        fixture_free(&ctx);
    }
}

/* By these alone one service could keep another waiting for ever, or fill the disk. */
static void test_no_service_takes_locks_that_others_lead_by(void **state)
{
    (void)state;
    static const char *const taken[] = {"SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_lock(1, 1)",
                                        "SELECT pg_advisory_xact_lock(1, 1)", "SELECT lo_create(0)"};
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++) {
        struct ctx *ctx = fixture_ctx(roles[i], NEED_DB);
        for (size_t j = 0; j < ARRAY_COUNT(taken); j++) {
            assert_false(may(ctx, &(struct db_stmt){.name = "test_taken", .sql = taken[j]}, NULL, 0));
        }
        fixture_free(&ctx);
    }
}

static const struct db_stmt may_go = {
    .name = "test_may_go",
    .sql = "SELECT has_database_privilege(current_user, current_database(), 'CONNECT') AS here,"
           " coalesce(string_agg(datname, ' ') FILTER (WHERE has_database_privilege(current_user, oid, 'CONNECT')"
           " AND datname <> current_database()), '') AS elsewhere,"
           " has_database_privilege(current_user, current_database(), 'TEMP, CREATE')"
           " OR has_schema_privilege(current_user, 'public', 'CREATE') AS makes_tables"
           " FROM pg_database WHERE datname IN ('postgres', 'template1')"};

static void test_every_role_goes_into_our_database_only_and_makes_no_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        const struct db_rows *rows;
        struct ctx *ctx = fixture_ctx(changes[i].role, NEED_DB);
        assert_null(DB_RUN0(ctx, &may_go, &rows));
        assert_true(db_bool(rows, 0, "here"));
        assert_string_equal(db_str(rows, 0, "elsewhere"), "");
        assert_false(db_bool(rows, 0, "makes_tables"));
        fixture_free(&ctx);
    }
}

static void test_what_others_have_handled_is_not_seen(void **state)
{
    (void)state;
    const char *consumer = fixture_uuid();
    fixture_consumer(consumer, "reservation_service");
    struct ctx *owner = fixture_ctx("reservation_service", NEED_DB), *other = fixture_ctx("event_service", NEED_DB);
    const struct db_rows *rows;
    assert_null(DB_RUN(owner, &handled, NULL, DB_TEXT(consumer)));
    assert_null(DB_RUN(owner, &seen, &rows, DB_TEXT(consumer)));
    assert_int_equal(db_int(rows, 0, "total"), 1);
    assert_null(DB_RUN(other, &seen, &rows, DB_TEXT(consumer)));
    assert_int_equal(db_int(rows, 0, "total"), 0);
    fixture_free(&owner);
    fixture_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_role_says_its_own_words_only),
        cmocka_unit_test(test_no_role_makes_up_a_topic_or_says_another_thing_in_the_envelope),
        cmocka_unit_test(test_every_role_handles_as_its_own_consumers_only),
        cmocka_unit_test(test_what_others_have_handled_is_not_seen),
        cmocka_unit_test(test_every_role_changes_its_own_columns_only),
        cmocka_unit_test(test_what_has_happened_is_never_deleted),
        cmocka_unit_test(test_no_service_takes_locks_that_others_lead_by),
        cmocka_unit_test(test_no_service_says_who_is_an_administrator_or_when_something_happened),
        cmocka_unit_test(test_every_role_goes_into_our_database_only_and_makes_no_tables),
    };
    return cmocka_run_group_tests_name("isolation", tests, NULL, NULL);
}
