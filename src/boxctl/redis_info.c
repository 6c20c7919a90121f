#include "src/boxctl/redis_info.h"

#include <string.h>

const char *redis_info(struct arena *arena, const char *info, const char *key)
{
    size_t len = strlen(key);
    for (const char *line = info; *line != '\0'; line += strspn(line, "\r\n")) {
        size_t end = strcspn(line, "\r\n");
        if (end > len && strncmp(line, key, len) == 0 && line[len] == ':') {
            return arena_memdup(arena, line + len + 1, end - len - 1);
        }
        line += end;
    }
    return "";
}
