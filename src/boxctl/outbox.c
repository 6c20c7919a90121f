#include <stdio.h>
#include <string.h>

#include "src/boxctl/backlog_sql.h"
#include "src/boxctl/boxctl.h"
#include "src/boxctl/settings.h"

static enum boxctl_status run(struct boxctl *box, int count, char **args)
{
    if (count != 1 || strcmp(args[0], "status") != 0) {
        return BOXCTL_USAGE;
    }
    const struct db_rows *rows;
    const struct err *err = DB_RUN0(box->ctx, &backlog_stmt[BACKLOG_SUM], &rows);
    if (err != NULL) {
        return boxctl_fail("the outbox cannot be read: %s", err->en);
    }
    printf("unpublished  %lld\n", (long long)db_int(rows, 0, 0));
    if (db_int(rows, 0, 0) == 0) {
        return BOXCTL_OK;
    }
    printf("oldest       %lld s\n", (long long)db_int(rows, 0, 1));
    printf("failed tries %lld\n", (long long)db_int(rows, 0, 2));
    printf("last error   %s\n", db_null(rows, 0, 3) ? "none" : db_str(rows, 0, 3));
    return BOXCTL_OK;
}

const struct command outbox_command = {
    .name = "outbox",
    .args = "status",
    .help = "Count the messages that wait for Kafka.",
    .settings = SECTIONS(&cfg_db_section, &cfg_boxctl_section),
    .role = "outbox_relay",
    .run = run,
};
