#include "common/run/program.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/io/db.h"
#include "common/io/http.h"
#include "common/io/redis.h"

#define PROGRAM_VERSION "0.1.0"
#define PROGRAM_ARENA_MAX (256u << 20) /* a 50,000-seat map with its JSON takes some 40 MiB */

void program_sections_add(const struct cfg_section *list[PROGRAM_SECTIONS_MAX], const struct cfg_section *section)
{
    size_t count = 0;
    for (; list[count] != NULL; count++) {
        if (list[count] == section) {
            return;
        }
    }
    if (count + 1 == PROGRAM_SECTIONS_MAX) {
        log_panic("more than %d sections of settings", PROGRAM_SECTIONS_MAX - 1);
    }
    list[count] = section;
    list[count + 1] = NULL;
}

void program_sections(unsigned needs, const struct cfg_section *const *own,
                      const struct cfg_section *list[PROGRAM_SECTIONS_MAX])
{
    list[0] = NULL;
    program_sections_add(list, &cfg_process_section);
    if (needs & NEED_DB) {
        program_sections_add(list, &cfg_db_section);
    }
    if (needs & NEED_REDIS) {
        program_sections_add(list, &cfg_redis_section);
    }
    for (; own != NULL && *own != NULL; own++) {
        program_sections_add(list, *own);
    }
}

static void print_usage(const char *name, const struct cfg_section *const *sections, FILE *to)
{
    fprintf(to, "usage: %s [--help | --version | --dump-config]\n\nSettings are environment variables:\n", name);
    for (; *sections != NULL; sections++) {
        for (size_t i = 0; i < (*sections)->count; i++) {
            fprintf(to, "  %-28s %s\n", (*sections)->keys[i].name, (*sections)->keys[i].help);
        }
    }
}

static enum log_level parse_level(const char *text)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            return (enum log_level)i;
        }
    }
    log_fatal("BOX_LOG_LEVEL must be debug, info, warn or error");
}

static void load(const char *name, const struct cfg_section *const *sections)
{
    const char *why;
    log_init(name, LOG_LEVEL_INFO);
    if (!cfg_load(sections, &why)) {
        log_fatal("%s", why);
    }
    log_init(name, parse_level(cfg_process.log_level));
    if (!clock_set_zone(cfg_process.timezone)) {
        log_fatal("BOX_TIMEZONE names a zone that this system does not know");
    }
}

bool program_options(const char *name, const struct cfg_section *const *sections, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"dump-config", no_argument, NULL, 'd'},
                                            {0}};
    int option = getopt_long(argc, argv, "", options, NULL);
    if (option == '?' || (option == -1 && optind < argc)) {
        print_usage(name, sections, stderr);
        exit(2);
    }
    if (option == 'h') {
        print_usage(name, sections, stdout);
        return false;
    }
    if (option == 'v') {
        printf("%s (boxoffice) %s\n", name, PROGRAM_VERSION);
        return false;
    }
    load(name, sections);
    if (option == 'd') {
        cfg_dump(sections, stdout);
    }
    return option != 'd';
}

static struct ctx *with_arena(void)
{
    struct ctx *ctx = calloc(1, sizeof *ctx);
    if (ctx == NULL) {
        log_panic("out of memory");
    }
    ctx->arena = arena_new(PROGRAM_ARENA_MAX);
    return ctx;
}

struct ctx *program_ctx_new(unsigned needs)
{
    /* A peer that went away shall be an error of write(), not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    struct ctx *ctx = with_arena();
    if (needs & NEED_DB) {
        ctx->db = db_new();
    }
    if (needs & NEED_REDIS) {
        ctx->redis = redis_new();
    }
    if (needs & NEED_HTTP) {
        ctx->http = http_new();
    }
    return ctx;
}

struct ctx *program_ctx_beside(const struct ctx *ctx)
{
    struct ctx *beside = with_arena();
    beside->db = ctx->db != NULL ? db_new_beside(ctx->db) : NULL;
    beside->redis = ctx->redis;
    beside->http = ctx->http;
    return beside;
}

void program_ctx_free_beside(struct ctx **ctx)
{
    if (*ctx != NULL) {
        arena_free(&(*ctx)->arena); /* first: what it defers may still use the session */
        db_free(&(*ctx)->db);
        free(*ctx);
        *ctx = NULL;
    }
}

void program_ctx_free(struct ctx **ctx)
{
    if (*ctx == NULL) {
        return;
    }
    arena_free(&(*ctx)->arena); /* first: what it defers may still use the connections */
    db_free(&(*ctx)->db);
    redis_free(&(*ctx)->redis);
    http_free(&(*ctx)->http);
    free(*ctx);
    *ctx = NULL;
}
