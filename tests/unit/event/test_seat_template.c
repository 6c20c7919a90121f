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
        {"{\"rows\":[],\"seatsPerRow\":2,\"gradeMapping\":{}}", "seatTemplate.rows"},
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

/* ---- sections ---- */

#define SECTION(name, members) "{\"name\":\"" name "\"," members "}"
#define SECTIONS(list) "{\"sections\":[" list "]}"
#define SIX "\"rowRange\":{\"from\":\"A\",\"to\":\"C\"},\"seatsPerRow\":2,\"gradeMapping\":\"S\""
#define ONE "\"rows\":[\"1\"],\"seatsPerRow\":1,\"gradeMapping\":{\"1\":\"B\"}"

static void test_sections_are_counted_together(void **state)
{
    (void)state;
    assert_int_equal(seats_of(SECTIONS(SECTION("101", SIX) "," SECTION("가", ONE))), 7);
    assert_int_equal(seats_of(SECTIONS(SECTION("1", SIX ",\"missing\":[\"C-2\"]") "," SECTION("2", SIX))), 11);
}

static void test_rows_are_counted_from_one_label_to_another(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        int64_t rows;
    } ranges[] = {
        {"A", "Z", 26},  {"C", "C", 1},     {"1", "2000", 2000}, {"9", "11", 3},           {"B", "A", -1},
        {"A", "a", -1},  {"A", "5", -1},    {"1", "C", -1},      {"0", "3", -1},           {"01", "3", -1},
        {"AA", "B", -1}, {"1", "2001", -1}, {"-1", "3", -1},     {"1", "99999999999", -1}, {"[", "]", -1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ranges); i++) {
        ctx_begin(ctx, NULL, NULL);
        const char *json = arena_printf(
            ctx->arena, "{\"rowRange\":{\"from\":\"%s\",\"to\":\"%s\"},\"seatsPerRow\":1,\"gradeMapping\":\"S\"}",
            ranges[i].from, ranges[i].to);
        assert_int_equal(seats_of(json), ranges[i].rows);
    }
}

#define NUMBERED(seat) SECTIONS(SECTION("1", SIX ",\"numbering\":{\"from\":11,\"step\":2},\"missing\":[\"" seat "\"]"))

static void test_seats_are_named_by_the_numbers_of_their_section(void **state)
{
    (void)state;
    assert_int_equal(seats_of(NUMBERED("A-11")), 5);
    assert_int_equal(seats_of(NUMBERED("C-13")), 5);
    assert_int_equal(seats_of(NUMBERED("A-12")), -1);
    assert_int_equal(seats_of(NUMBERED("A-15")), -1);
    assert_int_equal(seats_of(NUMBERED("A-9")), -1);
    assert_int_equal(seats_of(NUMBERED("1-A-11")), -1);
}

/* What is refused, and the words for it. */
struct refusal {
    const char *json;
    const char *field;
    const char *reason;
};

static void assert_refused(const char *json, const char *field, const char *reason)
{
    assert_int_equal(seats_of(json), -1);
    assert_string_equal(ctx->details->field, field);
    assert_non_null(strstr(ctx->details->reason, reason));
}

static void assert_each_refused(const struct refusal *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ctx_begin(ctx, NULL, NULL);
        assert_refused(bad[i].json, bad[i].field, bad[i].reason);
    }
}

