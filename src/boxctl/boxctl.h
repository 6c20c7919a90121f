/*
 * boxctl: what its commands share. A command is one file that defines one struct command.
 *
 * Answers go to standard output, complaints to standard error, each one sentence that says what to do.
 */
#ifndef BOXCTL_BOXCTL_H
#define BOXCTL_BOXCTL_H

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/io/db.h"

/* One run of a command. */
struct boxctl {
    struct ctx *ctx;
    struct cfg_db owner; /* BOX_DB_* as given: the role that owns the database */
};

/* Exit status of the process. */
enum boxctl_status { BOXCTL_OK = 0, BOXCTL_FAILED = 1, BOXCTL_USAGE = 2 };

/* One command of the table in main.c. */
struct command {
    const char *name;
    const char *args;                          /* "[--dir DIR]", "" when there are none */
    const char *help;                          /* one sentence */
    const struct cfg_section *const *settings; /* beside those of `needs`; SECTIONS(...); NULL: none are loaded */
    unsigned needs;                            /* enum ctx_need */
    const char *role;                          /* open ctx->db as this role before run(); NULL: run() does it */
    /* `args` are what follows the command's name, NULL-terminated. */
    enum boxctl_status (*run)(struct boxctl *box, int count, char **args);
};

#define SECTIONS(...) ((const struct cfg_section *const[]){__VA_ARGS__, NULL})

extern const struct command migrate_command, topics_command, check_sql_command, admin_command, account_command,
    seed_command, doctor_command, config_command, outbox_command, queue_command, keys_command, ticket_command,
    dlq_command;

/* Prints "boxctl: <message>" on standard error. Returns BOXCTL_FAILED. */
enum boxctl_status boxctl_fail(const char *fmt, ...) BO_PRINTF(1, 2);

/* Makes ctx->db a connection to the database of BOX_DB_URL as `role`, with its password from BOX_SECRETS_DIR; NULL: as
 * the owner. A connection it had is closed. On failure *why_r is a sentence for the operator, in the arena. */
BO_MUSTCHECK const struct err *boxctl_connect(struct boxctl *box, const char *role, const char **why_r);
/* The same as the owner, to another database of that server. */
BO_MUSTCHECK const struct err *boxctl_connect_database(struct boxctl *box, const char *database, const char **why_r);

#endif
