/* Envelopes from Kafka: whatever the bytes, an error or an event whose members are what the inbox and logs rely on. */
#include <stdint.h>
#include <stdlib.h>

#include "common/crypto/uuid.h"
#include "common/io/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct event *event)
{
    bool ids = uuid_valid(event->id) && uuid_valid(event->aggregate_id) &&
               (event->user_id == NULL || uuid_valid(event->user_id)) &&
               (event->causation_id == NULL || uuid_valid(event->causation_id));
    if (!ids || event->type == NULL || json_type(event->payload) != JSON_OBJECT) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ctx ctx = {.arena = arena_new((1u << 20) + 1024 * size)};
    struct event event;
    if (event_parse(&ctx, (const char *)data, size, &event) == NULL) {
        check(&event);
    }
    arena_free(&ctx.arena);
    return 0;
}
