#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

#define ID "0190f5a0-7c1e-7b3a-9c55-0123456789ab"
#define ID_UPPER "0190F5A0-7C1E-7B3A-9C55-0123456789AB"
#define OTHER_ID "0190f5a0-7c1e-7b3a-9c55-0123456789ac"

struct agreement {
    const char *type;
    int agreed;
};
SHAPE(agreement_shape, struct agreement,
      {"type", FIELD_ENUM, offsetof(struct agreement, type), FIELD_REQUIRED, 0, 0, "SERVICE|PRIVACY", NULL},
      {"agreed", FIELD_BOOL, offsetof(struct agreement, agreed), FIELD_REQUIRED, 0, 0, NULL, NULL});

struct everything {
    const char *name;
    const char *text;
    int64_t amount;
    int64_t any;
    int flag;
    const char *id;
    int64_t at;
    const char *kind;
    struct agreement main;
    struct json_list agreements;
    struct json_list words;
    struct json_list ids;
    const struct json *rest;
    const char *secret;
};
#define AT(member) offsetof(struct everything, member)
SHAPE(everything_shape, struct everything, {"name", FIELD_STR, AT(name), FIELD_REQUIRED, 2, 5, NULL, NULL},
      {"text", FIELD_TEXT, AT(text), FIELD_LINES, 0, 0, NULL, NULL},
      {"amount", FIELD_INT, AT(amount), 0, 1, 100, NULL, NULL}, {"any", FIELD_INT, AT(any), 0, 0, 0, NULL, NULL},
      {"flag", FIELD_BOOL, AT(flag), 0, 0, 0, NULL, NULL}, {"id", FIELD_UUID, AT(id), 0, 0, 0, NULL, NULL},
      {"at", FIELD_TIME, AT(at), 0, 0, 0, NULL, NULL}, {"kind", FIELD_ENUM, AT(kind), 0, 0, 0, "A|BB|C", NULL},
      {"main", FIELD_OBJECT, AT(main), 0, 0, 0, NULL, &agreement_shape},
      {"agreements", FIELD_LIST, AT(agreements), 0, 1, 3, NULL, &agreement_shape},
      {"words", FIELD_STRS, AT(words), 0, 0, 30, NULL, NULL}, {"ids", FIELD_UUIDS, AT(ids), 0, 1, 4, NULL, NULL},
      {"rest", FIELD_JSON, AT(rest), 0, 0, 0, NULL, NULL},
      {"secret", FIELD_STR, AT(secret), FIELD_HIDDEN, 0, 0, NULL, NULL});

struct paging {
    int64_t page;
    int64_t size;
    const char *q;
    int active;
    int64_t from;
    const char *kind;
};
SHAPE(paging_shape, struct paging,
      {"page", FIELD_INT, offsetof(struct paging, page), FIELD_REQUIRED, 0, 1000, NULL, NULL},
      {"size", FIELD_INT, offsetof(struct paging, size), 0, -5, 100, NULL, NULL},
      {"q", FIELD_STR, offsetof(struct paging, q), 0, 0, 20, NULL, NULL},
      {"active", FIELD_BOOL, offsetof(struct paging, active), 0, 0, 0, NULL, NULL},
      {"from", FIELD_TIME, offsetof(struct paging, from), 0, 0, 0, NULL, NULL},
      {"kind", FIELD_ENUM, offsetof(struct paging, kind), 0, 0, 0, "A|B", NULL});

struct answer {
    const char *status;
};
SHAPE_OPEN(answer_shape, struct answer,
           {"status", FIELD_STR, offsetof(struct answer, status), FIELD_REQUIRED, 0, 0, NULL, NULL});

struct typed {
    const char *name;
    const char *text;
    const char *password;
    struct json_list labels;
    const struct json *sizes;
};
SHAPE(typed_shape, struct typed, {FIELD(struct typed, "name", FIELD_TEXT, name), .max = 3},
      {FIELD(struct typed, "text", FIELD_TEXT, text), .flags = FIELD_LINES},
      {FIELD(struct typed, "password", FIELD_PASSWORD, password), .min = 2, .max = 6},
      {FIELD(struct typed, "labels", FIELD_TEXTS, labels)},
      {FIELD(struct typed, "sizes", FIELD_JSON, sizes), .flags = FIELD_KEYS});

