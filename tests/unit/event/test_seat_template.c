#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/run/program.h"
#include "src/event/seat_template.h"

static struct ctx *ctx;

static int begin(void **state)
{
    (void)state;
    ctx = program_ctx_new(0);
    ctx_begin(ctx, NULL, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    program_ctx_free(&ctx);
    return 0;
}

/* The number of seats, or -1 when the template is refused. */
static int64_t seats_of(const char *json)
{
    void *template;
    int64_t seats;
    const struct err *e = json_read(ctx, json, strlen(json), &seat_template_shape, &template);
    e = e ? e : seat_template_check(ctx, template, &seats);
    assert_true(!e || e == &err_invalid_request);
    return e ? -1 : seats;
}

static void test_template_with_one_size_for_all_rows_is_counted(void **state)
{
    (void)state;
    assert_int_equal(
        seats_of("{\"rows\":[\"A\",\"B\"],\"seatsPerRow\":20,\"gradeMapping\":{\"A\":\"VIP\",\"B\":\"S\"}}"), 40);
}

static void test_template_with_sizes_and_exceptions_is_counted(void **state)
{
    (void)state;
    assert_int_equal(seats_of("{\"rows\":[\"A\",\"가\"],\"seatsPerRow\":{\"A\":18,\"가\":3},"
                              "\"gradeMapping\":{\"A\":\"VIP\",\"가\":\"B\"},\"missing\":[\"A-3\",\"가-1\"],"
                              "\"accessible\":[\"A-1\",\"A-18\"],\"viewRestricted\":[\"A-1\"],"
                              "\"positions\":{\"A-1\":{\"x\":-5,\"y\":7}}}"),
                     19);
}

static void test_template_is_read_whatever_form_its_labels_have(void **state)
{
    (void)state;
    assert_int_equal(seats_of("{\"rows\":[\"\u1100\u1161\"],\"seatsPerRow\":{\"\uAC00 \":3},"
                              "\"gradeMapping\":{\"\uAC00\":\"B\"},\"missing\":[\" \u1100\u1161-1\"],"
                              "\"positions\":{\"\u1100\u1161-2\":{\"x\":1,\"y\":1}}}"),
                     2);
    /* Twenty characters, however many bytes. */
    assert_int_equal(seats_of("{\"rows\":[\"가나다라마바사아자차카타파하갸냐댜랴먀뱌\"],\"seatsPerRow\":1,"
                              "\"gradeMapping\":{\"가나다라마바사아자차카타파하갸냐댜랴먀뱌\":\"B\"}}"),
                     1);
    assert_int_equal(seats_of("{\"rows\":[\"가나다라마바사아자차카타파하갸냐댜랴먀뱌샤\"],\"seatsPerRow\":1,"
                              "\"gradeMapping\":{\"가나다라마바사아자차카타파하갸냐댜랴먀뱌샤\":\"B\"}}"),
                     -1);
}

static void test_template_row_with_a_dash_is_found_by_its_seats(void **state)
{
    (void)state;
    assert_int_equal(seats_of("{\"rows\":[\"1F-A\"],\"seatsPerRow\":2,\"gradeMapping\":{\"1F-A\":\"A\"},"
                              "\"missing\":[\"1F-A-2\"]}"),
                     1);
}

#define WITH(member) \
    "{\"rows\":[\"A\",\"B\"],\"seatsPerRow\":2,\"gradeMapping\":{\"A\":\"VIP\",\"B\":\"S\"}," member "}"

static void test_template_that_contradicts_itself_is_refused_with_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *field;
    } bad[] = {
        {"{\"rows\":[],\"seatsPerRow\":2,\"gradeMapping\":{}}", "rows"},
        {"{\"rows\":[\"A\",\"A\"],\"seatsPerRow\":2,\"gradeMapping\":{\"A\":\"S\"}}", "seatTemplate.rows"},
        {"{\"rows\":[\"\uAC00\",\"\u1100\u1161\"],\"seatsPerRow\":2,\"gradeMapping\":{\"\uAC00\":\"S\"}}",
         "seatTemplate.rows"},
        {"{\"rows\":[\"A\",\"A \"],\"seatsPerRow\":2,\"gradeMapping\":{\"A\":\"S\"}}", "seatTemplate.rows"},
        {"{\"rows\":[\"A\",\"A\u200B\"],\"seatsPerRow\":2,\"gradeMapping\":{\"A\":\"S\"}}", "rows[1]"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":2,\"gradeMapping\":{\"A\":\"S\",\" A\":\"S\"}}", "gradeMapping"},
        {"{\"rows\":[\"A B\"],\"seatsPerRow\":2,\"gradeMapping\":{\"A B\":\"S\"}}", "seatTemplate.rows"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":0,\"gradeMapping\":{\"A\":\"S\"}}", "seatTemplate.seatsPerRow"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":1001,\"gradeMapping\":{\"A\":\"S\"}}", "seatTemplate.seatsPerRow"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":\"2\",\"gradeMapping\":{\"A\":\"S\"}}", "seatTemplate.seatsPerRow"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":{},\"gradeMapping\":{\"A\":\"S\"}}", "seatTemplate.seatsPerRow"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":{\"A\":2,\"B\":2},\"gradeMapping\":{\"A\":\"S\"}}",
         "seatTemplate.seatsPerRow"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":{\"A\":-1},\"gradeMapping\":{\"A\":\"S\"}}", "seatTemplate.seatsPerRow"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":2,\"gradeMapping\":{}}", "seatTemplate.gradeMapping"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":2,\"gradeMapping\":[\"S\"]}", "seatTemplate.gradeMapping"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":2,\"gradeMapping\":{\"A\":\"R\"}}", "seatTemplate.gradeMapping"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":2,\"gradeMapping\":{\"A\":\"S\",\"B\":\"S\"}}",
         "seatTemplate.gradeMapping"},
        {WITH("\"missing\":[\"A-3\"]"), "seatTemplate.missing"},
        {WITH("\"missing\":[\"A-0\"]"), "seatTemplate.missing"},
        {WITH("\"missing\":[\"A-01\"]"), "seatTemplate.missing"},
        {WITH("\"missing\":[\"A-99999999999999999999\"]"), "seatTemplate.missing"},
        {WITH("\"missing\":[\"A--1\"]"), "seatTemplate.missing"},
        {WITH("\"missing\":[\"A\"]"), "seatTemplate.missing"},
        {WITH("\"missing\":[\"A-1\",\"A-1\"]"), "seatTemplate.missing"},
        {WITH("\"accessible\":[\"C-1\"]"), "seatTemplate.accessible"},
        {WITH("\"missing\":[\"A-1\"],\"accessible\":[\"A-1\"]"), "seatTemplate.accessible"},
        {WITH("\"missing\":[\"A-1\"],\"viewRestricted\":[\"A-1\"]"), "seatTemplate.viewRestricted"},
        {WITH("\"positions\":[]"), "seatTemplate.positions"},
        {WITH("\"positions\":{\"A-1\":{\"x\":1}}"), "seatTemplate.positions"},
        {WITH("\"positions\":{\"A-1\":{\"x\":1,\"y\":1.5}}"), "seatTemplate.positions"},
        {WITH("\"positions\":{\"A-1\":{\"x\":1,\"y\":2,\"z\":3}}"), "seatTemplate.positions"},
        {WITH("\"positions\":{\"A-9\":{\"x\":1,\"y\":2}}"), "seatTemplate.positions"},
        {"{\"rows\":[\"A\"],\"seatsPerRow\":1,\"gradeMapping\":{\"A\":\"S\"},\"missing\":[\"A-1\"]}", "seatTemplate"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        ctx_begin(ctx, NULL, NULL);
        assert_int_equal(seats_of(bad[i].json), -1);
        assert_string_equal(ctx->details->field, bad[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_template_with_one_size_for_all_rows_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(test_template_with_sizes_and_exceptions_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(test_template_is_read_whatever_form_its_labels_have, begin, end),
        cmocka_unit_test_setup_teardown(test_template_row_with_a_dash_is_found_by_its_seats, begin, end),
        cmocka_unit_test_setup_teardown(test_template_that_contradicts_itself_is_refused_with_the_field, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
