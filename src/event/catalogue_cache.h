/*
 * catalogue_cache: whole answers of the catalogue, kept in Redis for all who read (EVT-017, 019, 021, 024; copy.h).
 *
 * An answer is fresh for BOX_CATALOGUE_CACHE_S, near an edge of a sale's window for BOX_CATALOGUE_EDGE_S, and never
 * beyond the next edge, so that the sale state is right. Maps of seats are fresh for BOX_CATALOGUE_SEATS_S: so long and
 * CATALOGUE_OLD_MS more is a SOLD seat shown as AVAILABLE at most when the news of the sale was lost; otherwise it is
 * as long as one process needs to make the map anew, and twice COPY_MAKING_MS when processes die of it. With the second
 * that the gateway keeps it that is within three of the confirmation for 50,000 seats (tests/load/bench, sold_shown).
 *
 * One process makes an answer anew. Meanwhile the others give the old one, for CATALOGUE_OLD_MS and never beyond an
 * edge; who has none waits for it, for CATALOGUE_WAIT_MS, and then makes it for itself. While PostgreSQL is away the
 * last answer is given whatever its age, for CATALOGUE_KEPT_MS; Redis away: everybody makes it.
 *
 * Anybody may ask for every map and for lists without end. All copies together take no more than what Redis has to
 * spare (copy.h). Beyond that an answer that has no copy yet is made for who asks for it, by one process after another.
 */
#ifndef EVENT_CATALOGUE_CACHE_H
#define EVENT_CATALOGUE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/contract/copy.h"
#include "src/contract/schedule.h"

/* Longer than COPY_MAKING_MS: when who makes an answer dies, one of those who wait for it takes over. */
#define CATALOGUE_WAIT_MS 6000
#define CATALOGUE_OLD_MS 5000
/* So long may the gateway give what it has got: for a second, for one more while it asks for the next, both counted in
 * whole seconds of its clock, and a second on the way. */
#define CATALOGUE_PASSING_MS 4000
#define CATALOGUE_KEPT_MS INT64_C(3600000)

/* Which answer. */
struct catalogue_place {
    struct copy copy;
    const char *event_id; /* whose sale windows count; both NULL: everybody's */
    const char *schedule_id;
    bool seats; /* it is a map of seats */
};

struct catalogue_place catalogue_place_event(struct ctx *ctx, const char *event_id);
struct catalogue_place catalogue_place_layout(struct ctx *ctx, const char *schedule_id);
/* `what` names an answer about the seats of a performance: "seats", "live". */
struct catalogue_place catalogue_place_seats(struct ctx *ctx, const char *schedule_id, const char *what);
/* `asked`: all that tells this list from others, in one spelling. One round trip. */
struct catalogue_place catalogue_place_list(struct ctx *ctx, const char *asked);

/* An answer with its ETag. What is kept of it carries a checksum: a copy that was damaged is none. */
struct catalogue_answer {
    const char *etag; /* quoted */
    const char *bytes;
    size_t len;
    bool gzip;    /* the bytes are compressed, and the ETag is theirs */
    bool passing; /* a sale opens or closes within CATALOGUE_PASSING_MS: not to be kept by others; set by the cache */
};
/* Makes the answer from PostgreSQL; errors as they are told to who asks. */
typedef const struct err *catalogue_maker(struct ctx *ctx, void *with, struct catalogue_answer *answer_r);

/* The answer, kept or made by `make`, whose errors come out. Blocking: CATALOGUE_WAIT_MS beside what `make` takes. */
BO_MUSTCHECK const struct err *catalogue_cache_get(struct ctx *ctx, const struct catalogue_place *place,
                                                   catalogue_maker *make, void *with,
                                                   struct catalogue_answer *answer_r);

/* The answer without its bytes (NULL), which may be many, when a fresh one is kept: for who has it already and asks
 * whether that is so. False: catalogue_cache_get() tells. One round trip. */
bool catalogue_cache_head(struct ctx *ctx, const struct catalogue_place *place, struct catalogue_answer *answer_r);

/* After the commit of any change of an event, its schedules or prices: all answers about it, all lists and the copies
 * of other services are old. Safe to repeat. Lost, the answers' own age ends them. */
void catalogue_cache_forget(struct ctx *ctx, const char *event_id);
/* After the commit of seats sold or freed: the answers that tell of its seats are old; `all`: so are the lists, for it
 * is sold out or is so no longer. Safe to repeat. */
void catalogue_cache_forget_seats(struct ctx *ctx, const struct schedule *schedule, bool all);

#endif
