#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/serve/reply.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(64u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const char *head_of(const struct reply *rp)
{
    struct buf head;
    buf_init(&head, arena, REPLY_HEAD_MAX);
    reply_head(rp, &head);
    assert_false(head.overflow);
    return head.data;
}

static void test_json_reply_has_type_and_length(void **state)
{
    (void)state;
    struct reply rp;
    reply_init(&rp, arena);
    assert_int_equal(rp.status, 0);
    struct json_out *out = reply_json(&rp, 201);
    json_open_object(out, NULL);
    json_close_object(out);
    reply_header(&rp, "Location", "/events/1");
    assert_string_equal(head_of(&rp), "Status: 201\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                                      "Location: /events/1\r\n\r\n");
    assert_string_equal(rp.body.data, "{}");
}

static void test_empty_reply_forgets_what_was_written(void **state)
{
    (void)state;
    struct reply rp;
    reply_init(&rp, arena);
    json_add_str(reply_json(&rp, 200), NULL, "x");
    reply_empty(&rp, 204);
    assert_string_equal(head_of(&rp), "Status: 204\r\n\r\n");
    assert_int_equal(rp.body.len, 0);
}

static void test_bytes_reply_is_copied(void **state)
{
    (void)state;
    struct reply rp;
    char bytes[] = {'a', 0, 'b'};
    reply_init(&rp, arena);
    reply_bytes(&rp, 200, "image/png", bytes, sizeof bytes);
    bytes[0] = 'x';
    assert_int_equal(rp.body.len, 3);
    assert_memory_equal(rp.body.data, "a\0b", 3);
    assert_non_null(strstr(head_of(&rp), "Content-Type: image/png\r\n"));
}

static void test_header_control_character_is_dropped(void **state)
{
    (void)state;
    struct reply rp;
    reply_init(&rp, arena);
    reply_empty(&rp, 302);
    reply_header(&rp, "Location", "/x\r\nX-Accel-Redirect: /secret");
    reply_header(&rp, "X-A\n", "b");
    reply_header(&rp, "X-Del", "\x7f");
    assert_int_equal(rp.header_count, 0);
    reply_header(&rp, "X-Good", "\xea\xb0\x80");
    assert_true(reply_has_header(&rp, "x-good"));
    assert_false(reply_has_header(&rp, "Location"));
}

static void test_header_too_long_is_dropped(void **state)
{
    (void)state;
    struct reply rp;
    reply_init(&rp, arena);
    char *value = arena_alloc(arena, REPLY_HEADER_MAX + 2);
    memset(value, 'x', REPLY_HEADER_MAX + 1);
    reply_header(&rp, "X-Long", value);
    assert_int_equal(rp.header_count, 0);
    value[REPLY_HEADER_MAX] = '\0';
    for (int i = 0; i < REPLY_HEADERS_MAX; i++) {
        reply_header(&rp, "X-Long", value);
    }
    assert_int_equal(rp.header_count, REPLY_HEADERS_MAX);
    assert_non_null(strstr(head_of(&rp), "\r\n\r\n"));
}

static const char *etag_of(const char *body, const char *if_none_match, int *status_r)
{
    struct reply rp;
    reply_init(&rp, arena);
    json_add_str(reply_json(&rp, 200), NULL, body);
    reply_etag(&rp, if_none_match);
    *status_r = rp.status;
    assert_int_equal(rp.body.len == 0, rp.status == 304);
    return rp.headers[0].value;
}

static void test_etag_depends_on_the_body_alone(void **state)
{
    (void)state;
    int status;
    const char *etag = etag_of("a", NULL, &status);
    assert_int_equal(status, 200);
    assert_int_equal(strlen(etag), 34);
    assert_string_equal(etag, etag_of("a", NULL, &status));
    assert_string_not_equal(etag, etag_of("b", NULL, &status));
}

static void test_etag_known_to_the_client_gives_304(void **state)
{
    (void)state;
    int status;
    const char *etag = etag_of("a", NULL, &status);
    const char *same[] = {
        etag,
        arena_printf(arena, "W/%s", etag),
        arena_printf(arena, "\"x\", %s", etag),
        arena_printf(arena, "\"x\",W/%s", etag),
        arena_printf(arena, " %s ,\"y\"", etag),
        "*",
    };
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        etag_of("a", same[i], &status);
        assert_int_equal(status, 304);
    }
    etag_of("a", "\"x\"", &status);
    assert_int_equal(status, 200);
    etag_of("b", etag, &status);
    assert_int_equal(status, 200);
}

static void test_list_reply_has_the_contracts_shape(void **state)
{
    (void)state;
    struct reply rp;
    reply_init(&rp, arena);
    struct json_out *out = reply_json(&rp, 200);
    reply_list_open(out);
    json_add_int(out, NULL, 1);
    json_add_int(out, NULL, 2);
    reply_list_close(out, 0, 20, 2);
    assert_string_equal(rp.body.data, "{\"list\":[1,2],\"page\":0,\"size\":20,\"totalElements\":2}");
}

static void test_body_beyond_the_limit_is_noticed(void **state)
{
    (void)state;
    struct reply rp;
    reply_init(&rp, arena);
    char *bytes = arena_alloc(arena, REPLY_BODY_MAX);
    reply_bytes(&rp, 200, "text/plain", bytes, REPLY_BODY_MAX);
    assert_false(rp.body.overflow);
    buf_char(&rp.body, 'x');
    assert_true(rp.body.overflow);
    reply_json(&rp, 500);
    assert_false(rp.body.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_reply_has_type_and_length, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_reply_forgets_what_was_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_reply_is_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_header_control_character_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_header_too_long_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_etag_depends_on_the_body_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_etag_known_to_the_client_gives_304, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_reply_has_the_contracts_shape, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_beyond_the_limit_is_noticed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
