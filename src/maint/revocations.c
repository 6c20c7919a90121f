#include "src/user/revocations.h"
#include "src/maint/job.h"

const struct job revocations_job = {
    .name = "revocations",
    .help = "Tell Redis which sessions have just ended; and all of it when it has lost everything.",
    .schedule = "* * * * *",
    .role = "maintenance",
    .needs = NEED_DB | NEED_REDIS,
    .run = revocations_tell,
};
