/* Venues, halls, events and their seats on a real database. */
#include "common/base/clock.h"
#include "src/event/seat_map.h"
#include "tests/support/event_scene.h"

#define SMALL_HALL                                                                                                \
    "{\"name\":\"Main\",\"capacity\":7,\"seatTemplate\":{\"rows\":[\"B\",\"A\",\"C\"],\"seatsPerRow\":"           \
    "{\"A\":3,\"B\":2,\"C\":3},\"gradeMapping\":{\"A\":\"VIP\",\"B\":\"S\",\"C\":\"VIP\"},\"missing\":[\"A-2\"]," \
    "\"accessible\":[\"B-1\"],\"viewRestricted\":[\"B-2\",\"C-1\"],\"positions\":{\"C-1\":{\"x\":-4,\"y\":9}}}}"

static const char *copy(const char id[UUID_SIZE])
{
    return arena_strdup(ctx->arena, id);
}

static const char *make_venue(const char *city)
{
    char id[UUID_SIZE];
    assert_null(venue_create(ctx, &(struct venue_new){"Olympic Hall", "Seoul, Songpa-gu 424", city}, id));
    return copy(id);
}

static const struct err *make_hall(const char *venue_id, const char *json, const char **id_r)
{
    void *hall;
    char id[UUID_SIZE];
    assert_null(json_read(ctx, json, strlen(json), &hall_new_shape, &hall));
    const struct err *e = hall_create(ctx, venue_id, hall, id);
    if (!e) {
        *id_r = copy(id);
    }
    return e;
}

/* A sale that began a minute ago and ends in an hour, for a performance a day ahead. */
static struct schedule_new open_schedule(int64_t sequence)
{
    int64_t now = clock_now();
    return (struct schedule_new){.play_sequence = sequence,
                                 .event_start_at = now + 86400 * CLOCK_SECOND,
                                 .event_end_at = now + 90000 * CLOCK_SECOND,
                                 .sale_start_at = now - 60 * CLOCK_SECOND,
                                 .sale_end_at = now + 3600 * CLOCK_SECOND,
                                 .admission_rate = FIELD_NO_INT,
                                 .queue_capacity = FIELD_NO_INT};
}

static struct event_draft draft(const char *venue_id, const char *hall_id, struct schedule_new *schedules, size_t count)
{
    return (struct event_draft){.title = arena_printf(ctx->arena, "Spring 100%% %s", fixture_uuid()),
                                .artist = "아이유",
                                .venue_id = venue_id,
                                .hall_id = hall_id,
                                .grade_prices = {150000, 120000, FIELD_NO_INT, FIELD_NO_INT},
                                .schedules = {schedules, count}};
}

static const char *make_event(struct schedule_new *schedules, size_t count)
{
    const char *venue = make_venue("서울"), *hall;
    char id[UUID_SIZE];
    assert_null(make_hall(venue, SMALL_HALL, &hall));
    const struct event_draft event = draft(venue, hall, schedules, count);
    assert_null(event_admin_create(ctx, &event, id));
    return copy(id);
}

static const struct event_schedule *schedules_of(const char *event_id)
{
    struct event_detail event;
    assert_null(event_get(ctx, event_id, EVENT_VIEW_ADMIN, &event));
    return event.schedules.items;
}

/* ---- venues and halls ---- */

static void test_venue_made_is_found_and_listed(void **state)
{
    (void)state;
    const char *id = make_venue("부산");
    struct venue venue;
    struct venue_list list;
    assert_null(venue_get(ctx, id, &venue));
    assert_string_equal(venue.city, "부산");
    assert_null(venue_list(ctx, &(struct page){0, 1}, &list));
    assert_int_equal(list.count, 1);
    assert_true(list.total >= 1);
    int64_t total = list.total;
    assert_null(venue_list(ctx, &(struct page){100000, 100}, &list));
    assert_int_equal(list.count, 0);
    assert_int_equal(list.total, total);
    assert_ptr_equal(venue_get(ctx, fixture_uuid(), &venue), &err_not_found);
}

