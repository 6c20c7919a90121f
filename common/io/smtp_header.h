/*
 * smtp_header: text in the head of a mail. Pure.
 *
 * Only printable ASCII and the line break of a fold stand in a head: whatever comes from outside is an encoded word
 * (RFC 2047, UTF-8 in base64) or refused, so that nobody adds lines to it.
 */
#ifndef COMMON_SMTP_HEADER_H
#define COMMON_SMTP_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"

#define SMTP_ADDRESS_MAX 254 /* bytes, RFC 5321 */
#define SMTP_TEXT_MAX 600    /* bytes of text in one line of a head */

/* The text as a subject or a name may stand in a head: itself when it is of letters, digits, spaces, '-' and '_', else
 * encoded words of at most 60 characters, a line each, that split no character. In the arena. NULL when it is empty,
 * longer than SMTP_TEXT_MAX, no UTF-8, or has control characters. */
const char *smtp_header_text(struct arena *arena, const char *text);
/* Is it an address that may stand in a head and in a command: one '@', printable ASCII without spaces, quotes,
 * brackets and separators, at most SMTP_ADDRESS_MAX bytes? */
bool smtp_header_address(const char *address);
/* "Fri, 27 Nov 2026 12:00:00 +0000" (RFC 5322), in the arena. `at`: clock.h. */
const char *smtp_header_date(struct arena *arena, int64_t at);

#endif