struct wanted {
    const char *name;
};
SHAPE(wanted_shape, struct wanted, {FIELD(struct wanted, "name", FIELD_TEXT, name), .max = 3});

static int setup(void **state)
{
    static struct ctx ctx;
    ctx = (struct ctx){.arena = arena_new(8u << 20)};
    ctx_begin(&ctx, NULL, NULL);
    *state = &ctx;
    return clock_set_zone("Asia/Seoul") ? 0 : -1;
}

static int teardown(void **state)
{
    struct ctx *ctx = *state;
    arena_free(&ctx->arena);
    return 0;
}

static const struct everything *read_all(struct ctx *ctx, const char *text)
{
    void *out = NULL;
    const struct err *e = json_read(ctx, text, strlen(text), &everything_shape, &out);
    if (e) {
        fail_msg("'%s' was refused: %s %s", text, ctx->details->field, ctx->details->reason);
    }
    return out;
}

static size_t count_details(const struct ctx *ctx)
{
    size_t count = 0;
    for (const struct ctx_detail *detail = ctx->details; detail; detail = detail->next) {
        count++;
    }
    return count;
}

/* Exactly one complaint, about this field. */
static void assert_refused(struct ctx *ctx, const char *text, const char *field, const char *reason)
{
    void *out = ctx;
    ctx_begin(ctx, NULL, NULL);
    assert_ptr_equal(json_read(ctx, text, strlen(text), &everything_shape, &out), &err_invalid_request);
    assert_ptr_equal(out, ctx);
    assert_int_equal(count_details(ctx), 1);
    assert_string_equal(ctx->details->field, field);
    assert_string_equal(ctx->details->reason, reason);
}

static void test_read_full_object_fills_struct(void **state)
{
    const struct everything *all = read_all(
        *state, "{\"name\":\"\xea\xb0\x80\xeb\x82\x98\",\"text\":\"a\\n\\tb\",\"amount\":100,\"any\":-5,\"flag\":false,"
                "\"id\":\"" ID_UPPER "\",\"at\":\"2026-06-01T19:00:00+09:00\",\"kind\":\"BB\","
                "\"main\":{\"type\":\"PRIVACY\",\"agreed\":true},"
                "\"agreements\":[{\"type\":\"SERVICE\",\"agreed\":false},{\"type\":\"PRIVACY\",\"agreed\":true}],"
                "\"words\":[\"x\",\"x\"],\"ids\":[\"" ID "\",\"" OTHER_ID "\"],\"rest\":{\"k\":[1]},\"secret\":\"s\"}");
    const struct agreement *agreements = all->agreements.items;
    assert_string_equal(all->name, "\xea\xb0\x80\xeb\x82\x98");
    assert_string_equal(all->text, "a\nb");
    assert_int_equal(all->amount, 100);
    assert_int_equal(all->any, -5);
    assert_int_equal(all->flag, 0);
    assert_string_equal(all->id, ID);
    assert_true(all->at == INT64_C(1780308000) * CLOCK_SECOND);
    assert_string_equal(all->kind, "BB");
    assert_string_equal(all->main.type, "PRIVACY");
    assert_int_equal(all->main.agreed, 1);
    assert_int_equal(all->agreements.count, 2);
    assert_string_equal(agreements[1].type, "PRIVACY");
    assert_int_equal(agreements[0].agreed, 0);
    assert_int_equal(all->words.count, 2);
    assert_string_equal(((const char *const *)all->ids.items)[1], OTHER_ID);
    assert_int_equal(json_count(json_get(all->rest, "k")), 1);
}

static void test_read_missing_optional_members_are_absent(void **state)
{
    const struct everything *all = read_all(*state, "{\"name\":\"ab\",\"amount\":null}");
    assert_null(all->text);
    assert_true(all->amount == FIELD_NO_INT);
    assert_int_equal(all->flag, -1);
    assert_null(all->id);
    assert_true(all->at == CLOCK_NONE);
    assert_null(all->kind);
    assert_null(all->main.type);
    assert_int_equal(all->main.agreed, -1);
    assert_int_equal(all->agreements.count, 0);
    assert_null(all->rest);
}

