/* boxctl queue show SCHEDULE: one line of the waiting room in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/io/redis.h"
#include "src/boxctl/boxctl.h"
#include "src/boxctl/settings.h"
#include "src/contract/schedule.h"
#include "src/queue/line.h"
#include "src/queue/queue_keys.h"

#define AUDIT_SHOWN "10"

static const char *state_of(const struct line *line)
{
    return line->closed_at != CLOCK_NONE ? "closed"
           : line->paused                ? "paused"
           : line->sold_out              ? "sold out"
           : line->open                  ? "open"
           : line->sealed                ? "drawn, opens within seconds"
                                         : "not open yet";
}

static void print_row(const char *name, int64_t value, const char *unit)
{
    printf("%-18s %lld%s%s\n", name, (long long)value, *unit ? " " : "", unit);
}

static void print_line(const struct line *line)
{
    char at[CLOCK_TEXT_SIZE];
    printf("%-18s %s\n", "state", state_of(line));
    if (line->opened_at != CLOCK_NONE) {
        printf("%-18s %s, %lld people in the draw\n", "opened", clock_format(line->opened_at, at),
               (long long)line->count);
    }
    printf("%-18s %s\n", "commitment", line->commitment ? line->commitment : "nobody has come yet");
    print_row("waiting", line->waiting, "people");
    print_row("next place", line->cursor + 1, "");
    print_row("last place", line->sequence, "");
    print_row("oldest wait", line->oldest_wait_s, "s");
    printf("%-18s %lld a second set, %.2f measured\n", "rate", (long long)line->rate, line->tps);
    printf("%-18s %.0f %%\n", "still polling", line->live_share * 100);
    print_row("called, not here", line->called, "");
    print_row("back, not called", line->returning, "");
    print_row("active", line->active, "");
    if (line->max_active > 0) {
        print_row("most active", line->max_active, "");
    }
    print_row("called", line->total.called, "so far");
    print_row("admitted", line->total.admitted, "so far");
    print_row("finished", line->total.finished, "so far");
    print_row("token ended", line->total.expired, "so far");
    print_row("left", line->total.left, "so far");
    print_row("passed over", line->total.passed_over, "so far");
    print_row("did not come", line->total.no_shows, "so far");
    print_row("sent back", line->total.sent_back, "so far, when all seats were sold");
    print_row("returned", line->total.returned, "so far");
    print_row("ghosts", line_ghost_percent(line), "% of the places reached");
}

/* An entry of the stream: {id, {field, value, ...}}; the id begins with milliseconds. */
static void print_change(const struct redis_value *entry)
{
    char at[CLOCK_TEXT_SIZE];
    const struct redis_value *fields = entry->count == 2 ? &entry->items[1] : NULL;
    const char *id = redis_str(entry, 0);
    printf("changed %s by", clock_format(id ? strtoll(id, NULL, 10) * 1000 : 0, at));
    for (size_t i = 0; fields && i + 1 < fields->count; i += 2) {
        const char *name = redis_str(fields, i), *value = redis_str(fields, i + 1);
        if (name && value && *value) {
            bool who = strcmp(name, "who") == 0;
            printf(" %s%s%s", who ? "" : name, who ? "" : "=", value);
        }
    }
    printf("\n");
}

static enum boxctl_status show(struct boxctl *box, const char *schedule_id)
{
    struct ctx *ctx = box->ctx;
    struct line line;
    const struct redis_value *changes;
    const struct err *e = line_read(ctx, schedule_id, NULL, &line);
    e = e ? e
          : REDIS_RUN(ctx, &changes, "XREVRANGE", queue_keys_of(ctx->arena, schedule_id).audit, "+", "-", "COUNT",
                      AUDIT_SHOWN);
    if (e) {
        return boxctl_fail("the waiting room cannot be read: %s Is Redis up? (boxctl doctor)", e->en);
    }
    if (line.sequence == 0 && line.opened_at == CLOCK_NONE && changes->count == 0) {
        return boxctl_fail("nobody has come to the line of '%s'", schedule_id);
    }
    print_line(&line);
    for (size_t i = 0; i < changes->count; i++) {
        print_change(&changes->items[i]);
    }
    return BOXCTL_OK;
}

static enum boxctl_status run_queue(struct boxctl *box, int count, char **args)
{
    if (count != 2 || strcmp(args[0], "show") != 0) {
        return BOXCTL_USAGE;
    }
    if (!uuid_valid(args[1])) {
        return boxctl_fail("'%s' is no schedule: it must be a UUID, as GET /events/{id} lists them", args[1]);
    }
    return show(box, args[1]);
}

const struct command queue_command = {
    .name = "queue",
    .args = "show SCHEDULE",
    .help = "Show one line of the waiting room: who waits, how fast it moves, who changed what.",
    .settings = SECTIONS(&cfg_redis_section),
    .needs = NEED_REDIS,
    .run = run_queue,
};
