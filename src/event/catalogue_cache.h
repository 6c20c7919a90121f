/* catalogue_cache: copies of what the catalogue says, which others keep. */
#ifndef EVENT_CATALOGUE_CACHE_H
#define EVENT_CATALOGUE_CACHE_H

#include "common/context/ctx.h"

/* After the commit of a change of an event. Lost, others learn it when their copies end (BOX_SCHEDULE_CACHE_S). */
void catalogue_cache_forget(struct ctx *ctx, const char *event_id);

#endif
