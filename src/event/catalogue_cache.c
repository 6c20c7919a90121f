#include "src/event/catalogue_cache.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/gzip.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "common/io/redis.h"
#include "sql/event.h"
#include "src/event/event_settings.h"

#define POLL_MS 20   /* between two looks of who waits */
#define AWAY_MS 2000 /* how long nobody tries to make what could not be made */
#define NEAR_S 600   /* from an edge of a sale's window */
#define HEAD_MAX 256 /* bytes before the answer in a copy */
#define LISTS "events:{lists}"

static struct catalogue_place place_of(struct ctx *ctx, const char *key)
{
    return (struct catalogue_place){
        .copy = {
            .key = key, .maker = ARENA_JOIN(ctx->arena, key, ":maker"), .old_ms = CATALOGUE_KEPT_MS, .spare = true}};
}

struct catalogue_place catalogue_place_event(struct ctx *ctx, const char *event_id)
{
    struct catalogue_place place = place_of(ctx, ARENA_JOIN(ctx->arena, "event:{", event_id, "}:detail"));
    place.event_id = event_id;
    return place;
}

static struct catalogue_place place_of_schedule(struct ctx *ctx, const char *schedule_id, const char *what)
{
    struct catalogue_place place = place_of(ctx, ARENA_JOIN(ctx->arena, "schedule:{", schedule_id, "}:", what));
    place.schedule_id = schedule_id;
    return place;
}

struct catalogue_place catalogue_place_layout(struct ctx *ctx, const char *schedule_id)
{
    return place_of_schedule(ctx, schedule_id, "layout");
}

struct catalogue_place catalogue_place_seats(struct ctx *ctx, const char *schedule_id, const char *what)
{
    struct catalogue_place place = place_of_schedule(ctx, schedule_id, what);
    place.seats = true;
    return place;
}

/* A generation of lists has keys of its own: one that is made of what was before a change is kept where nobody looks.
 */
struct catalogue_place catalogue_place_list(struct ctx *ctx, const char *asked)
{
    const struct redis_value *generation;
    bool there = REDIS_RUN(ctx, &generation, "GET", LISTS ":generation") == NULL && generation->type == REDIS_STR;
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(asked, strlen(asked), digest);
    return place_of(ctx, ARENA_JOIN(ctx->arena, LISTS ":", there ? generation->str : "0", ":",
                                    crypto_hex(ctx->arena, digest, sizeof digest)));
}

/* ---- what a copy holds: "<crc> <until> <encoding> <etag> <crc of the answer>\n" and the answer; the first checksum is
 * of the rest of the line ---- */

struct kept {
    struct catalogue_answer answer; /* bytes NULL: there is none */
    int64_t until;                  /* the next edge of a sale's window, clock_now() */
    int64_t old_for_ms;
    uint32_t crc;
};

static bool is_passing(int64_t until)
{
    return until - clock_now() < CATALOGUE_PASSING_MS * INT64_C(1000);
}

#define GZIP "gzip"
#define PLAIN "plain"
enum { CRC_DIGITS = 8 };

/* False: it is no copy, or its head is not as it was written. */
static bool read_head(struct arena *arena, const struct copy_found *found, struct kept *kept_r)
{
    const char *end = found->len > 0 ? memchr(found->bytes, '\n', found->len) : NULL;
    size_t len = end ? (size_t)(end - found->bytes) + 1 : 0;
    if (len <= CRC_DIGITS || strtoul(found->bytes, NULL, 16) != gzip_crc(found->bytes + CRC_DIGITS, len - CRC_DIGITS)) {
        return false;
    }
    char *rest, *head = arena_memdup(arena, found->bytes + CRC_DIGITS, len - CRC_DIGITS);
    int64_t until = strtoll(head, &rest, 10);
    const char *encoding = strtok_r(rest, " ", &rest), *etag = strtok_r(NULL, " ", &rest);
    *kept_r = (struct kept){.answer = {.etag = etag,
                                       .bytes = found->bytes + len,
                                       .len = found->len - len,
                                       .gzip = strcmp(encoding, GZIP) == 0,
                                       .passing = is_passing(until)},
                            .until = until,
                            .old_for_ms = found->old_for_ms,
                            .crc = (uint32_t)strtoul(rest, NULL, 16)};
    return true;
}

