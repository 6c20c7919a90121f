/* migrate: brings the database to the state of the migration files. */
#ifndef BOXCTL_MIGRATE_H
#define BOXCTL_MIGRATE_H

#include <stdbool.h>

#include "src/boxctl/boxctl.h"
#include "src/boxctl/migration_list.h"

/* What was applied, by rising version; empty for a fresh database. */
BO_MUSTCHECK const struct err *migrate_read_record(struct ctx *ctx, struct migration_list *applied_r);

/* Applies the files of `dir` that are not applied yet through ctx->db, the owner's connection: each in one transaction
 * with its record, all under one advisory lock, for which it waits. Prints each. *why_r: a sentence for the operator.
 */
BO_MUSTCHECK const struct err *migrate_apply(struct ctx *ctx, const char *dir, const char **why_r);

/* Gives `role` this password. Only its SCRAM verifier reaches the server. */
BO_MUSTCHECK const struct err *migrate_set_password(struct ctx *ctx, const char *role, const char *password,
                                                    const char **why_r);

#endif
