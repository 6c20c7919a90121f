/* password: bcrypt ($2b$, AUTH-014). The only module that knows libcrypt. Costs 80 ms of a core at cost 10. */
#ifndef COMMON_PASSWORD_H
#define COMMON_PASSWORD_H

#include <stdbool.h>

#define PASSWORD_HASH_SIZE 61
#define PASSWORD_BYTES_MAX 72 /* bcrypt ignores what follows: refuse longer ones before */

/* False when the password is empty or longer than PASSWORD_BYTES_MAX. */
bool password_hash(const char *password, int cost, char out[PASSWORD_HASH_SIZE]);
/* Compares in constant time. `hash` NULL or malformed: the same work is done against a dummy and the answer is false,
 * so that an unknown account takes as long as a wrong password. */
bool password_verify(const char *password, const char *hash, int cost);

#endif
