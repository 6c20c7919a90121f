/* mailer: sends the mails that the user service has written down (see src/user/mailer.h). */
#include "src/user/mailer.h"

#include "common/base/array.h"
#include "common/io/smtp.h"
#include "common/run/daemon.h"
#include "src/user/user_settings.h"

static struct mailer *mailer;

static const struct err *start(struct ctx *ctx)
{
    (void)ctx;
    const char *why;
    if (!mailer_init(&why)) {
        log_fatal("%s", why);
    }
    mailer = mailer_new();
    return NULL;
}

static const struct err *send_one(struct ctx *ctx, bool *more_r)
{
    return mailer_send(mailer, ctx, more_r);
}

static const struct err *measure(struct ctx *ctx, bool *more_r)
{
    (void)more_r;
    return mailer_measure(ctx);
}

static void drain(struct ctx *ctx)
{
    (void)ctx;
    mailer_free(&mailer);
}

int main(int argc, char **argv)
{
    static const struct cfg_section *const settings[] = {&cfg_pii_section, &cfg_smtp_section, &cfg_mailer_section,
                                                         NULL};
    static const struct tick ticks[] = {
        {.name = "expire", .period_ms = &cfg_mailer.measure_ms, .run = mailer_expire},
        {.name = "send", .period_ms = &cfg_mailer.poll_ms, .run = send_one},
        {.name = "measure", .period_ms = &cfg_mailer.measure_ms, .run = measure},
    };
    static const struct daemon daemon = {
        .name = "mailer",
        .needs = NEED_DB,
        .settings = settings,
        .init = start,
        .drain = drain,
        .ticks = ticks,
        .tick_count = ARRAY_COUNT(ticks),
    };
    return daemon_main(&daemon, argc, argv);
}
