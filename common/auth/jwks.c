#include "common/auth/jwks.h"

#include "common/auth/token_ring.h"
#include "common/base/array.h"

#define KEYS_MAX 4096

static struct {
    const char *keys; /* NULL: none */
} cfg_jwks;

static const struct cfg_key jwks_keys[] = {
    {"BOX_JWT_PUBLIC_KEYS", CFG_STR, 0, "", NULL, 0, KEYS_MAX, CFG_LIVE,
     "what /.well-known/jwks.json lists: kid:ES256-public:key, separated by commas; none while tokens are HS256"},
};
const struct cfg_section cfg_jwks_section = {"Keys for others", jwks_keys, ARRAY_COUNT(jwks_keys), &cfg_jwks};

static struct token_ring listed;

static bool only_public(const struct token_ring *ring)
{
    for (int i = 0; i < ring->count; i++) {
        if (ring->keys[i].signs) {
            return false;
        }
    }
    return true;
}

bool jwks_init(const char **why_r)
{
    struct token_ring ring = {.count = 0};
    cfg_watch(&cfg_jwks_section, jwks_init);
    bool none = cfg_jwks.keys == NULL || cfg_jwks.keys[0] == '\0';
    if (!none && !token_ring_parse(cfg_jwks.keys, &ring, why_r)) {
        return false;
    }
    if (!only_public(&ring)) {
        token_ring_clear(&ring);
        *why_r = "BOX_JWT_PUBLIC_KEYS: an entry is a secret or a private key, which nobody else may see";
        return false;
    }
    token_ring_clear(&listed);
    listed = ring;
    return true;
}

static void write_key(struct arena *arena, const struct token_key *key, struct json_out *out)
{
    const char *x, *y;
    crypto_ec_jwk(arena, key->ec, &x, &y);
    json_open_object(out, NULL);
    json_add_str(out, "kty", "EC");
    json_add_str(out, "crv", "P-256");
    json_add_str(out, "kid", key->kid);
    json_add_str(out, "alg", "ES256");
    json_add_str(out, "use", "sig");
    json_add_str(out, "x", x);
    json_add_str(out, "y", y);
    json_close_object(out);
}

void jwks_write(struct json_out *out)
{
    json_open_object(out, NULL);
    json_open_array(out, "keys");
    for (int i = 0; i < listed.count; i++) {
        write_key(out->buf->arena, &listed.keys[i], out);
    }
    json_close_array(out);
    json_close_object(out);
}
