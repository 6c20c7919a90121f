#include "src/boxctl/doctor.h"

#include <stdio.h>

#include "common/base/array.h"
#include "common/io/kafka.h"
#include "src/boxctl/settings.h"

static const struct {
    const char *name;
    doctor_check *run;
} checks[] = {
    {"time zone", check_zone}, {"disk", check_disk},   {"PostgreSQL", check_server}, {"migrations", check_migrations},
    {"roles", check_roles},    {"Redis", check_redis}, {"Kafka", check_kafka},       {"gateway", check_gateway},
};

/* That the settings are good is shown by having come here. */
static enum boxctl_status run_doctor(struct boxctl *box, int count, char **args)
{
    (void)args;
    if (count != 0) {
        return BOXCTL_USAGE;
    }
    size_t problems = 0;
    for (size_t i = 0; i < ARRAY_COUNT(checks); i++) {
        struct doctor_finding finding = checks[i].run(box);
        printf("%-8s %-11s %s\n", finding.advice ? "PROBLEM" : "ok", checks[i].name, finding.seen);
        if (finding.advice != NULL) {
            printf("%-20s  %s\n", "", finding.advice);
        }
        problems += finding.advice != NULL;
    }
    if (problems == 0) {
        return BOXCTL_OK;
    }
    return boxctl_fail("%zu of %zu checks found a problem", problems, ARRAY_COUNT(checks));
}

const struct command doctor_command = {
    .name = "doctor",
    .args = "",
    .help = "Look at everything the system stands on, and say what to do where something is wrong.",
    .settings = SECTIONS(&cfg_db_section, &cfg_kafka_section, &cfg_boxctl_section),
    .needs = NEED_REDIS | NEED_HTTP,
    .run = run_doctor,
};
