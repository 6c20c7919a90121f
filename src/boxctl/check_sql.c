#include <stdio.h>
#include <string.h>

#include "src/boxctl/boxctl.h"
#include "src/boxctl/registry.h"
#include "src/boxctl/settings.h"

struct tally {
    size_t checked;
    size_t failed;
};

static void check_statement(struct ctx *ctx, const char *role, const struct db_stmt *stmt, struct tally *tally)
{
    const char *why = "";
    tally->checked++;
    if (db_check(ctx, stmt, &why) == NULL) {
        return;
    }
    tally->failed++;
    boxctl_fail("%s as %s: %s", stmt->name, role, why);
}

static bool is_service(const char *role)
{
    for (const char *const *service = registry_services; *service != NULL; service++) {
        if (strcmp(*service, role) == 0) {
            return true;
        }
    }
    return false;
}

static bool runs_as(const struct registry_row *row, const char *role)
{
    if (row->table->role[0] == '\0') {
        return is_service(role);
    }
    return strcmp(row->table->role, role) == 0 || (row->also != NULL && strcmp(row->also, role) == 0);
}

/* All statements that this role may have to run. */
static bool check_role(struct boxctl *box, const char *role, struct tally *tally)
{
    const char *why;
    if (boxctl_connect(box, role, &why) != NULL) {
        boxctl_fail("%s: %s", role, why);
        return false;
    }
    for (const struct registry_row *row = registry_statements; row->table != NULL; row++) {
        for (size_t i = 0; runs_as(row, role) && i < row->table->count; i++) {
            check_statement(box->ctx, role, row->table->stmts[i], tally);
        }
    }
    return true;
}

static enum boxctl_status run_check_sql(struct boxctl *box, int count, char **args)
{
    (void)args;
    if (count != 0) {
        return BOXCTL_USAGE;
    }
    struct tally tally = {0};
    for (const char *const *role = registry_roles; *role != NULL; role++) {
        if (!check_role(box, *role, &tally)) {
            return BOXCTL_FAILED;
        }
    }
    printf("%zu statements checked, %zu failed\n", tally.checked, tally.failed);
    return tally.failed == 0 ? BOXCTL_OK : BOXCTL_FAILED;
}

const struct command check_sql_command = {
    .name = "check-sql",
    .args = "",
    .help = "Plan every statement of every program as its role, against the migrated database.",
    .settings = SECTIONS(&cfg_db_section, &cfg_boxctl_section),
    .run = run_check_sql,
};
