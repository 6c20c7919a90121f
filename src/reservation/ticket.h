/* ticket: ticket numbers and what their QR codes say (RSV-004, RSV-010). */
#ifndef RESERVATION_TICKET_H
#define RESERVATION_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/err.h"

/* "T20260601-7KQ2MXA": the day of `at` in the process's zone and 7 random characters without look-alikes. Random, not
 * unique: 2.7 * 10^10 a day; the table refuses a repetition. */
char *ticket_number(struct arena *arena, int64_t at);
/* Before any other function, and whenever the settings have changed: takes BOX_TICKET_KEY over. False with *why_r when
 * it is unusable; the keys of before then stay. */
BO_MUSTCHECK bool ticket_init(const char **why_r);
/* "<ticket number>.<key's id>.<signature>": HMAC-SHA256 in base64url over what stands before its dot, so that a ticket
 * cannot be made up. The key is the one of the ring (mac_ring.h) that signs now; the id 0 is left out with its dot. */
char *ticket_qr_data(struct arena *arena, const char *number);
/* The ticket number of a text that a key of the ring has signed, in the arena; NULL for anything else, however long. */
const char *ticket_qr_number(struct arena *arena, const char *qr_data);

#endif
