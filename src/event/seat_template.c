#include "src/event/seat_template.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/utf8.h"

enum {
    SECTIONS_MAX = 1000,
    ROWS_MAX = 2000,
    LABEL_MAX = 20,
    EXCEPTIONS_MAX = 20000,
    COORDINATE_MAX = 1000000,
    NUMBER_FROM_MAX = 10000,
    NUMBER_STEP_MAX = 100,
    SPACING_MIN = 2, /* places are whole numbers: seats that are closer could be rounded onto each other */
    SPACING_MAX = 1000,
    ROTATION_MAX = 360,
};

SHAPE(seat_range_shape, struct seat_range,
      {FIELD(struct seat_range, "from", FIELD_TEXT, from), .flags = FIELD_REQUIRED, .max = LABEL_MAX},
      {FIELD(struct seat_range, "to", FIELD_TEXT, to), .flags = FIELD_REQUIRED, .max = LABEL_MAX});

SHAPE(numbering_shape, struct seat_numbering,
      {FIELD(struct seat_numbering, "from", FIELD_INT, from), .min = 1, .max = NUMBER_FROM_MAX},
      {FIELD(struct seat_numbering, "step", FIELD_INT, step), .min = 1, .max = NUMBER_STEP_MAX},
      {FIELD(struct seat_numbering, "direction", FIELD_ENUM, direction), .choices = "LEFT_TO_RIGHT|RIGHT_TO_LEFT"});

SHAPE(origin_shape, struct seat_point,
      {FIELD(struct seat_point, "x", FIELD_INT, x), .flags = FIELD_REQUIRED, .min = -COORDINATE_MAX,
       .max = COORDINATE_MAX},
      {FIELD(struct seat_point, "y", FIELD_INT, y), .flags = FIELD_REQUIRED, .min = -COORDINATE_MAX,
       .max = COORDINATE_MAX});

SHAPE(spacing_shape, struct seat_point,
      {FIELD(struct seat_point, "x", FIELD_INT, x), .min = SPACING_MIN, .max = SPACING_MAX},
      {FIELD(struct seat_point, "y", FIELD_INT, y), .min = SPACING_MIN, .max = SPACING_MAX});

/* A template has the members of a section, which is its first member, and the last one, which no section has. */
static const struct shape seat_section_shape;
static const struct field seat_template_fields[] = {
    {FIELD(struct seat_section, "name", FIELD_TEXT, name), .max = LABEL_MAX},
    {FIELD(struct seat_section, "rows", FIELD_TEXTS, rows), .max = ROWS_MAX},
    {FIELD(struct seat_section, "rowRange", FIELD_OBJECT, row_range), .sub = &seat_range_shape},
    {FIELD(struct seat_section, "seatsPerRow", FIELD_JSON, seats_per_row), .flags = FIELD_KEYS},
    {FIELD(struct seat_section, "numbering", FIELD_OBJECT, numbering), .sub = &numbering_shape},
    {FIELD(struct seat_section, "gradeMapping", FIELD_JSON, grade_mapping), .flags = FIELD_KEYS},
    {FIELD(struct seat_section, "missing", FIELD_TEXTS, missing), .max = EXCEPTIONS_MAX},
    {FIELD(struct seat_section, "accessible", FIELD_TEXTS, accessible), .max = EXCEPTIONS_MAX},
    {FIELD(struct seat_section, "viewRestricted", FIELD_TEXTS, view_restricted), .max = EXCEPTIONS_MAX},
    {FIELD(struct seat_section, "positions", FIELD_JSON, positions), .flags = FIELD_KEYS},
    {FIELD(struct seat_section, "origin", FIELD_OBJECT, origin), .sub = &origin_shape},
    {FIELD(struct seat_section, "rotation", FIELD_INT, rotation), .min = -ROTATION_MAX, .max = ROTATION_MAX},
    {FIELD(struct seat_section, "spacing", FIELD_OBJECT, spacing), .sub = &spacing_shape},
    {FIELD(struct seat_template, "sections", FIELD_LIST, sections), .max = SECTIONS_MAX, .sub = &seat_section_shape},
};
_Static_assert(offsetof(struct seat_template, hall) == 0, "the fields of a section are those of a template");
static const struct shape seat_section_shape = {seat_template_fields, ARRAY_COUNT(seat_template_fields) - 1,
                                                sizeof(struct seat_section), false};
