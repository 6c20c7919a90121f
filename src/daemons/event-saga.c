/* event-saga: reservation.events -> seats SOLD and AVAILABLE (EVT-008, EVT-016), and whether a sale is sold out. */
#include "common/base/array.h"
#include "common/io/kafka.h"
#include "common/run/daemon.h"
#include "src/contract/events.h"
#include "src/event/seat_map.h"

static const struct err *on_confirmed(struct ctx *ctx, const struct event *event, const void *payload)
{
    (void)event;
    const struct reservation_confirmed *confirmed = payload;
    const struct seat_claim claim = {.reservation_id = confirmed->reservation_id,
                                     .schedule_id = confirmed->schedule_id,
                                     .seat_ids = confirmed->seat_ids.items,
                                     .count = confirmed->seat_ids.count};
    return seat_map_sell(ctx, &claim, confirmed->confirmed_at);
}

static const struct err *on_cancelled(struct ctx *ctx, const struct event *event, const void *payload)
{
    (void)event;
    const struct reservation_cancelled *cancelled = payload;
    const struct seat_claim claim = {.reservation_id = cancelled->reservation_id,
                                     .schedule_id = cancelled->schedule_id,
                                     .seat_ids = cancelled->seat_ids.items,
                                     .count = cancelled->seat_ids.count};
    return seat_map_free(ctx, &claim, cancelled->confirmed_at, cancelled->cancelled_at);
}

static const struct err *after_confirmed(struct ctx *ctx, const struct event *event, const void *payload)
{
    (void)event;
    return seat_map_drop_stale_copy(ctx, ((const struct reservation_confirmed *)payload)->schedule_id);
}

static const struct err *after_cancelled(struct ctx *ctx, const struct event *event, const void *payload)
{
    (void)event;
    const struct reservation_cancelled *cancelled = payload;
    return seat_map_drop_copy_of_freed(ctx, cancelled->schedule_id, cancelled->confirmed_at);
}

static const struct subscriber subscribers[] = {
    {&event_reservation_confirmed, on_confirmed, after_confirmed},
    {&event_reservation_cancelled, on_cancelled, after_cancelled},
};

static const char *const topics[] = {TOPIC_RESERVATION};

static const struct subscription subscription = {.group = "event-reservation-consumer",
                                                 .topics = topics,
                                                 .topic_count = 1,
                                                 .subscribers = subscribers,
                                                 .subscriber_count = ARRAY_COUNT(subscribers),
                                                 .dead_letters = TOPIC_DEAD_RESERVATION};

static const struct cfg_section *const settings[] = {&cfg_kafka_section, NULL};

int main(int argc, char **argv)
{
    return daemon_main(
        &(struct daemon){
            .name = "event-saga", .needs = NEED_DB | NEED_REDIS, .settings = settings, .subscription = &subscription},
        argc, argv);
}