static void test_hall_made_is_listed_with_its_template(void **state)
{
    (void)state;
    const char *venue = make_venue("서울"), *id;
    struct hall_list list;
    assert_null(hall_list(ctx, venue, &(struct page){0, 20}, &list));
    assert_int_equal(list.count, 0);
    assert_null(make_hall(venue, SMALL_HALL, &id));
    assert_null(hall_list(ctx, venue, &(struct page){0, 20}, &list));
    assert_int_equal(list.total, 1);
    assert_string_equal(list.items[0].id, id);
    assert_int_equal(list.items[0].capacity, 7);
    assert_non_null(strstr(list.items[0].seat_template, "\"missing\": [\"A-2\"]"));
    assert_ptr_equal(hall_list(ctx, fixture_uuid(), &(struct page){0, 20}, &list), &err_not_found);
}

static void test_hall_that_cannot_be_is_refused(void **state)
{
    (void)state;
    const char *venue = make_venue("서울"), *id;
    assert_null(make_hall(venue, SMALL_HALL, &id));
    assert_ptr_equal(make_hall(venue, SMALL_HALL, &id), &err_db_unique);
    assert_ptr_equal(make_hall(fixture_uuid(), SMALL_HALL, &id), &err_not_found);
    assert_ptr_equal(make_hall(venue,
                               "{\"name\":\"Other\",\"capacity\":8,\"seatTemplate\":{\"rows\":[\"A\"],"
                               "\"seatsPerRow\":7,\"gradeMapping\":{\"A\":\"S\"}}}",
                               &id),
                     &err_invalid_request);
    assert_string_equal(ctx->details->field, "capacity");
}

/* ---- events ---- */

static void test_event_made_has_the_seats_of_its_template_in_order(void **state)
{
    (void)state;
    static const char *const order[] = {"A-1", "A-3", "C-1", "C-2", "C-3", "B-1", "B-2"};
    struct schedule_new schedules[] = {open_schedule(1), open_schedule(2)};
    const char *id = make_event(schedules, 2);
    assert_null(event_admin_publish(ctx, id));
    struct seat_map map;
    assert_null(seat_map_get(ctx, schedules_of(id)[1].id, &map));
    assert_int_equal(seat_map_count(&map), 7);
    for (size_t i = 0; i < 7; i++) {
        struct seat seat = seat_map_at(&map, i);
        assert_string_equal(seat.seat_number, order[i]);
        assert_string_equal(seat.grade, i < 5 ? "VIP" : "S");
        assert_int_equal(seat.price, i < 5 ? 150000 : 120000);
        assert_string_equal(seat.status, "AVAILABLE");
        assert_int_equal(seat.accessible, i == 5);
        assert_int_equal(seat.view_restricted, i == 6 || i == 2);
        assert_int_equal(seat.placed, i == 2);
    }
    struct seat placed = seat_map_at(&map, 2);
    assert_int_equal(placed.x, -4);
    assert_int_equal(placed.y, 9);
    assert_null(placed.section);
    assert_string_equal(placed.row, "C");
    assert_int_equal(placed.number, 1);
}

#define HALL_OF_SECTIONS                                                                                               \
    "{\"name\":\"Ring\",\"capacity\":7,\"seatTemplate\":{\"sections\":[{\"name\":\"E\",\"rowRange\":{\"from\":\"A\","  \
    "\"to\":\"B\"},"                                                                                                   \
    "\"seatsPerRow\":3,\"gradeMapping\":{\"A\":\"VIP\",\"B\":\"S\"},\"missing\":[\"B-13\"],\"accessible\":[\"A-11\"]," \
    "\"numbering\":{\"from\":11,\"step\":2,\"direction\":\"RIGHT_TO_LEFT\"},\"positions\":{\"B-15\":{\"x\":-1,\"y\":-" \
    "2}},"                                                                                                             \
    "\"origin\":{\"x\":100,\"y\":50},\"rotation\":90,\"spacing\":{\"x\":20,\"y\":30}},{\"name\":\"W\",\"rowRange\":"   \
    "{\"from\":\"9\",\"to\":\"10\"},\"seatsPerRow\":{\"9\":1,\"10\":1},\"gradeMapping\":\"VIP\",\"viewRestricted\":["  \
    "\"10-1\"]}]}}"

