#include "src/event/seat_template.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/utf8.h"

enum { ROWS_MAX = 2000, LABEL_MAX = 20, EXCEPTIONS_MAX = 20000, COORDINATE_MAX = 1000000 };

static const struct field seat_template_fields[] = {
    {FIELD(struct seat_template, "rows", FIELD_TEXTS, rows), .flags = FIELD_REQUIRED, .min = 1, .max = ROWS_MAX},
    {FIELD(struct seat_template, "seatsPerRow", FIELD_JSON, seats_per_row), .flags = FIELD_REQUIRED | FIELD_KEYS},
    {FIELD(struct seat_template, "gradeMapping", FIELD_JSON, grade_mapping), .flags = FIELD_REQUIRED | FIELD_KEYS},
    {FIELD(struct seat_template, "missing", FIELD_TEXTS, missing), .max = EXCEPTIONS_MAX},
    {FIELD(struct seat_template, "accessible", FIELD_TEXTS, accessible), .max = EXCEPTIONS_MAX},
    {FIELD(struct seat_template, "viewRestricted", FIELD_TEXTS, view_restricted), .max = EXCEPTIONS_MAX},
    {FIELD(struct seat_template, "positions", FIELD_JSON, positions), .flags = FIELD_KEYS},
};
const struct shape seat_template_shape = {seat_template_fields, ARRAY_COUNT(seat_template_fields),
                                          sizeof(struct seat_template), false};

#define IN_TEMPLATE(name) "seatTemplate." name

/* A row while the template is checked. */
struct row {
    const char *label;
    int64_t seats;
    bool graded;
    unsigned char *seen; /* per seat: the exceptions that name it, a bit each */
};

enum { SEEN_MISSING = 1, SEEN_ACCESSIBLE = 2, SEEN_RESTRICTED = 4, SEEN_POSITION = 8 };

struct check {
    struct ctx *ctx;
    struct row *rows; /* sorted by label */
    size_t count;
    const struct err *e; /* of the first member that was refused in a walk over an object */
};

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->label, ((const struct row *)b)->label);
}

static struct row *find_row(const struct check *check, const char *label)
{
    const struct row key = {.label = label};
    return bsearch(&key, check->rows, check->count, sizeof key, compare_rows);
}

static bool label_valid(const char *label)
{
    return utf8_count(label) <= LABEL_MAX && !strpbrk(label, " \"\\");
}

static const struct err *read_rows(struct check *check, const struct json_list *labels)
{
    check->rows = arena_calloc(check->ctx->arena, labels->count, sizeof *check->rows);
    check->count = labels->count;
    for (size_t i = 0; i < labels->count; i++) {
        const char *label = ((const char *const *)labels->items)[i];
        if (!label_valid(label)) {
            return ctx_invalid(check->ctx, IN_TEMPLATE("rows"), "'%s' is too long or has white space", label);
        }
        check->rows[i].label = label;
    }
    qsort(check->rows, check->count, sizeof *check->rows, compare_rows);
    for (size_t i = 1; i < check->count; i++) {
        if (compare_rows(&check->rows[i - 1], &check->rows[i]) == 0) {
            return ctx_invalid(check->ctx, IN_TEMPLATE("rows"), "'%s' appears twice", check->rows[i].label);
        }
    }
    return NULL;
}

/* ---- seatsPerRow ---- */

static bool seats_valid(const struct json *value)
{
    int64_t seats = json_int(value, 0);
    return seats >= 1 && seats <= SEAT_TEMPLATE_ROW_SEATS_MAX;
}

static bool set_seats(const char *label, const struct json *value, void *arg)
{
    struct check *check = arg;
    struct row *row = find_row(check, label);
    if (!row) {
        check->e = ctx_invalid(check->ctx, IN_TEMPLATE("seatsPerRow"), "there is no row '%s'", label);
    } else if (!seats_valid(value)) {
        check->e = ctx_invalid(check->ctx, IN_TEMPLATE("seatsPerRow"), "row '%s' must have 1 to %d seats", label,
                               SEAT_TEMPLATE_ROW_SEATS_MAX);
    } else {
        row->seats = json_int(value, 0);
    }
    return !check->e;
}

static const struct err *read_seats_per_row(struct check *check, const struct json *value)
{
    if (json_type(value) == JSON_OBJECT) {
        json_each(value, set_seats, check);
    } else if (!seats_valid(value)) {
        return ctx_invalid(check->ctx, IN_TEMPLATE("seatsPerRow"), "must be 1 to %d, or an object of row to seats",
                           SEAT_TEMPLATE_ROW_SEATS_MAX);
    }
    for (size_t i = 0; i < check->count && !check->e; i++) {
        struct row *row = &check->rows[i];
        if (json_type(value) != JSON_OBJECT) {
            row->seats = json_int(value, 0);
        }
        if (row->seats == 0) {
            return ctx_invalid(check->ctx, IN_TEMPLATE("seatsPerRow"), "row '%s' is missing", row->label);
        }
        row->seen = arena_calloc(check->ctx->arena, (size_t)row->seats + 1, 1);
    }
    return check->e;
}

/* ---- gradeMapping ---- */

