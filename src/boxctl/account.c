/* boxctl account: what an operator sees of an account, and does for its owner who has asked for help. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "src/boxctl/boxctl.h"
#include "src/boxctl/settings.h"
#include "src/user/account_support.h"
#include "src/user/user_admin.h"
#include "src/user/user_settings.h"

#define HOUR_S 3600
#define HOURS_MAX 8760 /* a year */

static void print_time(const char *name, int64_t at, const char *none)
{
    char text[CLOCK_TEXT_SIZE];
    printf("%-14s %s\n", name, at == CLOCK_NONE ? none : clock_format(at, text));
}

static void print_count(const struct lockout_count *count)
{
    printf("%-14s %lld of %lld, %s; %s for %lld s\n", "wrong", (long long)count->tries, (long long)count->most,
           strcmp(count->where, "all") == 0 ? "from everywhere" : count->where, count->locked ? "locked" : "remembered",
           (long long)count->left_s);
}

static const struct err *show(struct ctx *ctx, const char *email, int64_t unused)
{
    (void)unused;
    struct account_support account;
    const struct err *e = account_support_find(ctx, email, &account);
    if (e) {
        return e;
    }
    printf("%-14s %s\n%-14s %s, %s\n", "account", account.id, "status", account.status, account.role);
    printf("%-14s %s\n", "address", account.proved ? "proved by a code" : "nobody has proved it");
    printf("%-14s %s, %lld linked\n", "logs in by", account.has_password ? "password" : "no password",
           (long long)account.links);
    print_time("made", account.created_at, "");
    print_time("last login", account.last_login_at, "never");
    print_time("locked until", account.locked_until, "not by an operator");
    printf("%-14s %lld\n", "sessions", (long long)account.sessions);
    for (size_t i = 0; i < account.count; i++) {
        print_count(&account.counts[i]);
    }
    if (account.count_of_all > account.count) {
        printf("%-14s ... and at %zu more places\n", "wrong", account.count_of_all - account.count);
    }
    return NULL;
}

static const struct err *lock(struct ctx *ctx, const char *email, int64_t hours)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t until;
    const struct err *e = account_support_lock(ctx, email, hours * HOUR_S, &until);
    if (!e) {
        printf("nobody logs in to %s before %s; who is logged in stays, until boxctl account end-sessions\n", email,
               clock_format(until, text));
    }
    return e;
}

static const struct err *unlock(struct ctx *ctx, const char *email, int64_t unused)
{
    (void)unused;
    const struct err *e = account_support_unlock(ctx, email);
    if (!e) {
        printf("%s is not locked, and no wrong passwords are counted\n", email);
    }
    return e;
}

static const struct err *end_sessions(struct ctx *ctx, const char *email, int64_t unused)
{
    (void)unused;
    const struct err *e = account_support_end_sessions(ctx, email);
    if (!e) {
        printf("all sessions of %s have ended\n", email);
    }
    return e;
}

static const struct verb {
    const char *name;
    bool for_hours;
    const struct err *(*run)(struct ctx *ctx, const char *email, int64_t hours);
} verbs[] = {
    {"show", false, show}, {"lock", true, lock}, {"unlock", false, unlock}, {"end-sessions", false, end_sessions}};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* 0: none. */
static int64_t read_hours(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    int64_t hours = digits > 0 && digits < 5 && !text[digits] ? atoll(text) : 0;
    return hours <= HOURS_MAX ? hours : 0;
}

static enum boxctl_status run_account(struct boxctl *box, int count, char **args)
{
    const struct verb *verb = count > 0 ? find_verb(args[0]) : NULL;
    if (!verb || count != (verb->for_hours ? 3 : 2)) {
        return BOXCTL_USAGE;
    }
    int64_t hours = verb->for_hours ? read_hours(args[2]) : 0;
    if (verb->for_hours && hours == 0) {
        return boxctl_fail("HOURS is a number from 1 to %d", HOURS_MAX);
    }
    const char *why;
    if (!user_admin_init(&why)) {
        return boxctl_fail("%s", why);
    }
    const struct err *e = verb->run(box->ctx, args[1], hours);
    if (e == &err_not_found) {
        return boxctl_fail("no account has this e-mail address");
    }
    return e ? boxctl_fail("not done, or not all of it, so repeat it: %s", e->en) : BOXCTL_OK;
}

const struct command account_command = {
    .name = "account",
    .args = "show|unlock|end-sessions EMAIL, or lock EMAIL HOURS",
    .help = "See why somebody cannot log in; lock or unlock an account, or end its sessions.",
    .settings = SECTIONS(&cfg_db_section, &cfg_boxctl_section, &cfg_user_section, &cfg_blind_section),
    .needs = NEED_REDIS,
    .role = "user_service",
    .run = run_account,
};
