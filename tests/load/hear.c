/*
 * hear: what stands in a topic, from its beginning until nothing has come for a while: one line of key and event id for
 * each record. Run it with the environment of outbox-relay.
 *
 *     hear TOPIC
 */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/event.h"
#include "common/io/kafka.h"
#include "common/run/program.h"

#define SILENCE_US (15 * CLOCK_SECOND) /* joining the group takes some of it */
#define POLL_MS 200
#define USAGE "usage: hear TOPIC\n"

/* False when a record is no event. */
static bool tell(struct ctx *ctx, const struct kafka_record *record)
{
    struct event event;
    ctx_begin(ctx, NULL, NULL);
    bool read = event_parse(ctx, record->value, record->len, &event) == NULL;
    if (read) {
        printf("%s\t%s\n", record->key, event.id);
    }
    ctx_end(ctx);
    return read;
}

static int hear(const char *topic)
{
    char group[UUID_SIZE];
    struct ctx *ctx = program_ctx_new(0);
    struct kafka_consumer *consumer = kafka_consumer_new(uuid_v4(group), &topic, 1);
    bool read = true;
    int64_t heard_at = clock_monotonic();
    while (read && clock_monotonic() < heard_at + SILENCE_US) {
        const struct kafka_record *record = kafka_consumer_poll(consumer, POLL_MS);
        if (record != NULL) {
            read = tell(ctx, record);
            heard_at = clock_monotonic();
        }
    }
    kafka_consumer_free(&consumer);
    program_ctx_free(&ctx);
    return read ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct cfg_section *const own[] = {&cfg_kafka_section, NULL};
    const struct cfg_section *sections[PROGRAM_SECTIONS_MAX];
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(USAGE, stdout);
        return 0;
    }
    if (argc != 2) {
        fputs(USAGE, stderr);
        return 2;
    }
    program_sections(0, own, sections);
    return program_options("hear", sections, 1, argv) ? hear(argv[1]) : 0;
}