static bool look(struct ctx *ctx, const struct catalogue_place *place, struct kept *kept_r)
{
    struct copy_found found;
    *kept_r = (struct kept){0};
    if (!copy_look(ctx, &place->copy, &found)) {
        return false;
    }
    if (found.len > 0 &&
        (!read_head(ctx->arena, &found, kept_r) || gzip_crc(kept_r->answer.bytes, kept_r->answer.len) != kept_r->crc)) {
        log_warn(&ctx->log, "a damaged copy of the catalogue is made anew");
        *kept_r = (struct kept){0};
    }
    return true;
}

static bool is_fresh(const struct kept *kept)
{
    return kept->answer.bytes != NULL && kept->old_for_ms <= 0 && clock_now() < kept->until;
}

/* Good enough while somebody makes a new one. */
static bool is_usable(const struct kept *kept)
{
    return kept->answer.bytes != NULL && kept->old_for_ms <= CATALOGUE_OLD_MS && clock_now() < kept->until;
}

/* ---- how long it is fresh ---- */

struct edges {
    int64_t next; /* when the next sale opens or closes, clock_now(); INT64_MAX: none does */
    bool near;    /* one has just done so, or soon does */
};

static const struct err *read_edges(struct ctx *ctx, const struct catalogue_place *place, struct edges *edges_r)
{
    const struct db_rows *rows;
    bool all = place->event_id == NULL && place->schedule_id == NULL;
    const struct err *e =
        all ? DB_RUN(ctx, &sql_event_edges_of_all, &rows)
            : DB_RUN(ctx, &sql_event_edges, &rows, DB_TEXT(place->event_id), DB_TEXT(place->schedule_id));
    if (e) {
        return e;
    }
    int64_t now = clock_now();
    bool none = db_null(rows, 0, "next_at");
    *edges_r = (struct edges){none ? INT64_MAX : db_time(rows, 0, "next_at"), false};
    edges_r->near = (!none && edges_r->next - now < NEAR_S * CLOCK_SECOND) ||
                    (!db_null(rows, 0, "last_at") && now - db_time(rows, 0, "last_at") < NEAR_S * CLOCK_SECOND);
    return NULL;
}

static int64_t fresh_ms(const struct catalogue_place *place, const struct edges *edges)
{
    int64_t most_s = edges->near ? cfg_event.cache_edge_s : cfg_event.cache_s;
    if (place->seats && cfg_event.cache_seats_s < most_s) {
        most_s = cfg_event.cache_seats_s;
    }
    int64_t left_ms = (edges->next - clock_now()) / 1000;
    return left_ms < most_s * 1000 ? left_ms : most_s * 1000;
}

static bool keep(struct ctx *ctx, const struct catalogue_place *place, const char *name, const struct edges *edges,
                 const struct catalogue_answer *answer)
{
    struct buf bytes;
    int64_t ms = fresh_ms(place, edges);
    if (ms <= 0) {
        return false;
    }
    const char *head =
        arena_printf(ctx->arena, " %lld %s %s %0*x\n", (long long)edges->next, answer->gzip ? GZIP : PLAIN,
                     answer->etag, CRC_DIGITS, gzip_crc(answer->bytes, answer->len));
    buf_init(&bytes, ctx->arena, answer->len + HEAD_MAX);
    buf_printf(&bytes, "%0*x%s", CRC_DIGITS, gzip_crc(head, strlen(head)), head);
    buf_add(&bytes, answer->bytes, answer->len);
    copy_keep(ctx, &place->copy, name, bytes.data, bytes.len, ms + CATALOGUE_KEPT_MS);
    return true;
}

/* The edges are read before the answer, so that none is missed that comes in between. */
static const struct err *make_for_all(struct ctx *ctx, const struct catalogue_place *place, const char *name,
                                      catalogue_maker *make, void *with, struct catalogue_answer *answer_r)
{
    struct edges edges;
    const struct err *e = read_edges(ctx, place, &edges);
    e = e ? e : make(ctx, with, answer_r);
    answer_r->passing = !e && is_passing(edges.next);
    if (e == &err_not_found) {
        copy_keep(ctx, &place->copy, name, "", 0, 1); /* what is there no more is not to be seen again */
    } else if (e || !keep(ctx, place, name, &edges, answer_r)) {
        copy_give_up(ctx, &place->copy, name, e == &err_unavailable ? AWAY_MS : 0);
    }
    return e;
}

