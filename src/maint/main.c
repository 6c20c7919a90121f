/* boxoffice-maint JOB: work that cron starts. A job is one file that defines one struct job. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/run/program.h"
#include "src/maint/job.h"

static const struct job *const jobs[] = {
    &expire_holds_job, &purge_job, &accounts_job, &revocations_job, &reconcile_job,
};

#define JOB_COUNT ARRAY_COUNT(jobs)

static const struct job *find_job(const char *name)
{
    for (size_t i = 0; i < JOB_COUNT; i++) {
        if (strcmp(jobs[i]->name, name) == 0) {
            return jobs[i];
        }
    }
    return NULL;
}

static int print_usage(FILE *to, int status)
{
    fputs("usage: boxoffice-maint JOB [--help | --version | --dump-config]\n"
          "       boxoffice-maint --crontab      the jobs' schedule, as a crontab\n\n",
          to);
    for (size_t i = 0; i < JOB_COUNT; i++) {
        fprintf(to, "  %-16s %-12s %s As %s.\n", jobs[i]->name, jobs[i]->schedule, jobs[i]->help, jobs[i]->role);
    }
    return status;
}

/* For `crontab -`: cron's search path is short, so that the program stands there with its folder. */
static int print_crontab(void)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    const char *program = "boxoffice-maint";
    if (len > 0 && (size_t)len < sizeof path) {
        path[len] = '\0';
        program = path;
    }
    fputs("# Printed by boxoffice-maint --crontab. Above each line belong the BOX_ settings of boxoffice-maint JOB "
          "--help;\n# BOX_DB_URL is of the role at its end.\n",
          stdout);
    for (size_t i = 0; i < JOB_COUNT; i++) {
        printf("%s %s %s # as %s\n", jobs[i]->schedule, program, jobs[i]->name, jobs[i]->role);
    }
    return 0;
}

/* A job that has not succeeded for longer than its schedule says is one to look after. */
static void measure(const struct ctx *ctx, const struct job *job, const struct err *e, int64_t done)
{
    const char *labels = arena_printf(ctx->arena, "job=\"%s\"", job->name);
    metrics_add(metrics_get(METRIC_COUNTER, "boxoffice_job_done_total", labels), done);
    metrics_add(metrics_get(METRIC_COUNTER, "boxoffice_job_failures_total", labels), e ? 1 : 0);
    if (!e) {
        metrics_set(metrics_get(METRIC_GAUGE, "boxoffice_job_last_success_timestamp_seconds", labels),
                    clock_now() / CLOCK_SECOND);
    }
}

static int run_job(const struct job *job)
{
    metrics_open(cfg_process.run_dir, "boxoffice-maint");
    struct ctx *ctx = program_ctx_new(job->needs);
    ctx_begin(ctx, NULL, NULL);
    int64_t done = 0;
    const struct err *e = job->run(ctx, &done);
    log_field(&ctx->log, "job", job->name); /* now: each unit of work begins with an empty list of fields */
    if (e) {
        log_error(&ctx->log, "job failed after %lld: '%s'", (long long)done, e->code);
    } else {
        log_info(&ctx->log, "job done: %lld", (long long)done);
    }
    measure(ctx, job, e, done);
    program_ctx_free(&ctx);
    return !e ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct cfg_section *sections[PROGRAM_SECTIONS_MAX];
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return print_usage(stdout, 0);
    }
    if (argc == 2 && strcmp(argv[1], "--crontab") == 0) {
        return print_crontab();
    }
    const struct job *job = argc > 1 ? find_job(argv[1]) : NULL;
    if (job == NULL) {
        return print_usage(stderr, 2);
    }
    program_sections(job->needs, job->settings, sections);
    argv[1] = argv[0];
    return program_options("boxoffice-maint", sections, argc - 1, argv + 1) ? run_job(job) : 0;
}
