#include "src/user/ending.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "sql/ending.h"
#include "src/user/mail.h"
#include "src/user/session.h"
#include "src/user/user_pii.h"

#define DAY (86400 * CLOCK_SECOND)
#define NOTICE_KEPT (60 * DAY) /* a mail that no server takes for so long is given up */

struct cfg_ending cfg_ending;

static const struct cfg_key keys[] = {
    {.name = "BOX_DORMANT_AFTER_DAYS",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_ending, dormant_days),
     .unit = "days",
     .fallback = "365",
     .min = 90,
     .max = 3650,
     .help = "How long after it was last used, by a login or a refresh, an account falls asleep."},
    {.name = "BOX_DORMANCY_NOTICE_DAYS",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_ending, notice_days),
     .unit = "days",
     .fallback = "30",
     .min = 7,
     .max = 60,
     .help = "How long before that its owner is told."},
    {.name = "BOX_WITHDRAWN_RETENTION_DAYS",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_ending, retention_days),
     .unit = "days",
     .fallback = "30",
     .min = 1,
     .max = 3650,
     .help = "How long after a withdrawal what is known of the person is destroyed."},
};
const struct cfg_section cfg_ending_section = {"Ends of accounts", keys, ARRAY_COUNT(keys), &cfg_ending};

const struct err *ending_destroy(struct ctx *ctx, int64_t most, int64_t *done_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_ending_destroy, &rows, DB_INT(cfg_ending.retention_days), DB_INT(most));
    if (!e) {
        *done_r = db_int(rows, 0, "done");
    }
    return e;
}

/* From one place to the next, `most` at a time, until there are no more. */
static const struct err *walk(struct ctx *ctx, const struct db_stmt *step, int64_t most, int64_t *done_r)
{
    int64_t at = CLOCK_NONE;
    char id[UUID_SIZE] = "";
    for (;;) {
        const struct db_rows *row;
        ctx_begin(ctx, NULL, NULL);
        const struct err *e = DB_RUN(ctx, step, &row, DB_TIME(at), DB_TEXT(id[0] ? id : NULL), DB_INT(most));
        if (e || db_count(row) == 0) {
            return e;
        }
        *done_r += db_int(row, 0, "done");
        at = db_time(row, 0, "last_at");
        snprintf(id, sizeof id, "%s", db_str(row, 0, "last_id"));
    }
}

const struct err *ending_put_off(struct ctx *ctx, int64_t most, int64_t *done_r)
{
    return walk(ctx, &sql_ending_put_off, most, done_r);
}

const struct err *ending_put_to_sleep(struct ctx *ctx, int64_t most, int64_t *done_r)
{
    const struct db_rows *rows;
    /* A day more: so often only is it looked whether the notice has been sent. */
    const struct err *e = DB_RUN(ctx, &sql_ending_put_to_sleep, &rows, DB_INT(cfg_ending.dormant_days),
                                 DB_INT(cfg_ending.notice_days + 1), DB_INT(most));
    if (e) {
        return e;
    }
    int64_t asleep = 0;
    const char *last = "";
    for (size_t i = 0; i < db_count(rows); i++) {
        asleep += strcmp(db_str(rows, i, "user_id"), last) != 0;
        last = db_str(rows, i, "user_id");
    }
    e = session_blacklist_rows(ctx, rows); /* one for each of their access tokens, or one without */
    if (!e) {
        *done_r = asleep;
    }
    return e;
}

const struct err *ending_tell_anew(struct ctx *ctx, int64_t most, int64_t *done_r)
{
    return walk(ctx, &sql_ending_tell_anew, most, done_r);
}

/* ---- the notice ---- */

/* Where the work is; what cannot be opened is left behind untold. */
struct place {
    int64_t idle_since; /* CLOCK_NONE: before the first */
    char id[UUID_SIZE];
    int64_t told, closed;
};

struct notices {
    int64_t most;
    struct place from, to;
    bool more;
};

static const struct err *tell(struct ctx *ctx, const struct db_rows *rows, size_t i, const char *email)
{
    int64_t now = clock_now(), in_time = db_time(rows, i, "idle_since") + cfg_ending.dormant_days * DAY;
    int64_t told = now + (cfg_ending.notice_days + 1) * DAY;
    const char *user_id = db_str(rows, i, "id");
    const struct mail mail = {.kind = MAIL_DORMANCY_NOTICE,
                              .user_id = user_id,
                              .email = email,
                              .expires_at = now + NOTICE_KEPT,
                              .at = in_time > told ? in_time : told};
    const struct err *e = mail_put(ctx, &mail);
    return e ? e : DB_RUN(ctx, &sql_ending_told, NULL, DB_TEXT(user_id));
}

static const struct err *tell_some(struct ctx *ctx, void *arg)
{
    struct notices *notices = arg;
    struct place to = notices->from;
    const struct db_rows *rows;
    const struct err *e =
        DB_RUN(ctx, &sql_ending_take_idle, &rows, DB_INT(cfg_ending.dormant_days - cfg_ending.notice_days),
               DB_TIME(to.idle_since), DB_TEXT(to.id[0] ? to.id : NULL), DB_INT(notices->most));
    if (e) {
        return e;
    }
    for (size_t i = 0; !e && i < db_count(rows); i++) {
        const char *id = db_str(rows, i, "id");
        const char *email = user_pii_open_at(ctx, "users.email", id, rows, i, "email"); /* error line */
        e = email ? tell(ctx, rows, i, email) : NULL;
        to.told += email != NULL;
        to.closed += !email && !db_null(rows, i, "email"); /* without one there is nobody to tell, and no sleep */
        to.idle_since = db_time(rows, i, "idle_since");
        snprintf(to.id, sizeof to.id, "%s", id);
    }
    notices->to = to;
    notices->more = db_count(rows) > 0;
    return e;
}

const struct err *ending_notify(struct ctx *ctx, int64_t most, int64_t *done_r)
{
    struct notices notices = {.most = most, .from = {.idle_since = CLOCK_NONE}};
    do {
        ctx_begin(ctx, NULL, NULL);
        const struct err *e = db_transact(ctx, tell_some, &notices);
        if (e) {
            return e;
        }
        notices.from = notices.to;
    } while (notices.more);
    if (notices.to.closed > 0) {
        log_error(&ctx->log, "owners that were not told, for their addresses cannot be opened: %lld; told: %lld",
                  (long long)notices.to.closed, (long long)notices.to.told);
        return &err_internal;
    }
    *done_r = notices.to.told;
    return NULL;
}
