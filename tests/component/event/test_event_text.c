/* What administrators type and visitors search for, on a real database. */
#include "common/base/text.h"
#include "tests/support/event_scene.h"

#define HAN_NFC "\uD55C"
#define HAN_NFD "\u1112\u1161\u11AB"

static void *body(const struct shape *shape, const char *text)
{
    void *read = NULL;
    if (json_read(ctx, text, strlen(text), shape, &read)) {
        fail_msg("%s was refused: %s %s", text, ctx->details->field, ctx->details->reason);
    }
    return read;
}

static const char *make_venue(void)
{
    char id[UUID_SIZE];
    assert_null(venue_create(
        ctx, body(&venue_new_shape, "{\"name\":\"V\",\"address\":\" " HAN_NFD "  1\",\"city\":\"" HAN_NFD "\\u00A0\"}"),
        id));
    return arena_strdup(ctx->arena, id);
}

/* One row, labelled `label`, of three seats of which the second is missing. */
static const char *hall_body(const char *name, const char *label)
{
    return arena_printf(
        ctx->arena,
        "{\"name\":\"%s\",\"capacity\":2,\"seatTemplate\":{\"rows\":[\"%s\"],\"seatsPerRow\":{\"%s\":3},"
        "\"gradeMapping\":{\"%s\":\"S\"},\"missing\":[\"%s-2\"],"
        "\"positions\":{\"%s-1\":{\"x\":1,\"y\":2}}}}",
        name, label, label, label, label, label);
}

static const struct err *make_hall(const char *venue_id, const char *text, const char **id_r)
{
    char id[UUID_SIZE];
    const struct err *e = hall_create(ctx, venue_id, body(&hall_new_shape, text), id);
    if (!e) {
        *id_r = arena_strdup(ctx->arena, id);
    }
    return e;
}

/* A published event of this title, in a hall whose one row is written in NFD. */
static const char *make_event(const char *title)
{
    const char *venue = make_venue(), *hall;
    char id[UUID_SIZE];
    assert_null(make_hall(venue, hall_body("H", HAN_NFD), &hall));
    const char *text =
        arena_printf(ctx->arena,
                     "{\"title\":\"%s\",\"artist\":\"%s \",\"description\":\"%s \\r\\n\",\"venueId\":\"%s\","
                     "\"hallId\":\"%s\",\"gradePrices\":{\"S\":1},\"schedules\":[{\"playSequence\":1,"
                     "\"eventStartAt\":\"2126-06-01T19:00:00Z\",\"eventEndAt\":\"2126-06-01T21:00:00Z\","
                     "\"saleStartAt\":\"2026-01-01T00:00:00Z\",\"saleEndAt\":\"2126-06-01T00:00:00Z\"}]}",
                     title, HAN_NFD, HAN_NFD, venue, hall);
    assert_null(event_admin_create(ctx, body(&event_draft_shape, text), id));
    assert_null(event_admin_publish(ctx, id));
    return arena_strdup(ctx->arena, id);
}

static void test_event_is_stored_as_everybody_compares_it(void **state)
{
    (void)state;
    struct event_detail event;
    assert_null(event_get(ctx, make_event(" " HAN_NFD "   x "), EVENT_VIEW_ADMIN, &event));
    assert_string_equal(event.title, HAN_NFC " x");
    assert_string_equal(event.artist, HAN_NFC);
    assert_string_equal(event.description, HAN_NFC);
    struct venue venue;
    assert_null(venue_get(ctx, event.venue.id, &venue));
    assert_string_equal(venue.address, HAN_NFC " 1");
    assert_string_equal(venue.city, HAN_NFC);
}

static void assert_found(const char *query, const char *id)
{
    void *filter;
    struct event_list list;
    assert_null(json_read_query(ctx, query, &event_filter_shape, &filter));
    assert_null(event_list(ctx, filter, &list));
    if (list.count != 1) {
        fail_msg("'%s' found %zu events", query, list.count);
    }
    assert_string_equal(list.items[0].id, id);
}

static void test_search_finds_whatever_form_title_and_question_have(void **state)
{
    (void)state;
    static const char *const ends[] = {"+" HAN_NFC, "+" HAN_NFD, "++" HAN_NFC "%C2%A0"};
    const char *words[] = {fixture_uuid(), fixture_uuid()};
    const char *ids[] = {make_event(ARENA_JOIN(ctx->arena, words[0], " " HAN_NFC)),
                         make_event(ARENA_JOIN(ctx->arena, words[1], "  " HAN_NFD))};
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        for (size_t k = 0; k < ARRAY_COUNT(ends); k++) {
            assert_found(ARENA_JOIN(ctx->arena, "q=+", words[i], ends[k]), ids[i]);
            assert_found(ARENA_JOIN(ctx->arena, "city=+" HAN_NFD "&artist=" HAN_NFD "+&q=", words[i], ends[k]), ids[i]);
        }
    }
}

