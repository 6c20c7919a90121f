/*
 * user_text: what people type about themselves, brought from the stored form of any text (text.h) into the one of its
 * kind. Pure. Each returns text in the arena, or NULL when the input is no such thing.
 */
#ifndef USER_USER_TEXT_H
#define USER_USER_TEXT_H

#include "common/base/arena.h"

#define USER_EMAIL_MAX 254 /* bytes, RFC 5321 */

/* Lower-case ASCII: "Kim@Example.COM" -> "kim@example.com". Unquoted local part, dotted domain. */
const char *user_email_normalise(struct arena *arena, const char *text);
/* A number within Korea, digits only: "+82 10-1234-5678", "82 10 1234 5678" -> "01012345678". 9-12 digits. */
const char *user_phone_normalise(struct arena *arena, const char *text);

#endif
