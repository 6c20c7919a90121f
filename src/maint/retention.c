#include "src/maint/retention.h"

#include "common/io/db.h"
#include "sql/retention.h"

const struct err *retention_purge(struct ctx *ctx, int64_t most, int64_t *deleted_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_retention_purge, &rows, DB_INT(most));
    if (!e) {
        *deleted_r = db_int(rows, 0, "deleted");
    }
    return e;
}

const struct err *retention_roll(struct ctx *ctx, int64_t *changed_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN0(ctx, &sql_retention_roll, &rows);
    if (!e) {
        *changed_r = db_int(rows, 0, "changed");
    }
    return e;
}