static void test_halls_that_look_alike_are_one(void **state)
{
    (void)state;
    static const char *const alike[] = {"h " HAN_NFC,    "h " HAN_NFD,      "h " HAN_NFC " ",
                                        " h   " HAN_NFC, "h\u00A0" HAN_NFC, "h\u3000" HAN_NFC "\uFE0F"};
    const char *venue = make_venue(), *hall;
    assert_null(make_hall(venue, hall_body(alike[0], "A"), &hall));
    for (size_t i = 1; i < ARRAY_COUNT(alike); i++) {
        assert_ptr_equal(make_hall(venue, hall_body(alike[i], "A"), &hall), &err_db_unique);
    }
    assert_null(make_hall(venue, hall_body("h", "A"), &hall));
}

static const struct db_stmt seats = {
    .name = "test_seats_of_event",
    .sql = "SELECT string_agg(seat_number || ' ' || row_label || coalesce(' ' || x, ''), ',' ORDER BY ordinal) AS made"
           " FROM seats AS s JOIN event_schedules AS e ON e.id = s.schedule_id WHERE e.event_id = $1"};

static void test_template_is_one_whatever_form_its_labels_have(void **state)
{
    (void)state;
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &seats, &rows, DB_TEXT(make_event("t"))));
    assert_string_equal(db_str(rows, 0, "made"), HAN_NFC "-1 " HAN_NFC " 1," HAN_NFC "-3 " HAN_NFC);
}

/* ---- the store ---- */

static const struct db_stmt unlike = {.name = "test_unlike",
                                      .sql = "SELECT count(*) AS unlike FROM unnest($1::text[]) AS line"
                                             " WHERE line <> common.line(line)"};

static size_t encode(char out[4], uint32_t code)
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(leads[len] | code);
    return len;
}

/* Adds the stored form of "a<code>b" to an array of PostgreSQL's, when there is one. */
static size_t add_line(struct buf *array, uint32_t code)
{
    const char *why;
    char typed[8] = "a";
    size_t len = encode(typed + 1, code);
    typed[1 + len] = 'b';
    const char *stored = text_line(ctx->arena, typed, &why);
    if (!stored || code == '"' || code == '\\') { /* which an array would want escaped */
        return 0;
    }
    buf_printf(array, "%s\"%s\"", array->len > 1 ? "," : "", stored);
    return 1;
}

/* What the service takes, the store's CHECKs must take: else an odd letter is a fault of ours. */
static void test_store_takes_every_character_that_the_service_takes(void **state)
{
    (void)state;
    enum { STEP = 0x4000, LAST = 0x10ffff };
    size_t taken = 0;
    for (uint32_t first = 1; first <= LAST; first += STEP) {
        const struct db_rows *rows;
        struct buf array;
        ctx_begin(ctx, NULL, NULL);
        buf_init(&array, ctx->arena, 1u << 20);
        buf_char(&array, '{');
        for (uint32_t code = first; code < first + STEP && code <= LAST; code++) {
            taken += add_line(&array, code);
        }
        buf_char(&array, '}');
        assert_null(DB_RUN(ctx, &unlike, &rows, DB_TEXT(array.data)));
        assert_int_equal(db_int(rows, 0, "unlike"), 0);
    }
    assert_true(taken > 100000);
}

static const struct db_stmt insert_raw = {.name = "test_venue_insert_raw",
                                          .sql = "INSERT INTO venues (name, address, city) VALUES ($1, 'a', 'c')"};

static void test_store_refuses_what_looks_alike(void **state)
{
    (void)state;
    static const char *const refused[] = {HAN_NFD,   " a",      "a ",      "a  b",    "a\u00A0b", "a\tb",
                                          "a\u200B", "\u3164a", "a\u202E", "\uFEFFa", "a\u3000b", "\u2800"};
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        if (!DB_RUN(ctx, &insert_raw, NULL, DB_TEXT(refused[i]))) {
            fail_msg("row %zu was taken", i);
        }
    }
    assert_null(DB_RUN(ctx, &insert_raw, NULL, DB_TEXT(HAN_NFC " x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_event_is_stored_as_everybody_compares_it, begin, end),
        cmocka_unit_test_setup_teardown(test_search_finds_whatever_form_title_and_question_have, begin, end),
        cmocka_unit_test_setup_teardown(test_halls_that_look_alike_are_one, begin, end),
        cmocka_unit_test_setup_teardown(test_template_is_one_whatever_form_its_labels_have, begin, end),
        cmocka_unit_test_setup_teardown(test_store_takes_every_character_that_the_service_takes, begin, end),
        cmocka_unit_test_setup_teardown(test_store_refuses_what_looks_alike, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
