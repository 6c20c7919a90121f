#include "common/base/cfg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#define FILE_MAX 16384
#define STRINGS_MAX ((size_t)1 << 20)
#define NAME_SIZE 128
#define LIVE_MAX 16
#define LOOK_US CLOCK_SECOND

struct cfg_process cfg_process;

static const struct cfg_key process_keys[] = {
    {"BOX_LOG_LEVEL", CFG_STR, offsetof(struct cfg_process, log_level), "", "info", 0, 0, 0,
     "lowest level written: debug, info, warn or error"},
    {"BOX_TIMEZONE", CFG_STR, offsetof(struct cfg_process, timezone), "", "Asia/Seoul", 0, 64, 0,
     "zone of the times that clients read"},
    {"BOX_RUN_DIR", CFG_STR, offsetof(struct cfg_process, run_dir), "", "var/run", 0, 80, 0,
     "folder of sockets and shared memory"},
    {"BOX_SANDBOX", CFG_BOOL, offsetof(struct cfg_process, sandbox), "", "0", 0, 1, 0,
     "1 allows stand-ins of providers and their credentials"},
    {"BOX_MAX_REQUESTS", CFG_INT, offsetof(struct cfg_process, max_requests), "requests", "10000", 0, 1000000000, 0,
     "a responder process ends after so many requests and is started anew; 0 = never"},
    {"BOX_CONNECTIONS", CFG_INT, offsetof(struct cfg_process, connections), "connections", "1", 1, 1024, 0,
     "a responder process serves so many side by side, where they are kept; 1 = one request each"},
    {"BOX_PEER_MS", CFG_INT, offsetof(struct cfg_process, peer_ms), "ms", "10000", 100, 600000, 0,
     "a connection to a responder that stops in the middle of a request for so long is given up; all that the process "
     "serves wait meanwhile"},
    {"BOX_WATCHDOG_MS", CFG_INT, offsetof(struct cfg_process, watchdog_ms), "ms", "60000", 1000, 3600000, 0,
     "a unit of work that takes longer ends its process"},
    {"BOX_DRAIN_MS", CFG_INT, offsetof(struct cfg_process, drain_ms), "ms", "10000", 0, 600000, 0,
     "how long a process may finish its work when it is told to end; longer than nginx keeps a connection (5 s in "
     "use)"},
};

const struct cfg_section cfg_process_section = {
    .title = "Every program",
    .keys = process_keys,
    .count = ARRAY_COUNT(process_keys),
    .values = &cfg_process,
};

/* Texts of settings live as long as the process. */
static struct arena *strings;

static char why[512];

static bool refuse(const char *fmt, ...) BO_PRINTF(1, 2);

static bool refuse(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return false;
}

/* ---- where a value comes from ---- */

/* A variable that is set to nothing counts as not set. */
static const char *environment(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* `text` has room for FILE_MAX characters and one more. */
static bool read_text(const char *name, const char *path, char *text, size_t *len_r)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return refuse("%s: cannot open '%s': %s", name, path, strerror(errno));
    }
    size_t len = fread(text, 1, FILE_MAX + 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || len > FILE_MAX || memchr(text, '\0', len) != NULL) {
        return refuse("%s: '%s' is not a readable text file of at most %d bytes", name, path, FILE_MAX);
    }
    len -= len > 0 && text[len - 1] == '\n';
    len -= len > 0 && text[len - 1] == '\r';
    text[len] = '\0';
    *len_r = len;
    return true;
}

static bool read_file(const char *name, const char *path, const char **text_r)
{
    char text[FILE_MAX + 1];
    size_t len;
    if (!read_text(name, path, text, &len)) {
        return false;
    }
    *text_r = arena_memdup(strings, text, len);
    return true;
}

static const char *file_of(const struct cfg_key *key, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%s_FILE", key->name);
    return key->type == CFG_STR ? environment(name) : NULL;
}

/* The variable, else for texts the file that <name>_FILE names, else NULL. */
static bool read_value(const struct cfg_key *key, const char **text_r)
{
    char file_name[NAME_SIZE];
    const char *text = environment(key->name);
    const char *path = file_of(key, file_name);
    if (text != NULL && path != NULL) {
        return refuse("%s and %s are both set: keep one of them", key->name, file_name);
    }
    if (path != NULL) {
        return read_file(file_name, path, text_r);
    }
    *text_r = text != NULL ? arena_strdup(strings, text) : NULL;
    return true;
}

/* ---- what a value may be ---- */

