#include "src/user/revocations.h"
#include "src/maint/job.h"

const struct job revocations_job = {
    .name = "revocations",
    .help = "Tell a Redis that has lost everything which sessions have ended, and who administers no more.",
    .schedule = "* * * * *",
    .role = "maintenance",
    .needs = NEED_DB | NEED_REDIS,
    .run = revocations_restore,
};
