#include "common/io/db_sqlstate.h"

#include <string.h>

#include "common/base/array.h"
#include "common/io/db.h"

ERR_DB_LIST(ERR_DEFINE)

/* The first prefix that fits. */
static const struct db_sqlstate rows[] = {
    {"40001", &err_db_serialization, false},
    {"40P01", &err_db_serialization, false}, /* deadlock */
    {"23505", &err_db_unique, false},
    {"BX", &err_db_raised, false},
    {"57014", &err_unavailable, false}, /* statement_timeout */
    {"55P03", &err_unavailable, false}, /* lock_timeout */
    {"53", &err_unavailable, false},    /* no connections, memory or disk left */
    {"25006", &err_unavailable, true},  /* read only: no longer the primary */
    {"25P03", &err_unavailable, true},  /* idle_in_transaction_session_timeout */
    {"57P", &err_unavailable, true},    /* shutting down, crashed, not up yet, terminated */
    {"08", &err_unavailable, true},
    {"0A000", &err_internal, true}, /* a cached plan whose result type has changed: prepare anew next time */
    {"26000", &err_internal, true}, /* a prepared statement is gone: the same */
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

const struct db_sqlstate *db_sqlstate_find(const char *code)
{
    static const struct db_sqlstate other = {"", &err_internal, false};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (starts_with(code, rows[i].prefix)) {
            return &rows[i];
        }
    }
    return &other;
}

bool db_sqlstate_quotes_data(const char *code)
{
    return starts_with(code, "22") || starts_with(code, "23"); /* data exception, integrity constraint */
}
