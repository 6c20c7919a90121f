/*
 * program: what main() of every responder and daemon begins with: options, settings, log, zone, connections.
 *
 * Exit statuses: 0 done, 1 a setting or the environment is wrong (after one log line), 2 an option is wrong.
 */
#ifndef COMMON_PROGRAM_H
#define COMMON_PROGRAM_H

#include <stdbool.h>

#include "common/base/cfg.h"
#include "common/context/ctx.h"

#define PROGRAM_SECTIONS_MAX 24 /* with the NULL at the end */

/* Fills `list` with the settings of the process, of the stores in `needs` (enum ctx_need) and with `own` (ends with
 * NULL; may be NULL), each section once, then NULL. Panics when they are too many. */
void program_sections(unsigned needs, const struct cfg_section *const *own,
                      const struct cfg_section *list[PROGRAM_SECTIONS_MAX]);
/* Appends one more, unless it is there. */
void program_sections_add(const struct cfg_section *list[PROGRAM_SECTIONS_MAX], const struct cfg_section *section);

/* Answers --help, --dump-config and --version; else loads `sections` (ends with NULL) and sets up log and zone.
 * False: an option has been answered, main() returns 0. Does not return when an option or a setting is wrong. */
bool program_options(const char *name, const struct cfg_section *const *sections, int argc, char **argv);

/* A context with an arena and the handles that `needs` names; nothing is connected yet. Never NULL. */
struct ctx *program_ctx_new(unsigned needs);
/* Another one with an arena and a session with PostgreSQL of its own, if any, and else the same handles: for one of
 * several units side by side. */
struct ctx *program_ctx_beside(const struct ctx *ctx);
/* Before the handles that it shares are closed. NULL-safe; leaves NULL. */
void program_ctx_free_beside(struct ctx **ctx);
/* Closes its handles too. NULL-safe; leaves NULL. */
void program_ctx_free(struct ctx **ctx);

#endif
