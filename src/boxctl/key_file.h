/*
 * key_file: the folder of secrets, as boxctl keys changes it.
 *
 * A file is replaced as a whole or not at all: written beside its place, synced, then renamed. One command at a time
 * changes a folder; what is killed leaves the old file or the new one, and lets go of the folder.
 */
#ifndef BOXCTL_KEY_FILE_H
#define BOXCTL_KEY_FILE_H

#include <stdbool.h>

#include "common/base/arena.h"
#include "common/base/err.h"

/* Waits until no other command has the folder. False with *why_r, in the arena. */
BO_MUSTCHECK bool key_folder_open(struct arena *arena, const char *folder, int *folder_r, const char **why_r);
void key_folder_close(int *folder); /* accepts -1; leaves -1 */
/* Mode 0600. A file that says this already is left alone. False with *why_r, in the arena. */
BO_MUSTCHECK bool key_file_write(struct arena *arena, int folder, const char *name, const char *text,
                                 const char **why_r);

#endif
