/* seats_scene: a performance of four seats on sale, as reservations sell and free them. PostgreSQL and Redis are real.
 */
#ifndef TESTS_SUPPORT_SEATS_SCENE_H
#define TESTS_SUPPORT_SEATS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/io/db.h"
#include "src/event/event_admin.h"
#include "src/event/event_query.h"
#include "src/event/event_settings.h"
#include "src/event/seat_map.h"
#include "src/event/venue.h"
#include "tests/support/fixture.h"

#define SCENE_MAX (64u << 10)

static struct ctx *ctx;
static struct arena *scene; /* of the ids, which outlive a unit of work */
static const char *event_id;
static const char *schedule_id;
static const char *seats[4];

static const char hall_json[] = "{\"name\":\"Club\",\"capacity\":4,\"seatTemplate\":{\"rows\":[\"A\"],"
                                "\"seatsPerRow\":4,\"gradeMapping\":{\"A\":\"S\"}}}";

static void make_event(void)
{
    char venue[UUID_SIZE], hall[UUID_SIZE], id[UUID_SIZE];
    void *hall_new;
    int64_t now = clock_now();
    struct schedule_new schedule = {1,
                                    now + 86400 * CLOCK_SECOND,
                                    now + 90000 * CLOCK_SECOND,
                                    now - 60 * CLOCK_SECOND,
                                    now + 3600 * CLOCK_SECOND,
                                    FIELD_NO_INT,
                                    FIELD_NO_INT};
    assert_null(venue_create(ctx, &(struct venue_new){"Venue", "Address", "City"}, venue));
    assert_null(json_read(ctx, hall_json, strlen(hall_json), &hall_new_shape, &hall_new));
    assert_null(hall_create(ctx, venue, hall_new, hall));
    const struct event_draft event = {.title = "Title",
                                      .artist = "Artist",
                                      .venue_id = venue,
                                      .hall_id = hall,
                                      .grade_prices = {FIELD_NO_INT, 1000, FIELD_NO_INT, FIELD_NO_INT},
                                      .schedules = {&schedule, 1}};
    assert_null(event_admin_create(ctx, &event, id));
    assert_null(event_admin_publish(ctx, id));
    event_id = arena_strdup(scene, id);
}

static inline int begin(void **state)
{
    (void)state;
    static const struct cfg_section *const sections[] = {&cfg_event_section, NULL};
    const char *why;
    struct event_detail event;
    struct seat_map map;
    ctx = fixture_ctx("event_service", NEED_DB | NEED_REDIS | NEED_HTTP);
    scene = arena_new(SCENE_MAX);
    assert_true(cfg_load(sections, &why));
    make_event();
    assert_null(event_get(ctx, event_id, EVENT_VIEW_PUBLIC, &event));
    schedule_id = arena_strdup(scene, ((const struct event_schedule *)event.schedules.items)[0].id);
    assert_null(seat_map_get(ctx, schedule_id, &map));
    for (size_t i = 0; i < 4; i++) {
        seats[i] = arena_strdup(scene, seat_map_at(&map, i).id);
    }
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    fixture_free(&ctx);
    arena_free(&scene);
    return 0;
}

static inline struct seat_claim claim(const char *reservation, size_t first, size_t count)
{
    return (struct seat_claim){reservation, schedule_id, seats + first, count};
}

static inline const struct err *sell(const char *reservation, size_t first, size_t count, int64_t at)
{
    const struct seat_claim sold = claim(reservation, first, count);
    return seat_map_sell(ctx, &sold, at);
}

/* By a cancellation that does not say when the reservation was confirmed. */
static inline const struct err *give_back(const char *reservation, size_t first, size_t count)
{
    const struct seat_claim freed = claim(reservation, first, count);
    return seat_map_free(ctx, &freed, CLOCK_NONE, 1000);
}

/* The map shows "S" for SOLD and "A" for AVAILABLE; the schedule's count and the list of sold ids agree with it. */
static inline void assert_map(const char *expected)
{
    struct seat_map map;
    struct json_list sold;
    struct event_detail event;
    int64_t available = 0;
    assert_null(seat_map_get(ctx, schedule_id, &map));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(seat_map_at(&map, i).status[0], expected[i]);
        available += expected[i] == 'A';
    }
    assert_null(seat_map_sold(ctx, schedule_id, &sold));
    assert_int_equal(sold.count, 4 - available);
    assert_null(event_get(ctx, event_id, EVENT_VIEW_PUBLIC, &event));
    const struct event_schedule *schedule = event.schedules.items;
    assert_int_equal(schedule->available, available);
    assert_int_equal(schedule->sold_out, available == 0);
}

#endif
