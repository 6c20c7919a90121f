#include "src/boxctl/migration_list.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "src/boxctl/file.h"

#define SUFFIX ".sql"
#define FILE_MAX (4u << 20)

static bool has_suffix(const char *name)
{
    size_t len = strlen(name);
    return len >= strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

int migration_version(const char *name)
{
    if (!isdigit((unsigned char)name[0]) || !isdigit((unsigned char)name[1]) || !isdigit((unsigned char)name[2]) ||
        name[3] != '_' || !has_suffix(name)) {
        return 0;
    }
    size_t word = strspn(name + 4, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (word == 0 || strcmp(name + 4 + word, SUFFIX) != 0) {
        return 0;
    }
    return (name[0] - '0') * 100 + (name[1] - '0') * 10 + (name[2] - '0');
}

static int is_sql(const struct dirent *entry)
{
    return has_suffix(entry->d_name);
}

static bool read_one(struct arena *arena, const char *dir, const char *name, struct migration *file_r,
                     const char **why_r)
{
    const char *path = arena_printf(arena, "%s/%s", dir, name);
    int version = migration_version(name);
    if (version == 0) {
        *why_r = arena_printf(arena, "%s: the name must be like 012_short_name.sql", path);
        return false;
    }
    char *sql;
    size_t len;
    if (!file_read(arena, path, FILE_MAX, &sql, &len)) {
        *why_r = arena_printf(arena, "%s: %s", path, strerror(errno));
        return false;
    }
    if (strlen(sql) != len) {
        *why_r = arena_printf(arena, "%s: contains a NUL byte", path);
        return false;
    }
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(sql, len, digest);
    *file_r = (struct migration){
        .version = version,
        .name = arena_strdup(arena, name),
        .sha256 = crypto_hex(arena, digest, sizeof digest),
        .sql = sql,
    };
    return true;
}

/* `entries` are in the order of their names, which is that of their numbers. */
static bool read_all(struct arena *arena, const char *dir, struct dirent *const *entries, struct migration_list *files,
                     const char **why_r)
{
    for (size_t i = 0; i < files->count; i++) {
        if (!read_one(arena, dir, entries[i]->d_name, &files->items[i], why_r)) {
            return false;
        }
        if (i > 0 && files->items[i].version == files->items[i - 1].version) {
            *why_r = arena_printf(arena, "%s/%s and %s have the same number", dir, files->items[i - 1].name,
                                  files->items[i].name);
            return false;
        }
    }
    return true;
}

bool migration_list_read(struct arena *arena, const char *dir, struct migration_list *files_r, const char **why_r)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, is_sql, alphasort);
    if (count <= 0) {
        *why_r = arena_printf(arena, "%s: %s", dir, count < 0 ? strerror(errno) : "no *.sql files here");
        if (count == 0) {
            free(entries);
        }
        return false;
    }
    struct migration_list files = {arena_calloc(arena, (size_t)count, sizeof *files.items), (size_t)count};
    bool read = read_all(arena, dir, entries, &files, why_r);
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    if (read) {
        *files_r = files;
    }
    return read;
}

/* Why `file` is not the one that was applied as `past`; NULL when it is. */
static const char *difference(struct arena *arena, const struct migration *file, const struct migration *past)
{
    if (file == NULL || file->version > past->version) {
        return arena_printf(arena, "%s was applied, but the file is missing: restore it", past->name);
    }
    if (file->version < past->version) {
        return arena_printf(arena, "%s is new, but %s was applied already: give it a higher number", file->name,
                            past->name);
    }
    if (strcmp(file->name, past->name) != 0) {
        return arena_printf(arena, "%s was applied as %s: rename it back", file->name, past->name);
    }
    if (strcmp(file->sha256, past->sha256) != 0) {
        return arena_printf(arena, "%s was edited after it was applied: restore it and write a new migration",
                            file->name);
    }
    return NULL;
}

bool migration_list_compare(struct arena *arena, const struct migration_list *files,
                            const struct migration_list *applied, size_t *pending_r, const char **why_r)
{
    for (size_t i = 0; i < applied->count; i++) {
        const struct migration *file = i < files->count ? &files->items[i] : NULL;
        const char *why = difference(arena, file, &applied->items[i]);
        if (why != NULL) {
            *why_r = why;
            return false;
        }
    }
    *pending_r = applied->count;
    return true;
}
