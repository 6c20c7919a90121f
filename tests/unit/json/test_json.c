#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/json/json.h"

static int setup(void **state)
{
    *state = arena_new(4u << 20);
    return 0;
}

static int teardown(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    return 0;
}

/* The text in a buffer of exactly its size, so that a read beyond the end is caught. */
static const struct err *parse_bytes(struct arena *arena, const char *text, size_t len, const struct json **root_r,
                                     const char **why_r)
{
    char *exact = malloc(len ? len : 1);
    memcpy(exact, text, len);
    const struct err *e = json_parse(arena, exact, len, root_r, why_r);
    free(exact);
    return e;
}

static const struct json *parse(void **state, const char *text)
{
    const struct json *root = NULL;
    const char *why = "";
    if (parse_bytes(*state, text, strlen(text), &root, &why)) {
        fail_msg("'%s' was refused: %s", text, why);
    }
    return root;
}

static void assert_refused(void **state, const char *text, const char *expected_why)
{
    const struct json *root = (const struct json *)text;
    const char *why = NULL;
    if (parse_bytes(*state, text, strlen(text), &root, &why) != &err_invalid_request) {
        fail_msg("'%s' was accepted", text);
    }
    assert_string_equal(why, expected_why);
    assert_ptr_equal(root, text); /* untouched */
}

static void test_parse_document_gives_values(void **state)
{
    const struct json *root = parse(state, " {\"s\":\"a\\u00e9\\ud83d\\ude00\",\"i\":-12,\"d\":1.5,\"b\":true,"
                                           "\"n\":null,\"l\":[1,2,3],\"o\":{\"k\":\"v\"}} \n");
    assert_int_equal(json_type(root), JSON_OBJECT);
    assert_int_equal(json_count(root), 7);
    assert_string_equal(json_str(json_get(root, "s")), "a\xc3\xa9\xf0\x9f\x98\x80");
    assert_int_equal(json_int(json_get(root, "i"), 0), -12);
    assert_int_equal(json_type(json_get(root, "d")), JSON_DOUBLE);
    assert_true(json_bool(json_get(root, "b"), false));
    assert_int_equal(json_type(json_get(root, "n")), JSON_NULL);
    assert_int_equal(json_count(json_get(root, "l")), 3);
    assert_int_equal(json_int(json_at(json_get(root, "l"), 2), 0), 3);
    assert_null(json_at(json_get(root, "l"), 3));
    assert_string_equal(json_str(json_get(json_get(root, "o"), "k")), "v");
}

static void test_parse_whole_number_is_an_integer_however_it_is_written(void **state)
{
    static const struct {
        const char *text;
        int64_t whole;
    } whole[] = {
        {"150000.0", 150000},
        {"15e4", 150000},
        {"1.5E+5", 150000},
        {"15000000e-2", 150000},
        {"-1.20e1", -12},
        {"0.0", 0},
        {"-0.0e-9", 0},
        {"0e999", 0},
        {"9007199254740993.0", INT64_C(9007199254740993)},
        {"9223372036854775807.0", INT64_MAX},
        {"-9.223372036854775808e18", INT64_MIN},
    };
    for (size_t i = 0; i < ARRAY_COUNT(whole); i++) {
        assert_int_equal(json_int(parse(state, whole[i].text), 7), whole[i].whole);
    }
    const struct json *root = parse(state, "{\"a\":[2.0,[3e0],{\"b\":4.0,\"c\":0.5}],\"d\":5.0}");
    assert_string_equal(json_text(root), "{\"a\":[2,[3],{\"b\":4,\"c\":0.5}],\"d\":5}");
    static const char *const others[] = {
        "150000.5", "1e-1",           "15e-1", "9223372036854775808.0", "1e19", "1e300", "-9.223372036854775809e18",
        "1e-999",   "0.1e-2147483649"};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_int_equal(json_type(parse(state, others[i])), JSON_DOUBLE);
    }
    assert_refused(state, "{\"a\":1.0,\"a\":1}", "duplicate key");
}

static void test_parse_scalar_root_is_accepted(void **state)
{
    assert_int_equal(json_int(parse(state, "12"), 0), 12);
    assert_string_equal(json_str(parse(state, "\"x\"")), "x");
    assert_null(parse(state, " null "));
    assert_true(json_bool(parse(state, "true"), false));
}

