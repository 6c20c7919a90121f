/*
 * seat_template: how a hall's seats are described (EVT-013). Pure: no database.
 *
 * A hall has sections, or is one itself. Rows have labels, and the seats of a row numbers, usually from 1; a seat is
 * called "<section>-<row>-<n>", in a hall without sections "<row>-<n>". The template keeps what the administrator
 * wrote; the seats themselves are made from it by one SQL statement when an event is created.
 */
#ifndef EVENT_SEAT_TEMPLATE_H
#define EVENT_SEAT_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

#define SEAT_TEMPLATE_SEATS_MAX 100000
#define SEAT_TEMPLATE_ROW_SEATS_MAX 1000

/* "A" to "Z" or "1" to "2000"; NULL, NULL: none */
struct seat_range {
    const char *from;
    const char *to;
};

struct seat_numbering {
    int64_t from;          /* lowest number of each row; FIELD_NO_INT: 1 */
    int64_t step;          /* between neighbours; FIELD_NO_INT: 1 */
    const char *direction; /* LEFT_TO_RIGHT, RIGHT_TO_LEFT as one looks at the plan; NULL: LEFT_TO_RIGHT */
};

struct seat_point {
    int64_t x;
    int64_t y;
};

struct seat_section {
    const char *name;                 /* NULL: the hall is the section */
    struct json_list rows;            /* labels, const char *: unique, without white space, 1-20 characters; or none */
    struct seat_range row_range;      /* instead of `rows` */
    const struct json *seats_per_row; /* one integer for all rows, or {"A": 18} with every row */
    struct seat_numbering numbering;
    const struct json *grade_mapping; /* one grade for all rows, or {"A": "VIP"} with every row */
    struct json_list missing;         /* seats that do not exist, "<row>-<n>", const char * */
    struct json_list accessible;      /* wheelchair places */
    struct json_list view_restricted;
    const struct json *positions; /* optional: {"A-1": {"x": 10, "y": 20}}, whatever the plan below says */
    /* The plan: rows lie in the middle one behind the other, the first at the origin, and all is turned about it.
     * Without an origin the section is not drawn. x goes to the right, y downwards. */
    struct seat_point origin;  /* middle of the first row */
    int64_t rotation;          /* degrees, clockwise; FIELD_NO_INT: 0 */
    struct seat_point spacing; /* x from seat to seat, y from row to row; FIELD_NO_INT: 10 */
};

struct seat_template {
    struct seat_section hall;  /* absent when there are sections */
    struct json_list sections; /* of struct seat_section; names unique, and without dashes as are the labels of rows */
};
extern const struct shape seat_template_shape;

/* Does the template say nothing at all? */
bool seat_template_absent(const struct seat_template *template);
/* Checks every rule and counts the seats that the template yields, before anything is made of their number. Refuses
 * with details under "seatTemplate.". */
BO_MUSTCHECK const struct err *seat_template_check(struct ctx *ctx, const struct seat_template *template,
                                                   int64_t *seats_r);
/* As it is stored and told; seat_template_shape reads it. */
void seat_template_write(struct json_out *out, const struct seat_template *template);

#endif
