/* doctor: one look at one thing the system stands on. */
#ifndef BOXCTL_DOCTOR_H
#define BOXCTL_DOCTOR_H

#include "src/boxctl/boxctl.h"

/* What a check found: one line for people, and for a problem what to do about it. */
struct doctor_finding {
    const char *seen;
    const char *advice; /* NULL: all is well */
};

typedef struct doctor_finding doctor_check(struct boxctl *box);

doctor_check check_zone, check_disk, check_server, check_migrations, check_roles, check_redis, check_kafka,
    check_gateway;

#endif