/* Credentials that are printed in documents: ours for the sandbox (also as base64) and a provider's test key. */
static bool well_known(const char *text)
{
    static const char *const telling[] = {"secret", "changeme", "password", "sandbox", "c2FuZGJveC", "6LeIxAcTAAAAA"};
    for (size_t i = 0; i < ARRAY_COUNT(telling); i++) {
        if (strcasestr(text, telling[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool secret_good(const struct cfg_key *key, const char *text)
{
    if (cfg_process.sandbox) {
        return true;
    }
    if (text == NULL && key->flags & CFG_OPTIONAL) {
        return true;
    }
    if (text == NULL || text[0] == '\0') {
        return refuse("%s is not set: %s (only BOX_SANDBOX=1 runs without it)", key->name, key->help);
    }
    if (strlen(text) < (size_t)key->min) {
        return refuse("%s is a secret of fewer than %lld characters", key->name, (long long)key->min);
    }
    if (well_known(text) || (key->fallback != NULL && strcmp(text, key->fallback) == 0)) {
        return refuse("%s is a well-known secret, which only BOX_SANDBOX=1 allows", key->name);
    }
    return true;
}

static bool store_text(const struct cfg_key *key, const char *text, const char **value)
{
    if ((key->flags & CFG_SECRET) != 0 && !secret_good(key, text)) {
        return false;
    }
    size_t len = text != NULL ? strlen(text) : 0;
    if (text != NULL && (key->flags & CFG_SECRET) == 0 && len < (size_t)key->min) {
        return refuse("%s has %zu characters, but must have %lld or more", key->name, len, (long long)key->min);
    }
    if (key->max > 0 && len > (size_t)key->max) {
        return refuse("%s has %zu characters, but must have %lld or fewer", key->name, len, (long long)key->max);
    }
    *value = text;
    return true;
}

static bool store_int(const struct cfg_key *key, const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool whole = text[strspn(text, "-0123456789")] == '\0' && *end == '\0' && errno == 0;
    if (!whole || number < key->min || number > key->max) {
        return refuse("%s is '%.100s', but must be a whole number from %lld to %lld%s%s", key->name, text,
                      (long long)key->min, (long long)key->max, key->unit[0] != '\0' ? " " : "", key->unit);
    }
    *value = number;
    return true;
}

static bool store_bool(const struct cfg_key *key, const char *text, bool *value)
{
    if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0) {
        return refuse("%s is '%.100s', but must be 0 or 1", key->name, text);
    }
    *value = text[0] == '1';
    return true;
}

static bool load_key(const struct cfg_section *section, const struct cfg_key *key)
{
    const char *text = NULL;
    if (!read_value(key, &text)) {
        return false;
    }
    text = text != NULL ? text : key->fallback;
    if (text == NULL && ((key->flags & CFG_REQUIRED) != 0 || key->type != CFG_STR)) {
        return refuse("%s is not set: %s", key->name, key->help);
    }
    void *value = (char *)section->values + key->offset;
    switch (key->type) {
    case CFG_STR:
        return store_text(key, text, value);
    case CFG_INT:
        return store_int(key, text, value);
    case CFG_BOOL:
        return store_bool(key, text, value);
    }
    return refuse("%s has no type", key->name);
}

static bool load_section(const struct cfg_section *section)
{
    for (size_t i = 0; i < section->count; i++) {
        if (!load_key(section, &section->keys[i])) {
            return false;
        }
    }
    return true;
}

/* ---- values that follow their files ---- */

/* What tells one state of a file from another without reading it. */
struct stamp {
    dev_t device;
    ino_t number;
    off_t size;
    struct timespec changed_at; /* st_ctim: also a file that was moved in has a new one */
};

static struct live {
    const struct cfg_section *section;
    const struct cfg_key *key;
    const char *path;
    struct stamp stamp;
    char *own; /* the value once it has changed */
} lives[LIVE_MAX];
static size_t live_count;

static struct {
    const struct cfg_section *section;
    bool (*changed)(const char **why_r);
} watchers[LIVE_MAX];
static size_t watcher_count;

static struct stamp stamp_of(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0) {
        return (struct stamp){.size = -1};
    }
    return (struct stamp){status.st_dev, status.st_ino, status.st_size, status.st_ctim};
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->number == b->number && a->size == b->size &&
           a->changed_at.tv_sec == b->changed_at.tv_sec && a->changed_at.tv_nsec == b->changed_at.tv_nsec;
}

static void forget_live(void)
{
    for (size_t i = 0; i < live_count; i++) {
        free(lives[i].own);
    }
    live_count = 0;
}

/* Without a stamp: what happened to a file while it was loaded is noticed by the first look. */
static void follow(const struct cfg_section *section)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct cfg_key *key = &section->keys[i];
        char name[NAME_SIZE];
        const char *path = key->flags & CFG_LIVE ? file_of(key, name) : NULL;
        if (path != NULL && live_count == LIVE_MAX) {
            log_panic("more than %d settings follow their files", LIVE_MAX);
        }
        if (path != NULL) {
            lives[live_count++] = (struct live){.section = section, .key = key, .path = arena_strdup(strings, path)};
        }
    }
}

static bool tell(const struct cfg_section *section, const char **why_r)
{
    for (size_t i = 0; i < watcher_count; i++) {
        if (watchers[i].section == section) {
            return watchers[i].changed(why_r);
        }
    }
    return true;
}

void cfg_watch(const struct cfg_section *section, bool (*changed)(const char **why_r))
{
    size_t i = 0;
    while (i < watcher_count && watchers[i].section != section) {
        i++;
    }
    if (i == LIVE_MAX) {
        log_panic("more than %d sections are watched", LIVE_MAX);
    }
    watchers[i].section = section;
    watchers[i].changed = changed;
    watcher_count += i == watcher_count;
}

/* Takes `text` over. */
static bool replace(struct live *live, char *text, const char **why_r)
{
    const char **value = (const char **)((char *)live->section->values + live->key->offset);
    const char *before = *value;
    *why_r = why;
    if (!store_text(live->key, text, value) || !tell(live->section, why_r)) {
        *value = before;
        free(text);
        return false;
    }
    free(live->own);
    live->own = text;
    return true;
}

static void look(struct live *live)
{
    const char **value = (const char **)((char *)live->section->values + live->key->offset);
    char text[FILE_MAX + 1];
    size_t len;
    const char *reason = why;
    bool read = read_text(live->key->name, live->path, text, &len);
    if (read && *value != NULL && strcmp(text, *value) == 0) {
        return;
    }
    char *kept = read ? strdup(text) : NULL;
    if (read && kept == NULL) {
        log_panic("out of memory");
    }
    if (read && replace(live, kept, &reason)) {
        log_info(NULL, "%s has a new value", live->key->name);
    } else {
        log_error(NULL, "%s stays as it was: %s", live->key->name, reason);
    }
    explicit_bzero(text, sizeof text);
}

void cfg_refresh(void)
{
    static int64_t due_at;
    int64_t now = clock_monotonic();
    if (live_count == 0 || now < due_at) {
        return;
    }
    due_at = now + LOOK_US;
    for (size_t i = 0; i < live_count; i++) {
        /* First, so that what comes while the file is read is read in its turn. */
        const struct stamp stamp = stamp_of(lives[i].path);
        if (!same_stamp(&stamp, &lives[i].stamp)) {
            lives[i].stamp = stamp;
            look(&lives[i]);
        }
    }
}

bool cfg_load(const struct cfg_section *const *sections, const char **why_r)
{
    if (strings == NULL) {
        strings = arena_new(STRINGS_MAX);
    }
    *why_r = why;
    /* The judgement of secrets depends on BOX_SANDBOX, wherever its section stands in the list. */
    if (!load_section(&cfg_process_section)) {
        return false;
    }
    forget_live();
    for (; *sections != NULL; sections++) {
        if (*sections != &cfg_process_section && !load_section(*sections)) {
            return false;
        }
        follow(*sections);
    }
    return true;
}

/* ---- showing ---- */

static void print_value(const struct cfg_section *section, const struct cfg_key *key, FILE *to)
{
    const void *value = (const char *)section->values + key->offset;
    const char *const *text = value;
    switch (key->type) {
    case CFG_STR:
        fputs(*text == NULL ? "" : key->flags & CFG_SECRET ? "(secret)" : *text, to);
        break;
    case CFG_INT:
        fprintf(to, "%lld", (long long)*(const int64_t *)value);
        break;
    case CFG_BOOL:
        fputc(*(const bool *)value ? '1' : '0', to);
        break;
    }
}

static const char *default_of(const struct cfg_key *key)
{
    return key->flags & CFG_REQUIRED ? "none, required" : key->fallback == NULL ? "none" : key->fallback;
}

void cfg_dump(const struct cfg_section *const *sections, FILE *to)
{
    for (; *sections != NULL; sections++) {
        fprintf(to, "# ---- %s ----\n", (*sections)->title);
        for (size_t i = 0; i < (*sections)->count; i++) {
            const struct cfg_key *key = &(*sections)->keys[i];
            fprintf(to, "# %s (%s%sdefault: %s)\n%s=", key->help, key->unit, key->unit[0] != '\0' ? ", " : "",
                    default_of(key), key->name);
            print_value(*sections, key, to);
            fputc('\n', to);
        }
    }
}

static void print_range(const struct cfg_key *key, FILE *to)
{
    switch (key->type) {
    case CFG_STR:
        if (key->max > 0) {
            fprintf(to, "%lld to %lld characters", (long long)key->min, (long long)key->max);
        } else if (key->min > 0) {
            fprintf(to, "%lld characters or more", (long long)key->min);
        }
        break;
    case CFG_INT:
        fprintf(to, "%lld to %lld%s%s", (long long)key->min, (long long)key->max, key->unit[0] != '\0' ? " " : "",
                key->unit);
        break;
    case CFG_BOOL:
        fputs("0 or 1", to);
        break;
    }
}

void cfg_manual(const struct cfg_section *const *sections, FILE *to)
{
    for (; *sections != NULL; sections++) {
        fprintf(to, "## %s\n\n| Variable | Default | Range | Meaning |\n|---|---|---|---|\n", (*sections)->title);
        for (size_t i = 0; i < (*sections)->count; i++) {
            const struct cfg_key *key = &(*sections)->keys[i];
            fprintf(to, "| `%s` | %s | ", key->name, default_of(key));
            print_range(key, to);
            fprintf(to, " | %s%s |\n", key->help, key->flags & CFG_SECRET ? " (secret)" : "");
        }
        fputc('\n', to);
    }
}
