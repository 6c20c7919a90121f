#include "src/user/user_pii.h"

#include <string.h>

enum { BLIND_KEY_SIZE = 32 };

static unsigned char blind_key[BLIND_KEY_SIZE];
static struct crypto_keys seal_keys;

static bool blind_key_parse(const char *hex, unsigned char out[BLIND_KEY_SIZE])
{
    return strlen(hex) == 2 * (size_t)BLIND_KEY_SIZE && crypto_unhex(hex, out, BLIND_KEY_SIZE);
}

bool user_pii_init(const char *blind, const char *ring, const char **why_r)
{
    if (blind && !blind_key_parse(blind, blind_key)) {
        *why_r = "BOX_BLIND_KEY must be 64 hex digits";
        return false;
    }
    return ring == NULL || crypto_keys_parse(ring, &seal_keys, why_r);
}

static const char *place(struct ctx *ctx, const char *column, const char *row_id)
{
    return arena_printf(ctx->arena, "%s:%s", column, row_id);
}

struct db_arg user_pii_seal(struct ctx *ctx, const char *column, const char *row_id, const char *plain)
{
    if (!plain) {
        return DB_NULL;
    }
    size_t len;
    unsigned char *sealed = crypto_seal(ctx->arena, &seal_keys, place(ctx, column, row_id), plain, strlen(plain), &len);
    return DB_BYTES(sealed, len);
}

const char *user_pii_open(struct ctx *ctx, const char *column, const char *row_id, const struct db_rows *rows,
                          const char *col)
{
    return user_pii_open_at(ctx, column, row_id, rows, 0, col);
}

const char *user_pii_open_at(struct ctx *ctx, const char *column, const char *row_id, const struct db_rows *rows,
                             size_t row, const char *col)
{
    size_t len;
    const unsigned char *sealed = db_bytes(ctx, rows, row, col, &len);
    if (!sealed) {
        return NULL;
    }
    const char *plain = crypto_open(ctx->arena, &seal_keys, place(ctx, column, row_id), sealed, len, &len);
    if (!plain) {
        log_error(&ctx->log, "sealed value of '%s' in row '%s' cannot be opened", column, row_id);
    }
    return plain;
}

uint8_t user_pii_sealing_key(void)
{
    return crypto_keys_sealing(&seal_keys);
}

bool user_pii_reseal(struct ctx *ctx, const char *column, const char *row_id, const struct db_arg *before,
                     struct db_arg *after_r)
{
    size_t len;
    if (before->len > 0 && (uint8_t)before->text[0] == user_pii_sealing_key()) {
        *after_r = *before;
        return true;
    }
    const char *plain =
        crypto_open(ctx->arena, &seal_keys, place(ctx, column, row_id), before->text, before->len, &len);
    if (!plain) {
        log_error(&ctx->log, "sealed value of '%s' in row '%s' cannot be opened", column, row_id);
        return false;
    }
    *after_r = user_pii_seal(ctx, column, row_id, plain);
    return true;
}

struct db_arg user_pii_blind(struct ctx *ctx, const char *kind, const char *value)
{
    unsigned char *digest = arena_alloc(ctx->arena, CRYPTO_SHA256_SIZE);
    const char *text = arena_printf(ctx->arena, "%s:%s", kind, value);
    crypto_hmac_sha256(blind_key, sizeof blind_key, text, strlen(text), digest);
    return DB_BYTES(digest, CRYPTO_SHA256_SIZE);
}
