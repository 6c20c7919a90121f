#include <stdio.h>

#include "common/io/kafka.h"
#include "src/boxctl/boxctl.h"
#include "src/contract/events.h"

#define TIMEOUT_MS 30000

static enum boxctl_status run_topics(struct boxctl *box, int count, char **args)
{
    (void)box;
    (void)args;
    if (count != 0) {
        return BOXCTL_USAGE;
    }
    const char *why = NULL;
    const struct err *e = kafka_create_topics(contract_topics, contract_topic_count, TIMEOUT_MS, &why);
    if (e) {
        return boxctl_fail("topics were not created at %s: %s", cfg_kafka.brokers, why ? why : e->en);
    }
    printf("%zu topics are there\n", contract_topic_count);
    return BOXCTL_OK;
}

const struct command topics_command = {
    .name = "topics",
    .args = "",
    .help = "Create the Kafka topics that are missing.",
    .settings = SECTIONS(&cfg_kafka_section),
    .run = run_topics,
};
