#include "src/sandbox/sandbox_identity.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "src/sandbox/sandbox_errors.h"
#include "src/sandbox/sandbox_state.h"

/* The real ones are 88 and 64 characters of base64. */
#define CI_BYTES 64
#define DI_BYTES 48

SHAPE_OPEN(identity_shape, struct sandbox_identity, {FIELD(struct sandbox_identity, "id", FIELD_STR, id)},
           {FIELD(struct sandbox_identity, "name", FIELD_STR, name)},
           {FIELD(struct sandbox_identity, "phone", FIELD_STR, phone)},
           {FIELD(struct sandbox_identity, "birthDate", FIELD_STR, birth_date)},
           {FIELD(struct sandbox_identity, "ci", FIELD_STR, ci)}, {FIELD(struct sandbox_identity, "di", FIELD_STR, di)},
           {FIELD(struct sandbox_identity, "verifiedAt", FIELD_INT, verified_at)});

static const char *identity_key(struct ctx *ctx, const char *id)
{
    return arena_printf(ctx->arena, SANDBOX_KEY("identity:%s"), id);
}

static char *random_ci(struct arena *arena)
{
    unsigned char bytes[CI_BYTES];
    crypto_random(bytes, sizeof bytes);
    return crypto_base64(arena, bytes, sizeof bytes);
}

/* The same person has the same DI at our one service. */
static char *di_of(struct arena *arena, const char *ci)
{
    unsigned char bytes[2 * CRYPTO_SHA256_SIZE];
    crypto_sha256(ci, strlen(ci), bytes);
    crypto_sha256(bytes, CRYPTO_SHA256_SIZE, bytes + CRYPTO_SHA256_SIZE);
    return crypto_base64(arena, bytes, DI_BYTES);
}

const struct err *sandbox_identity_verify(struct ctx *ctx, struct sandbox_identity *identity)
{
    char id[UUID_SIZE];
    identity->id = arena_printf(ctx->arena, "identity-verification-%s", uuid_v4(id));
    if (identity->ci == NULL) {
        identity->ci = random_ci(ctx->arena);
    }
    identity->di = di_of(ctx->arena, identity->ci);
    identity->verified_at = clock_now();
    return sandbox_store(ctx, identity_key(ctx, identity->id), sandbox_write(ctx, &identity_shape, identity), 0);
}

const struct err *sandbox_identity_find(struct ctx *ctx, const char *id, struct sandbox_identity *identity_r)
{
    const char *text;
    const struct err *e = sandbox_load(ctx, identity_key(ctx, id), &text);
    if (e) {
        return e;
    }
    if (text == NULL) {
        return &err_sandbox_identity_unknown;
    }
    void *identity;
    if (json_read(ctx, text, strlen(text), &identity_shape, &identity) != NULL) {
        return &err_internal;
    }
    *identity_r = *(struct sandbox_identity *)identity;
    return NULL;
}
