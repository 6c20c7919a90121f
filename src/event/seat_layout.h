/*
 * seat_layout: the seats of a performance for a crowd of phones (EVT-006): the layout, which hardly ever changes and is
 * kept for ever by its version, and the live state, one bit a seat, which is all that a page asks for again.
 * docs/seat-map.md says how they are read, web/seat-map.mjs reads them.
 */
#ifndef EVENT_SEAT_LAYOUT_H
#define EVENT_SEAT_LAYOUT_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

/* What others may see of a performance's seats; &err_not_found: no such schedule, or not published. The version of the
 * layout is the time of the last change of what it tells (prices are all that changes), in microseconds. */
BO_MUSTCHECK const struct err *seat_layout_version(struct ctx *ctx, const char *schedule_id, int64_t *version_r);

/* The layout as JSON, all of it but the version from one statement. Errors as above. */
BO_MUSTCHECK const struct err *seat_layout_write(struct ctx *ctx, const char *schedule_id, int64_t version,
                                                 struct json_out *out);

struct seat_live {
    const char *schedule_id;
    int64_t layout;   /* version of the layout that it belongs to */
    int64_t version;  /* grows with every change of a seat */
    int64_t count;    /* seats */
    const char *sold; /* base64: seat i of the layout is SOLD when bit i % 8, from the lowest, of byte i / 8 is set */
};
extern const struct shape seat_live_shape;

/* One statement. Errors as above. */
BO_MUSTCHECK const struct err *seat_live_get(struct ctx *ctx, const char *schedule_id, struct seat_live *live_r);

#endif