static bool grade_valid(const struct json *value)
{
    static const char *const grades[] = {"VIP", "S", "A", "B"};
    const char *grade = json_str(value);
    for (size_t i = 0; grade && i < ARRAY_COUNT(grades); i++) {
        if (strcmp(grade, grades[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool set_grade(const char *label, const struct json *value, void *arg)
{
    struct check *check = arg;
    struct row *row = find_row(check, label);
    if (!row) {
        check->e = ctx_invalid(check->ctx, IN_TEMPLATE("gradeMapping"), "there is no row '%s'", label);
    } else if (!grade_valid(value)) {
        check->e = ctx_invalid(check->ctx, IN_TEMPLATE("gradeMapping"), "row '%s' must be VIP, S, A or B", label);
    } else {
        row->graded = true;
    }
    return !check->e;
}

static const struct err *read_grades(struct check *check, const struct json *value)
{
    if (json_type(value) != JSON_OBJECT) {
        return ctx_invalid(check->ctx, IN_TEMPLATE("gradeMapping"), "must be an object of row to grade");
    }
    json_each(value, set_grade, check);
    for (size_t i = 0; i < check->count && !check->e; i++) {
        if (!check->rows[i].graded) {
            return ctx_invalid(check->ctx, IN_TEMPLATE("gradeMapping"), "row '%s' is missing", check->rows[i].label);
        }
    }
    return check->e;
}

/* ---- exceptions ---- */

/* The flags of the seat "<row>-<n>"; NULL when the template has no such seat. Rows may have dashes in their labels. */
static unsigned char *find_seat(const struct check *check, const char *number)
{
    const char *dash = strrchr(number, '-');
    if (!dash || dash[1] < '1' || dash[1] > '9' || strspn(dash + 1, "0123456789") != strlen(dash + 1)) {
        return NULL;
    }
    const struct row *row = find_row(check, arena_memdup(check->ctx->arena, number, (size_t)(dash - number)));
    int64_t seat = strtoll(dash + 1, NULL, 10);
    return row && seat <= row->seats ? &row->seen[seat] : NULL;
}

static const struct err *mark(struct check *check, const char *field, const char *number, unsigned char bit)
{
    unsigned char *seen = find_seat(check, number);
    if (!seen) {
        return ctx_invalid(check->ctx, field, "there is no seat '%s'", number);
    }
    if (*seen & bit) {
        return ctx_invalid(check->ctx, field, "'%s' appears twice", number);
    }
    if (*seen & SEEN_MISSING) {
        return ctx_invalid(check->ctx, field, "'%s' is a missing seat", number);
    }
    *seen |= bit;
    return NULL;
}

static const struct err *mark_all(struct check *check, const char *field, const struct json_list *numbers,
                                  unsigned char bit)
{
    const struct err *e = NULL;
    for (size_t i = 0; i < numbers->count && !e; i++) {
        e = mark(check, field, ((const char *const *)numbers->items)[i], bit);
    }
    return e;
}

static bool coordinate_valid(const struct json *value)
{
    int64_t at = json_int(value, INT64_MIN);
    return at >= -COORDINATE_MAX && at <= COORDINATE_MAX;
}

static bool set_position(const char *number, const struct json *value, void *arg)
{
    struct check *check = arg;
    check->e = mark(check, IN_TEMPLATE("positions"), number, SEEN_POSITION);
    if (!check->e && (json_count(value) != 2 || !coordinate_valid(json_get(value, "x")) ||
                      !coordinate_valid(json_get(value, "y")))) {
        check->e =
            ctx_invalid(check->ctx, IN_TEMPLATE("positions"), "'%s' must be {\"x\": integer, \"y\": integer}", number);
    }
    return !check->e;
}

static const struct err *read_positions(struct check *check, const struct json *value)
{
    if (value && json_type(value) != JSON_OBJECT) {
        return ctx_invalid(check->ctx, IN_TEMPLATE("positions"), "must be an object of seat to {x, y}");
    }
    if (value) {
        json_each(value, set_position, check);
    }
    return check->e;
}

const struct err *seat_template_check(struct ctx *ctx, const struct seat_template *template, int64_t *seats_r)
{
    struct check check = {.ctx = ctx};
    const struct err *e = read_rows(&check, &template->rows);
    e = e ? e : read_seats_per_row(&check, template->seats_per_row);
    e = e ? e : read_grades(&check, template->grade_mapping);
    e = e ? e : mark_all(&check, IN_TEMPLATE("missing"), &template->missing, SEEN_MISSING);
    e = e ? e : mark_all(&check, IN_TEMPLATE("accessible"), &template->accessible, SEEN_ACCESSIBLE);
    e = e ? e : mark_all(&check, IN_TEMPLATE("viewRestricted"), &template->view_restricted, SEEN_RESTRICTED);
    e = e ? e : read_positions(&check, template->positions);
    if (e) {
        return e;
    }
    int64_t seats = -(int64_t) template->missing.count;
    for (size_t i = 0; i < check.count; i++) {
        seats += check.rows[i].seats;
    }
    if (seats < 1 || seats > SEAT_TEMPLATE_SEATS_MAX) {
        return ctx_invalid(ctx, "seatTemplate", "must yield 1 to %d seats", SEAT_TEMPLATE_SEATS_MAX);
    }
    *seats_r = seats;
    return NULL;
}
