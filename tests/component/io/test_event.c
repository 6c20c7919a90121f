/* event: envelopes, the outbox's rows, the inbox's claims (RSV-011, RSV-012). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/io/event.h"
#include "tests/support/fixture.h"

static const struct db_stmt outbox_of = {
    .name = "test_outbox_of",
    .sql = "SELECT id, topic, partition_key, event_type, aggregate_type, envelope,"
           " published_at FROM common.outbox_events WHERE aggregate_id = $1 ORDER BY id"};

/* No relay shall find what has no topic. */
static const struct db_stmt clean = {.name = "test_clean",
                                     .sql = "UPDATE common.outbox_events SET published_at = clock_timestamp()"
                                            " WHERE topic = 'test.notes' AND published_at IS NULL"};

struct note {
    const char *text;
    int64_t number;
};
SHAPE_OPEN(note_shape, struct note,
           {.name = "text", .type = FIELD_STR, .offset = offsetof(struct note, text), .flags = FIELD_REQUIRED},
           {.name = "number", .type = FIELD_INT, .offset = offsetof(struct note, number), .min = 0, .max = 1000});
static const struct event_type note_taken = {"NoteTaken", "test.notes", "Note", &note_shape};

struct pair {
    struct ctx *ctx;   /* a service */
    struct ctx *relay; /* who may read the outbox */
};

static int setup(void **state)
{
    static struct pair pair;
    pair = (struct pair){fixture_ctx("reservation_service", 0), fixture_ctx("outbox_relay", 0)};
    fixture_event_type(&note_taken, "reservation_service");
    fixture_consumer("test-a", "reservation_service");
    fixture_consumer("test-b", "reservation_service");
    *state = &pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    assert_null(DB_RUN0(pair->relay, &clean, NULL));
    fixture_free(&pair->ctx);
    fixture_free(&pair->relay);
    return 0;
}

/* ---- out ---- */

struct work {
    const char *aggregate_id;
    const char *key;
    int events;
    const char *text; /* NULL: any */
    const struct err *result;
};

static const struct err *publish_notes(struct ctx *ctx, void *arg)
{
    const struct work *work = arg;
    for (int i = 0; i < work->events; i++) {
        const struct note note = {.text = work->text != NULL ? work->text : "한글 \"quoted\"", .number = i};
        const struct err *e = event_publish(ctx, &(struct event_new){.type = &note_taken,
                                                                     .aggregate_id = work->aggregate_id,
                                                                     .key = work->key,
                                                                     .user_id = work->key,
                                                                     .payload = &note});
        if (e != NULL) {
            return e;
        }
    }
    return work->result;
}

static void test_published_event_is_a_row_that_parses_back(void **state)
{
    struct pair *pair = *state;
    struct work work = {.aggregate_id = fixture_uuid(), .key = fixture_uuid(), .events = 1};
    const struct db_rows *rows;
    assert_null(db_transact(pair->ctx, publish_notes, &work));
    assert_null(DB_RUN(pair->relay, &outbox_of, &rows, DB_TEXT(work.aggregate_id)));
    assert_int_equal(db_count(rows), 1);
    assert_string_equal(db_str(rows, 0, "topic"), "test.notes");
    assert_string_equal(db_str(rows, 0, "partition_key"), work.key);
    assert_string_equal(db_str(rows, 0, "event_type"), "NoteTaken");
    assert_string_equal(db_str(rows, 0, "aggregate_type"), "Note");
    assert_true(db_null(rows, 0, "published_at"));

    struct event event;
    struct note note;
    const char *envelope = db_str(rows, 0, "envelope");
    assert_null(event_parse(pair->relay, envelope, strlen(envelope), &event));
    assert_string_equal(event.id, db_str(rows, 0, "id"));
    assert_string_equal(event.type, "NoteTaken");
    assert_string_equal(event.aggregate_id, work.aggregate_id);
    assert_string_equal(event.correlation_id, pair->ctx->trace.id);
    assert_string_equal(event.user_id, work.key);
    assert_null(event.causation_id);
    assert_true(event.at > clock_now() - 60 * CLOCK_SECOND && event.at <= clock_now());
    assert_null(json_bind(pair->relay, event.payload, &note_shape, &note));
    assert_string_equal(note.text, "한글 \"quoted\"");
}

static void test_published_events_have_ids_in_their_order(void **state)
{
    struct pair *pair = *state;
    struct work work = {.aggregate_id = fixture_uuid(), .key = fixture_uuid(), .events = 50};
    const struct db_rows *rows;
    assert_null(db_transact(pair->ctx, publish_notes, &work));
    assert_null(DB_RUN(pair->relay, &outbox_of, &rows, DB_TEXT(work.aggregate_id)));
    assert_int_equal(db_count(rows), 50);
    for (size_t i = 0; i < 50; i++) {
        char number[32];
        snprintf(number, sizeof number, "\"number\": %zu", i);
        assert_non_null(strstr(db_str(rows, i, "envelope"), number));
    }
}

