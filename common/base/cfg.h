/*
 * cfg: settings from environment variables BOX_*, declared once in tables.
 *
 * A module declares a struct of values and a section: one row per key with name, type, unit, default, range and help.
 * A program loads the sections it uses once, at start, before anything else runs; the values are constant afterwards,
 * but for CFG_LIVE rows that came from a file: they follow it (cfg_refresh), so that keys change while programs run.
 * Every string key FOO may instead be given as the file FOO_FILE (trailing newline removed), which is how secrets
 * arrive; both at once is an error. A variable set to nothing counts as not set. A value that does not parse or is out
 * of range stops the program with one sentence that names the key.
 *
 * CFG_SECRET rows are printed as "(secret)"; outside the sandbox (BOX_SANDBOX=0) a secret that is missing (unless it is
 * CFG_OPTIONAL), shorter than `min` characters, or a well-known one (any sandbox credential, or one that says
 * secret/changeme/password) stops the program.
 */
#ifndef COMMON_CFG_H
#define COMMON_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/err.h"

enum cfg_type { CFG_STR /* const char * */, CFG_INT /* int64_t */, CFG_BOOL /* bool: 0 or 1 */ };

enum cfg_flag {
    CFG_SECRET = 1u,
    CFG_REQUIRED = 2u, /* no default: must be set */
    CFG_OPTIONAL = 4u, /* of a secret: it need not be set outside the sandbox either */
    CFG_LIVE = 8u,     /* of a text: follows the file that it came from */
};

struct cfg_key {
    const char *name; /* "BOX_LOG_LEVEL" */
    enum cfg_type type;
    size_t offset;        /* of the member in the section's values */
    const char *unit;     /* "ms", "seconds", "people", ""; for people and the manual */
    const char *fallback; /* default as text; NULL with CFG_REQUIRED or for an empty optional string */
    int64_t min, max;     /* CFG_INT: range; CFG_STR: shortest and longest length, 0 = no limit */
    unsigned flags;       /* enum cfg_flag */
    const char *help;     /* one sentence */
};

struct cfg_section {
    const char *title; /* heading in the manual */
    const struct cfg_key *keys;
    size_t count;
    void *values; /* the struct that the offsets point into */
};

/* Loads the sections (a NULL-terminated list). On failure *why_r is one sentence for the operator, static storage. */
BO_MUSTCHECK bool cfg_load(const struct cfg_section *const *sections, const char **why_r);
/* From now on `changed` is called after a CFG_LIVE row of the section has a new value, to take that over; false with
 * *why_r, having changed nothing, puts the old value back. Repeated: once for a section. */
void cfg_watch(const struct cfg_section *section, bool (*changed)(const char **why_r));
/* Between two units of work, when no text of a CFG_LIVE row is in use: reads those whose files have changed. Looks at
 * most once a second, at a few microseconds a file. What is malformed, missing or refused is logged once and leaves the
 * value as it is. */
void cfg_refresh(void);
/* Prints KEY=value lines, secrets hidden, each with unit, default and help as a comment: what --dump-config shows. */
void cfg_dump(const struct cfg_section *const *sections, FILE *to);
/* Prints the sections as a Markdown table for docs/configuration.md. */
void cfg_manual(const struct cfg_section *const *sections, FILE *to);

/* Settings that every program has. */
struct cfg_process {
    const char *log_level; /* debug info warn error */
    const char *timezone;  /* for times as text */
    const char *run_dir;   /* sockets, shared memory */
    bool sandbox;          /* stand-ins and their credentials are allowed */
    int64_t max_requests;  /* a responder process ends after so many requests and is started anew */
    int64_t connections;   /* a responder process serves so many side by side; 1: one request each */
    int64_t peer_ms;       /* a connection that does not go on within it is given up */
    int64_t watchdog_ms;   /* a unit of work that takes longer ends the process */
    int64_t drain_ms;      /* how long a process may finish its work after SIGTERM */
};
extern struct cfg_process cfg_process;
extern const struct cfg_section cfg_process_section;

#endif
