/* Lists: by cursor each event once, whatever comes in between, and no cursor that was made up; text found by its parts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/crypto/crypto.h"
#include "common/io/db.h"
#include "src/event/event_query.h"
#include "tests/support/fixture.h"

#define EVENTS 25
#define SEEN_MAX 200

static struct ctx *ctx;
static const char *city; /* of this test's events alone */

/* Events of which several begin at once and several have one title. */
static const struct db_stmt insert = {
    .name = "test_event_list_fill",
    .sql =
        "WITH venue AS (INSERT INTO venues (name, address, city) VALUES ('Venue', 'Address', $1) RETURNING id),"
        " hall AS (INSERT INTO halls (venue_id, name, capacity, seat_template) SELECT id, 'Hall', 1,"
        "   '{\"rows\":[\"A\"],\"seatsPerRow\":1,\"gradeMapping\":{\"A\":\"S\"}}' FROM venue RETURNING id, venue_id),"
        " event AS (INSERT INTO events (venue_id, hall_id, title, artist, status)"
        "   SELECT venue_id, id, '공연 ' || n % 7, '가수', 'OPEN' FROM hall, generate_series(1, $2::integer) AS n"
        "   RETURNING id)"
        " INSERT INTO event_schedules (event_id, play_sequence, event_start_at, event_end_at, sale_start_at,"
        "   sale_end_at, admission_rate, queue_capacity, seats_total)"
        " SELECT id, 1, day, day + interval '2 h', now(), day, 1, 1, 1 FROM (SELECT id, date_trunc('day', now()) +"
        "   make_interval(days => 2 + (row_number() OVER () % 5)::integer) AS day FROM event) AS placed"};

static void add_events(int count)
{
    enum { AT_ONCE = 250 }; /* within the time that a statement has */
    for (int left = count; left > 0; left -= AT_ONCE) {
        assert_null(DB_RUN(ctx, &insert, NULL, DB_TEXT(city), DB_INT(left < AT_ONCE ? left : AT_ONCE)));
    }
}

static int begin(void **state)
{
    (void)state;
    ctx = fixture_ctx("event_service", NEED_DB);
    city = fixture_uuid();
    add_events(EVENTS);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&ctx);
    return 0;
}

static struct event_list page_of(const char *sort, int64_t size, const char *cursor)
{
    struct event_list list;
    const struct event_filter filter = {.city = city, .sort = sort, .size = size, .cursor = cursor};
    assert_null(event_list(ctx, &filter, &list));
    return list;
}

static int times_in(const char *const *seen, size_t count, const char *id)
{
    int times = 0;
    for (size_t i = 0; i < count; i++) {
        times += strcmp(seen[i], id) == 0;
    }
    return times;
}

/* Reads page by page, while events are added after each. */
static size_t walk(const char *sort, const char **seen)
{
    size_t count = 0;
    const char *cursor = NULL;
    do {
        struct event_list list = page_of(sort, 4, cursor);
        for (size_t i = 0; i < list.count; i++) {
            assert_true(count < SEEN_MAX);
            seen[count++] = list.items[i].id;
        }
        assert_true(list.count == 4 || list.next_cursor == NULL);
        cursor = list.next_cursor;
        if (list.total < 2 * EVENTS) {
            add_events(5);
        }
    } while (cursor != NULL);
    return count;
}

static void expect_each_once(const char *sort)
{
    const char *seen[SEEN_MAX];
    struct event_list before = page_of(sort, 100, NULL);
    size_t count = walk(sort, seen);
    for (size_t i = 0; i < before.count; i++) {
        assert_int_equal(times_in(seen, count, before.items[i].id), 1);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(times_in(seen, count, seen[i]), 1);
    }
}

static void test_pages_by_cursor_neither_skip_nor_repeat(void **state)
{
    (void)state;
    static const char *const sorts[] = {NULL, "startDate", "-startDate", "title", "newest"};
    for (size_t i = 0; i < ARRAY_COUNT(sorts); i++) {
        city = fixture_uuid();
        add_events(EVENTS);
        expect_each_once(sorts[i]);
    }
}

