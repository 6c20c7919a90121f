/* ticket: ticket numbers and what their QR codes say (RSV-004, RSV-010). */
#ifndef RESERVATION_TICKET_H
#define RESERVATION_TICKET_H

#include <stdint.h>

#include "common/base/arena.h"

/* "T20260601-7KQ2MXA": the day of `at` in the process's zone and 7 random characters without look-alikes. Random, not
 * unique: 2.7 * 10^10 a day; the table refuses a repetition. */
char *ticket_number(struct arena *arena, int64_t at);
/* "<ticket number>.<signature>": HMAC-SHA256 under BOX_TICKET_KEY in base64url, so that a ticket cannot be made up. */
char *ticket_qr_data(struct arena *arena, const char *number);

#endif
