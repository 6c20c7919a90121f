/* line: one line as it stands, for approvers and for everybody who looks at it from outside. */
#ifndef QUEUE_LINE_H
#define QUEUE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/contract/schedule.h"

struct line {
    const char *schedule_id;
    int64_t at;             /* when it was read, on Redis' clock; microseconds */
    bool open;              /* people may be called: the draw is in effect */
    bool sealed;            /* the draw is fixed, not yet in effect */
    int64_t opened_at;      /* of the draw's effect; CLOCK_NONE before it is fixed */
    int64_t count;          /* people in the draw */
    const char *seed;       /* hex; a secret until `open` */
    const char *commitment; /* hex; NULL: nobody has come yet */
    int64_t sequence;       /* numbers given */
    int64_t cursor;         /* places called or passed over */
    int64_t waiting;        /* people who have not been called, nor left; and those who are back */
    int64_t early;          /* people who left before the draw and are not noted yet */
    int64_t called;         /* called now, and not yet here */
    int64_t returning;      /* back after having been passed over, not called yet */
    int64_t active;         /* with a token */
    int64_t base_rate;      /* people per second, of the schedule */
    int64_t rate;           /* in force; 0 while paused */
    bool paused;
    bool sold_out;         /* all seats are: nobody is called until some come back */
    bool noted_sold_out;   /* what the line's scripts know of that */
    int64_t max_active;    /* 0: no cap */
    double pace;           /* people of the line called per second while only the rate holds it up; measured */
    double tps;            /* people called per second, whatever holds the line up; measured */
    double live_share;     /* of those who wait, still polling; measured */
    int64_t oldest_wait_s; /* of the first in line */
    int64_t closed_at;     /* CLOCK_NONE: not closed */
    struct {
        int64_t called, admitted, returned, passed_over, no_shows, sent_back, finished, expired, left;
    } total; /* since the line began */
};

/* Reads it in one round trip; a line that nobody has entered is empty. `terms`: the schedule as it is now, NULL: the
 * rate and whether it is sold out are those that were noted last. Costs the same however many wait (but for one bit a
 * person). `schedule_id` is borrowed. */
BO_MUSTCHECK const struct err *line_read(struct ctx *ctx, const char *schedule_id, const struct schedule *terms,
                                         struct line *line_r);
/* The same by id; &err_not_found when there is no such schedule. `schedule_id` is borrowed. */
BO_MUSTCHECK const struct err *line_find(struct ctx *ctx, const char *schedule_id, struct line *line_r);
/* Every line that is not forgotten yet: an array of *count_r in the arena. Lines of schedules that are gone are left
 * out. */
BO_MUSTCHECK const struct err *line_list(struct ctx *ctx, struct line **lines_r, size_t *count_r);
/* People who called it off: they left, stopped asking or did not come, and have not returned. */
int64_t line_abandoned(const struct line *line);
/* Hundredths of the calls that found nobody: of those the line had in its order, who was passed over or did not come.
 */
int64_t line_ghost_percent(const struct line *line);
/* True when there is anybody to be called, or called and not yet here. */
bool line_busy(const struct line *line);

#endif
