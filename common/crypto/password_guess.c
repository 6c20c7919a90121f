#include "common/crypto/password_guess.h"

#include <string.h>
#include <zxcvbn.h>

#include "common/crypto/crypto.h"
#include "common/crypto/password.h"

double password_guess_bits(const char *password, const char *const *words)
{
    char looked_at[PASSWORD_BYTES_MAX + 1];
    size_t len = strnlen(password, PASSWORD_BYTES_MAX);
    memcpy(looked_at, password, len);
    looked_at[len] = '\0';
    double bits = ZxcvbnMatch(looked_at, (const char **)words, NULL);
    explicit_bzero(looked_at, sizeof looked_at);
    return bits;
}
