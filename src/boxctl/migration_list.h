/*
 * migration_list: the numbered files of sql/ against the record of those applied. No server needed.
 *
 * Files are applied in the order of their numbers, forward only. What was applied is history: a past file must still be
 * there, unchanged, and a new file needs a number above all applied ones. Numbers may leave gaps.
 */
#ifndef BOXCTL_MIGRATION_LIST_H
#define BOXCTL_MIGRATION_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/err.h"

struct migration {
    int version;        /* 1-999 */
    const char *name;   /* "010_user.sql" */
    const char *sha256; /* lower-case hex */
    const char *sql;    /* of a file; NULL in a record */
    int64_t applied_at; /* of a record */
};

struct migration_list {
    struct migration *items; /* by rising version */
    size_t count;
};

/* The number of a name like "010_user.sql" (three digits, then lower-case letters, digits and '_'); 0 for any other. */
int migration_version(const char *name);
/* Reads all *.sql of a folder. False with *why_r when the folder or a file cannot be read, a name is not of the form
 * above, two share a number, or there are none. */
BO_MUSTCHECK bool migration_list_read(struct arena *arena, const char *dir, struct migration_list *files_r,
                                      const char **why_r);
/* *pending_r: index of the first file not applied yet; files->count when all are. False with *why_r when the files do
 * not continue the record. */
BO_MUSTCHECK bool migration_list_compare(struct arena *arena, const struct migration_list *files,
                                         const struct migration_list *applied, size_t *pending_r, const char **why_r);

#endif