const struct shape seat_template_shape = {seat_template_fields, ARRAY_COUNT(seat_template_fields),
                                          sizeof(struct seat_template), false};

bool seat_template_absent(const struct seat_template *template)
{
    return json_is_absent(&seat_template_shape, template);
}

void seat_template_write(struct json_out *out, const struct seat_template *template)
{
    if (template->sections.count == 0) {
        json_add_shape(out, NULL, &seat_section_shape, &template->hall);
        return;
    }
    const struct seat_section *sections = template->sections.items;
    json_open_object(out, NULL);
    json_open_array(out, "sections");
    for (size_t i = 0; i < template->sections.count; i++) {
        json_add_shape(out, NULL, &seat_section_shape, &sections[i]);
    }
    json_close_array(out);
    json_close_object(out);
}

/* A row while its section is checked. */
struct row {
    const char *label;
    int64_t seats;
    bool graded;
    unsigned char *seen; /* per seat: the exceptions that name it, a bit each */
};

enum { SEEN_MISSING = 1, SEEN_ACCESSIBLE = 2, SEEN_RESTRICTED = 4, SEEN_POSITION = 8 };

/* One section while it is checked, and what all have together. */
struct check {
    struct ctx *ctx;
    const char *at; /* where it stands in a body */
    const struct seat_section *section;
    struct row *rows; /* sorted by label */
    size_t count;
    const struct err *e; /* of the first member that was refused in a walk over an object */
    int64_t seats;       /* of this one and those before */
    int64_t map_bytes;   /* at most, of the answer that lists them all */
};

BO_PRINTF(3, 4)
static const struct err *refuse(const struct check *check, const char *field, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *reason = arena_vprintf(check->ctx->arena, fmt, args);
    va_end(args);
    return ctx_invalid(check->ctx, arena_printf(check->ctx->arena, "%s.%s", check->at, field), "%s", reason);
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->label, ((const struct row *)b)->label);
}

static struct row *find_row(const struct check *check, const char *label)
{
    const struct row key = {.label = label};
    return bsearch(&key, check->rows, check->count, sizeof key, compare_rows);
}

/* A seat's number is taken apart at its dashes: there must be one way to do it. */
static bool label_valid(const struct check *check, const char *label)
{
    return utf8_count(label) <= LABEL_MAX && !strpbrk(label, check->section->name ? " \"\\-" : " \"\\");
}

static const char *label_rule(const struct check *check)
{
    return check->section->name ? "is too long or has white space, quotes or dashes"
                                : "is too long or has white space or quotes";
}

/* ---- rows ---- */

static const struct err *list_rows(struct check *check)
{
    const struct json_list *labels = &check->section->rows;
    check->count = labels->count;
    check->rows = arena_calloc(check->ctx->arena, check->count, sizeof *check->rows);
    for (size_t i = 0; i < check->count; i++) {
        const char *label = ((const char *const *)labels->items)[i];
        if (!label_valid(check, label)) {
            return refuse(check, "rows", "'%s' %s", label, label_rule(check));
        }
        check->rows[i].label = label;
    }
    qsort(check->rows, check->count, sizeof *check->rows, compare_rows);
    for (size_t i = 1; i < check->count; i++) {
        if (compare_rows(&check->rows[i - 1], &check->rows[i]) == 0) {
            return refuse(check, "rows", "'%s' appears twice", check->rows[i].label);
        }
    }
    return NULL;
}

/* A capital letter, or a number without leading zeros up to ROWS_MAX; 0: neither. */
static int range_end(const char *label, bool letter)
{
    size_t len = strlen(label);
    if (letter) {
        return len == 1 && *label >= 'A' && *label <= 'Z' ? *label : 0;
    }
    int64_t number = len <= 4 && *label != '0' && strspn(label, "0123456789") == len ? strtoll(label, NULL, 10) : 0;
    return number <= ROWS_MAX ? (int)number : 0;
}