static void test_read_wrong_values_name_the_field(void **state)
{
    assert_refused(*state, "{}", "name", "is required");
    assert_refused(*state, "{\"name\":null}", "name", "is required");
    assert_refused(*state, "{\"name\":5}", "name", "must be a string");
    assert_refused(*state, "{\"name\":\"a\"}", "name", "must have 2 to 5 characters");
    assert_refused(*state, "{\"name\":\"abcdef\"}", "name", "must have 2 to 5 characters");
    assert_refused(*state, "{\"name\":\"a\\nb\"}", "name", "must not contain control characters");
    assert_refused(*state, "{\"name\":\"a\\u009fb\"}", "name", "must not contain control characters");
    assert_refused(*state, "{\"name\":\"ab\",\"text\":\"a\\bb\"}", "text", "must not contain U+0008");
    assert_refused(*state, "{\"name\":\"ab\",\"amount\":0}", "amount", "must be from 1 to 100");
    assert_refused(*state, "{\"name\":\"ab\",\"amount\":\"7\"}", "amount", "must be an integer");
    assert_refused(*state, "{\"name\":\"ab\",\"amount\":7.5}", "amount", "must be an integer");
    assert_refused(*state, "{\"name\":\"ab\",\"any\":-9223372036854775808}", "any", "is too small");
    assert_refused(*state, "{\"name\":\"ab\",\"flag\":1}", "flag", "must be true or false");
    assert_refused(*state, "{\"name\":\"ab\",\"id\":\"x\"}", "id", "must be a UUID");
    assert_refused(*state, "{\"name\":\"ab\",\"at\":\"2026-02-30T00:00:00Z\"}", "at",
                   "must be a time like 2026-06-01T19:00:00+09:00");
    assert_refused(*state, "{\"name\":\"ab\",\"kind\":\"B\"}", "kind", "must be one of A|BB|C");
    assert_refused(*state, "{\"name\":\"ab\",\"kind\":\"A|BB\"}", "kind", "must be one of A|BB|C");
    assert_refused(*state, "{\"name\":\"ab\",\"kind\":\"\"}", "kind", "must be one of A|BB|C");
    assert_refused(*state, "{\"name\":\"ab\",\"main\":[]}", "main", "must be an object");
    assert_refused(*state, "{\"name\":\"ab\",\"agreements\":{}}", "agreements", "must be an array");
    assert_refused(*state, "{\"name\":\"ab\",\"agreements\":[]}", "agreements", "must have 1 to 3 elements");
    assert_refused(*state, "{\"name\":\"ab\",\"extra\":1}", "extra", "unknown field");
}

static void test_read_nested_mistakes_have_paths(void **state)
{
    assert_refused(*state, "{\"name\":\"ab\",\"main\":{\"type\":\"SERVICE\"}}", "main.agreed", "is required");
    assert_refused(*state, "{\"name\":\"ab\",\"agreements\":[{\"type\":\"X\",\"agreed\":true}]}", "agreements[0].type",
                   "must be one of SERVICE|PRIVACY");
    assert_refused(*state, "{\"name\":\"ab\",\"agreements\":[7]}", "agreements[0]", "must be an object");
    assert_refused(*state, "{\"name\":\"ab\",\"main\":{\"type\":\"SERVICE\",\"agreed\":true,\"x\":1}}", "main.x",
                   "unknown field");
    assert_refused(*state, "{\"name\":\"ab\",\"ids\":[\"" ID "\",\"" OTHER_ID "\",\"zz\"]}", "ids[2]",
                   "must be a UUID");
    assert_refused(*state, "{\"name\":\"ab\",\"words\":[\"\"]}", "words[0]", "must have 1 to 200 characters");
    assert_refused(*state, "{\"name\":\"ab\",\"words\":[null]}", "words[0]", "must be a string");
    assert_refused(*state, "{\"name\":\"ab\",\"ids\":[\"" ID "\",\"" ID_UPPER "\"]}", "ids",
                   "must not name anything twice");
}

static void test_read_other_documents_are_refused(void **state)
{
    assert_refused(*state, "[]", "body", "must be an object");
    assert_refused(*state, "null", "body", "must be an object");
    assert_refused(*state, "", "body", "is not JSON: not a JSON value");
    assert_refused(*state, "{\"name\":\"ab\",\"name\":\"ab\"}", "body", "is not JSON: duplicate key");
}

static void test_read_many_mistakes_are_cut_at_the_limit(void **state)
{
    struct ctx *ctx = *state;
    char text[4096] = "{\"name\":\"ab\",\"words\":[0";
    for (int i = 0; i < 29; i++) {
        strcat(text, ",0");
    }
    strcat(text, "]}");
    void *out;
    ctx_begin(ctx, NULL, NULL);
    assert_ptr_equal(json_read(ctx, text, strlen(text), &everything_shape, &out), &err_invalid_request);
    assert_int_equal(count_details(ctx), JSON_DETAILS_MAX);
}

