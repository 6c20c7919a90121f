/* sale: a performance on sale for component tests, as event service and waiting room would have put it into Redis. */
#ifndef TESTS_SUPPORT_SALE_H
#define TESTS_SUPPORT_SALE_H

#include "common/context/ctx.h"
#include "common/json/json.h"
#include "src/contract/schedule.h"

#define SALE_SEATS 8
#define SALE_PRICE 150000

struct sale {
    const char *schedule_id;
    const char *seats[SALE_SEATS]; /* ids, ascending; numbers, ... */
};

/* An open sale with no claims, its catalogue loaded. */
struct sale sale_open(struct ctx *ctx);
/* The schedule as other services see it; to be changed and published again. */
struct schedule sale_schedule(const struct sale *sale);
void sale_publish(struct ctx *ctx, const struct schedule *schedule);
/* A queue token of the sale for this user. */
const char *sale_admit(struct ctx *ctx, const struct sale *sale, const char *user_id);
/* `count` of the sale's seats from `first` on, as a list of ids. */
struct json_list sale_seats(const struct sale *sale, size_t first, size_t count);
/* How many events of this type about this aggregate are in the outbox. Its own connection, as the relay. */
int64_t sale_events(const char *aggregate_id, const char *event_type);

#endif
