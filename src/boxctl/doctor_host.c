#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "common/base/clock.h"
#include "common/io/http.h"
#include "src/boxctl/doctor.h"
#include "src/boxctl/settings.h"

#define DISK_LEAST_MIB 1024

struct doctor_finding check_zone(struct boxctl *box)
{
    char now[CLOCK_TEXT_SIZE];
    return (struct doctor_finding){
        .seen = arena_printf(box->ctx->arena, "%s, now %s", cfg_process.timezone, clock_format(clock_now(), now)),
    };
}

struct doctor_finding check_disk(struct boxctl *box)
{
    struct arena *arena = box->ctx->arena;
    struct statfs disk;
    if (statfs(cfg_process.run_dir, &disk) < 0) {
        return (struct doctor_finding){
            arena_printf(arena, "%s: %s", cfg_process.run_dir, strerror(errno)),
            "Make this folder, or set BOX_RUN_DIR to the one the programs use.",
        };
    }
    if (disk.f_type == TMPFS_MAGIC) { /* in a container: sockets alone live there */
        return (struct doctor_finding){.seen = "that of the stores is not seen from here"};
    }
    unsigned long long free_mib = (unsigned long long)disk.f_bavail * (unsigned long long)disk.f_bsize >> 20;
    return (struct doctor_finding){
        arena_printf(arena, "%llu MiB free at %s", free_mib, cfg_process.run_dir),
        free_mib < DISK_LEAST_MIB ? "Make room: PostgreSQL and Kafka stop when the disk is full." : NULL,
    };
}

struct doctor_finding check_gateway(struct boxctl *box)
{
    struct arena *arena = box->ctx->arena;
    const char *url = arena_printf(arena, "%s/health", cfg_boxctl.gateway_url);
    struct http_answer answer;
    if (http_perform(box->ctx, &(struct http_call){.method = "GET", .url = url}, &answer) != NULL) {
        return (struct doctor_finding){
            arena_printf(arena, "%s does not answer", url),
            "Start nginx and the services, or set BOX_GATEWAY_URL to where they are.",
        };
    }
    return (struct doctor_finding){
        arena_printf(arena, "%s answers %d", url, answer.status),
        answer.status == 200 ? NULL : "Its body names what is down; look into the log of that service.",
    };
}