/* Until there is an answer to give (COPY_OTHERS), the right to make one, or no hope of either (COPY_AWAY). Who has
 * waited for too long makes one without the right. A large answer is not looked at again and again: who made it is done
 * when the right is to be had. */
static enum copy_turn await_turn(struct ctx *ctx, const struct catalogue_place *place, const char *name,
                                 struct kept *kept_r)
{
    int64_t start = clock_monotonic(), waited = 0;
    if (!look(ctx, place, kept_r)) {
        return COPY_AWAY;
    }
    if (is_fresh(kept_r)) {
        return COPY_OTHERS;
    }
    for (;; waited = clock_monotonic() - start) {
        enum copy_turn turn = copy_begin(ctx, &place->copy, name);
        if (turn == COPY_OURS && look(ctx, place, kept_r) && (is_fresh(kept_r) || (waited > 0 && is_usable(kept_r)))) {
            copy_give_up(ctx, &place->copy, name, 0);
            return COPY_OTHERS;
        }
        if (turn != COPY_OTHERS || is_usable(kept_r)) {
            return turn;
        }
        if (waited >= CATALOGUE_WAIT_MS * INT64_C(1000)) {
            return COPY_OURS;
        }
        poll(NULL, 0, POLL_MS);
    }
}

const struct err *catalogue_cache_get(struct ctx *ctx, const struct catalogue_place *place, catalogue_maker *make,
                                      void *with, struct catalogue_answer *answer_r)
{
    char name[UUID_SIZE];
    struct kept kept;
    const struct err *e = NULL;
    switch (await_turn(ctx, place, uuid_v4(name), &kept)) {
    case COPY_OTHERS:
        break;
    case COPY_OURS:
        e = make_for_all(ctx, place, name, make, with, answer_r);
        if (e != &err_unavailable || kept.answer.bytes == NULL) {
            return e;
        }
        break;
    case COPY_AWAY:
        if (kept.answer.bytes == NULL) {
            return make(ctx, with, answer_r);
        }
        break;
    }
    *answer_r = kept.answer;
    return NULL;
}

bool catalogue_cache_head(struct ctx *ctx, const struct catalogue_place *place, struct catalogue_answer *answer_r)
{
    struct copy_found found;
    struct kept kept;
    if (!copy_look_head(ctx, &place->copy, HEAD_MAX, &found) || !read_head(ctx->arena, &found, &kept) ||
        !is_fresh(&kept)) {
        return false;
    }
    *answer_r = kept.answer;
    answer_r->bytes = NULL;
    answer_r->len = 0;
    return true;
}

/* ---- what has changed ---- */

static void forget_lists(struct ctx *ctx)
{
    if (REDIS_RUN(ctx, NULL, "INCR", LISTS ":generation") != NULL) {
        log_warn(&ctx->log, "lists stay cached for a while");
    }
}

static void forget_place(struct ctx *ctx, struct catalogue_place place)
{
    copy_forget(ctx, &place.copy);
}

static void forget_seats(struct ctx *ctx, const char *schedule_id)
{
    static const char *const whats[] = {"seats", "live"};
    for (size_t i = 0; i < ARRAY_COUNT(whats); i++) {
        forget_place(ctx, catalogue_place_seats(ctx, schedule_id, whats[i]));
    }
}

void catalogue_cache_forget(struct ctx *ctx, const char *event_id)
{
    const struct db_rows *rows;
    forget_lists(ctx);
    forget_place(ctx, catalogue_place_event(ctx, event_id));
    if (DB_RUN(ctx, &sql_event_schedule_ids, &rows, DB_TEXT(event_id)) != NULL) {
        log_warn(&ctx->log, "the schedules of a changed event stay cached for a while");
        return;
    }
    for (size_t i = 0; i < db_count(rows); i++) {
        const char *schedule_id = db_str(rows, i, "id");
        schedule_forget(ctx, schedule_id);
        forget_seats(ctx, schedule_id);
        forget_place(ctx, catalogue_place_layout(ctx, schedule_id));
    }
}

void catalogue_cache_forget_seats(struct ctx *ctx, const struct schedule *schedule, bool all)
{
    forget_seats(ctx, schedule->schedule_id);
    forget_place(ctx, catalogue_place_event(ctx, schedule->event_id));
    if (all) {
        forget_lists(ctx);
    }
}