static void test_accessors_wrong_type_give_fallback(void **state)
{
    const struct json *root = parse(state, "{\"s\":\"12abc\",\"d\":3.9}");
    assert_int_equal(json_int(json_get(root, "s"), -7), -7);
    assert_int_equal(json_int(json_get(root, "d"), -7), -7);
    assert_null(json_str(json_get(root, "d")));
    assert_true(json_bool(json_get(root, "s"), true));
    assert_null(json_get(json_get(root, "s"), "x"));
    assert_null(json_get(NULL, "x"));
    assert_int_equal(json_count(NULL), 0);
    assert_int_equal(json_type(NULL), JSON_NULL);
}

static void test_parse_integer_limits_are_exact(void **state)
{
    assert_true(json_int(parse(state, "9223372036854775807"), 0) == INT64_MAX);
    assert_true(json_int(parse(state, "-9223372036854775808"), 0) == INT64_MIN);
    assert_refused(state, "9223372036854775808", "integer out of range");
    assert_refused(state, "[-9223372036854775809]", "integer out of range");
    assert_refused(state, "18446744073709551615", "integer out of range");
    assert_refused(state, "1e999", "number out of range");
    assert_refused(state, "11111111111111111111111111111111111111111111111111111111111111111", "number too long");
}

static void test_parse_malformed_is_refused(void **state)
{
    static const char *const texts[] = {
        "",          " ",     "{",    "}",     "[",         "[1",         "[1,]",      "{\"a\":1,}",
        "{\"a\"}",   "[1 2]", "[,1]", "{} {}", "{\"a\":1]", "[}",         "{1:2}",     "[:]",
        "truefalse", "1 2",   "[1]]", "{,}",   "{\"a\" 1}", "{\"a\"::1}", "null null",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_refused(state, texts[i], "not a JSON value");
    }
}

static void test_parse_lax_tokens_are_refused(void **state)
{
    static const char *const words[] = {"'a'",   "{'a':1}", "NaN",       "[Infinity]",     "True",  "nul", "// x\n1",
                                        "/**/1", "{a:1}",   "undefined", "\xef\xbb\xbf{}", "[1;2]", "{}x", "\"a\"b"};
    static const char *const numbers[] = {"01", "-", "1.", "+1", ".5", "1e", "1e+", "-Infinity", "--1", "0x10"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        assert_refused(state, words[i], "unexpected character");
    }
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        const struct json *root;
        assert_ptr_equal(json_parse(*state, numbers[i], strlen(numbers[i]), &root, NULL), &err_invalid_request);
    }
}

static void test_parse_bad_strings_are_refused(void **state)
{
    assert_refused(state, "\"a\nb\"", "control character in a string");
    assert_refused(state, "{\"a\tb\":1}", "control character in a string");
    assert_refused(state, "\"\\u0000\"", "NUL character in a string");
    assert_refused(state, "{\"a\\u0000b\":1}", "NUL character in a string");
    assert_refused(state, "\"\\ud83d\"", "lone surrogate");
    assert_refused(state, "\"\\ud83dx\"", "lone surrogate");
    assert_refused(state, "\"\\ud83d\\u0041\"", "lone surrogate");
    assert_refused(state, "\"\\ude00\"", "lone surrogate");
    assert_refused(state, "\"\\x\"", "unknown escape");
    assert_refused(state, "\"\\u12\"", "malformed \\u escape");
    assert_refused(state, "\"\\u12g4\"", "malformed \\u escape");
    assert_refused(state, "\"abc", "unfinished string");
    assert_refused(state, "\"abc\\", "unfinished string");
    assert_refused(state, "\"abc\\\"", "unfinished string");
}

static void test_parse_malformed_utf8_is_refused(void **state)
{
    static const char *const texts[] = {"\"\xff\"",         "\"\xc0\xaf\"",         "\"\xe0\x80\xaf\"",
                                        "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xc3\"",
                                        "\"\x80\""};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_refused(state, texts[i], "not UTF-8");
    }
}

static void test_parse_nul_byte_is_refused(void **state)
{
    static const char inside[] = "{\"a\0b\":1}", outside[] = "{}\0";
    const struct json *root;
    const char *why;
    assert_non_null(parse_bytes(*state, inside, sizeof inside - 1, &root, &why));
    assert_string_equal(why, "control character in a string");
    assert_non_null(parse_bytes(*state, outside, sizeof outside - 1, &root, &why));
    assert_string_equal(why, "unexpected character");
}

