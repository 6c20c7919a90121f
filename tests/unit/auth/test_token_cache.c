#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include <cmocka.h>

#include "common/auth/token_cache.h"
#include "common/base/arena.h"
#include "common/crypto/uuid.h"

#define USER "0190a0b0-c0d0-7e0f-8123-456789abcdef"
#define JTI "7d444840-9dc0-41d1-b245-5ffdce74fad2"
#define ROOM 16

static int setup(void **state)
{
    token_cache_init(ROOM);
    *state = arena_new(1u << 20);
    return 0;
}

static int teardown(void **state)
{
    token_cache_init(0);
    arena_free((struct arena **)state);
    return 0;
}

static struct token_payload payload_of(const char *subject, const char *jti, const char *role, int64_t expires_s)
{
    return (struct token_payload){
        .claims = {.subject = subject, .jti = jti, .role = role, .issued_s = 2, .expires_s = expires_s},
        .not_before_s = 3,
    };
}

static void keep(const char *token, struct token_payload payload)
{
    unsigned char digest[TOKEN_DIGEST_SIZE];
    assert_true(token_cache_digest(token, digest));
    token_cache_keep(digest, &payload);
}

static bool find(struct arena *arena, const char *token, struct token_payload *payload_r)
{
    unsigned char digest[TOKEN_DIGEST_SIZE];
    return token_cache_digest(token, digest) && token_cache_find(arena, digest, payload_r);
}

static void test_token_cache_gives_back_all_that_was_kept(void **state)
{
    static const char *const roles[] = {"USER", "ADMIN"};
    for (int i = 0; i < 2; i++) {
        struct token_payload found;
        keep(roles[i], payload_of(USER, JTI, roles[i], UINT32_MAX));
        assert_true(find(*state, roles[i], &found));
        assert_string_equal(found.claims.subject, USER);
        assert_string_equal(found.claims.jti, JTI);
        assert_string_equal(found.claims.role, roles[i]);
        assert_null(found.claims.family);
        assert_int_equal(found.claims.issued_s, 2);
        assert_int_equal(found.not_before_s, 3);
        assert_int_equal(found.claims.expires_s, UINT32_MAX);
    }
}

static void test_token_cache_finds_nothing_else(void **state)
{
    struct token_payload found;
    assert_false(find(*state, "token", &found));
    keep("token", payload_of(USER, JTI, "USER", 4));
    assert_false(find(*state, "tokem", &found));
    assert_false(find(*state, "token ", &found));
    assert_false(find(*state, "toke", &found));
    assert_false(find(*state, "", &found));
}

static void test_token_cache_keeps_nothing_that_it_could_not_give_back(void **state)
{
    struct token_payload found;
    keep("upper case", payload_of("0190A0B0-c0d0-7e0f-8123-456789abcdef", JTI, "USER", 4));
    assert_false(find(*state, "upper case", &found));
    keep("jti", payload_of(USER, "7D444840-9dc0-41d1-b245-5ffdce74fad2", "USER", 4));
    assert_false(find(*state, "jti", &found));
    keep("far", payload_of(USER, JTI, "USER", (int64_t)UINT32_MAX + 1));
    assert_false(find(*state, "far", &found));
}

/* Many more than there is room for: the last ones are there, no more than the room, each with its own claims. */
static void test_token_cache_holds_no_more_than_its_room(void **state)
{
    struct arena *arena = *state;
    int count = 0;
    for (int i = 0; i < 100 * ROOM; i++) {
        const char *token = arena_printf(arena, "token %d", i);
        struct token_payload found;
        keep(token, payload_of(uuid_v7(arena_alloc(arena, UUID_SIZE)), JTI, "USER", i + 1));
        assert_true(find(arena, token, &found));
    }
    for (int i = 0; i < 100 * ROOM; i++) {
        struct token_payload found;
        if (find(arena, arena_printf(arena, "token %d", i), &found)) {
            assert_int_equal(found.claims.expires_s, i + 1);
            count++;
        }
    }
    assert_int_equal(count, ROOM);
}

static void test_token_cache_forgets_when_made_anew(void **state)
{
    struct token_payload found;
    keep("token", payload_of(USER, JTI, "USER", 4));
    assert_true(find(*state, "token", &found));
    token_cache_init(ROOM);
    assert_false(find(*state, "token", &found));
}

static void test_token_cache_without_room_is_none(void **state)
{
    struct token_payload found;
    token_cache_init(0);
    assert_false(find(*state, "token", &found));
}

#define FIXED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXED(test_token_cache_gives_back_all_that_was_kept),
        FIXED(test_token_cache_finds_nothing_else),
        FIXED(test_token_cache_keeps_nothing_that_it_could_not_give_back),
        FIXED(test_token_cache_holds_no_more_than_its_room),
        FIXED(test_token_cache_forgets_when_made_anew),
        FIXED(test_token_cache_without_room_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
