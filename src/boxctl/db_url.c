#include "src/boxctl/db_url.h"

#include <string.h>

#include "common/base/log.h"

/* scheme://[user[:password]@][hosts]/database[?parameters] */
struct parts {
    const char *authority; /* after "://" */
    const char *hosts;     /* after the '@', if there is one */
    const char *database;  /* after the '/' */
    const char *rest;      /* the '?' or the end */
};

static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool split(const char *url, struct parts *parts_r)
{
    const char *authority = after(url, "postgresql://");
    if (authority == NULL) {
        authority = after(url, "postgres://");
    }
    if (authority == NULL) {
        return false;
    }
    const char *slash = authority + strcspn(authority, "/?#");
    if (*slash != '/') {
        return false;
    }
    const char *at = memrchr(authority, '@', (size_t)(slash - authority));
    *parts_r = (struct parts){
        .authority = authority,
        .hosts = at ? at + 1 : authority,
        .database = slash + 1,
        .rest = slash + 1 + strcspn(slash + 1, "?"),
    };
    return parts_r->rest > parts_r->database;
}

static bool has_parameter(const char *rest, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = rest; *at != '\0'; at += strcspn(at, "&")) {
        if (strncmp(++at, name, len) == 0 && at[len] == '=') {
            return true;
        }
    }
    return false;
}

bool db_url_valid(const char *url)
{
    struct parts parts;
    return split(url, &parts) && !has_parameter(parts.rest, "user") && !has_parameter(parts.rest, "password") &&
           !has_parameter(parts.rest, "dbname");
}

char *db_url_as(struct arena *arena, const char *url, const char *role)
{
    struct parts parts;
    if (!split(url, &parts)) {
        log_panic("not a database URL");
    }
    return arena_printf(arena, "%.*s%s@%s", (int)(parts.authority - url), url, role, parts.hosts);
}

char *db_url_at(struct arena *arena, const char *url, const char *database)
{
    struct parts parts;
    if (!split(url, &parts)) {
        log_panic("not a database URL");
    }
    return arena_printf(arena, "%.*s%s%s", (int)(parts.database - url), url, database, parts.rest);
}

char *db_url_database(struct arena *arena, const char *url)
{
    struct parts parts;
    if (!split(url, &parts)) {
        log_panic("not a database URL");
    }
    return arena_memdup(arena, parts.database, (size_t)(parts.rest - parts.database));
}
