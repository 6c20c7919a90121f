/* queue_line: one line of the waiting room for component tests. Nobody is called but by queue_line_admit(). */
#ifndef TESTS_SUPPORT_QUEUE_LINE_H
#define TESTS_SUPPORT_QUEUE_LINE_H

#include "common/context/ctx.h"
#include "common/crypto/uuid.h"
#include "src/contract/schedule.h"
#include "src/queue/admission.h"
#include "src/queue/line.h"
#include "src/queue/queue_keys.h"
#include "src/queue/waiting_room.h"

struct queue_line {
    struct ctx *ctx;
    char id[UUID_SIZE];
    struct schedule schedule; /* to be changed and published again */
    struct queue_keys keys;
};

/* For cmocka: an open sale at 10 people a second, its line paused; settings with their defaults. */
int queue_line_set_up(void **state);
int queue_line_tear_down(void **state);
/* Another line with the same context; its keys are left for the database to forget. */
struct queue_line queue_line_beside(const struct queue_line *line);
/* Makes line->schedule what the waiting room sees. */
void queue_line_publish(struct queue_line *line);

/* The id of somebody new. */
const char *queue_line_user(struct queue_line *line);
/* Enters, which must succeed. */
struct queue_place queue_line_enter(struct queue_line *line, const char *user);
/* Somebody new enters. */
const char *queue_line_newcomer(struct queue_line *line);
/* Asks; the place must be there. */
struct queue_place queue_line_status(struct queue_line *line, const char *user);
/* The same, with what a person is told while the line runs; calls nobody. */
struct queue_place queue_line_status_running(struct queue_line *line, const char *user);
const struct err *queue_line_ask(struct queue_line *line, const char *user, struct queue_place *place);
/* Calls people as if the last call was `ms` ago. */
struct queue_admission queue_line_admit(struct queue_line *line, int64_t ms);
/* Makes the person one who has not come back in time. */
void queue_line_vanish(struct queue_line *line, int64_t number);
/* That many new people enter, one after another. */
void queue_line_fill(struct queue_line *line, const char **users, int count);
/* The line as operators see it; it must be there. */
struct line queue_line_look(struct queue_line *line);
/* What a command like ZCARD says of one of the line's keys. */
int64_t queue_line_size(struct queue_line *line, const char *command, const char *key);
/* Makes everybody's time to arrive, or everybody's token, end now. */
void queue_line_end_now(struct queue_line *line, const char *zset);
/* Sets and reads a field of the line's state; NULL: there is none. */
void queue_line_set(struct queue_line *line, const char *field, const char *value);
const char *queue_line_get(struct queue_line *line, const char *field);

#endif