static void test_sections_that_contradict_each_other_are_refused_with_the_field(void **state)
{
    (void)state;
    static const struct refusal bad[] = {
        {SECTIONS(SECTION("1", SIX) "," SECTION("2", ONE) "," SECTION("1", ONE)), "seatTemplate.sections",
         "'1' appears twice"},
        {SECTIONS(SECTION("\uAC00", SIX) "," SECTION("\u1100\u1161", ONE)), "seatTemplate.sections", "appears twice"},
        {SECTIONS("{" SIX "}"), "seatTemplate.sections[0].name", "is required"},
        {SECTIONS(SECTION("1", ONE) "," SECTION("2-3", ONE)), "seatTemplate.sections[1].name", "dashes"},
        {SECTIONS(SECTION("1 2", ONE)), "seatTemplate.sections[0].name", "white space"},
        {SECTIONS(SECTION("1", "\"rows\":[\"A-B\"],\"seatsPerRow\":1,\"gradeMapping\":\"S\"")),
         "seatTemplate.sections[0].rows", "dashes"},
        {SECTIONS(SECTION("1", "\"rows\":[\"A\",\"A\"],\"seatsPerRow\":1,\"gradeMapping\":\"S\"")),
         "seatTemplate.sections[0].rows", "'A' appears twice"},
        {SECTIONS(SECTION("1", SIX ",\"rows\":[\"A\"]")), "seatTemplate.sections[0].rows", "instead of rowRange"},
        {SECTIONS(SECTION("1", "\"seatsPerRow\":1,\"gradeMapping\":\"S\"")), "seatTemplate.sections[0].rows",
         "is required"},
        {SECTIONS(SECTION("1", "\"rows\":[\"A\"],\"gradeMapping\":\"S\"")), "seatTemplate.sections[0].seatsPerRow",
         "is required"},
        {SECTIONS(SECTION("1", "\"rows\":[\"A\"],\"seatsPerRow\":1")), "seatTemplate.sections[0].gradeMapping",
         "is required"},
        {SECTIONS(SECTION("1", "\"rows\":[\"A\"],\"seatsPerRow\":1,\"gradeMapping\":\"R\"")),
         "seatTemplate.sections[0].gradeMapping", "must be VIP, S, A or B"},
        {SECTIONS(SECTION("1", ONE) "," SECTION("2", SIX ",\"missing\":[\"D-1\"]")), "seatTemplate.sections[1].missing",
         "there is no seat 'D-1'"},
        {SECTIONS(SECTION("1", SIX ",\"rotation\":30")), "seatTemplate.sections[0].rotation", "needs an origin"},
        {SECTIONS(SECTION("1", SIX ",\"spacing\":{\"y\":9}")), "seatTemplate.sections[0].spacing", "needs an origin"},
        {"{\"sections\":[" SECTION("1", ONE) "],\"seatsPerRow\":1}", "seatTemplate.sections", "without rows beside"},
        {"{\"sections\":[" SECTION("1", ONE) "],\"missing\":[\"1-1\"]}", "seatTemplate.sections",
         "without rows beside"},
        {"{\"name\":\"Hall\"," ONE "}", "seatTemplate.name", "is for sections"},
        {"{\"sections\":[]}", "seatTemplate.rows", "is required"},
    };
    assert_each_refused(bad, ARRAY_COUNT(bad));
}

#define PLANNED(members) SECTIONS(SECTION("1", ONE ",\"origin\":{\"x\":0,\"y\":0}," members))
#define NESTED "sections[0]."

static void test_numbers_beyond_their_limits_are_refused_with_the_field(void **state)
{
    (void)state;
    static const struct refusal bad[] = {
        {SECTIONS(SECTION("1", SIX ",\"numbering\":{\"from\":0}")), NESTED "numbering.from", "1 to 10000"},
        {SECTIONS(SECTION("1", SIX ",\"numbering\":{\"from\":2147483647}")), NESTED "numbering.from", "1 to 10000"},
        {SECTIONS(SECTION("1", SIX ",\"numbering\":{\"step\":0}")), NESTED "numbering.step", "1 to 100"},
        {SECTIONS(SECTION("1", SIX ",\"numbering\":{\"step\":9223372036854775807}")), NESTED "numbering.step",
         "1 to 100"},
        {SECTIONS(SECTION("1", SIX ",\"numbering\":{\"direction\":\"UP\"}")), NESTED "numbering.direction",
         "LEFT_TO_RIGHT"},
        {PLANNED("\"rotation\":361"), NESTED "rotation", "-360 to 360"},
        {PLANNED("\"rotation\":1e300"), NESTED "rotation", "must be an integer"},
        {PLANNED("\"rotation\":0.5"), NESTED "rotation", "must be an integer"},
        {PLANNED("\"rotation\":\"NaN\""), NESTED "rotation", "must be an integer"},
        {PLANNED("\"rotation\":NaN"), "body", "is not JSON"},
        {PLANNED("\"spacing\":{\"x\":1}"), NESTED "spacing.x", "2 to 1000"},
        {SECTIONS(SECTION("1", ONE ",\"origin\":{\"x\":1000001,\"y\":0}")), NESTED "origin.x", "1000000"},
        {SECTIONS(SECTION("1", ONE ",\"origin\":{\"x\":1}")), NESTED "origin.y", "is required"},
        {SECTIONS(SECTION("123456789012345678901", ONE)), NESTED "name", "1 to 20 characters"},
    };
    assert_each_refused(bad, ARRAY_COUNT(bad));
}

