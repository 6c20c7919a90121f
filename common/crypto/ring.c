#include "common/crypto/ring.h"

#include <string.h>

#include "common/base/clock.h"

#define DIGITS_MAX 11 /* of a time: far beyond this century */

/* The digits at the end of a head behind its last '@' as a number, and how long the head is without them. */
static int64_t cut_time(const char *head, size_t *len)
{
    size_t start = *len;
    while (start > 0 && head[start - 1] >= '0' && head[start - 1] <= '9') {
        start--;
    }
    size_t digits = *len - start;
    if (digits == 0 || digits > DIGITS_MAX || start == 0 || head[start - 1] != '@') {
        return 0;
    }
    int64_t time_s = 0;
    for (size_t i = 0; i < digits; i++) {
        time_s = time_s * 10 + (head[start + i] - '0');
    }
    *len = start - 1;
    return time_s;
}

void ring_next(const char **at, struct ring_entry *entry_r)
{
    const char *text = *at;
    size_t len = strcspn(text, ","), head_len = strcspn(text, ":,");
    *entry_r = (struct ring_entry){.id = text, .id_len = head_len};
    if (head_len < len) {
        entry_r->key = text + head_len + 1;
        entry_r->key_len = len - head_len - 1;
    }
    entry_r->from_s = cut_time(text, &entry_r->id_len);
    *at = text[len] == ',' ? text + len + 1 : NULL;
}

bool ring_due(int64_t from_s)
{
    return from_s <= clock_now() / CLOCK_SECOND;
}