/* As the plan of section E lies when it is turned by a quarter: its rows go down, and its second row is to the left. */
static void test_event_made_has_the_seats_of_its_sections_in_order(void **state)
{
    (void)state;
    static const struct seat expected[] = {
        {.seat_number = "E-A-11", .section = "E", .row = "A", .number = 11, .placed = true, .x = 100, .y = 70},
        {.seat_number = "E-A-13", .section = "E", .row = "A", .number = 13, .placed = true, .x = 100, .y = 50},
        {.seat_number = "E-A-15", .section = "E", .row = "A", .number = 15, .placed = true, .x = 100, .y = 30},
        {.seat_number = "W-9-1", .section = "W", .row = "9", .number = 1},
        {.seat_number = "W-10-1", .section = "W", .row = "10", .number = 1},
        {.seat_number = "E-B-11", .section = "E", .row = "B", .number = 11, .placed = true, .x = 70, .y = 70},
        {.seat_number = "E-B-15", .section = "E", .row = "B", .number = 15, .placed = true, .x = -1, .y = -2},
    };
    const char *venue = make_venue("서울"), *hall;
    char id[UUID_SIZE];
    struct schedule_new schedule = open_schedule(1);
    assert_null(make_hall(venue, HALL_OF_SECTIONS, &hall));
    struct event_draft event = draft(venue, hall, &schedule, 1);
    event.grade_prices.vip = FIELD_NO_INT;
    assert_ptr_equal(event_admin_create(ctx, &event, id), &err_invalid_request);
    assert_string_equal(ctx->details->field, "gradePrices.VIP");
    event.grade_prices.vip = 150000;
    assert_null(event_admin_create(ctx, &event, id));
    assert_null(event_admin_publish(ctx, id));
    struct seat_map map;
    assert_null(seat_map_get(ctx, schedules_of(id)[0].id, &map));
    assert_int_equal(seat_map_count(&map), ARRAY_COUNT(expected));
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        struct seat seat = seat_map_at(&map, i);
        assert_string_equal(seat.seat_number, expected[i].seat_number);
        assert_string_equal(seat.section, expected[i].section);
        assert_string_equal(seat.row, expected[i].row);
        assert_int_equal(seat.number, expected[i].number);
        assert_int_equal(seat.placed, expected[i].placed);
        assert_int_equal(seat.x, expected[i].x);
        assert_int_equal(seat.y, expected[i].y);
        assert_string_equal(seat.grade, i < 5 ? "VIP" : "S");
        assert_int_equal(seat.accessible, i == 0);
        assert_int_equal(seat.view_restricted, i == 4);
    }
}

/* A hall of 50,000 seats. */
static const char *make_stadium(const char *venue)
{
    struct buf json;
    const char *hall;
    buf_init(&json, ctx->arena, 1 << 20);
    buf_str(&json, "{\"name\":\"Stadium\",\"capacity\":50000,\"seatTemplate\":{\"rows\":[");
    for (int i = 0; i < 250; i++) {
        buf_printf(&json, "%s\"R%d\"", i ? "," : "", i);
    }
    buf_str(&json, "],\"seatsPerRow\":200,\"gradeMapping\":{");
    for (int i = 0; i < 250; i++) {
        buf_printf(&json, "%s\"R%d\":\"%s\"", i ? "," : "", i, i % 2 ? "S" : "VIP");
    }
    buf_str(&json, "}}}");
    assert_null(make_hall(venue, json.data, &hall));
    return hall;
}

/* Of the statements that come, where nothing else is said. */
static void limit_statements(int64_t limit_ms)
{
    cfg_db.statement_ms = limit_ms;
    db_free(&ctx->db);
    ctx->db = db_new();
}

/* However short the time of others is: a draft is made with its seats or not at all. */
static void test_event_of_a_large_hall_has_every_seat(void **state)
{
    (void)state;
    const char *venue = make_venue("서울");
    char id[UUID_SIZE];
    struct schedule_new schedule = open_schedule(1);
    const struct event_draft event = draft(venue, make_stadium(venue), &schedule, 1);
    int64_t usual_ms = cfg_db.statement_ms;
    limit_statements(50);
    assert_null(event_admin_create(ctx, &event, id));
    limit_statements(usual_ms);
    assert_null(event_admin_publish(ctx, id));
    struct seat_map map;
    assert_null(seat_map_get(ctx, schedules_of(id)[0].id, &map));
    assert_int_equal(seat_map_count(&map), 50000);
    assert_string_equal(seat_map_at(&map, 24999).seat_number, "R248-200");
    assert_string_equal(seat_map_at(&map, 25000).seat_number, "R1-1");
}

