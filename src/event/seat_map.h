/* seat_map: the seats of a performance: read (EVT-006), and sold or freed as reservations say (EVT-008, EVT-016). */
#ifndef EVENT_SEAT_MAP_H
#define EVENT_SEAT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/db.h"
#include "common/json/json.h"
#include "src/contract/schedule.h"

struct seat {
    const char *id;
    const char *seat_number;
    const char *section; /* NULL: the hall has none */
    const char *row;
    int64_t number;
    const char *grade;
    int64_t price;
    bool placed; /* x and y are known */
    int64_t x;
    int64_t y;
    bool accessible;
    bool view_restricted;
    const char *status; /* AVAILABLE, SOLD */
};

/* The rows of the statement themselves: 50,000 seats are not copied. */
struct seat_map {
    const struct db_rows *rows;
};

/* Ordered by grade (VIP, S, A, B), section, row and number. &err_not_found: no such schedule, or not published. */
BO_MUSTCHECK const struct err *seat_map_get(struct ctx *ctx, const char *schedule_id, struct seat_map *map_r);
size_t seat_map_count(const struct seat_map *map);
struct seat seat_map_at(const struct seat_map *map, size_t index);

/* What other services may know (contract/schedule.h). &err_not_found as above. */
BO_MUSTCHECK const struct err *seat_map_schedule(struct ctx *ctx, const char *schedule_id, struct schedule *schedule_r);
BO_MUSTCHECK const struct err *seat_map_catalogue(struct ctx *ctx, const char *schedule_id,
                                                  struct schedule_seats *seats_r);
/* Ids of the SOLD seats, const char *. &err_not_found as above. */
BO_MUSTCHECK const struct err *seat_map_sold(struct ctx *ctx, const char *schedule_id, struct json_list *ids_r);

/* Seats that a reservation names in one of its events. */
struct seat_claim {
    const char *reservation_id;
    const char *schedule_id;
    const char *const *seat_ids;
    size_t count;
};

/*
 * Events arrive in any order and again and again: those of two buyers through two partitions, an old one out of the
 * dead letters after a newer one. Whatever the order, a seat ends as if they had come as they happened:
 *   The claims of the reservation service let one reservation at a time have a seat, from its confirmation to its
 *     cancellation, and its clock times both: what was confirmed last is right, unless it was cancelled as well.
 *   A seat knows the latest confirmation (sold_at) and the latest end (freed_at) that it was told of. A confirmation
 *     that is not after both tells of the past and changes nothing, nor does its repetition.
 *   A cancellation says when its reservation was confirmed. It ends that one, and whatever was confirmed before, also
 *     when the confirmation has yet to arrive, which then is in the past. Of one that was confirmed later the seat
 *     stays; of a reservation that never was confirmed, such as a hold that lapsed, nothing changes.
 * Two events of one seat at once: its row's lock orders them, and the second one's condition looks at what the first
 * one has left. A clock that went back by more than the time between two buyers lets a seat stay wrong, which
 * reconcile.h finds.
 */

/* Confirmed: the seats are SOLD to the reservation, unless something later is known of one. A seat that the performance
 * does not have is logged and counted (boxoffice_seats_unknown_total): nothing will ever make it one. &err_not_found:
 * no such schedule. */
BO_MUSTCHECK const struct err *seat_map_sell(struct ctx *ctx, const struct seat_claim *claim, int64_t confirmed_at);
/* Cancelled: those of the seats that this reservation has, or will be said to have had, are AVAILABLE. confirmed_at:
 * CLOCK_NONE when it never was, or when its publisher does not say. */
BO_MUSTCHECK const struct err *seat_map_free(struct ctx *ctx, const struct seat_claim *claim, int64_t confirmed_at,
                                             int64_t cancelled_at);
/* After the commit of either: copies that tell of the seats are old, and others learn whether all are sold. Safe to
 * repeat. Lost, the copies end by their age (BOX_CATALOGUE_SEATS_S, BOX_SCHEDULE_CACHE_S). */
BO_MUSTCHECK const struct err *seat_map_drop_stale_copy(struct ctx *ctx, const char *schedule_id);
/* The same after a cancellation, of a reservation that was confirmed at `confirmed_at`. CLOCK_NONE: it never had a
 * seat, and no map is made anew for holds that lapse by the thousand; a publisher who does not say is as news that are
 * lost. */
BO_MUSTCHECK const struct err *seat_map_drop_copy_of_freed(struct ctx *ctx, const char *schedule_id,
                                                           int64_t confirmed_at);

#endif
