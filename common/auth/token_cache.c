#include "common/auth/token_cache.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"

#define WAYS 4 /* places where a token may lie */
#define KEY_SIZE 32

struct entry {
    unsigned char digest[TOKEN_DIGEST_SIZE];
    unsigned char subject[UUID_BYTES], jti[UUID_BYTES];
    uint32_t issued_s, not_before_s, expires_s; /* expires_s 0: nothing lies here */
    bool admin;
};

static struct {
    struct entry *entries;
    size_t sets;
    unsigned turn; /* which way of a full set is given up next */
    struct crypto_hmac *hmac;
} cache;

void token_cache_init(size_t entries)
{
    free(cache.entries);
    crypto_hmac_free(&cache.hmac);
    cache.entries = NULL;
    cache.sets = (entries + WAYS - 1) / WAYS;
    if (cache.sets == 0) {
        return;
    }
    unsigned char key[KEY_SIZE];
    crypto_random(key, sizeof key);
    cache.hmac = crypto_hmac_new(key, sizeof key);
    cache.entries = calloc(cache.sets * WAYS, sizeof *cache.entries);
    if (cache.entries == NULL) {
        log_panic("no memory for BOX_TOKEN_CACHE");
    }
}

bool token_cache_digest(const char *token, unsigned char digest_r[TOKEN_DIGEST_SIZE])
{
    unsigned char whole[CRYPTO_SHA256_SIZE];
    if (cache.sets == 0) {
        return false;
    }
    crypto_hmac_run(cache.hmac, token, strlen(token), whole);
    memcpy(digest_r, whole, TOKEN_DIGEST_SIZE);
    return true;
}

static struct entry *set_of(const unsigned char digest[TOKEN_DIGEST_SIZE])
{
    uint32_t number;
    memcpy(&number, digest, sizeof number);
    return &cache.entries[number % cache.sets * WAYS];
}

static char *text_of(struct arena *arena, const unsigned char id[UUID_BYTES])
{
    return uuid_text(id, arena_alloc(arena, UUID_SIZE));
}

bool token_cache_find(struct arena *arena, const unsigned char digest[TOKEN_DIGEST_SIZE],
                      struct token_payload *payload_r)
{
    const struct entry *entry = set_of(digest);
    for (int way = 0; way < WAYS; way++, entry++) {
        if (entry->expires_s != 0 && crypto_equal(entry->digest, digest, TOKEN_DIGEST_SIZE)) {
            *payload_r = (struct token_payload){
                .claims = {.subject = text_of(arena, entry->subject),
                           .jti = text_of(arena, entry->jti),
                           .role = entry->admin ? "ADMIN" : "USER",
                           .issued_s = entry->issued_s,
                           .expires_s = entry->expires_s},
                .not_before_s = entry->not_before_s,
            };
            return true;
        }
    }
    return false;
}

/* False when the id could not be given back as it stands. */
static bool keep_id(const char *text, unsigned char id[UUID_BYTES])
{
    char back[UUID_SIZE];
    return strcmp(uuid_text(uuid_bytes(text, id), back), text) == 0;
}

static bool keep_seconds(int64_t seconds, uint32_t *kept)
{
    *kept = (uint32_t)seconds;
    return *kept == seconds;
}

void token_cache_keep(const unsigned char digest[TOKEN_DIGEST_SIZE], const struct token_payload *payload)
{
    const struct token_claims *claims = &payload->claims;
    struct entry kept = {.admin = strcmp(claims->role, "ADMIN") == 0};
    if (!keep_id(claims->subject, kept.subject) || !keep_id(claims->jti, kept.jti) ||
        !keep_seconds(claims->issued_s, &kept.issued_s) || !keep_seconds(payload->not_before_s, &kept.not_before_s) ||
        !keep_seconds(claims->expires_s, &kept.expires_s)) {
        return;
    }
    memcpy(kept.digest, digest, TOKEN_DIGEST_SIZE);
    struct entry *set = set_of(digest);
    int way = 0;
    while (way < WAYS && set[way].expires_s != 0) {
        way++;
    }
    set[way < WAYS ? way : (int)(cache.turn++ % WAYS)] = kept;
}
