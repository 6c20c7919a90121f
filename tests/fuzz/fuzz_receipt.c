/* Receipts of the waiting room: nothing but what we have signed is one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "src/queue/draw.h"
#include "src/queue/queue_settings.h"
#include "src/queue/receipt.h"

#define SCHEDULE "018f3c0e-7d2a-7c1b-9a33-5f0f3b1d2c4e"
#define USER "018f3c0e-0000-7c1b-9a33-5f0f3b1d2c4e"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    queue_settings.key = "queue-key-of-these-tests-0123456789ab";
    struct arena *arena = arena_new(1 << 20);
    const char *text = arena_memdup(arena, data, size);
    int64_t number = receipt_read(arena, SCHEDULE, USER, text);
    if (number < -1 || number >= DRAW_COUNT_MAX ||
        (number >= 0 && strcmp(text, receipt_issue(arena, SCHEDULE, USER, number)) != 0)) {
        abort();
    }
    arena_free(&arena);
    return 0;
}
