/* The permutation of the draw: the published vectors, that it is one, and that it favours nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/utf8.h"
#include "src/queue/draw.h"
#include "tests/vectors/draw_vectors.h"

#define SCHEDULE "018f3c0e-7d2a-7c1b-9a33-5f0f3b1d2c4e"
#define COUNT_MOST 5000 /* every count to this one is permuted */

static struct draw draw;

static void read_hex(const char *hex, unsigned char seed[DRAW_SEED_SIZE])
{
    assert_int_equal(strlen(hex), 2 * DRAW_SEED_SIZE);
    for (size_t i = 0; i < DRAW_SEED_SIZE; i++) {
        seed[i] = (unsigned char)(utf8_hex_digit(hex[2 * i]) << 4 | utf8_hex_digit(hex[2 * i + 1]));
    }
}

/* The nth of a fixed series of seeds. */
static void make_seed(uint32_t n, unsigned char seed[DRAW_SEED_SIZE])
{
    crypto_sha256(&n, sizeof n, seed);
}

static void test_places_are_those_of_the_published_vectors(void **state)
{
    (void)state;
    size_t count = ARRAY_COUNT(draw_vectors);
    assert_true(count > 100);
    for (size_t i = 0; i < count; i++) {
        const struct draw_vector *vector = &draw_vectors[i];
        unsigned char seed[DRAW_SEED_SIZE];
        read_hex(vector->seed_hex, seed);
        if (i == 0 || vector->count != vector[-1].count) {
            draw_make(&draw, seed, vector->schedule_id, vector->count);
        }
        assert_int_equal(draw_place(&draw, vector->arrival - 1), vector->sequence - 1);
        assert_int_equal(draw_number(&draw, vector->sequence - 1), vector->arrival - 1);
    }
}

static void test_every_count_is_permuted(void **state)
{
    (void)state;
    unsigned char seed[DRAW_SEED_SIZE];
    make_seed(1, seed);
    for (int64_t count = 1; count <= COUNT_MOST; count++) {
        bool taken[COUNT_MOST] = {false};
        draw_make(&draw, seed, SCHEDULE, count);
        for (int64_t number = 0; number < count; number++) {
            int64_t place = draw_place(&draw, number);
            if (place < 0 || place >= count || taken[place] || draw_number(&draw, place) != number) {
                fail_msg("count %lld: number %lld has place %lld", (long long)count, (long long)number,
                         (long long)place);
            }
            taken[place] = true;
        }
    }
}

static void test_later_numbers_stay_where_they_are(void **state)
{
    (void)state;
    unsigned char seed[DRAW_SEED_SIZE];
    make_seed(1, seed);
    draw_make(&draw, seed, SCHEDULE, 10);
    assert_int_equal(draw_place(&draw, 10), 10);
    assert_int_equal(draw_number(&draw, 123456), 123456);
    draw_make(&draw, seed, SCHEDULE, 0);
    assert_int_equal(draw_place(&draw, 0), 0);
}

/* Pearson's statistic of counts that should be alike. */
static double chi_square(const int *counts, int cells, double expected)
{
    double sum = 0;
    for (int i = 0; i < cells; i++) {
        double off = counts[i] - expected;
        sum += off * off / expected;
    }
    return sum;
}

/* Over many seeds each number is as likely at every place, and so is each pair of neighbours. The bounds are passed by
 * chance once in a million series; the series is fixed. */
static void test_every_place_is_equally_likely(void **state)
{
    (void)state;
    enum { COUNT = 20, SEEDS = 40000 };
    static const int numbers[] = {0, 7, 19};
    int places[3][COUNT] = {{0}}, pairs[COUNT * COUNT] = {0}, distinct[COUNT * (COUNT - 1)], n = 0;
    for (uint32_t i = 0; i < SEEDS; i++) {
        unsigned char seed[DRAW_SEED_SIZE];
        make_seed(i, seed);
        draw_make(&draw, seed, SCHEDULE, COUNT);
        for (int k = 0; k < 3; k++) {
            places[k][draw_place(&draw, numbers[k])]++;
        }
        pairs[draw_place(&draw, 3) * COUNT + draw_place(&draw, 4)]++;
    }
    for (int k = 0; k < 3; k++) {
        assert_true(chi_square(places[k], COUNT, (double)SEEDS / COUNT) < 63); /* 19 degrees of freedom */
    }
    for (int i = 0; i < COUNT * COUNT; i++) {
        if (i / COUNT != i % COUNT) {
            distinct[n++] = pairs[i];
        } else {
            assert_int_equal(pairs[i], 0);
        }
    }
    assert_true(chi_square(distinct, n, (double)SEEDS / n) < 530); /* 379 degrees of freedom */
}

/* In one large draw: the numbers of every stretch of arrivals spread evenly over the line. */
static void test_early_arrivals_have_no_advantage(void **state)
{
    (void)state;
    enum { COUNT = 50000, PARTS = 10 };
    int cells[PARTS * PARTS] = {0};
    unsigned char seed[DRAW_SEED_SIZE];
    make_seed(2026, seed);
    draw_make(&draw, seed, SCHEDULE, COUNT);
    for (int64_t number = 0; number < COUNT; number++) {
        cells[number * PARTS / COUNT * PARTS + draw_place(&draw, number) * PARTS / COUNT]++;
    }
    assert_true(chi_square(cells, PARTS * PARTS, COUNT / PARTS / PARTS) < 150); /* 81 degrees of freedom */
}

static void test_count_schedule_and_seed_each_change_the_draw(void **state)
{
    (void)state;
    static struct draw other;
    unsigned char seed[DRAW_SEED_SIZE], second[DRAW_SEED_SIZE];
    make_seed(1, seed);
    make_seed(2, second);
    draw_make(&draw, seed, SCHEDULE, 1000);
    const struct {
        const unsigned char *seed;
        const char *schedule_id;
        int64_t count;
    } changes[] = {
        {second, SCHEDULE, 1000}, {seed, "018f3c0e-7d2a-7c1b-9a33-5f0f3b1d2c4f", 1000}, {seed, SCHEDULE, 1001}};
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        int same = 0;
        draw_make(&other, changes[i].seed, changes[i].schedule_id, changes[i].count);
        for (int64_t number = 0; number < 1000; number++) {
            same += draw_place(&draw, number) == draw_place(&other, number);
        }
        assert_true(same < 10);
    }
}

static void test_seed_depends_on_key_and_schedule(void **state)
{
    (void)state;
    unsigned char a[DRAW_SEED_SIZE], again[DRAW_SEED_SIZE], key[DRAW_SEED_SIZE], schedule[DRAW_SEED_SIZE];
    draw_seed("key one", SCHEDULE, a);
    draw_seed("key one", SCHEDULE, again);
    draw_seed("key two", SCHEDULE, key);
    draw_seed("key one", "018f3c0e-7d2a-7c1b-9a33-5f0f3b1d2c4f", schedule);
    assert_memory_equal(a, again, sizeof a);
    assert_memory_not_equal(a, key, sizeof a);
    assert_memory_not_equal(a, schedule, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_are_those_of_the_published_vectors),
        cmocka_unit_test(test_every_count_is_permuted),
        cmocka_unit_test(test_later_numbers_stay_where_they_are),
        cmocka_unit_test(test_every_place_is_equally_likely),
        cmocka_unit_test(test_early_arrivals_have_no_advantage),
        cmocka_unit_test(test_count_schedule_and_seed_each_change_the_draw),
        cmocka_unit_test(test_seed_depends_on_key_and_schedule),
    };
    return cmocka_run_group_tests_name("queue draw", tests, NULL, NULL);
}
