/*
 * db_url: parts of BOX_DB_URL ("postgresql://role@host:5432/boxoffice?host=/run/dir"), so that one setting serves all
 * roles. Only the URL form is understood, not libpq's "key=value" form.
 */
#ifndef BOXCTL_DB_URL_H
#define BOXCTL_DB_URL_H

#include <stdbool.h>

#include "common/base/arena.h"
#include "common/base/err.h"

/* True for a URL of PostgreSQL that names a database and gives neither user nor password after the '?'. */
bool db_url_valid(const char *url);
/* The same URL with `role` as user and without a password. The URL must be valid, here and below. */
char *db_url_as(struct arena *arena, const char *url, const char *role);
/* The same URL with another database. */
char *db_url_at(struct arena *arena, const char *url, const char *database);
/* The database's name. */
char *db_url_database(struct arena *arena, const char *url);

#endif
