#include "src/event/audit.h"

#include "common/base/array.h"
#include "common/io/db.h"
#include "sql/change.h"

#define SIZE_DEFAULT 50

static const struct field audit_filter_fields[] = {
    {FIELD(struct audit_filter, "subjectId", FIELD_UUID, subject_id)},
    {FIELD(struct audit_filter, "adminId", FIELD_UUID, admin_id)},
    {FIELD(struct audit_filter, "before", FIELD_UUID, before)},
    {FIELD(struct audit_filter, "size", FIELD_INT, size), .min = 1, .max = 100},
};
const struct shape audit_filter_shape = {audit_filter_fields, ARRAY_COUNT(audit_filter_fields),
                                         sizeof(struct audit_filter), false};

const struct err *audit_list(struct ctx *ctx, const struct audit_filter *filter, struct audit_list *list_r)
{
    size_t size = filter->size == FIELD_NO_INT ? SIZE_DEFAULT : (size_t)filter->size;
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_change_list, &rows, DB_TEXT(filter->subject_id), DB_TEXT(filter->admin_id),
                                 DB_TEXT(filter->before), DB_INT((int64_t)size));
    if (e) {
        return e;
    }
    size_t count = db_count(rows);
    struct audit_change *items = arena_calloc(ctx->arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct audit_change){.id = db_str(rows, i, "id"),
                                         .at = db_time(rows, i, "at"),
                                         .admin_id = db_str(rows, i, "admin_id"),
                                         .action = db_str(rows, i, "action"),
                                         .subject = db_str(rows, i, "subject"),
                                         .subject_id = db_str(rows, i, "subject_id"),
                                         .before = db_str(rows, i, "before"),
                                         .after = db_str(rows, i, "after"),
                                         .trace_id = db_str(rows, i, "trace_id")};
    }
    *list_r = (struct audit_list){items, count, count == size ? items[count - 1].id : NULL};
    return NULL;
}