static const struct db_stmt count_events = {.name = "test_event_count", .sql = "SELECT count(*) AS total FROM events"};

static void test_event_of_more_seats_than_there_is_time_for_is_refused(void **state)
{
    (void)state;
    const char *venue = make_venue("서울"), *hall = make_stadium(venue);
    struct schedule_new schedules[21];
    for (size_t i = 0; i < ARRAY_COUNT(schedules); i++) {
        schedules[i] = open_schedule((int64_t)i + 1);
    }
    const struct event_draft too_many = draft(venue, hall, schedules, ARRAY_COUNT(schedules));
    const struct event_draft slow = draft(venue, hall, schedules, 1);
    const struct db_rows *before, *after;
    char id[UUID_SIZE];
    assert_null(DB_RUN0(ctx, &count_events, &before));
    assert_ptr_equal(event_admin_create(ctx, &too_many, id), &err_invalid_request);
    assert_string_equal(ctx->details->field, "schedules");
    assert_non_null(strstr(ctx->details->reason, "21 performances of 50000 seats are 1050000 seats"));
    cfg_event.create_ms = 20;
    assert_ptr_equal(event_admin_create(ctx, &slow, id), &err_unavailable);
    assert_null(DB_RUN0(ctx, &count_events, &after));
    assert_int_equal(db_int(after, 0, "total"), db_int(before, 0, "total"));
}

static void test_event_that_cannot_be_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    const char *venue = make_venue("서울"), *hall;
    char id[UUID_SIZE];
    assert_null(make_hall(venue, SMALL_HALL, &hall));
    struct schedule_new good = open_schedule(1), twice[] = {good, good}, bad = good;
    const struct db_rows *before, *after;
    assert_null(DB_RUN0(ctx, &count_events, &before));
    struct event_draft event = draft(make_venue("서울"), hall, &good, 1);
    assert_ptr_equal(event_admin_create(ctx, &event, id), &err_invalid_request);
    assert_string_equal(ctx->details->field, "hallId");
    event = draft(venue, hall, &good, 1);
    event.grade_prices.s = FIELD_NO_INT;
    assert_ptr_equal(event_admin_create(ctx, &event, id), &err_invalid_request);
    assert_string_equal(ctx->details->field, "gradePrices.S");
    event = draft(venue, hall, twice, 2);
    assert_ptr_equal(event_admin_create(ctx, &event, id), &err_invalid_request);
    assert_string_equal(ctx->details->field, "schedules[1].playSequence");
    event = draft(venue, hall, &bad, 1);
    bad.event_end_at = bad.event_start_at;
    assert_ptr_equal(event_admin_create(ctx, &event, id), &err_invalid_request);
    bad = good;
    bad.sale_end_at = bad.sale_start_at;
    assert_ptr_equal(event_admin_create(ctx, &event, id), &err_invalid_request);
    bad = good;
    bad.sale_end_at = bad.event_end_at + 1;
    assert_ptr_equal(event_admin_create(ctx, &event, id), &err_invalid_request);
    event = draft(venue, hall, &good, 1);
    event.poster_url = "javascript:alert(1)";
    assert_ptr_equal(event_admin_create(ctx, &event, id), &err_invalid_request);
    assert_null(DB_RUN0(ctx, &count_events, &after));
    assert_int_equal(db_int(after, 0, "total"), db_int(before, 0, "total"));
}

