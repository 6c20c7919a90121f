/*
 * event_end: events that are deleted (EVT-003) and called off (EVT-022), by administrators.
 *
 * Deleted is hidden, for good. Nobody can hold a seat while a performance is not on sale, so an event is deleted only
 * then: at the latest a minute before a sale begins, at the earliest two after it has ended or was called off, when
 * every copy has learnt of that; and when the reservation service says that no seat of it is held or sold. An event on
 * sale is called off first.
 *
 * Called off is for good as well, and public: a draft, of which nobody knows, is deleted instead. Each performance says
 * so once, as ScheduleCancelled, in the transaction that ends it; its sale is over at once for who asks, and within a
 * minute and a half for whoever has a copy (contract/schedule.h). What has taken place is not called off any more: its
 * buyers would get their money back.
 */
#ifndef EVENT_EVENT_END_H
#define EVENT_EVENT_END_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/crypto/uuid.h"
#include "common/json/json.h"

struct event_cancel {
    const char *reason; /* for buyers */
};
extern const struct shape event_cancel_shape;

/* &err_not_found; &err_event_on_sale; &err_event_has_reservations; &err_unavailable when the reservation service does
 * not answer: nothing has changed. */
BO_MUSTCHECK const struct err *event_delete(struct ctx *ctx, const char *event_id);
/* All its performances that have not taken place, and the event. Again: done before. &err_not_found;
 * &err_event_is_draft; &err_conflict when all have taken place. */
BO_MUSTCHECK const struct err *event_cancel(struct ctx *ctx, const char *event_id, const struct event_cancel *cancel);
/* One performance; *event_id_r is its event. Again: done before. &err_not_found; &err_event_is_draft; &err_conflict
 * when it has taken place. */
BO_MUSTCHECK const struct err *event_cancel_schedule(struct ctx *ctx, const char *schedule_id,
                                                     const struct event_cancel *cancel, char event_id_r[UUID_SIZE]);

#endif
