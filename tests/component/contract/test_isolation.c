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

static void test_what_a_payment_is_for_never_changes(void **state)
{
    (void)state;
    static const char *const columns[] = {"id",          "reservation_id", "schedule_id", "user_id",
                                          "payment_key", "amount",         "method",      "created_at"};
    struct ctx *ctx = fixture_ctx("payment_service", NEED_DB);
    const struct db_arg nobody = DB_TEXT(fixture_uuid());
    assert_true(
        may(ctx, &(struct db_stmt){.name = "test_status", .sql = "UPDATE payments SET status = status WHERE id = $1"},
            &nobody, 1));
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        const struct db_stmt change = {
            .name = arena_printf(ctx->arena, "test_%s", columns[i]),
            .sql = arena_printf(ctx->arena, "UPDATE payments SET %s = %s WHERE id = $1", columns[i], columns[i])};
        assert_false(may(ctx, &change, &nobody, 1));
    }
    fixture_free(&ctx);
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
        cmocka_unit_test(test_what_a_payment_is_for_never_changes),
    };
    return cmocka_run_group_tests_name("isolation", tests, NULL, NULL);
}
