#include "src/event/reconcile.h"

#include <stddef.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/buf.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "common/json/json.h"
#include "sql/reconcile.h"
#include "src/contract/reservation_api.h"
#include "src/event/seat_map.h"

#define PAGE_BYTES_MAX (1u << 20)
#define REPAIRED_MAX 1000 /* of a look; the rest waits for the next one */

struct cfg_reconcile cfg_reconcile;

static const struct cfg_key keys[] = {
    {.name = "BOX_RECONCILE_S",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_reconcile, every_s),
     .unit = "seconds",
     .fallback = "600",
     .min = 1,
     .max = 86400,
     .help =
         "How often the seats of a performance are compared with their claims; what differs is repaired at the second "
         "look, so this must be longer than any event is under way."},
    {.name = "BOX_RECONCILE_FREE_MAX",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_reconcile, free_max),
     .unit = "seats",
     .fallback = "100",
     .min = 0,
     .max = 100000,
     .help =
         "When more seats of a performance are SOLD to nobody, none of them is freed before an operator has looked."},
};
const struct cfg_section cfg_reconcile_section = {"Reconciliation", keys, ARRAY_COUNT(keys), &cfg_reconcile};

/* Of one performance. */
struct look {
    char schedule_id[UUID_SIZE];
    int64_t began_at;
    bool current; /* none has begun after it */
    struct reconcile_found found;
};

static const struct err *take(struct ctx *ctx, struct look *look_r, bool *none_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_reconcile_take, &rows, DB_INT(cfg_reconcile.every_s));
    if (e) {
        return e;
    }
    *none_r = db_count(rows) == 0;
    if (!*none_r) {
        *look_r = (struct look){.began_at = db_time(rows, 0, "began_at"), .current = true};
        memcpy(look_r->schedule_id, db_str(rows, 0, "schedule_id"), UUID_SIZE);
    }
    return NULL;
}

/* ---- comparing ---- */

/* Seats behind `after` up to the end of the page. */
static const struct err *compare(struct ctx *ctx, struct look *look, const char *after,
                                 const struct reservation_sold_page *page)
{
    struct buf claims;
    struct json_out out;
    const struct db_rows *rows;
    buf_init(&claims, ctx->arena, PAGE_BYTES_MAX);
    json_out_init(&out, &claims);
    json_add_shape(&out, NULL, &reservation_sold_page_shape, page);
    const struct err *e =
        DB_RUN(ctx, &sql_reconcile_compare, &rows, DB_TEXT(look->schedule_id), DB_TEXT(after),
               DB_TEXT(page->next ? page->next : UUID_MAX), DB_TEXT(claims.data), DB_TIME(look->began_at));
    if (e) {
        return e;
    }
    look->current = db_count(rows) == 1;
    if (look->current) {
        look->found.doubtful += db_int(rows, 0, "doubtful");
        look->found.unknown += db_int(rows, 0, "unknown");
    }
    return NULL;
}

static const struct err *compare_all(struct ctx *ctx, struct look *look)
{
    char after[UUID_SIZE] = UUID_NIL;
    bool last = false;
    const struct err *e = NULL;
    while (!e && look->current && !last) {
        struct reservation_sold_page page;
        ctx_begin(ctx, NULL, NULL);
        e = reservation_api_sold(ctx, look->schedule_id, after, &page);
        e = e ? e : compare(ctx, look, after, &page);
        last = !e && !page.next;
        if (!e && !last) {
            memcpy(after, page.next, UUID_SIZE);
        }
    }
    return e;
}

/* ---- repairing ---- */

struct repair {
    const struct look *look;
    const struct db_rows *seats; /* repaired ones */
};

static const struct err *repair(struct ctx *ctx, void *arg)
{
    struct repair *repair = arg;
    const struct look *look = repair->look;
    const struct db_rows *count;
    const struct err *e =
        DB_RUN(ctx, &sql_reconcile_repair, &repair->seats, DB_TEXT(look->schedule_id), DB_TIME(look->began_at),
               DB_INT(cfg_reconcile.every_s), DB_INT(cfg_reconcile.free_max), DB_INT(REPAIRED_MAX));
    e = e ? e : DB_RUN(ctx, &sql_reconcile_miscount, &count, DB_TEXT(look->schedule_id));
    if (e) {
        return e;
    }
    /* After the seats, in the order in which everybody locks them. */
    if (db_count(repair->seats) > 0 || db_int(count, 0, "more") != 0) {
        e = DB_RUN(ctx, &sql_reconcile_lock, NULL, DB_TEXT(look->schedule_id));
        e = e ? e
              : DB_RUN(ctx, &sql_reconcile_recount, NULL, DB_TEXT(look->schedule_id),
                       DB_INT((int64_t)db_count(repair->seats)));
    }
    return e;
}

static void tell_repaired(struct ctx *ctx, struct look *look, const struct db_rows *seats)
{
    struct reconcile_found *found = &look->found;
    for (size_t i = 0; i < db_count(seats); i++) {
        const char *was = db_str(seats, i, "was"), *owner = db_str(seats, i, "owner");
        int64_t *kind = !owner ? &found->freed : !was ? &found->sold : &found->moved;
        (*kind)++;
        log_warn(&ctx->log, "seat '%s' repaired: its reservation is '%s', and was '%s' here", db_str(seats, i, "id"),
                 owner ? owner : "none", was ? was : "none");
    }
}

static void tell_left(struct ctx *ctx, const struct look *look)
{
    const struct reconcile_found *found = &look->found;
    int64_t left = found->doubtful - found->sold - found->freed - found->moved;
    if (left > 0) {
        log_warn(&ctx->log, "%lld seats of performance '%s' differ from their claims: the next look decides",
                 (long long)left, look->schedule_id);
    }
    if (found->unknown > 0) {
        log_error(&ctx->log, "%lld seats are sold that performance '%s' does not have", (long long)found->unknown,
                  look->schedule_id);
    }
}

static const struct err *repair_all(struct ctx *ctx, struct look *look)
{
    struct repair work = {.look = look};
    ctx_begin(ctx, NULL, NULL);
    const struct err *e = db_transact(ctx, repair, &work);
    if (e) {
        return e;
    }
    tell_repaired(ctx, look, work.seats);
    tell_left(ctx, look);
    /* Of a performance that nobody sees any more there is none; otherwise the copies end by their age. */
    if (db_count(work.seats) > 0 && seat_map_drop_stale_copy(ctx, look->schedule_id) != NULL) {
        log_warn(&ctx->log, "copies of the repaired seats stay for a while");
    }
    return NULL;
}

static void add(struct reconcile_found *all, const struct reconcile_found *found)
{
    all->doubtful += found->doubtful;
    all->sold += found->sold;
    all->freed += found->freed;
    all->moved += found->moved;
    all->unknown += found->unknown;
}

const struct err *reconcile_next(struct ctx *ctx, struct reconcile_found *found, bool *none_r)
{
    struct look look;
    ctx_begin(ctx, NULL, NULL);
    const struct err *e = take(ctx, &look, none_r);
    if (e || *none_r) {
        return e;
    }
    e = compare_all(ctx, &look);
    e = !e && look.current ? repair_all(ctx, &look) : e;
    add(found, &look.found);
    return e;
}

const struct err *reconcile_count(struct ctx *ctx, int64_t *doubtful_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN0(ctx, &sql_reconcile_count, &rows);
    if (!e) {
        *doubtful_r = db_int(rows, 0, "doubtful");
    }
    return e;
}
