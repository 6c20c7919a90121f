#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "common/context/ctx.h"

static void test_ctx_begin_forgets_the_last_unit(void **state)
{
    (void)state;
    struct log_ctx process = {0};
    struct ctx ctx = {.arena = arena_new(1u << 16), .log = {.parent = &process}};
    ctx_begin(&ctx, NULL, NULL);
    char first[TRACE_ID_SIZE];
    strcpy(first, ctx.trace.id);
    log_field(&ctx.log, "user_id", "u");
    ctx.retry_after_s = 3;
    assert_ptr_equal(ctx_invalid(&ctx, "a", "bad"), &err_invalid_request);
    ctx_begin(&ctx, NULL, NULL);
    assert_null(ctx.details);
    assert_int_equal(ctx.retry_after_s, 0);
    assert_int_equal(arena_used(ctx.arena), 0);
    assert_int_equal(ctx.log.count, 1);
    assert_ptr_equal(ctx.log.parent, &process);
    assert_string_equal(ctx.log.fields[0].value, ctx.trace.id);
    assert_string_not_equal(ctx.trace.id, first);
    arena_free(&ctx.arena);
}

static void test_ctx_tells_no_more_than_twenty_details(void **state)
{
    (void)state;
    struct ctx ctx = {.arena = arena_new(1u << 16)};
    for (int i = 1; i <= 5000; i++) {
        (void)ctx_invalid(&ctx, "seat", "number %d", i);
    }
    size_t count = 0;
    const struct ctx_detail *last = ctx.details;
    for (const struct ctx_detail *detail = ctx.details; detail; detail = detail->next) {
        count++;
    }
    assert_int_equal(count, 20);
    assert_string_equal(last->reason, "number 20"); /* the first ones are told */
    arena_free(&ctx.arena);
}

static void test_ctx_invalid_keeps_copies_newest_first(void **state)
{
    (void)state;
    struct ctx ctx = {.arena = arena_new(1u << 16)};
    char field[] = "name";
    (void)ctx_invalid(&ctx, field, "at most %d characters", 20);
    memset(field, 'x', 4);
    (void)ctx_invalid(&ctx, "age", "missing");
    assert_string_equal(ctx.details->field, "age");
    assert_string_equal(ctx.details->next->field, "name");
    assert_string_equal(ctx.details->next->reason, "at most 20 characters");
    assert_null(ctx.details->next->next);
    arena_free(&ctx.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ctx_begin_forgets_the_last_unit),
        cmocka_unit_test(test_ctx_tells_no_more_than_twenty_details),
        cmocka_unit_test(test_ctx_invalid_keeps_copies_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
