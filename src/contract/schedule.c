#include "src/contract/schedule.h"

#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "src/contract/copy.h"
#include "src/contract/internal_call.h"

#define ABSENT "-"     /* cached instead of JSON: there is no such schedule */
#define ABSENT_MS 2000 /* how long that is believed */
#define STALE_MS 60000 /* how long an old copy may serve while a new one is fetched, or cannot be */
#define COLD_MS 500    /* how long a process waits for the service, with everybody it serves, when there is no copy */
#define WARM_MS 300    /* and when there is an old one */
#define AWAY_S 2       /* how long a process does not ask a service that did not answer */
#define AWAY_S_MAX 8   /* and when it has not for several times in a row */
#define TEXT_MAX 1000
#define LOCAL_BYTES_MAX (64u << 10)
#define PEOPLE_MAX 1000000
#define WON_MAX INT64_C(1000000000)
#define SEATS_MAX 200000
#define SEATS_BYTES_MAX (32u << 20)

ERR_SALE_LIST(ERR_DEFINE)

struct cfg_schedule cfg_schedule;
static const struct cfg_key cfg_schedule_keys[] = {
    {"BOX_SCHEDULE_CACHE_S", CFG_INT, offsetof(struct cfg_schedule, cache_s), "seconds", "30", 1, 3600, 0,
     "how long other services may use a copy of a schedule's data"},
    {"BOX_SCHEDULE_LOCAL_MS", CFG_INT, offsetof(struct cfg_schedule, local_ms), "ms", "1000", 0, 60000, 0,
     "how long a process may use its own copy without asking Redis; 0 = never"},
};
const struct cfg_section cfg_schedule_section = {"Schedules", cfg_schedule_keys, ARRAY_COUNT(cfg_schedule_keys),
                                                 &cfg_schedule};