static void test_last_page_has_no_cursor(void **state)
{
    (void)state;
    assert_null(page_of(NULL, EVENTS, NULL).next_cursor);
    assert_non_null(page_of(NULL, EVENTS - 1, NULL).next_cursor);
    assert_int_equal(page_of(NULL, EVENTS - 1, page_of(NULL, EVENTS - 1, NULL).next_cursor).count, 1);
}

static const char *encoded(const char *text)
{
    return crypto_base64url(ctx->arena, text, strlen(text));
}

static void test_cursor_that_was_made_up_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "title",
        "startDate",
        "startDate 01a21ecb-bc0f-74fd-97ac-39ed88bd22af",
        "startDate 01a21ecb-bc0f-74fd-97ac-39ed88bd22af 1",
        "startDate 01a21ecb-bc0f-74fd-97ac-39ed88bd22af x title",
        "startDate 01a21ecb-bc0f-74fd-97ac-39ed88bd22af 9223372036854775807 title",
        "startDate 01a21ecb-bc0f-74fd-97ac-39ed88bd22af 99999999999999999999 title",
        "startDate ' OR true; -- 1 title",
        "newest 01a21ecb-bc0f-74fd-97ac-39ed88bd22af 1 title", /* of another order */
        "startDate 01a21ecb-bc0f-74fd-97ac-39ed88bd22af 1 \xff",
        "startDate 01a21ecb-bc0f-74fd-97ac-39ed88bd22af 1 a\nb",
    };
    struct event_list list;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        const struct event_filter filter = {.cursor = encoded(texts[i])};
        assert_ptr_equal(event_list(ctx, &filter, &list), &err_invalid_request);
    }
    assert_ptr_equal(event_list(ctx, &(struct event_filter){.cursor = "%"}, &list), &err_invalid_request);
    const struct event_filter numbered = {
        .city = city, .page = 1, .size = 4, .cursor = page_of(NULL, 4, NULL).next_cursor};
    assert_ptr_equal(event_list(ctx, &numbered, &list), &err_invalid_request);
}

static void test_lists_that_many_ask_for_are_few(void **state)
{
    (void)state;
    static const struct {
        struct event_filter filter;
        bool many;
    } cases[] = {
        {{0}, true},
        {{.size = 50, .page = 4, .status = "ONGOING", .sort = "title"}, true},
        {{.page = 5}, false},
        {{.size = 11}, false},
        {{.q = "a"}, false},
        {{.artist = "a"}, false},
        {{.city = "a"}, false},
        {{.from = "2026-01-01"}, false},
        {{.to = "2026-01-01"}, false},
        {{.cursor = "a"}, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(event_list_asked_by_many(ctx->arena, &cases[i].filter) != NULL, cases[i].many);
    }
    const struct event_filter a = {.size = 50}, b = {.size = 50, .sort = "startDate"};
    static const struct event_filter others[] = {
        {.size = 60}, {.size = 50, .page = 1}, {.size = 50, .status = "ONGOING"}, {.size = 50, .sort = "title"}};
    assert_string_equal(event_list_asked_by_many(ctx->arena, &a), event_list_asked_by_many(ctx->arena, &b));
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_string_not_equal(event_list_asked_by_many(ctx->arena, &a),
                                event_list_asked_by_many(ctx->arena, &others[i]));
    }
}

static void test_list_is_counted_up_to_a_bound(void **state)
{
    (void)state;
    add_events(1100);
    assert_int_equal(page_of(NULL, 4, NULL).total, 1000);
    assert_int_equal(page_of(NULL, 4, page_of(NULL, 4, NULL).next_cursor).total, 1000);
}

static const struct db_stmt move_first = {
    .name = "test_event_list_move",
    .sql = "UPDATE event_schedules SET event_start_at = event_start_at - interval '1 d', status = $2 WHERE event_id ="
           " (SELECT e.id FROM events AS e JOIN venues AS v ON v.id = e.venue_id WHERE v.city = $1"
           " ORDER BY e.starts_at DESC, e.id DESC LIMIT 1)"};

static int64_t count_of(const char *status)
{
    struct event_list list;
    assert_null(event_list(ctx, &(struct event_filter){.city = city, .status = status, .size = 1}, &list));
    return list.total;
}