static const struct err *count_rows(struct check *check)
{
    const struct seat_range *range = &check->section->row_range;
    bool letter = range_end(range->from, true) != 0;
    int from = range_end(range->from, letter), to = range_end(range->to, letter);
    if (from == 0 || to < from) {
        return refuse(check, "rowRange", "must go up, from one capital letter or number up to %d to another", ROWS_MAX);
    }
    check->count = (size_t)(to - from + 1);
    check->rows = arena_calloc(check->ctx->arena, check->count, sizeof *check->rows);
    for (int i = from; i <= to; i++) {
        check->rows[i - from].label = arena_printf(check->ctx->arena, letter ? "%c" : "%d", i);
    }
    qsort(check->rows, check->count, sizeof *check->rows, compare_rows);
    return NULL;
}

static const struct err *read_rows(struct check *check)
{
    bool listed = check->section->rows.count > 0, ranged = check->section->row_range.from != NULL;
    if (listed == ranged) {
        return refuse(check, "rows", listed ? "comes instead of rowRange" : "is required");
    }
    return listed ? list_rows(check) : count_rows(check);
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
        check->e = refuse(check, "seatsPerRow", "there is no row '%s'", label);
    } else if (!seats_valid(value)) {
        check->e = refuse(check, "seatsPerRow", "row '%s' must have 1 to %d seats", label, SEAT_TEMPLATE_ROW_SEATS_MAX);
    } else {
        row->seats = json_int(value, 0);
    }
    return !check->e;
}

static const struct err *read_seats_per_row(struct check *check)
{
    const struct json *value = check->section->seats_per_row;
    if (!value) {
        return refuse(check, "seatsPerRow", "is required");
    }
    if (json_type(value) == JSON_OBJECT) {
        json_each(value, set_seats, check);
    } else if (!seats_valid(value)) {
        return refuse(check, "seatsPerRow", "must be 1 to %d, or an object of row to seats",
                      SEAT_TEMPLATE_ROW_SEATS_MAX);
    }
    for (size_t i = 0; i < check->count && !check->e; i++) {
        struct row *row = &check->rows[i];
        if (json_type(value) != JSON_OBJECT) {
            row->seats = json_int(value, 0);
        }
        if (row->seats == 0) {
            return refuse(check, "seatsPerRow", "row '%s' is missing", row->label);
        }
    }
    return check->e;
}

/* ---- gradeMapping ---- */

static bool grade_valid(const struct json *value)
{
    const char *grade = json_str(value);
    return grade && json_is_choice("VIP|S|A|B", grade);
}

static bool set_grade(const char *label, const struct json *value, void *arg)
{
    struct check *check = arg;
    struct row *row = find_row(check, label);
    if (!row) {
        check->e = refuse(check, "gradeMapping", "there is no row '%s'", label);
    } else if (!grade_valid(value)) {
        check->e = refuse(check, "gradeMapping", "row '%s' must be VIP, S, A or B", label);
    } else {
        row->graded = true;
    }
    return !check->e;
}

static const struct err *read_grades(struct check *check)
{
    const struct json *value = check->section->grade_mapping;
    if (!value) {
        return refuse(check, "gradeMapping", "is required");
    }
    if (json_type(value) != JSON_OBJECT) {
        return grade_valid(value)
                   ? NULL
                   : refuse(check, "gradeMapping", "must be VIP, S, A or B, or an object of row to one of them");
    }
    json_each(value, set_grade, check);
    for (size_t i = 0; i < check->count && !check->e; i++) {
        if (!check->rows[i].graded) {
            return refuse(check, "gradeMapping", "row '%s' is missing", check->rows[i].label);
        }
    }
    return check->e;
}

/* ---- exceptions ---- */

static int64_t number_from(const struct seat_section *section)
{
    return section->numbering.from == FIELD_NO_INT ? 1 : section->numbering.from;
}