static const struct field schedule_fields[] = {
    {FIELD(struct schedule, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
    {FIELD(struct schedule, "eventId", FIELD_UUID, event_id), .flags = FIELD_REQUIRED},
    {FIELD(struct schedule, "eventTitle", FIELD_STR, event_title), .flags = FIELD_REQUIRED, .min = 0, .max = TEXT_MAX},
    {FIELD(struct schedule, "artist", FIELD_STR, artist), .flags = FIELD_REQUIRED, .min = 0, .max = TEXT_MAX},
    {FIELD(struct schedule, "venueName", FIELD_STR, venue_name), .flags = FIELD_REQUIRED, .min = 0, .max = TEXT_MAX},
    {FIELD(struct schedule, "hallName", FIELD_STR, hall_name), .flags = FIELD_REQUIRED, .min = 0, .max = TEXT_MAX},
    {FIELD(struct schedule, "status", FIELD_ENUM, status), .flags = FIELD_REQUIRED, .choices = "OPEN|CANCELLED"},
    {FIELD(struct schedule, "eventStartAt", FIELD_TIME, event_start_at), .flags = FIELD_REQUIRED},
    {FIELD(struct schedule, "eventEndAt", FIELD_TIME, event_end_at), .flags = FIELD_REQUIRED},
    {FIELD(struct schedule, "saleStartAt", FIELD_TIME, sale_start_at), .flags = FIELD_REQUIRED},
    {FIELD(struct schedule, "saleEndAt", FIELD_TIME, sale_end_at), .flags = FIELD_REQUIRED},
    {FIELD(struct schedule, "admissionRate", FIELD_INT, admission_rate), .flags = FIELD_REQUIRED, .min = 1,
     .max = PEOPLE_MAX},
    {FIELD(struct schedule, "queueCapacity", FIELD_INT, queue_capacity), .flags = FIELD_REQUIRED, .min = 1,
     .max = PEOPLE_MAX},
    {FIELD(struct schedule, "soldOut", FIELD_BOOL, sold_out)},
};
const struct shape schedule_shape = {schedule_fields, ARRAY_COUNT(schedule_fields), sizeof(struct schedule),
                                     /* open= */ true};

SHAPE_OPEN(seat_shape, struct schedule_seat,
           {FIELD(struct schedule_seat, "id", FIELD_UUID, id), .flags = FIELD_REQUIRED},
           {FIELD(struct schedule_seat, "seatNumber", FIELD_STR, seat_number), .flags = FIELD_REQUIRED, .min = 0,
            .max = TEXT_MAX},
           {FIELD(struct schedule_seat, "grade", FIELD_ENUM, grade), .flags = FIELD_REQUIRED, .choices = "VIP|S|A|B"},
           {FIELD(struct schedule_seat, "price", FIELD_INT, price), .flags = FIELD_REQUIRED, .min = 0, .max = WON_MAX});

static const struct field seats_fields[] = {
    {FIELD(struct schedule_seats, "scheduleId", FIELD_UUID, schedule_id), .flags = FIELD_REQUIRED},
    {FIELD(struct schedule_seats, "seats", FIELD_LIST, seats), .flags = FIELD_REQUIRED, .min = 0, .max = SEATS_MAX,
     .sub = &seat_shape},
};
const struct shape schedule_seats_shape = {seats_fields, ARRAY_COUNT(seats_fields), sizeof(struct schedule_seats),
                                           /* open= */ true};

static struct copy copy_of_schedule(struct ctx *ctx, const char *schedule_id)
{
    return (struct copy){.key = ARENA_JOIN(ctx->arena, "schedule:{", schedule_id, "}:info"),
                         .maker = ARENA_JOIN(ctx->arena, "schedule:{", schedule_id, "}:fetching"),
                         .old_ms = STALE_MS};
}

/* ---- the process's own copies of the schedules asked for last ---- */

#define LOCAL_MAX 8

struct local {
    struct schedule schedule; /* schedule_id NULL: none */
    struct arena *arena;      /* owns its texts */
    int64_t until;            /* clock_monotonic() */
};
static struct local locals[LOCAL_MAX];

/* The one of this schedule, or else the one that ends first. */
static struct local *local_of(const char *schedule_id)
{
    struct local *oldest = &locals[0];
    for (size_t i = 0; i < LOCAL_MAX; i++) {
        struct local *local = &locals[i];
        if (local->schedule.schedule_id != NULL && strcmp(local->schedule.schedule_id, schedule_id) == 0) {
            return local;
        }
        oldest = local->until < oldest->until ? local : oldest;
    }
    return oldest;
}

/* Copies the schedule with all its texts. */
static struct schedule copy_of(struct arena *arena, const struct schedule *schedule)
{
    struct schedule copy = *schedule;
    for (size_t i = 0; i < schedule_shape.count; i++) {
        const struct field *field = &schedule_shape.fields[i];
        if (field->type == FIELD_STR || field->type == FIELD_UUID || field->type == FIELD_ENUM) {
            const char **text = (const char **)((char *)&copy + field->offset);
            *text = *text != NULL ? arena_strdup(arena, *text) : NULL;
        }
    }
    return copy;
}

static bool local_get(struct ctx *ctx, const char *schedule_id, struct schedule *schedule_r)
{
    const struct local *local = local_of(schedule_id);
    bool ours = local->schedule.schedule_id != NULL && strcmp(local->schedule.schedule_id, schedule_id) == 0;
    if (!ours || clock_monotonic() >= local->until) {
        return false;
    }
    *schedule_r = copy_of(ctx->arena, &local->schedule);
    return true;
}

static void local_put(const struct schedule *schedule)
{
    if (cfg_schedule.local_ms == 0) {
        return;
    }
    struct local *local = local_of(schedule->schedule_id);
    if (local->arena == NULL) {
        local->arena = arena_new(LOCAL_BYTES_MAX);
    }
    arena_reset(local->arena);
    local->schedule = copy_of(local->arena, schedule);
    local->until = clock_monotonic() + cfg_schedule.local_ms * 1000;
}

/* Asks the event service. Nothing is changed by asking, so every failure is &err_unavailable. */
static const struct err *ask(struct ctx *ctx, const struct internal_call *call, struct http_answer *answer_r)
{
    struct http_answer answer;
    const struct err *e = internal_call(ctx, call, &answer);
    if (e || (answer.status != 200 && answer.status != 404)) {
        log_warn(&ctx->log, "the event service does not answer: %s %d", e ? e->code : "status", e ? 0 : answer.status);
        return &err_unavailable;
    }
    if (answer.status == 404) {
        return &err_not_found;
    }
    *answer_r = answer;
    return NULL;
}

static const struct err *read_schedule(struct ctx *ctx, const char *json, size_t len, struct schedule *schedule_r)
{
    struct schedule *schedule;
    if (internal_read(ctx, json, len, &schedule_shape, (void **)&schedule) != NULL) {
        return &err_unavailable;
    }
    schedule->sold_out = schedule->sold_out == 1; /* an older event service does not say */
    *schedule_r = *schedule;
    return NULL;
}

/* Until then (clock_monotonic()) this process does not ask the service: all whom it serves would wait again. */
static int64_t away_until;
static int64_t away_s; /* how long it was last; 0: it answers */

static void note_away(void)
{
    away_s = away_s == 0 ? AWAY_S : away_s * 2 < AWAY_S_MAX ? away_s * 2 : AWAY_S_MAX;
    away_until = clock_monotonic() + away_s * CLOCK_SECOND;
}

/* Asks the service; what it says is kept for all as `copy`, unless somebody else is at it (NULL). A service that does
 * not answer is left alone for a while, by others too. */
static const struct err *fetch(struct ctx *ctx, const char *schedule_id, const struct copy *copy, const char *name,
                               int timeout_ms, struct schedule *schedule_r)
{
    struct http_answer answer;
    const struct internal_call call = {.method = "GET",
                                       .path = arena_printf(ctx->arena, "/internal/schedules/%s", schedule_id),
                                       .timeout_ms = timeout_ms};
    const struct err *e = ask(ctx, &call, &answer);
    if (e == &err_unavailable) {
        note_away();
        return e;
    }
    away_s = 0;
    e = e ? e : read_schedule(ctx, answer.body, answer.len, schedule_r);
    if (copy != NULL && e == &err_not_found) {
        copy_keep(ctx, copy, name, ABSENT, strlen(ABSENT), ABSENT_MS);
    } else if (copy != NULL && !e) {
        copy_keep(ctx, copy, name, answer.body, answer.len, cfg_schedule.cache_s * 1000 + STALE_MS);
    }
    return e;
}

/* One process fetches; a crowd goes on with the old copy meanwhile, or while the service is away. */
static const struct err *shared_get(struct ctx *ctx, const char *schedule_id, struct schedule *schedule_r)
{
    char name[UUID_SIZE];
    struct copy_found found;
    const struct copy copy = copy_of_schedule(ctx, schedule_id);
    copy_look(ctx, &copy, &found);
    const char *cached = found.bytes;
    if (cached != NULL && strcmp(cached, ABSENT) == 0) {
        return &err_not_found;
    }
    bool usable = cached != NULL && read_schedule(ctx, cached, found.len, schedule_r) == NULL;
    if (usable && found.old_for_ms <= 0) {
        return NULL;
    }
    if (clock_monotonic() < away_until) {
        return usable ? NULL : &err_unavailable;
    }
    bool ours = copy_begin(ctx, &copy, uuid_v4(name)) == COPY_OURS;
    if (usable && !ours) {
        return NULL;
    }
    const struct err *e = fetch(ctx, schedule_id, ours ? &copy : NULL, name, usable ? WARM_MS : COLD_MS, schedule_r);
    return usable && e == &err_unavailable ? read_schedule(ctx, cached, found.len, schedule_r) : e;
}

const struct err *schedule_get(struct ctx *ctx, const char *schedule_id, struct schedule *schedule_r)
{
    if (!uuid_valid(schedule_id)) {
        return &err_not_found;
    }
    if (local_get(ctx, schedule_id, schedule_r)) {
        return NULL;
    }
    const struct err *e = shared_get(ctx, schedule_id, schedule_r);
    if (!e) {
        local_put(schedule_r);
    }
    return e;
}

const struct err *schedule_seats_get(struct ctx *ctx, const char *schedule_id, const struct schedule_seats **seats_r)
{
    if (!uuid_valid(schedule_id)) {
        return &err_not_found;
    }
    if (clock_monotonic() < away_until) {
        return &err_unavailable;
    }
    struct http_answer answer;
    const char *path = arena_printf(ctx->arena, "/internal/schedules/%s/seats", schedule_id);
    const struct err *e =
        ask(ctx, &(struct internal_call){.method = "GET", .path = path, .answer_max = SEATS_BYTES_MAX}, &answer);
    if (e == &err_unavailable) {
        note_away();
    }
    if (e) {
        return e;
    }
    void *seats;
    if (internal_read(ctx, answer.body, answer.len, &schedule_seats_shape, &seats) != NULL) {
        return &err_unavailable;
    }
    *seats_r = seats;
    return NULL;
}

void schedule_forget(struct ctx *ctx, const char *schedule_id)
{
    local_of(schedule_id)->until = 0;
    away_until = away_s = 0; /* who tells of a change is there */
    const struct copy copy = copy_of_schedule(ctx, schedule_id);
    copy_forget(ctx, &copy);
}

bool schedule_forget_if_sales_changed(struct ctx *ctx, const struct schedule *schedule)
{
    struct schedule known;
    struct copy_found found;
    const struct copy copy = copy_of_schedule(ctx, schedule->schedule_id);
    bool there = copy_look(ctx, &copy, &found) && found.bytes != NULL &&
                 read_schedule(ctx, found.bytes, found.len, &known) == NULL;
    bool changed = !there || known.sold_out != schedule->sold_out; /* of none the first may be being made */
    if (changed) {
        schedule_forget(ctx, schedule->schedule_id);
    }
    return changed;
}

const struct err *schedule_check_sale(const struct schedule *schedule)
{
    int64_t now = clock_now();
    if (strcmp(schedule->status, "OPEN") != 0 || now >= schedule->sale_end_at) {
        return &err_sale_ended;
    }
    return now < schedule->sale_start_at ? &err_sale_not_open : NULL;
}

bool schedule_called_off(struct ctx *ctx, const char *schedule_id)
{
    struct schedule schedule;
    return !shared_get(ctx, schedule_id, &schedule) && strcmp(schedule.status, "CANCELLED") == 0;
}

const struct err *schedule_find(struct ctx *ctx, const char *schedule_id, struct schedule *schedule_r, bool *over_r)
{
    const struct err *e = schedule_get(ctx, schedule_id, schedule_r);
    if (e && e != &err_not_found) {
        return e;
    }
    *over_r = e == &err_not_found || schedule_check_sale(schedule_r) == &err_sale_ended;
    return NULL;
}
