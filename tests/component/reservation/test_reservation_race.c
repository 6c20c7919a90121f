/* Many processes fight for the same four seats, past the gate, as if Redis had lost everything: PostgreSQL alone must
 * keep them apart (architecture decision 1). The same fight with the condition removed from the claim double-sells; it
 * stands here as the proof that the fight would notice. BOX_TEST_ROUNDS and BOX_TEST_CLIENTS make it shorter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "common/json/json.h"
#include "sql/reservation.h"
#include "tests/support/fixture.h"

#define SEATS 4
#define ROUNDS_MAX 1000

static const char event_json[] =
    "{\"event_id\":\"00000000-0000-7000-8000-000000000001\",\"event_title\":\"Concert\",\"artist\":\"Artist\","
    "\"venue_name\":\"Venue\",\"hall_name\":\"Hall\",\"event_start_at\":\"2030-01-01T19:00:00+09:00\"}";

/* hold_seats() without `WHERE NOT sold AND expires_at < clock_timestamp()`. */
static const struct db_stmt without_condition = {
    .name = "test_hold_without_condition",
    .sql = "WITH r AS (INSERT INTO reservations (id, user_id, schedule_id, total_amount, hold_expires_at, event_id, "
           "event_title, artist, venue_name, hall_name, event_start_at) SELECT $1::uuid, $2::uuid, $3::uuid, 0, "
           "clock_timestamp() + make_interval(secs => $4::bigint), e.* FROM jsonb_to_record($5::jsonb) AS e(event_id "
           "uuid, "
           "event_title text, artist text, venue_name text, hall_name text, event_start_at timestamptz) RETURNING id), "
           "c AS (INSERT INTO seat_claims (schedule_id, seat_id, reservation_id, expires_at) "
           "SELECT $3::uuid, s.seat_id, $1::uuid, 'infinity' FROM jsonb_to_recordset($6::jsonb) AS s(seat_id uuid) "
           "ORDER BY s.seat_id ON CONFLICT (schedule_id, seat_id) DO UPDATE "
           "SET reservation_id = excluded.reservation_id, expires_at = excluded.expires_at) "
           "INSERT INTO reservation_seats (reservation_id, seat_id, seat_number, grade, price) "
           "SELECT $1::uuid, s.* FROM jsonb_to_recordset($6::jsonb) "
           "AS s(seat_id uuid, seat_number text, grade text, price bigint)"};

static const struct db_stmt owners = {.name = "test_owners",
                                      .sql = "SELECT count(*) - count(DISTINCT (r.schedule_id, s.seat_id)) AS doubles, "
                                             "count(*) AS given "
                                             "FROM reservations r JOIN reservation_seats s ON s.reservation_id = r.id "
                                             "WHERE r.schedule_id = ANY ($1)"};

/* In memory that all processes share. */
struct arena_of_fight {
    pthread_barrier_t start;
    char schedules[ROUNDS_MAX][UUID_SIZE];
    char seats[SEATS][UUID_SIZE];
};

struct fight {
    const struct db_stmt *claim;
    int clients, rounds;
    struct arena_of_fight *shared;
};

static int setting(const char *name, int fallback, int most)
{
    const char *text = getenv(name);
    int value = text ? atoi(text) : fallback;
    return value < 1 || value > most ? fallback : value;
}

/* Seats from `first` on, round the four: the clients overlap in every way. */
static const char *seats_json(struct ctx *ctx, const struct fight *fight, unsigned first, unsigned count)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, 4096);
    json_out_init(&out, &buf);
    json_open_array(&out, NULL);
    for (unsigned i = 0; i < count; i++) {
        json_open_object(&out, NULL);
        json_add_str(&out, "seat_id", fight->shared->seats[(first + i) % SEATS]);
        json_add_str(&out, "seat_number", "A-1");
        json_add_str(&out, "grade", "VIP");
        json_add_int(&out, "price", 1000);
        json_close_object(&out);
    }
    json_close_array(&out);
    return buf.data;
}

/* Losing by the rules: a seat is taken. Anything else is a failure of the fight itself. */
static bool fair(struct ctx *ctx, const struct err *e)
{
    return !e || (e == &err_db_raised && strcmp(db_raised(ctx), "BX001") == 0);
}

static int fight_as(const struct fight *fight, unsigned client)
{
    struct ctx *ctx = fixture_ctx("reservation_service", NEED_DB);
    int unfair = db_ping(ctx) != NULL;
    for (int round = 0; round < fight->rounds; round++) {
        char reservation[UUID_SIZE], user[UUID_SIZE];
        const char *seats = seats_json(ctx, fight, client, 1 + (client + (unsigned)round) % SEATS);
        pthread_barrier_wait(&fight->shared->start);
        const struct err *e =
            DB_RUN(ctx, fight->claim, NULL, DB_TEXT(uuid_v7(reservation)), DB_TEXT(uuid_v7(user)),
                   DB_TEXT(fight->shared->schedules[round]), DB_INT(300), DB_TEXT(event_json), DB_TEXT(seats));
        unfair += !fair(ctx, e);
        ctx_begin(ctx, NULL, NULL);
    }
    fixture_free(&ctx);
    return unfair > 0;
}

static struct arena_of_fight *prepare(int clients, int rounds)
{
    struct arena_of_fight *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    pthread_barrierattr_t across_processes;
    pthread_barrierattr_init(&across_processes);
    pthread_barrierattr_setpshared(&across_processes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->start, &across_processes, (unsigned)clients);
    for (int i = 0; i < rounds; i++) {
        uuid_v7(shared->schedules[i]);
    }
    for (int i = 0; i < SEATS; i++) {
        uuid_v7(shared->seats[i]);
    }
    return shared;
}

/* Returns how many seats were given to more than one owner; *given_r: how many were given at all. */
static int64_t run_fight(const struct db_stmt *claim, int clients, int rounds, int64_t *given_r)
{
    struct fight fight = {claim, clients, rounds, prepare(clients, rounds)};
    for (int i = 0; i < clients; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            _exit(fight_as(&fight, (unsigned)i));
        }
    }
    for (int i = 0; i < clients; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    struct ctx *ctx = fixture_ctx("reservation_service", NEED_DB);
    const char **schedules = arena_calloc(ctx->arena, (size_t)rounds, sizeof *schedules);
    for (int i = 0; i < rounds; i++) {
        schedules[i] = fight.shared->schedules[i];
    }
    const struct db_rows *rows;
    assert_null(DB_RUN(ctx, &owners, &rows, DB_UUIDS(schedules, (size_t)rounds)));
    int64_t doubles = db_int(rows, 0, "doubles");
    *given_r = db_int(rows, 0, "given");
    fixture_free(&ctx);
    munmap(fight.shared, sizeof *fight.shared);
    return doubles;
}

static void test_fight_for_four_seats_never_has_two_owners(void **state)
{
    (void)state;
    int rounds = setting("BOX_TEST_ROUNDS", ROUNDS_MAX, ROUNDS_MAX);
    int64_t given;
    int64_t doubles = run_fight(&sql_reservation_hold, setting("BOX_TEST_CLIENTS", 64, 1000), rounds, &given);
    assert_int_equal(doubles, 0);
    assert_true(given >= rounds); /* somebody wins every round */
}

static void test_fight_without_the_condition_has_two_owners(void **state)
{
    (void)state;
    int64_t given;
    assert_true(run_fight(&without_condition, 8, 10, &given) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fight_for_four_seats_never_has_two_owners),
        cmocka_unit_test(test_fight_without_the_condition_has_two_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
