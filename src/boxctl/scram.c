#include "src/boxctl/scram.h"

#include <string.h>

#include "common/crypto/crypto.h"

#define ITERATIONS 4096

/* PBKDF2 with HMAC-SHA-256, one block. */
static void salted_password(const char *password, const unsigned char salt[SCRAM_SALT_SIZE],
                            unsigned char out[CRYPTO_SHA256_SIZE])
{
    static const unsigned char block_number[4] = {0, 0, 0, 1};
    unsigned char first[SCRAM_SALT_SIZE + sizeof block_number];
    memcpy(first, salt, SCRAM_SALT_SIZE);
    memcpy(first + SCRAM_SALT_SIZE, block_number, sizeof block_number);

    unsigned char round[CRYPTO_SHA256_SIZE];
    crypto_hmac_sha256(password, strlen(password), first, sizeof first, round);
    memcpy(out, round, sizeof round);
    for (int i = 1; i < ITERATIONS; i++) {
        unsigned char next[CRYPTO_SHA256_SIZE];
        crypto_hmac_sha256(password, strlen(password), round, sizeof round, next);
        memcpy(round, next, sizeof round);
        for (size_t j = 0; j < sizeof round; j++) {
            out[j] ^= round[j];
        }
    }
}

char *scram_verifier(struct arena *arena, const char *password, const unsigned char salt[SCRAM_SALT_SIZE])
{
    unsigned char salted[CRYPTO_SHA256_SIZE], client_key[CRYPTO_SHA256_SIZE];
    unsigned char stored_key[CRYPTO_SHA256_SIZE], server_key[CRYPTO_SHA256_SIZE];
    salted_password(password, salt, salted);
    crypto_hmac_sha256(salted, sizeof salted, "Client Key", strlen("Client Key"), client_key);
    crypto_sha256(client_key, sizeof client_key, stored_key);
    crypto_hmac_sha256(salted, sizeof salted, "Server Key", strlen("Server Key"), server_key);
    return arena_printf(arena, "SCRAM-SHA-256$%d:%s$%s:%s", ITERATIONS, crypto_base64(arena, salt, SCRAM_SALT_SIZE),
                        crypto_base64(arena, stored_key, sizeof stored_key),
                        crypto_base64(arena, server_key, sizeof server_key));
}