static void test_parse_duplicate_key_is_refused(void **state)
{
    assert_refused(state, "{\"a\":1,\"a\":2}", "duplicate key");
    assert_refused(state, "{\"a\":1,\"\\u0061\":1}", "duplicate key");
    assert_refused(state, "[{\"o\":{\"k\":[],\"x\":1,\"k\":null}}]", "duplicate key");
    assert_non_null(parse(state, "[{\"a\":1},{\"a\":{\"a\":\":\"}}]"));
}

static void test_parse_depth_limit_is_exact(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 8] = "";
    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        text[depth] = '1';
        memset(text + depth + 1, ']', (size_t)depth);
        text[2 * depth + 1] = '\0';
        if (depth == JSON_DEPTH_MAX) {
            assert_non_null(parse(state, text));
        } else {
            assert_refused(state, text, "nested too deep");
        }
    }
}

static bool collect(const char *key, const struct json *value, void *arg)
{
    char *keys = arg;
    strcat(keys, key);
    return json_int(value, 0) != 3;
}

static void test_each_members_come_in_order_until_stopped(void **state)
{
    char keys[16] = "";
    json_each(parse(state, "{\"z\":1,\"a\":2,\"m\":3,\"b\":4}"), collect, keys);
    assert_string_equal(keys, "zam");
    json_each(parse(state, "[1]"), collect, keys);
    assert_string_equal(keys, "zam");
}

static void test_text_value_round_trips(void **state)
{
    assert_string_equal(json_text(parse(state, "{\"a\": [1, 2.50, \"x/\\\"\"], \"b\": null}")),
                        "{\"a\":[1,2.50,\"x/\\\"\"],\"b\":null}");
    assert_string_equal(json_text(NULL), "null");
}

static void test_out_document_is_written(void **state)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, *state, 4096);
    json_out_init(&out, &buf);
    json_open_object(&out, NULL);
    json_add_str(&out, "s", "a\"\\\n\x01\xc3\xa9/");
    json_add_str(&out, "null", NULL);
    json_add_int(&out, "i", INT64_MIN);
    json_open_array(&out, "l");
    json_add_bool(&out, NULL, true);
    json_open_object(&out, NULL);
    json_close_object(&out);
    json_add_bool(&out, NULL, false);
    json_close_array(&out);
    json_add_raw(&out, "raw", "[1]");
    json_add_time(&out, "never", CLOCK_NONE);
    json_add_null(&out, "k\"ey");
    json_close_object(&out);
    assert_string_equal(buf.data, "{\"s\":\"a\\\"\\\\\\n\\u0001\xc3\xa9/\",\"null\":null,\"i\":-9223372036854775808,"
                                  "\"l\":[true,{},false],\"raw\":[1],\"never\":null,\"k\\\"ey\":null}");
}

static void test_out_every_byte_below_space_is_read_back(void **state)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, *state, 4096);
    json_out_init(&out, &buf);
    char text[130];
    for (int c = 1; c < 128; c++) {
        text[c - 1] = (char)c;
    }
    text[127] = '\0';
    json_add_str(&out, NULL, text);
    assert_string_equal(json_str(parse(state, buf.data)), text);
}

static void test_out_time_has_offset(void **state)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, *state, 4096);
    json_out_init(&out, &buf);
    assert_true(clock_set_zone("Asia/Seoul"));
    json_add_time(&out, NULL, 0);
    assert_string_equal(buf.data, "\"1970-01-01T09:00:00+09:00\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_document_gives_values),
        cmocka_unit_test(test_parse_whole_number_is_an_integer_however_it_is_written),
        cmocka_unit_test(test_parse_scalar_root_is_accepted),
        cmocka_unit_test(test_accessors_wrong_type_give_fallback),
        cmocka_unit_test(test_parse_integer_limits_are_exact),
        cmocka_unit_test(test_parse_malformed_is_refused),
        cmocka_unit_test(test_parse_lax_tokens_are_refused),
        cmocka_unit_test(test_parse_bad_strings_are_refused),
        cmocka_unit_test(test_parse_malformed_utf8_is_refused),
        cmocka_unit_test(test_parse_nul_byte_is_refused),
        cmocka_unit_test(test_parse_duplicate_key_is_refused),
        cmocka_unit_test(test_parse_depth_limit_is_exact),
        cmocka_unit_test(test_each_members_come_in_order_until_stopped),
        cmocka_unit_test(test_text_value_round_trips),
        cmocka_unit_test(test_out_document_is_written),
        cmocka_unit_test(test_out_every_byte_below_space_is_read_back),
        cmocka_unit_test(test_out_time_has_offset),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
