#include <stdio.h>
#include <string.h>

#include "src/boxctl/boxctl.h"
#include "src/boxctl/file.h"
#include "src/boxctl/settings.h"
#include "src/reservation/reservation_settings.h"
#include "src/reservation/ticket.h"

#define TICKET_FILE "ticket-key"

static enum boxctl_status run_ticket(struct boxctl *box, int count, char **args)
{
    const char *why;
    struct arena *arena = box->ctx->arena;
    if (count != 2 || strcmp(args[0], "verify") != 0) {
        return BOXCTL_USAGE;
    }
    if (!file_secret(arena, cfg_boxctl.secrets_dir, TICKET_FILE, &reservation_settings.ticket_key, &why)) {
        return boxctl_fail("%s", why);
    }
    if (reservation_settings.ticket_key == NULL) {
        return boxctl_fail("there is no file '" TICKET_FILE "' in BOX_SECRETS_DIR");
    }
    if (!ticket_init(&why)) {
        return boxctl_fail(TICKET_FILE ": %s", why);
    }
    const char *number = ticket_qr_number(arena, args[1]);
    if (number == NULL) {
        return boxctl_fail("no key of ours has signed this");
    }
    printf("%s\n", number);
    return BOXCTL_OK;
}

const struct command ticket_command = {
    .name = "ticket",
    .args = "verify QR-DATA",
    .help = "Print the number of a ticket whose QR code is genuine, under the keys of now and of before.",
    .settings = SECTIONS(&cfg_boxctl_section),
    .run = run_ticket,
};