static void test_event_in_draft_is_seen_by_administrators_only(void **state)
{
    (void)state;
    struct schedule_new schedule = open_schedule(1);
    const char *id = make_event(&schedule, 1);
    const char *schedule_id = schedules_of(id)[0].id;
    struct event_detail event;
    struct seat_map map;
    struct schedule shared;
    struct json_list sold;
    assert_ptr_equal(event_get(ctx, id, EVENT_VIEW_PUBLIC, &event), &err_not_found);
    assert_ptr_equal(seat_map_get(ctx, schedule_id, &map), &err_not_found);
    assert_ptr_equal(seat_map_schedule(ctx, schedule_id, &shared), &err_not_found);
    assert_ptr_equal(seat_map_sold(ctx, schedule_id, &sold), &err_not_found);
    assert_null(event_get(ctx, id, EVENT_VIEW_ADMIN, &event));
    assert_string_equal(event.status, "DRAFT");
    assert_null(event_admin_publish(ctx, id));
    assert_null(event_admin_publish(ctx, id));
    assert_null(event_get(ctx, id, EVENT_VIEW_PUBLIC, &event));
    assert_string_equal(event.status, "ONGOING");
    assert_null(event_get(ctx, id, EVENT_VIEW_ADMIN, &event));
    assert_string_equal(event.status, "OPEN");
    assert_null(seat_map_schedule(ctx, schedule_id, &shared));
    assert_string_equal(shared.status, "OPEN");
    assert_int_equal(shared.admission_rate, cfg_event.admission_rate);
    assert_int_equal(shared.queue_capacity, cfg_event.queue_capacity);
}

static const struct db_stmt set_status = {.name = "test_event_status",
                                          .sql = "UPDATE events SET status = $2 WHERE id = $1"};

static void test_event_that_is_over_cannot_be_published_again(void **state)
{
    (void)state;
    struct schedule_new schedule = open_schedule(1);
    const char *id = make_event(&schedule, 1);
    assert_non_null(DB_RUN(ctx, &set_status, NULL, DB_TEXT(id), DB_TEXT("CANCELLED"))); /* a draft is not called off */
    assert_null(event_admin_publish(ctx, id));
    assert_null(event_admin_publish(ctx, id));
    assert_null(DB_RUN(ctx, &set_status, NULL, DB_TEXT(id), DB_TEXT("CANCELLED")));
    assert_ptr_equal(event_admin_publish(ctx, id), &err_conflict);
    assert_ptr_equal(event_admin_publish(ctx, fixture_uuid()), &err_not_found);
}

/* ---- sale state ---- */

static const struct db_stmt sale_state = {
    .name = "test_sale_state",
    .sql = "SELECT sale_state($1::boolean, $2::timestamptz, $3::timestamptz, $4::timestamptz) AS state"};

static void assert_sale_state(bool cancelled, int64_t at, const char *expected)
{
    enum { START = 1000, END = 2000 };
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &sale_state, &rows, DB_BOOL(cancelled), DB_TIME(START * CLOCK_SECOND),
                       DB_TIME(END * CLOCK_SECOND), DB_TIME(at)));
    assert_string_equal(db_str(rows, 0, "state"), expected);
}

static void test_sale_state_at_the_windows_edges_changes_to_the_microsecond(void **state)
{
    (void)state;
    assert_sale_state(false, 1000 * CLOCK_SECOND - 1, "UPCOMING");
    assert_sale_state(false, 1000 * CLOCK_SECOND, "ONGOING");
    assert_sale_state(false, 2000 * CLOCK_SECOND - 1, "ONGOING");
    assert_sale_state(false, 2000 * CLOCK_SECOND, "ENDED");
    assert_sale_state(true, 1500 * CLOCK_SECOND, "CANCELLED");
}

static const char *state_of(struct schedule_new *schedules, size_t count)
{
    const char *id = make_event(schedules, count);
    struct event_detail event;
    assert_null(event_admin_publish(ctx, id));
    assert_null(event_get(ctx, id, EVENT_VIEW_PUBLIC, &event));
    return event.status;
}

static void test_sale_state_of_an_event_is_that_of_its_schedules_together(void **state)
{
    (void)state;
    struct schedule_new ongoing = open_schedule(1), upcoming = open_schedule(2), ended = open_schedule(3);
    upcoming.sale_start_at = clock_now() + 1800 * CLOCK_SECOND;
    ended.sale_end_at = clock_now() - 1 * CLOCK_SECOND;
    assert_string_equal(state_of((struct schedule_new[]){ended, upcoming, ongoing}, 3), "ONGOING");
    assert_string_equal(state_of((struct schedule_new[]){ended, upcoming}, 2), "UPCOMING");
    assert_string_equal(state_of((struct schedule_new[]){ended}, 1), "ENDED");
}

