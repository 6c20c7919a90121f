/* Holds that are made side by side in one process: what one is answered does not depend on the others, and nobody waits
 * for what another has done already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/run/program.h"
#include "tests/support/hold_scene.h"

#define BATCH 8

struct side {
    struct ctx *ctx;
    struct hold_request request;
    struct hold_attempt *attempt;
    struct redis_pipe *pipe; /* NULL: nothing is asked */
    const struct err *e;
    struct hold hold;
};

struct batch {
    struct scene *scene;
    struct side sides[BATCH];
};

static int set_up_batch(void **state)
{
    static struct batch batch;
    set_up(state);
    batch = (struct batch){.scene = *state};
    schedule_forget(batch.scene->ctx, fixture_uuid()); /* the event service may be asked, whatever others have found */
    for (int i = 0; i < BATCH; i++) {
        struct buyer buyer = admit(batch.scene->ctx, &batch.scene->sale);
        batch.sides[i].ctx = program_ctx_beside(batch.scene->ctx);
        ctx_begin(batch.sides[i].ctx, NULL, NULL);
        batch.sides[i].request = request_of(batch.scene, buyer, (size_t)i, 1);
    }
    *state = &batch;
    return 0;
}

static int tear_down_batch(void **state)
{
    struct batch *batch = *state;
    for (int i = 0; i < BATCH; i++) {
        program_ctx_free_beside(&batch->sides[i].ctx);
    }
    *state = batch->scene;
    return tear_down(state);
}

/* ---- the steps, each for all ---- */

static void knock(struct side *sides, int count)
{
    for (int i = 0; i < count; i++) {
        struct side *side = &sides[i];
        side->pipe = NULL;
        side->e = hold_knock(side->ctx, &side->request, &side->attempt, &side->pipe);
    }
}

/* One exchange for those that ask. */
static void exchange(struct side *sides, int count)
{
    struct redis_pipe *pipes[BATCH];
    size_t asked = 0;
    for (int i = 0; i < count; i++) {
        if (!sides[i].e && sides[i].pipe) {
            pipes[asked++] = sides[i].pipe;
        }
    }
    redis_pipes_run(pipes, asked);
}

static const struct redis_value *answers_of(const struct side *side)
{
    const struct redis_value *answers = NULL;
    assert_null(redis_pipe_outcome(side->pipe, &answers));
    return answers;
}

static void claim(struct side *sides, int count)
{
    exchange(sides, count);
    for (int i = 0; i < count; i++) {
        struct side *side = &sides[i];
        if (!side->e && side->pipe) {
            side->e = hold_claim(side->attempt, answers_of(side));
        }
    }
}

static void take(struct side *sides, int count)
{
    for (int i = 0; i < count; i++) {
        struct side *side = &sides[i];
        side->e = side->e ? side->e : hold_take(side->attempt, &side->hold);
    }
}

static void hold_together(struct side *sides, int count)
{
    knock(sides, count);
    claim(sides, count);
    take(sides, count);
}

/* ---- tests ---- */

static void test_batch_gives_each_the_answer_that_it_gets_alone(void **state)
{
    struct batch *batch = *state;
    struct scene *scene = batch->scene;
    struct side *sides = batch->sides;
    const char *stranger = fixture_uuid();
    must_hold(scene, scene->first, 3, 1); /* of the fourth */
    sides[0].request.seat_ids = sides[6].request.seat_ids;
    sides[1].request.seat_ids = sale_seats(&scene->sale, 0, HOLD_SEATS_MAX + 1);
    sides[2].request.seat_ids = (struct json_list){&stranger, 1};
    sides[4].request.queue_token = sides[5].request.queue_token;
    sides[5].request.schedule_id = fixture_uuid();
    hold_together(sides, BATCH);
    assert_null(sides[0].e); /* it is the first in the batch */
    assert_ptr_equal(sides[6].e, &err_seat_already_held);
    assert_ptr_equal(sides[1].e, &err_too_many_seats);
    assert_ptr_equal(sides[2].e, &err_invalid_request);
    assert_ptr_equal(sides[3].e, &err_seat_already_held);
    assert_ptr_equal(sides[4].e, &err_queue_token_invalid);
    assert_non_null(sides[5].e);
    assert_null(sides[7].e);
    for (int i = 0; i < BATCH; i += 7) {
        const struct hold *made = &sides[i].hold;
        size_t seat = i == 0 ? 6 : 7;
        assert_int_equal(claims_of(scene, made->reservation_id), 1);
        assert_string_equal(((const struct reservation_seat *)made->seats.items)->seat_id, scene->sale.seats[seat]);
        assert_string_equal(reservation_marked(scene, seat), made->reservation_id);
    }
    assert_int_equal(map_of(scene).held.count, 3);
}

static int winners_of(struct side *sides, int count)
{
    int winners = 0;
    for (int i = 0; i < count; i++) {
        winners += !sides[i].e;
        assert_true(!sides[i].e || sides[i].e == &err_seat_already_held);
    }
    return winners;
}

static void test_batch_of_rivals_has_one_winner(void **state)
{
    struct batch *batch = *state;
    for (int i = 0; i < BATCH; i++) {
        batch->sides[i].request.seat_ids = sale_seats(&batch->scene->sale, 0, 1);
    }
    hold_together(batch->sides, BATCH);
    assert_int_equal(winners_of(batch->sides, BATCH), 1);
}