static void test_read_long_unknown_name_is_not_repeated(void **state)
{
    char text[512];
    snprintf(text, sizeof text, "{\"name\":\"ab\",\"%0100d\":1}", 0);
    assert_refused(*state, text, "body", "unknown field with a long name");
}

static void test_read_open_shape_ignores_unknown_members(void **state)
{
    void *out = NULL;
    static const char text[] = "{\"status\":\"PAID\",\"more\":{\"x\":[1]}}";
    assert_null(json_read(*state, text, sizeof text - 1, &answer_shape, &out));
    assert_string_equal(((struct answer *)out)->status, "PAID");
}

static void test_bind_failure_leaves_output_untouched(void **state)
{
    struct ctx *ctx = *state;
    const struct json *root;
    struct agreement out = {"kept", 7};
    static const char text[] = "{\"type\":\"SERVICE\"}";
    assert_null(json_parse(ctx->arena, text, sizeof text - 1, &root, NULL));
    assert_ptr_equal(json_bind(ctx, root, &agreement_shape, &out), &err_invalid_request);
    assert_string_equal(out.type, "kept");
    assert_int_equal(out.agreed, 7);
}

static const struct paging *read_query(struct ctx *ctx, const char *query)
{
    void *out = NULL;
    const struct err *e = json_read_query(ctx, query, &paging_shape, &out);
    if (e) {
        fail_msg("'%s' was refused: %s %s", query, ctx->details->field, ctx->details->reason);
    }
    return out;
}

static void assert_query_refused(struct ctx *ctx, const char *query, const char *field, const char *reason)
{
    void *out;
    ctx_begin(ctx, NULL, NULL);
    if (json_read_query(ctx, query, &paging_shape, &out) != &err_invalid_request) {
        fail_msg("'%s' was accepted", query);
    }
    assert_int_equal(count_details(ctx), 1);
    assert_string_equal(ctx->details->field, field);
    assert_string_equal(ctx->details->reason, reason);
}

static void test_query_values_are_decoded(void **state)
{
    const struct paging *args = read_query(
        *state, "page=3&q=a%20b%2Bc+%EA%B0%80%26&active=true&from=2026-06-01T19%3A00%3A00%2B09%3A00&size=-5&kind=B");
    assert_int_equal(args->page, 3);
    assert_int_equal(args->size, -5);
    assert_string_equal(args->q, "a b+c \xea\xb0\x80&");
    assert_int_equal(args->active, 1);
    assert_true(args->from == INT64_C(1780308000) * CLOCK_SECOND);
    assert_string_equal(args->kind, "B");
    args = read_query(*state, "&page=0&&q=&");
    assert_true(args->size == FIELD_NO_INT);
    assert_string_equal(args->q, "");
    assert_int_equal(args->active, -1);
}

static void test_query_wrong_values_are_refused(void **state)
{
    struct ctx *ctx = *state;
    assert_query_refused(ctx, "", "page", "is required");
    assert_query_refused(ctx, "page=", "page", "must be an integer");
    assert_query_refused(ctx, "page=1x", "page", "must be an integer");
    assert_query_refused(ctx, "page=+1", "page", "must be an integer");
    assert_query_refused(ctx, "page=99999999999999999999", "page", "must be an integer");
    assert_query_refused(ctx, "page=1001", "page", "must be from 0 to 1000");
    assert_query_refused(ctx, "page=1&page=1", "page", "is given more than once");
    assert_query_refused(ctx, "page=1&p%61ge=1", "page", "is given more than once");
    assert_query_refused(ctx, "page=1&x=1", "x", "unknown field");
    assert_query_refused(ctx, "page=1&q", "query", "is malformed");
    assert_query_refused(ctx, "page=1&q=%4", "query", "is malformed");
    assert_query_refused(ctx, "page=1&q=%zz", "query", "is malformed");
    assert_query_refused(ctx, "page=1&q=%00", "query", "is malformed");
    assert_query_refused(ctx, "page=1&q=%0a", "query", "is malformed");
    assert_query_refused(ctx, "page=1&q=%ff", "query", "is malformed");
    assert_query_refused(ctx, "page=1&q=012345678901234567890", "q", "must have 0 to 20 characters");
    assert_query_refused(ctx, "page=1&active=1", "active", "must be true or false");
}