static void test_publishing_rolled_back_leaves_no_row(void **state)
{
    struct pair *pair = *state;
    struct work work = {.aggregate_id = fixture_uuid(), .key = fixture_uuid(), .events = 3, .result = &err_conflict};
    const struct db_rows *rows;
    assert_ptr_equal(db_transact(pair->ctx, publish_notes, &work), &err_conflict);
    assert_null(DB_RUN(pair->relay, &outbox_of, &rows, DB_TEXT(work.aggregate_id)));
    assert_int_equal(db_count(rows), 0);
}

static void test_payload_that_no_reader_accepts_is_not_published(void **state)
{
    struct pair *pair = *state;
    struct work work = {.aggregate_id = fixture_uuid(), .key = fixture_uuid(), .events = 1, .text = "a\nb"};
    assert_ptr_equal(db_transact(pair->ctx, publish_notes, &work), &err_internal);
    assert_null(pair->ctx->details);
}

/* ---- in ---- */

#define ID "018f0000-0000-7000-8000-000000000001"
#define HEAD "{\"eventId\":\"" ID "\",\"eventType\":\"T\",\"aggregateId\":\"" ID "\",\"aggregateType\":\"A\","
#define STAMP "\"version\":\"v1\",\"timestamp\":\"2026-06-01T10:00:00Z\","

static void test_parse_refuses_what_is_no_envelope(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{",
        "\xff\xfe",
        HEAD STAMP "\"payload\":{}",                                                      /* cut short */
        HEAD STAMP "\"payload\":{}} x",                                                   /* something follows */
        HEAD STAMP "\"payload\":[]}",                                                     /* no object */
        HEAD STAMP "\"payload\":null}",                                                   /* none */
        HEAD STAMP "\"metadata\":7,\"payload\":{}}",                                      /* wrong type */
        HEAD STAMP "\"metadata\":{\"userId\":\"x' OR 1=1\"},\"payload\":{}}",             /* no UUID */
        HEAD "\"version\":\"v2\",\"timestamp\":\"2026-06-01T10:00:00Z\",\"payload\":{}}", /* of the future */
        HEAD "\"version\":\"v1\",\"timestamp\":\"yesterday\",\"payload\":{}}",            /* no time */
        HEAD HEAD STAMP "\"payload\":{}}",                                                /* not JSON */
        "{\"eventId\":\"1\",\"eventType\":\"T\",\"aggregateId\":\"" ID "\",\"aggregateType\":\"A\"," STAMP
        "\"payload\":{}}",
    };
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    struct event event;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_ptr_equal(event_parse(ctx, bad[i], strlen(bad[i]), &event), &err_invalid_request);
    }
}

static void test_parse_accepts_members_of_a_later_version(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    const char *text = HEAD STAMP "\"later\":{\"x\":[1]},\"metadata\":{\"later\":1},\"payload\":{\"a\":1}}";
    struct event event;
    assert_null(event_parse(ctx, text, strlen(text), &event));
    assert_null(event.user_id);
    assert_int_equal(json_int(json_get(event.payload, "a"), 0), 1);
}

struct claim {
    const char *event_id;
    const char *consumer;
    bool first;
    const struct err *result;
};

static const struct err *claim_event(struct ctx *ctx, void *arg)
{
    struct claim *claim = arg;
    const struct err *e = inbox_claim(ctx, claim->event_id, claim->consumer, &claim->first);
    return e != NULL ? e : claim->result;
}

static void test_claim_is_first_once_per_consumer(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    struct claim claim = {.event_id = fixture_uuid(), .consumer = "test-a"};
    assert_null(db_transact(ctx, claim_event, &claim));
    assert_true(claim.first);
    assert_null(db_transact(ctx, claim_event, &claim));
    assert_false(claim.first);
    claim.consumer = "test-b";
    assert_null(db_transact(ctx, claim_event, &claim));
    assert_true(claim.first);
}

static void test_claim_rolled_back_is_free_again(void **state)
{
    struct ctx *ctx = ((struct pair *)*state)->ctx;
    struct claim claim = {.event_id = fixture_uuid(), .consumer = "test-a", .result = &err_conflict};
    assert_ptr_equal(db_transact(ctx, claim_event, &claim), &err_conflict);
    claim.result = NULL;
    assert_null(db_transact(ctx, claim_event, &claim));
    assert_true(claim.first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_published_event_is_a_row_that_parses_back),
        TEST(test_published_events_have_ids_in_their_order),
        TEST(test_publishing_rolled_back_leaves_no_row),
        TEST(test_payload_that_no_reader_accepts_is_not_published),
        TEST(test_parse_refuses_what_is_no_envelope),
        TEST(test_parse_accepts_members_of_a_later_version),
        TEST(test_claim_is_first_once_per_consumer),
        TEST(test_claim_rolled_back_is_free_again),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
