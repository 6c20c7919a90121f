#include <stdio.h>
#include <string.h>

#include "sql/backlog.h"
#include "src/boxctl/boxctl.h"
#include "src/boxctl/settings.h"

static enum boxctl_status run_outbox(struct boxctl *box, int count, char **args)
{
    if (count != 1 || strcmp(args[0], "status") != 0) {
        return BOXCTL_USAGE;
    }
    const struct db_rows *rows;
    const struct err *e = DB_RUN0(box->ctx, &sql_backlog_sum, &rows);
    if (e) {
        return boxctl_fail("the outbox cannot be read: %s", e->en);
    }
    printf("unpublished  %lld\n", (long long)db_int(rows, 0, "unpublished"));
    if (db_int(rows, 0, "unpublished") == 0) {
        return BOXCTL_OK;
    }
    printf("oldest       %lld s\n", (long long)db_int(rows, 0, "oldest_s"));
    printf("failed tries %lld\n", (long long)db_int(rows, 0, "attempts"));
    printf("last error   %s\n", db_null(rows, 0, "last_error") ? "none" : db_str(rows, 0, "last_error"));
    return BOXCTL_OK;
}

const struct command outbox_command = {
    .name = "outbox",
    .args = "status",
    .help = "Count the messages that wait for Kafka.",
    .settings = SECTIONS(&cfg_db_section, &cfg_boxctl_section),
    .role = "outbox_relay",
    .run = run_outbox,
};