static int64_t number_step(const struct seat_section *section)
{
    return section->numbering.step == FIELD_NO_INT ? 1 : section->numbering.step;
}

/* The flags of the seat "<row>-<n>"; NULL when the section has no such seat. Rows may have dashes in their labels. */
static unsigned char *find_seat(const struct check *check, const char *number)
{
    const char *dash = strrchr(number, '-');
    if (!dash || dash[1] < '1' || dash[1] > '9' || strspn(dash + 1, "0123456789") != strlen(dash + 1)) {
        return NULL;
    }
    const struct row *row = find_row(check, arena_memdup(check->ctx->arena, number, (size_t)(dash - number)));
    int64_t beyond = strtoll(dash + 1, NULL, 10) - number_from(check->section), step = number_step(check->section);
    bool there = row && beyond >= 0 && beyond % step == 0 && beyond / step < row->seats;
    return there ? &row->seen[beyond / step] : NULL;
}

static const struct err *mark(struct check *check, const char *field, const char *number, unsigned char bit)
{
    unsigned char *seen = find_seat(check, number);
    if (!seen) {
        return refuse(check, field, "there is no seat '%s'", number);
    }
    if (*seen & bit) {
        return refuse(check, field, "'%s' appears twice", number);
    }
    if (*seen & SEEN_MISSING) {
        return refuse(check, field, "'%s' is a missing seat", number);
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
    check->e = mark(check, "positions", number, SEEN_POSITION);
    if (!check->e && (json_count(value) != 2 || !coordinate_valid(json_get(value, "x")) ||
                      !coordinate_valid(json_get(value, "y")))) {
        check->e = refuse(check, "positions", "'%s' must be {\"x\": integer, \"y\": integer}", number);
    }
    return !check->e;
}

static const struct err *read_positions(struct check *check)
{
    const struct json *value = check->section->positions;
    if (value && json_type(value) != JSON_OBJECT) {
        return refuse(check, "positions", "must be an object of seat to {x, y}");
    }
    if (value) {
        json_each(value, set_position, check);
    }
    return check->e;
}

static const struct err *read_exceptions(struct check *check)
{
    const struct seat_section *section = check->section;
    for (size_t i = 0; i < check->count; i++) {
        check->rows[i].seen = arena_calloc(check->ctx->arena, (size_t)check->rows[i].seats, 1);
    }
    const struct err *e = mark_all(check, "missing", &section->missing, SEEN_MISSING);
    e = e ? e : mark_all(check, "accessible", &section->accessible, SEEN_ACCESSIBLE);
    e = e ? e : mark_all(check, "viewRestricted", &section->view_restricted, SEEN_RESTRICTED);
    return e ? e : read_positions(check);
}

/* ---- the plan ---- */

static bool drawn(const struct seat_section *section)
{
    return section->origin.x != FIELD_NO_INT;
}

static const struct err *check_plan(const struct check *check)
{
    const struct seat_section *section = check->section;
    if (!drawn(section) && section->rotation != FIELD_NO_INT) {
        return refuse(check, "rotation", "needs an origin");
    }
    if (!drawn(section) && !json_is_absent(&spacing_shape, &section->spacing)) {
        return refuse(check, "spacing", "needs an origin");
    }
    return NULL;
}

/* ---- how many ---- */

/* The longest that is told of a seat, but for its names. */
static const char seat_told[] =
    "{\"id\":\"01234567-89ab-cdef-0123-456789abcdef\",\"section\":\"\",\"seatNumber\":\"--\","
    "\"row\":\"\",\"number\":,\"status\":\"AVAILABLE\"},";
static const char place_told[] = "\"x\":-1000000,\"y\":-1000000,";
static const char exception_told[] = "\"viewRestricted\":true,";
/* What one answer holds (REPLY_BODY_MAX), but for its ends. */
enum { MAP_BYTES_MAX = (16 << 20) - 1024 };

static int64_t digits_of(int64_t number)
{
    return number < 10 ? 1 : 1 + digits_of(number / 10);
}

/* Every name of a seat is told twice: alone, and in the seat's number. */
static int64_t bytes_of(const struct seat_section *section, const struct row *row)
{
    int64_t last = number_from(section) + (row->seats - 1) * number_step(section);
    size_t names = strlen(row->label) + (section->name ? strlen(section->name) : 0) + (size_t)digits_of(last);
    size_t place = drawn(section) || section->positions ? sizeof place_told - 1 : 0;
    return row->seats * (int64_t)(sizeof seat_told - 1 + place + 2 * names);
}

static const struct err *count_seats(struct check *check)
{
    const struct seat_section *section = check->section;
    check->seats -= (int64_t)section->missing.count;
    check->map_bytes += (int64_t)((section->accessible.count + section->view_restricted.count) * sizeof exception_told);
    for (size_t i = 0; i < check->count; i++) {
        check->seats += check->rows[i].seats;
        check->map_bytes += bytes_of(section, &check->rows[i]);
    }
    if (check->seats > SEAT_TEMPLATE_SEATS_MAX) {
        return ctx_invalid(check->ctx, "seatTemplate", "must yield 1 to %d seats", SEAT_TEMPLATE_SEATS_MAX);
    }
    if (check->map_bytes > MAP_BYTES_MAX) {
        return ctx_invalid(check->ctx, "seatTemplate", "has names too long for so many seats to be told at once");
    }
    return NULL;
}

/* ---- sections ---- */

static const struct err *check_section(struct check *check)
{
    const struct err *e = read_rows(check);
    e = e ? e : read_seats_per_row(check);
    e = e ? e : count_seats(check);
    e = e ? e : read_grades(check);
    e = e ? e : read_exceptions(check);
    return e ? e : check_plan(check);
}

static const struct err *check_hall(struct check *check, const struct seat_section *hall)
{
    check->at = "seatTemplate";
    check->section = hall;
    return hall->name ? refuse(check, "name", "is for sections") : check_section(check);
}

static const struct err *check_name(const struct check *check)
{
    const char *name = check->section->name;
    if (!name) {
        return refuse(check, "name", "is required");
    }
    return label_valid(check, name) ? NULL : refuse(check, "name", "'%s' %s", name, label_rule(check));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const struct err *check_names_unique(const struct check *check, const struct json_list *list)
{
    const struct seat_section *sections = list->items;
    const char **names = arena_calloc(check->ctx->arena, list->count, sizeof *names);
    for (size_t i = 0; i < list->count; i++) {
        names[i] = sections[i].name;
    }
    qsort(names, list->count, sizeof *names, compare_names);
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            return ctx_invalid(check->ctx, "seatTemplate.sections", "'%s' appears twice", names[i]);
        }
    }
    return NULL;
}

static const struct err *check_sections(struct check *check, const struct json_list *list)
{
    const struct seat_section *sections = list->items;
    const struct err *e = NULL;
    for (size_t i = 0; i < list->count && !e; i++) {
        check->at = arena_printf(check->ctx->arena, "seatTemplate.sections[%zu]", i);
        check->section = &sections[i];
        e = check_name(check);
        e = e ? e : check_section(check);
    }
    return e ? e : check_names_unique(check, list);
}

const struct err *seat_template_check(struct ctx *ctx, const struct seat_template *template, int64_t *seats_r)
{
    struct check check = {.ctx = ctx};
    const struct err *e;
    if (template->sections.count == 0) {
        e = check_hall(&check, &template->hall);
    } else if (!json_is_absent(&seat_section_shape, &template->hall)) {
        e = ctx_invalid(ctx, "seatTemplate.sections", "come without rows beside them");
    } else {
        e = check_sections(&check, &template->sections);
    }
    if (!e && check.seats < 1) {
        e = ctx_invalid(ctx, "seatTemplate", "must yield 1 to %d seats", SEAT_TEMPLATE_SEATS_MAX);
    }
    if (!e) {
        *seats_r = check.seats;
    }
    return e;
}
