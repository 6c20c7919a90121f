/* scram: password verifiers of PostgreSQL, made here so that no password ever travels in SQL or into a server's log. */
#ifndef BOXCTL_SCRAM_H
#define BOXCTL_SCRAM_H

#include "common/base/arena.h"

#define SCRAM_SALT_SIZE 16

/* "SCRAM-SHA-256$4096:<salt>$<stored key>:<server key>" (RFC 5802, 7677) for a password of visible ASCII characters,
 * which SASLprep leaves as they are. */
char *scram_verifier(struct arena *arena, const char *password, const unsigned char salt[SCRAM_SALT_SIZE]);

#endif
