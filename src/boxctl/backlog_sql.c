#include "src/boxctl/backlog_sql.h"

const struct db_stmt backlog_stmt[BACKLOG_STMT__MAX] = {
    [BACKLOG_SUM] = {"backlog_sum",
                     "SELECT count(*), extract(epoch FROM clock_timestamp() - min(created_at))::bigint,"
                     " sum(attempts), (array_agg(last_error ORDER BY id) FILTER (WHERE last_error IS NOT NULL))[1]"
                     " FROM common.outbox_events WHERE published_at IS NULL"},
};

const struct db_table backlog_statements = {"outbox_relay", backlog_stmt, BACKLOG_STMT__MAX};
