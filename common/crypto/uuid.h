/* uuid: identifiers as 36 lower-case characters and a NUL (RFC 9562). */
#ifndef COMMON_UUID_H
#define COMMON_UUID_H

#include <stdbool.h>

#define UUID_SIZE 37
#define UUID_BYTES 16
/* Those that stand before and behind all others. */
#define UUID_NIL "00000000-0000-0000-0000-000000000000"
#define UUID_MAX "ffffffff-ffff-ffff-ffff-ffffffffffff"

/* Version 7: milliseconds of clock_now(), then random bits. Returns out. */
char *uuid_v7(char out[UUID_SIZE]);
/* Version 4: 122 random bits, for identifiers that must not be guessed. Returns out. */
char *uuid_v4(char out[UUID_SIZE]);
/* True for exactly 36 characters of the canonical form, any version, lower or upper case. NULL is false. */
bool uuid_valid(const char *text);
/* The 16 bytes of a valid UUID, and back. Both return out. */
unsigned char *uuid_bytes(const char *text, unsigned char out[UUID_BYTES]);
char *uuid_text(const unsigned char bytes[UUID_BYTES], char out[UUID_SIZE]);

#endif