/* ---- list ---- */

static struct event_list search(struct event_filter filter)
{
    struct event_list list;
    filter.page = filter.page ? filter.page : FIELD_NO_INT;
    filter.size = filter.size ? filter.size : FIELD_NO_INT;
    assert_null(event_list(ctx, &filter, &list));
    return list;
}

static void test_list_finds_by_part_of_the_title_and_hides_drafts(void **state)
{
    (void)state;
    struct schedule_new schedule = open_schedule(1);
    const char *id = make_event(&schedule, 1);
    struct event_detail event;
    assert_null(event_get(ctx, id, EVENT_VIEW_ADMIN, &event));
    const char *part = event.title + strlen("Spring "); /* begins with "100%" */
    assert_int_equal(search((struct event_filter){.q = part}).total, 0);
    assert_null(event_admin_publish(ctx, id));
    struct event_list found = search((struct event_filter){.q = part});
    assert_int_equal(found.total, 1);
    assert_string_equal(found.items[0].id, id);
    assert_string_equal(found.items[0].venue_name, "Olympic Hall");
    assert_int_equal(found.items[0].starts_at, schedule.event_start_at);
    assert_int_equal(search((struct event_filter){.q = part, .city = "서울", .artist = "이유"}).total, 1);
    assert_int_equal(search((struct event_filter){.q = part, .city = "서"}).total, 0);
    assert_int_equal(search((struct event_filter){.q = part, .status = "ONGOING"}).total, 1);
    assert_int_equal(search((struct event_filter){.q = part, .status = "ENDED"}).total, 0);
    struct event_list beyond = search((struct event_filter){.q = part, .page = 7});
    assert_int_equal(beyond.total, 1);
    assert_int_equal(beyond.count, 0);
}

static void test_list_between_dates_holds_what_begins_in_them(void **state)
{
    (void)state;
    struct schedule_new schedule = open_schedule(1);
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
    const char *id = make_event(&schedule, 1);
    struct event_detail event;
    assert_null(event_admin_publish(ctx, id));
    assert_null(event_get(ctx, id, EVENT_VIEW_PUBLIC, &event));
    clock_format(schedule.event_start_at, from);
    clock_format(schedule.event_start_at + CLOCK_SECOND, to);
    struct event_filter filter = {.q = event.title, .from = from, .to = to};
    assert_int_equal(search(filter).total, 1);
    filter.from = to;
    filter.to = NULL;
    assert_int_equal(search(filter).total, 0);
    from[10] = '\0';
    filter.from = filter.to = from;
    assert_int_equal(search(filter).total, 1);
    struct event_list list;
    filter.to = "2026-02-31";
    assert_ptr_equal(event_list(ctx, &filter, &list), &err_invalid_request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_venue_made_is_found_and_listed, begin, end),
        cmocka_unit_test_setup_teardown(test_hall_made_is_listed_with_its_template, begin, end),
        cmocka_unit_test_setup_teardown(test_hall_that_cannot_be_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_event_made_has_the_seats_of_its_template_in_order, begin, end),
        cmocka_unit_test_setup_teardown(test_event_made_has_the_seats_of_its_sections_in_order, begin, end),
        cmocka_unit_test_setup_teardown(test_event_of_a_large_hall_has_every_seat, begin, end),
        cmocka_unit_test_setup_teardown(test_event_of_more_seats_than_there_is_time_for_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_event_that_cannot_be_is_refused_and_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_event_in_draft_is_seen_by_administrators_only, begin, end),
        cmocka_unit_test_setup_teardown(test_event_that_is_over_cannot_be_published_again, begin, end),
        cmocka_unit_test_setup_teardown(test_sale_state_at_the_windows_edges_changes_to_the_microsecond, begin, end),
        cmocka_unit_test_setup_teardown(test_sale_state_of_an_event_is_that_of_its_schedules_together, begin, end),
        cmocka_unit_test_setup_teardown(test_list_finds_by_part_of_the_title_and_hides_drafts, begin, end),
        cmocka_unit_test_setup_teardown(test_list_between_dates_holds_what_begins_in_them, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
