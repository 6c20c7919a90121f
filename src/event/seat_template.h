/*
 * seat_template: how a hall's seats are described (EVT-013). Pure: no database.
 *
 * Rows have labels; a seat's number is "<row>-<n>" with n from 1. The template keeps what the administrator wrote; the
 * seats themselves are made from it by one SQL statement when an event is created.
 */
#ifndef EVENT_SEAT_TEMPLATE_H
#define EVENT_SEAT_TEMPLATE_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

#define SEAT_TEMPLATE_SEATS_MAX 100000
#define SEAT_TEMPLATE_ROW_SEATS_MAX 1000

struct seat_template {
    struct json_list rows;            /* labels, const char *: unique, without white space, 1-20 characters */
    const struct json *seats_per_row; /* one integer for all rows, or {"A": 18} with every row */
    const struct json *grade_mapping; /* {"A": "VIP"} with every row */
    struct json_list missing;         /* seat numbers that do not exist, const char * */
    struct json_list accessible;      /* wheelchair places */
    struct json_list view_restricted;
    const struct json *positions; /* optional: {"A-1": {"x": 10, "y": 20}} */
};
extern const struct shape seat_template_shape;

/* Checks every rule and counts the seats that the template yields. Refuses with details under "seatTemplate.". */
BO_MUSTCHECK const struct err *seat_template_check(struct ctx *ctx, const struct seat_template *template,
                                                   int64_t *seats_r);

#endif