/* ---- how many ---- */

static const char *sections_of(int count, const char *members)
{
    struct buf *json = ARENA_NEW(ctx->arena, struct buf);
    buf_init(json, ctx->arena, 4 << 20);
    buf_str(json, "{\"sections\":[");
    for (int i = 0; i < count; i++) {
        buf_printf(json, "%s{\"name\":\"%d\",%s}", i ? "," : "", i, members);
    }
    buf_str(json, "]}");
    return json->data;
}

static void test_seats_beyond_the_limit_are_refused_before_any_is_looked_at(void **state)
{
    (void)state;
    static const char billion[] = "\"rowRange\":{\"from\":\"1\",\"to\":\"1000\"},\"seatsPerRow\":1000,"
                                  "\"gradeMapping\":\"S\",\"missing\":[\"none\"]";
    assert_refused(sections_of(1000, billion), "seatTemplate", "1 to 100000 seats");
    ctx_begin(ctx, NULL, NULL);
    assert_refused(sections_of(10000, ONE), "sections", "1000");
    ctx_begin(ctx, NULL, NULL);
    assert_int_equal(seats_of(sections_of(1000, ONE)), 1000);
    assert_refused("{\"rows\":[\"A\"],\"seatsPerRow\":1000000000,\"gradeMapping\":\"S\"}", "seatTemplate.seatsPerRow",
                   "1 to 1000");
    ctx_begin(ctx, NULL, NULL);
    assert_refused("{\"rowRange\":{\"from\":\"1\",\"to\":\"101\"},\"seatsPerRow\":1000,\"gradeMapping\":\"S\"}",
                   "seatTemplate", "1 to 100000 seats");
}

#define LONG "가나다라마바사아자차카타파하갸냐댜랴"
#define LONG_ROWS                                                                       \
    "\"rows\":[\"" LONG "1\",\"" LONG "2\",\"" LONG "3\",\"" LONG "4\",\"" LONG "5\"]," \
    "\"seatsPerRow\":1000,\"gradeMapping\":\"S\""

/* All seats of a hall are told in one answer: 5,000 a section, with rows of 55 bytes. */
static void test_names_too_long_for_one_answer_are_refused(void **state)
{
    (void)state;
    assert_int_equal(seats_of(sections_of(14, LONG_ROWS)), 70000);
    assert_refused(sections_of(15, LONG_ROWS), "seatTemplate", "names too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_template_with_one_size_for_all_rows_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(test_template_with_sizes_and_exceptions_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(test_template_is_read_whatever_form_its_labels_have, begin, end),
        cmocka_unit_test_setup_teardown(test_template_row_with_a_dash_is_found_by_its_seats, begin, end),
        cmocka_unit_test_setup_teardown(test_template_that_contradicts_itself_is_refused_with_the_field, begin, end),
        cmocka_unit_test_setup_teardown(test_sections_are_counted_together, begin, end),
        cmocka_unit_test_setup_teardown(test_rows_are_counted_from_one_label_to_another, begin, end),
        cmocka_unit_test_setup_teardown(test_seats_are_named_by_the_numbers_of_their_section, begin, end),
        cmocka_unit_test_setup_teardown(test_sections_that_contradict_each_other_are_refused_with_the_field, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_numbers_beyond_their_limits_are_refused_with_the_field, begin, end),
        cmocka_unit_test_setup_teardown(test_seats_beyond_the_limit_are_refused_before_any_is_looked_at, begin, end),
        cmocka_unit_test_setup_teardown(test_names_too_long_for_one_answer_are_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
