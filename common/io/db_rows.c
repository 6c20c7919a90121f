#include "common/io/db_rows.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

size_t db_count(const struct db_rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

size_t db_affected(const struct db_rows *rows)
{
    return strtoull(PQcmdTuples(rows->result), NULL, 10);
}

static int column(const struct db_rows *rows, const char *name)
{
    int count = PQnfields(rows->result);
    for (int i = 0; i < count; i++) {
        int col = (rows->next_col + i) % count;
        if (strcmp(PQfname(rows->result, col), name) == 0) {
            ((struct db_rows *)rows)->next_col = col + 1;
            return col;
        }
    }
    log_panic("statement '%s' has no column '%s'", rows->stmt->name, name);
}

bool db_null(const struct db_rows *rows, size_t row, const char *col)
{
    return PQgetisnull(rows->result, (int)row, column(rows, col));
}

const char *db_str(const struct db_rows *rows, size_t row, const char *name)
{
    int col = column(rows, name);
    return PQgetisnull(rows->result, (int)row, col) ? NULL : PQgetvalue(rows->result, (int)row, col);
}

int64_t db_int(const struct db_rows *rows, size_t row, const char *col)
{
    const char *text = db_str(rows, row, col);
    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

bool db_bool(const struct db_rows *rows, size_t row, const char *col)
{
    const char *text = db_str(rows, row, col);
    return text != NULL && text[0] == 't';
}

int64_t db_time(const struct db_rows *rows, size_t row, const char *col)
{
    const char *text = db_str(rows, row, col);
    int64_t at = CLOCK_NONE;
    if (text != NULL && !clock_parse_pg(text, &at)) {
        log_panic("column '%s' of statement '%s' is no timestamptz", col, rows->stmt->name);
    }
    return at;
}

const unsigned char *db_bytes(struct ctx *ctx, const struct db_rows *rows, size_t row, const char *col, size_t *len_r)
{
    const char *text = db_str(rows, row, col);
    if (text == NULL) {
        return NULL;
    }
    unsigned char *decoded = PQunescapeBytea((const unsigned char *)text, len_r);
    if (decoded == NULL) {
        log_panic("out of memory for a bytea");
    }
    const char *copy = arena_memdup(ctx->arena, decoded, *len_r);
    PQfreemem(decoded);
    return (const unsigned char *)copy;
}
