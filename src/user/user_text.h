/*
 * user_text: what people type about themselves, brought into one form. Pure. Each returns text in the arena, or NULL
 * when the input is no such thing.
 */
#ifndef USER_USER_TEXT_H
#define USER_USER_TEXT_H

#include <stdbool.h>

#include "common/base/arena.h"

#define USER_EMAIL_MAX 254  /* bytes, RFC 5321 */
#define USER_PASSWORD_MIN 8 /* bytes; the most is PASSWORD_BYTES_MAX */

/* Trimmed, lower-case ASCII: "Kim@Example.COM " -> "kim@example.com". Unquoted local part, dotted domain. */
const char *user_email_normalise(struct arena *arena, const char *text);
/* Digits only, Korean country code removed: "+82 10-1234-5678" -> "01012345678". 9-15 digits. */
const char *user_phone_normalise(struct arena *arena, const char *text);
/* Trimmed; not empty. */
const char *user_name_normalise(struct arena *arena, const char *text);
bool user_password_acceptable(const char *password);

#endif