/* Past the gate, as if Redis forgot each mark at once: all claims are with PostgreSQL together. */
static void test_rivals_past_the_gate_have_one_winner(void **state)
{
    struct batch *batch = *state;
    for (int i = 0; i < BATCH; i++) {
        batch->sides[i].request.seat_ids = sale_seats(&batch->scene->sale, 0, 2);
    }
    knock(batch->sides, BATCH);
    for (int i = 0; i < BATCH; i++) {
        claim(&batch->sides[i], 1);
        assert_null(batch->sides[i].e);
        forget_in_redis(batch->scene, 0);
        forget_in_redis(batch->scene, 1);
    }
    take(batch->sides, BATCH);
    assert_int_equal(winners_of(batch->sides, BATCH), 1);
    for (int i = 0; i < BATCH; i++) {
        if (!batch->sides[i].e) {
            assert_int_equal(claims_of(batch->scene, batch->sides[i].hold.reservation_id), 2);
            assert_string_equal(reservation_marked(batch->scene, 0), batch->sides[i].hold.reservation_id);
        }
    }
}

/* Two at once under one key: one holds; the other one is told to come again, or has its answer. */
static void test_repeats_in_one_batch_make_one_hold(void **state)
{
    struct batch *batch = *state;
    struct side *sides = batch->sides;
    sides[0].request.idempotency =
        (struct idempotency){"key-of-this-batch", sides[0].request.user_id, "POST /reservations/hold", "body", 4};
    for (int i = 1; i < BATCH; i++) {
        sides[i].request = sides[0].request;
    }
    hold_together(sides, BATCH);
    const char *made = NULL;
    for (int i = 0; i < BATCH; i++) {
        assert_true(!sides[i].e || sides[i].e == &err_idempotency_key_in_use);
        if (!sides[i].e && !sides[i].hold.replayed) {
            assert_null(made);
            made = sides[i].hold.reservation_id;
        }
    }
    assert_non_null(made);
    hold_together(sides, BATCH);
    for (int i = 0; i < BATCH; i++) {
        assert_null(sides[i].e);
        assert_true(sides[i].hold.replayed);
        assert_string_equal(sides[i].hold.reservation_id, made);
        assert_int_equal(sides[i].hold.total_amount, SALE_PRICE);
    }
    assert_string_equal(reservation_marked(batch->scene, 0), made);
}

/* The gate was asked, and nobody knows what it has said. */
static void test_lost_answer_of_the_gate_leaves_no_mark(void **state)
{
    struct batch *batch = *state;
    struct side *side = &batch->sides[0];
    map_of(batch->scene); /* loads the mirror */
    knock(side, 1);
    exchange(side, 1);
    assert_string_not_equal(reservation_marked(batch->scene, 0), "");
    assert_ptr_equal(hold_lost(side->attempt, &err_uncertain), &err_unavailable);
    assert_string_equal(reservation_marked(batch->scene, 0), "");
}

struct service {
    struct sale sale;
    bool away;
    int asked;
};

static void serve(const struct stub_request *request, struct stub_answer *answer, void *shared)
{
    struct service *service = shared;
    service->asked++;
    answer->drop = service->away;
    serve_seats(request, answer, &service->sale);
}

/* How often the event service is asked when all hold together and Redis knows nothing of the performance. */
static int asked_before_an_empty_mirror(struct batch *batch, bool away)
{
    struct seat_keys keys = seat_keys_of(batch->scene->ctx->arena, batch->scene->sale.schedule_id);
    struct service *service = stub_shared(sizeof *service);
    *service = (struct service){.sale = batch->scene->sale, .away = away};
    struct stub_server *server = stub_start(serve, service);
    cfg_service = (struct cfg_service){.internal_url = stub_url(server), .key = fixture_uuid()};
    assert_null(REDIS_RUN(batch->scene->ctx, NULL, "DEL", keys.seats, keys.claims));
    hold_together(batch->sides, BATCH);
    stub_stop(&server);
    return service->asked;
}

static void test_batch_before_an_empty_mirror_loads_it_once(void **state)
{
    struct batch *batch = *state;
    assert_int_equal(asked_before_an_empty_mirror(batch, false), 1);
    for (int i = 0; i < BATCH; i++) {
        assert_null(batch->sides[i].e);
    }
}

static void test_batch_waits_once_for_an_event_service_that_is_away(void **state)
{
    struct batch *batch = *state;
    assert_int_equal(asked_before_an_empty_mirror(batch, true), 1);
    for (int i = 0; i < BATCH; i++) {
        assert_ptr_equal(batch->sides[i].e, &err_unavailable);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_batch, tear_down_batch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_batch_gives_each_the_answer_that_it_gets_alone),
        TEST(test_batch_of_rivals_has_one_winner),
        TEST(test_rivals_past_the_gate_have_one_winner),
        TEST(test_repeats_in_one_batch_make_one_hold),
        TEST(test_lost_answer_of_the_gate_leaves_no_mark),
        TEST(test_batch_before_an_empty_mirror_loads_it_once),
        TEST(test_batch_waits_once_for_an_event_service_that_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
