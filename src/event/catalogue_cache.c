#include "src/event/catalogue_cache.h"

#include "common/io/db.h"
#include "sql/event.h"
#include "src/contract/schedule.h"

void catalogue_cache_forget(struct ctx *ctx, const char *event_id)
{
    const struct db_rows *rows;
    if (DB_RUN(ctx, &sql_event_schedule_ids, &rows, DB_TEXT(event_id))) {
        return;
    }
    for (size_t i = 0; i < db_count(rows); i++) {
        schedule_forget(ctx, db_str(rows, i, "id"));
    }
}