static void test_list_follows_the_performances(void **state)
{
    (void)state;
    const char *last = page_of("-startDate", 1, NULL).items[0].id;
    assert_int_equal(count_of("ONGOING"), EVENTS);
    assert_null(DB_RUN(ctx, &move_first, NULL, DB_TEXT(city), DB_TEXT("CANCELLED")));
    assert_string_not_equal(page_of("-startDate", 1, NULL).items[0].id, last);
    assert_int_equal(count_of("ONGOING"), EVENTS - 1);
    assert_int_equal(count_of("CANCELLED"), 1);
}

/* ---- text ---- */

static const struct db_stmt rename_first = {
    .name = "test_event_list_rename",
    .sql = "UPDATE events SET title = $2, artist = $3 WHERE id = (SELECT min(e.id::text)::uuid FROM events AS e"
           " JOIN venues AS v ON v.id = e.venue_id WHERE v.city = $1)"};

static int64_t found(const char *q, const char *artist)
{
    struct event_list list;
    const struct event_filter filter = {.city = city, .q = q, .artist = artist, .size = 10};
    assert_null(event_list(ctx, &filter, &list));
    return list.total;
}

static void test_text_is_found_by_any_part_of_it(void **state)
{
    (void)state;
    static const char *const parts[] = {"름",     "여름", "여름밤", "여름밤 J", "여름밤 Jazz abcd", "z", "JA", "jAzZ",
                                        "d bcde", "Ä",    "ä",      "아이",     "아이유 B",         "b"};
    static const char *const others[] = {"름여", "여밤", "여름밤밤", "abcde", "e아", "de아이",
                                         "%",    "_",    "여_밤",    "여%밤", "Ae"};
    assert_null(
        DB_RUN(ctx, &rename_first, NULL, DB_TEXT(city), DB_TEXT("여름밤 Jazz abcd bcde"), DB_TEXT("아이유 BÄ")));
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (found(parts[i], NULL) != 1) {
            fail_msg("'%s' is not found", parts[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (found(others[i], NULL) != 0) {
            fail_msg("'%s' is found", others[i]);
        }
    }
    assert_null(
        DB_RUN(ctx, &rename_first, NULL, DB_TEXT(city), DB_TEXT("ＢＴＳ Ｌｉｖｅ １２３ ﬁnale"), DB_TEXT("x²")));
    static const char *const plain[] = {"BTS", "ＢＴＳ", "bts live 123", "ｌｉｖｅ", "fin", "ﬁ", "finale", "x2"};
    for (size_t i = 0; i < ARRAY_COUNT(plain); i++) {
        if (found(plain[i], NULL) != 1) {
            fail_msg("'%s' is not found", plain[i]);
        }
    }
}

static void test_text_of_title_and_artist_is_found_together(void **state)
{
    (void)state;
    assert_null(DB_RUN(ctx, &rename_first, NULL, DB_TEXT(city), DB_TEXT("여름밤 Jazz"), DB_TEXT("아이유 BÄ")));
    assert_int_equal(found("여름", "아이"), 1);
    assert_int_equal(found("아이", "유"), 1);
    assert_int_equal(found(NULL, "여름"), 0);
    assert_int_equal(found(NULL, "유b"), 0);
}

/* The plan of a statement that has run before. */
static const char *plan_of(const char *statement, const char *args)
{
    struct db_stmt *explain = arena_alloc(ctx->arena, sizeof *explain);
    const struct db_rows *rows;
    struct buf lines;
    *explain = (struct db_stmt){.name = fixture_uuid(),
                                .sql = ARENA_JOIN(ctx->arena, "EXPLAIN EXECUTE ", statement, " (", args, ")")};
    assert_null(DB_RUN0(ctx, explain, &rows));
    buf_init(&lines, ctx->arena, 1 << 20);
    for (size_t i = 0; i < db_count(rows); i++) {
        buf_printf(&lines, "%s\n", db_str(rows, i, "QUERY PLAN"));
    }
    return lines.data;
}

static const struct db_stmt analyze = {.name = "test_event_list_analyze", .sql = "ANALYZE event_service.events"};
static const struct db_stmt analyze_rows = {.name = "test_event_list_analyze_rows",
                                            .sql =
                                                "ANALYZE event_service.events (status, deleted_at, starts_at, title)"};

/* A statement that has run some times may get one plan for all parameters. */
static const struct db_stmt plan_modes[] = {
    {.name = "test_event_list_custom", .sql = "SET plan_cache_mode = force_custom_plan"},
    {.name = "test_event_list_generic", .sql = "SET plan_cache_mode = force_generic_plan"},
};

/* As the store does by itself in time. */
static void count_events(const struct db_stmt *how)
{
    struct ctx *admin = fixture_ctx("boxoffice_admin", NEED_DB);
    assert_null(DB_RUN0(admin, how, NULL));
    fixture_free(&admin);
}

static void test_search_reads_no_event_that_has_not_the_parts(void **state)
{
    (void)state;
    static const char *const texts[] = {", '여', NULL", ", '여름', NULL", ", '여름밤', NULL",       ", 'xq', NULL",
                                        ", NULL, '여'", ", 'a', '여'",    ", NULL, '여름밤 콘서트'"};
    add_events(2000);
    count_events(&analyze);
    found("여름", NULL);
    for (size_t mode = 0; mode < ARRAY_COUNT(plan_modes); mode++) {
        assert_null(DB_RUN0(ctx, &plan_modes[mode], NULL));
        for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
            const char *args = ARENA_JOIN(ctx->arena, "NULL, NULL, NULL, NULL, 20, 0, NULL, NULL", texts[i]);
            assert_non_null(strstr(plan_of("event_search_first", args), "Bitmap Index Scan on events_grams"));
        }
    }
}

static void test_list_between_dates_reads_no_other_event(void **state)
{
    (void)state;
    struct event_list list;
    const struct event_filter filter = {.city = city, .size = 10, .from = "2126-01-01", .to = "2126-01-07"};
    add_events(2000);
    count_events(&analyze_rows);
    assert_null(event_list(ctx, &filter, &list));
    assert_int_equal(list.total, 0);
    for (size_t mode = 0; mode < ARRAY_COUNT(plan_modes); mode++) {
        assert_null(DB_RUN0(ctx, &plan_modes[mode], NULL));
        const char *plan = plan_of("event_between_first", "NULL, '2126-01-01', '2126-01-07', NULL, 20, 0, NULL, NULL");
        assert_non_null(strstr(plan, "event_schedules_start"));
    }
}

static void expect_index(const char *index, const char *plan)
{
    if (strstr(plan, ARENA_JOIN(ctx->arena, "Scan using ", index, " on events e")) == NULL) {
        fail_msg("%s is not used:\n%s", index, plan);
    }
}

/* Of all events, and of those with a text that many have. The newest stand in the order of every key. */
static void test_page_is_read_in_its_order(void **state)
{
    (void)state;
    static const struct {
        const char *sort, *list, *search, *index;
    } cases[] = {
        {"startDate", "event_list_first", "event_search_first", "events_first"},
        {"-startDate", "event_list_last", "event_search_last", "events_last"},
        {"title", "event_list_titled", "event_search_titled", "events_titled"},
    };
    struct event_list list;
    add_events(2000);
    count_events(&analyze_rows);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_null(event_list(ctx, &(struct event_filter){.sort = cases[i].sort, .size = 20}, &list));
        assert_null(event_list(ctx, &(struct event_filter){.sort = cases[i].sort, .size = 20, .q = "공연"}, &list));
        expect_index(cases[i].index, plan_of(cases[i].list, "NULL, NULL, NULL, NULL, 20, 0, NULL, NULL"));
        expect_index(cases[i].index,
                     plan_of(cases[i].search, "NULL, NULL, NULL, NULL, 20, 0, NULL, NULL, '공연', NULL"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pages_by_cursor_neither_skip_nor_repeat),
        TEST(test_last_page_has_no_cursor),
        TEST(test_cursor_that_was_made_up_is_refused),
        TEST(test_lists_that_many_ask_for_are_few),
        TEST(test_text_is_found_by_any_part_of_it),
        TEST(test_text_of_title_and_artist_is_found_together),
        TEST(test_search_reads_no_event_that_has_not_the_parts),
        TEST(test_list_between_dates_reads_no_other_event),
        TEST(test_page_is_read_in_its_order),
        TEST(test_list_is_counted_up_to_a_bound),
        TEST(test_list_follows_the_performances),
    };
    return cmocka_run_group_tests_name("event_list", tests, NULL, NULL);
}
