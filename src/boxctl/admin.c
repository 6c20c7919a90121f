#include <stdio.h>
#include <string.h>

#include "src/boxctl/boxctl.h"
#include "src/boxctl/settings.h"
#include "src/user/user_admin.h"
#include "src/user/user_settings.h"

static const char *role_of(const char *verb)
{
    if (strcmp(verb, "grant") == 0) {
        return "ADMIN";
    }
    return strcmp(verb, "revoke") == 0 ? "USER" : NULL;
}

static enum boxctl_status run_admin(struct boxctl *box, int count, char **args)
{
    bool unproved = count == 3 && strcmp(args[2], "--unproved") == 0;
    const char *role = count == 2 || unproved ? role_of(args[0]) : NULL;
    if (role == NULL) {
        return BOXCTL_USAGE;
    }
    const char *why;
    if (!user_admin_init(&why)) {
        return boxctl_fail("%s", why);
    }
    const struct err *e = user_set_role(box->ctx, args[1], role, unproved);
    if (e == &err_not_found) {
        return boxctl_fail("no account has this e-mail address: sign up first");
    }
    if (e == &err_conflict) {
        return boxctl_fail(
            "nobody has proved that this address is theirs, by a code sent to it: anybody may have signed up "
            "with it. When you know whose account it is, say --unproved");
    }
    if (e) {
        return boxctl_fail("not done, or not all of it, so repeat it: %s", e->en);
    }
    printf("%s is now %s, from the next login or refresh on%s\n", args[1], role,
           strcmp(role, "ADMIN") == 0 ? "" : "; what tokens of before open to administrators is closed at once");
    return BOXCTL_OK;
}

const struct command admin_command = {
    .name = "admin",
    .args = "grant|revoke EMAIL [--unproved]",
    .help = "Make an account an administrator's, or an ordinary one again.",
    .settings = SECTIONS(&cfg_db_section, &cfg_boxctl_section, &cfg_blind_section),
    .needs = NEED_REDIS,
    .role = "user_admin",
    .run = run_admin,
};
