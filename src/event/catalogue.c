#include "src/event/catalogue.h"

#include "sql/change.h"

struct named_work {
    db_work *work;
    void *arg;
};

static const struct err *run_named(struct ctx *ctx, void *arg)
{
    const struct named_work *named = arg;
    const struct err *e = DB_RUN(ctx, &sql_change_begin, NULL, DB_TEXT(ctx->admin_id), DB_TEXT(ctx->trace.id));
    return e ? e : named->work(ctx, named->arg);
}

const struct err *catalogue_transact(struct ctx *ctx, int64_t statement_ms, db_work *work, void *arg)
{
    struct named_work named = {work, arg};
    return statement_ms > 0 ? db_transact_long(ctx, statement_ms, run_named, &named)
                            : db_transact(ctx, run_named, &named);
}
