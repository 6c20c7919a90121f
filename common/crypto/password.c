#include "common/crypto/password.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/crypto/crypto.h"

#define HASH_LEN (PASSWORD_HASH_SIZE - 1)
#define SETTING_LEN 29 /* "$2b$10$" and 22 characters of salt */
#define SALT_BYTES 16

static bool usable(const char *password)
{
    size_t len = strnlen(password, PASSWORD_BYTES_MAX + 1);
    return len > 0 && len <= PASSWORD_BYTES_MAX;
}

/* crypt_r() hashes by DES whatever does not look like a method it knows, so a hash's form is checked before. */
static bool well_formed(const char *hash)
{
    if (hash == NULL || strnlen(hash, PASSWORD_HASH_SIZE) != HASH_LEN || strncmp(hash, "$2b$", 4) != 0) {
        return false;
    }
    int tens = hash[4] - '0';
    int ones = hash[5] - '0';
    bool digits = tens >= 0 && tens <= 3 && ones >= 0 && ones <= 9;
    int cost = tens * 10 + ones;
    return digits && cost >= 4 && cost <= 31 && hash[6] == '$' &&
           strspn(hash + 7, "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == HASH_LEN - 7;
}

static void run_bcrypt(const char *password, const char *setting, char out[PASSWORD_HASH_SIZE])
{
    struct crypt_data data = {0};
    const char *hash = crypt_r(password, setting, &data);
    if (!well_formed(hash)) {
        log_panic("bcrypt failed");
    }
    memcpy(out, hash, PASSWORD_HASH_SIZE);
    explicit_bzero(&data, sizeof data);
}

bool password_hash(const char *password, int cost, char out[PASSWORD_HASH_SIZE])
{
    if (!usable(password)) {
        return false;
    }
    char salt[SALT_BYTES];
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    crypto_random(salt, sizeof salt);
    if (crypt_gensalt_rn("$2b$", (unsigned long)cost, salt, sizeof salt, setting, sizeof setting) == NULL) {
        log_panic("bcrypt has no cost %d", cost);
    }
    run_bcrypt(password, setting, out);
    return true;
}

bool password_verify(const char *password, const char *hash, int cost)
{
    bool possible = usable(password) && well_formed(hash);
    char setting[SETTING_LEN + 1];
    if (possible) {
        snprintf(setting, sizeof setting, "%s", hash);
    } else {
        snprintf(setting, sizeof setting, "$2b$%02d$abcdefghijklmnopqrstuu", cost);
    }
    char found[PASSWORD_HASH_SIZE];
    run_bcrypt(possible ? password : "unknown", setting, found);
    return possible && crypto_equal(found, hash, HASH_LEN);
}