static void test_query_too_many_parts_is_refused(void **state)
{
    char query[1024] = "page=1";
    for (int i = 0; i < 70; i++) {
        strcat(query, "&");
    }
    strcat(query, "q=x");
    assert_query_refused(*state, query, "query", "has too many parts");
}

/* ---- what people type ---- */

#define HAN_NFC "\uD55C"
#define HAN_NFD "\u1112\u1161\u11AB"

static const struct typed *read_typed(struct ctx *ctx, const char *text)
{
    void *out = NULL;
    ctx_begin(ctx, NULL, NULL);
    assert_null(json_read(ctx, text, strlen(text), &typed_shape, &out));
    return out;
}

static void assert_typed_refused(struct ctx *ctx, const char *text, const char *field, const char *reason)
{
    void *out;
    ctx_begin(ctx, NULL, NULL);
    assert_ptr_equal(json_read(ctx, text, strlen(text), &typed_shape, &out), &err_invalid_request);
    assert_int_equal(count_details(ctx), 1);
    assert_string_equal(ctx->details->field, field);
    assert_string_equal(ctx->details->reason, reason);
}

static void test_typed_fields_come_in_their_stored_form(void **state)
{
    const struct typed *typed =
        read_typed(*state, "{\"name\":\" " HAN_NFD "\u00A0 x \",\"text\":\" \\t\\r\\n\","
                           "\"password\":\" " HAN_NFD "  !\",\"labels\":[\" " HAN_NFD "\",\"A \"],"
                           "\"sizes\":{\"" HAN_NFD "\":1,\" A\":{\" A\":null},\"B\":null}}");
    assert_string_equal(typed->name, HAN_NFC " x");
    assert_string_equal(typed->text, "");
    assert_string_equal(typed->password, " " HAN_NFC "  !");
    assert_string_equal(((const char *const *)typed->labels.items)[0], HAN_NFC);
    assert_string_equal(((const char *const *)typed->labels.items)[1], "A");
    assert_string_equal(json_text(typed->sizes), "{\"" HAN_NFC "\":1,\"A\":{\" A\":null},\"B\":null}");
}

static void test_typed_fields_are_measured_in_their_stored_form(void **state)
{
    assert_string_equal(read_typed(*state, "{\"name\":\"" HAN_NFD HAN_NFD HAN_NFD "\"}")->name,
                        HAN_NFC HAN_NFC HAN_NFC);
    assert_typed_refused(*state, "{\"name\":\"\u0958\u0958\"}", "name", "must have 1 to 3 characters"); /* grows */
    assert_typed_refused(*state, "{\"name\":\"\"}", "name", "must have 1 to 3 characters");
    assert_typed_refused(*state, "{\"name\":\" \u3000 \"}", "name", "must have 1 to 3 characters");
    assert_typed_refused(*state, "{\"password\":\"" HAN_NFD "\"}", "password", "must have 2 to 6 characters");
    assert_typed_refused(*state, "{\"labels\":[\"A\",\" \"]}", "labels[1]", "must have 1 to 200 characters");
}

static void test_typed_fields_that_are_refused_say_why(void **state)
{
    assert_typed_refused(*state, "{\"name\":\"\u200B\"}", "name", "must not contain U+200B");
    assert_typed_refused(*state, "{\"text\":\"a\\u202eb\"}", "text", "must not contain U+202E");
    assert_typed_refused(*state, "{\"password\":\"abc\\n\"}", "password", "must not contain control characters");
    assert_typed_refused(*state, "{\"labels\":[\"A\\t\"]}", "labels[0]", "must not contain U+0009");
    assert_typed_refused(*state, "{\"sizes\":{\"A\u200B\":1}}", "sizes", "must not contain U+200B");
    assert_typed_refused(*state, "{\"sizes\":{\"" HAN_NFC "\":1,\"" HAN_NFD "\":1}}", "sizes",
                         "must not name anything twice");
}

static void test_query_is_treated_like_what_it_looks_for(void **state)
{
    void *out = NULL;
    assert_null(json_read_query(*state, "name=+%E1%84%92%E1%85%A1%E1%86%AB++x+", &wanted_shape, &out));
    assert_string_equal(((const struct wanted *)out)->name, HAN_NFC " x");
    assert_ptr_equal(json_read_query(*state, "name=%E2%80%8B", &wanted_shape, &out), &err_invalid_request);
    assert_ptr_equal(json_read_query(*state, "name=+", &wanted_shape, &out), &err_invalid_request);
}

