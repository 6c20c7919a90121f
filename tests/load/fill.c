/*
 * fill: a long line without HTTP. Calls the waiting room as queue.fcgi would, for so many made-up users, from several
 * processes at once. Run it with the environment of queue.fcgi.
 *
 *     fill enter|status SCHEDULE SALT PEOPLE PROCESSES
 *
 * User n has the UUID made of SALT (16 hex digits) and n; benchlib/lines.py makes the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/auth/service_key.h"
#include "common/crypto/uuid.h"
#include "common/run/program.h"
#include "src/contract/schedule.h"
#include "src/queue/queue_settings.h"
#include "src/queue/waiting_room.h"

#define NEEDS (NEED_REDIS | NEED_HTTP)
#define PROCESSES_MAX 64
#define PEOPLE_MAX 16000000
#define PROGRESS_EVERY 100000
#define USAGE "usage: fill enter|status SCHEDULE SALT PEOPLE PROCESSES\n"

struct work {
    bool enter; /* else: ask for the status */
    const char *schedule_id;
    uint64_t salt;
    int64_t people;
    int64_t processes;
};

static bool read_number(const char *text, int64_t most, int64_t *number_r)
{
    char *end;
    long long number = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || number < 1 || number > most) {
        return false;
    }
    *number_r = number;
    return true;
}

static bool read_work(char **words, struct work *work)
{
    char *end;
    work->enter = strcmp(words[0], "enter") == 0;
    work->schedule_id = words[1];
    work->salt = strtoull(words[2], &end, 16);
    return (work->enter || strcmp(words[0], "status") == 0) && uuid_valid(words[1]) && *end == '\0' &&
           read_number(words[3], PEOPLE_MAX, &work->people) && read_number(words[4], PROCESSES_MAX, &work->processes);
}

static const char *user_of(uint64_t salt, int64_t number, char user[UUID_SIZE])
{
    snprintf(user, UUID_SIZE, "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-%04" PRIx64 "-%012" PRIx64, salt >> 32,
             salt >> 16 & 0xffff, salt & 0xfff, ((uint64_t)number >> 48 & 0x3fff) | 0x8000,
             (uint64_t)number & 0xffffffffffff);
    return user;
}

static const struct err *visit(struct ctx *ctx, const struct work *work, int64_t number)
{
    char user[UUID_SIZE];
    struct queue_place place;
    const struct queue_caller caller = {user_of(work->salt, number, user), NULL};
    ctx_begin(ctx, NULL, NULL);
    const struct err *e = work->enter ? queue_enter(ctx, &caller, work->schedule_id, NULL, &place)
                                      : queue_status(ctx, &caller, work->schedule_id, &place);
    ctx_end(ctx);
    return e;
}

/* Every `processes`-th user from `first` on. Returns the exit status. */
static int run_share(const struct work *work, int64_t first)
{
    struct ctx *ctx = program_ctx_new(NEEDS);
    const struct err *e = NULL;
    int64_t number = first;
    for (; number < work->people && !e; number += work->processes) {
        e = visit(ctx, work, number);
        if (number % PROGRESS_EVERY == 0) {
            fprintf(stderr, "  %s: %" PRId64 " of %" PRId64 "\n", work->enter ? "enter" : "status", number,
                    work->people);
        }
    }
    if (e) {
        fprintf(stderr, "fill: user %" PRId64 " was refused: %s\n", number - work->processes, e->code);
    }
    program_ctx_free(&ctx);
    return e ? 1 : 0;
}

static int run_all(const struct work *work)
{
    int failed = 0;
    for (int64_t share = 0; share < work->processes; share++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(run_share(work, share));
        }
        failed |= child < 0;
    }
    int status;
    while (wait(&status) > 0) {
        failed |= status != 0;
    }
    return failed;
}

int main(int argc, char **argv)
{
    static const struct cfg_section *const own[] = {&cfg_internal_section, &cfg_caller_section, &cfg_schedule_section,
                                                    &queue_settings_section, NULL};
    const struct cfg_section *sections[PROGRAM_SECTIONS_MAX];
    struct work work;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(USAGE, stdout);
        return 0;
    }
    if (argc != 6 || !read_work(argv + 1, &work)) {
        fputs(USAGE, stderr);
        return 2;
    }
    program_sections(NEEDS, own, sections);
    return program_options("fill", sections, 1, argv) ? run_all(&work) : 0;
}