static void test_add_shape_absent_and_hidden_members_are_left_out(void **state)
{
    struct ctx *ctx = *state;
    static const char text[] = "{\"name\":\"ab\",\"any\":7,\"main\":{\"type\":\"SERVICE\",\"agreed\":true},"
                               "\"at\":\"2026-06-01T10:00:00Z\",\"rest\":[1,{}],\"secret\":\"s\"}";
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, 4096);
    json_out_init(&out, &buf);
    json_add_shape(&out, NULL, &everything_shape, read_all(ctx, text));
    assert_string_equal(buf.data, "{\"name\":\"ab\",\"any\":7,\"at\":\"2026-06-01T19:00:00+09:00\","
                                  "\"main\":{\"type\":\"SERVICE\",\"agreed\":true},\"agreements\":[],\"words\":[],"
                                  "\"ids\":[],\"rest\":[1,{}]}");
}

static void test_add_shape_lists_round_trip(void **state)
{
    struct ctx *ctx = *state;
    static const char text[] = "{\"name\":\"ab\",\"flag\":false,"
                               "\"agreements\":[{\"type\":\"SERVICE\",\"agreed\":false}],"
                               "\"words\":[\"x\",\"y\"],\"ids\":[\"" ID "\"]}";
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, 4096);
    json_out_init(&out, &buf);
    json_add_shape(&out, NULL, &everything_shape, read_all(ctx, text));
    assert_string_equal(buf.data, text);
}

static void test_struct_is_absent_while_nothing_is_in_it(void **state)
{
    static const struct {
        const char *json;
        bool absent;
    } cases[] = {
        {"{}", true},
        {"{\"pages\":[],\"inner\":{\"words\":[]}}", true},
        {"{\"pages\":[{}]}", false},
        {"{\"number\":0}", false},
        {"{\"inner\":{\"words\":[\"x\"]}}", false},
    };
    struct inner {
        struct json_list words;
    };
    struct outer {
        struct json_list pages;
        int64_t number;
        struct inner inner;
    };
    SHAPE(page_shape, struct answer, {FIELD(struct answer, "status", FIELD_STR, status)});
    SHAPE(inner_shape, struct inner, {FIELD(struct inner, "words", FIELD_STRS, words)});
    SHAPE(outer_shape, struct outer, {FIELD(struct outer, "pages", FIELD_LIST, pages), .sub = &page_shape},
          {FIELD(struct outer, "number", FIELD_INT, number)},
          {FIELD(struct outer, "inner", FIELD_OBJECT, inner), .sub = &inner_shape});
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        void *outer;
        assert_null(json_read(*state, cases[i].json, strlen(cases[i].json), &outer_shape, &outer));
        assert_int_equal(json_is_absent(&outer_shape, outer), cases[i].absent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_full_object_fills_struct),
        cmocka_unit_test(test_read_missing_optional_members_are_absent),
        cmocka_unit_test(test_read_wrong_values_name_the_field),
        cmocka_unit_test(test_read_nested_mistakes_have_paths),
        cmocka_unit_test(test_read_other_documents_are_refused),
        cmocka_unit_test(test_read_many_mistakes_are_cut_at_the_limit),
        cmocka_unit_test(test_read_long_unknown_name_is_not_repeated),
        cmocka_unit_test(test_read_open_shape_ignores_unknown_members),
        cmocka_unit_test(test_bind_failure_leaves_output_untouched),
        cmocka_unit_test(test_query_values_are_decoded),
        cmocka_unit_test(test_query_wrong_values_are_refused),
        cmocka_unit_test(test_query_too_many_parts_is_refused),
        cmocka_unit_test(test_typed_fields_come_in_their_stored_form),
        cmocka_unit_test(test_typed_fields_are_measured_in_their_stored_form),
        cmocka_unit_test(test_typed_fields_that_are_refused_say_why),
        cmocka_unit_test(test_query_is_treated_like_what_it_looks_for),
        cmocka_unit_test(test_add_shape_absent_and_hidden_members_are_left_out),
        cmocka_unit_test(test_add_shape_lists_round_trip),
        cmocka_unit_test(test_struct_is_absent_while_nothing_is_in_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
