#include "common/io/idempotency.h"

#include "common/crypto/crypto.h"
#include "sql/idempotency.h"

#define IN_USE_RETRY_S 1

/* Runs a statement whose parameters are the key's three parts and `fourth`. */
static const struct err *run_for_key(struct ctx *ctx, const struct db_stmt *stmt, const struct idempotency *idem,
                                     struct db_arg fourth, const struct db_rows **rows_r)
{
    return DB_RUN(ctx, stmt, rows_r, DB_TEXT(idem->user_id), DB_TEXT(idem->route), DB_TEXT(idem->key), fourth);
}

struct db_arg idempotency_fingerprint(struct ctx *ctx, const struct idempotency *idem)
{
    unsigned char *digest = arena_alloc(ctx->arena, CRYPTO_SHA256_SIZE);
    crypto_sha256(idem->body, idem->body_len, digest);
    return DB_BYTES(digest, CRYPTO_SHA256_SIZE);
}

const struct err *idempotency_in_use(struct ctx *ctx)
{
    ctx->retry_after_s = IN_USE_RETRY_S;
    return &err_idempotency_key_in_use;
}

/* *stored_r NULL: nothing is stored under the key. */
static const struct err *look_up(struct ctx *ctx, const struct idempotency *idem, struct db_arg fingerprint,
                                 const char **stored_r)
{
    const struct db_rows *rows;
    const struct err *e = run_for_key(ctx, &sql_idempotency_get, idem, fingerprint, &rows);
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        *stored_r = NULL;
        return NULL;
    }
    if (!db_bool(rows, 0, "same_request")) {
        return &err_idempotency_key_reused;
    }
    if (db_null(rows, 0, "answer")) {
        log_error(&ctx->log, "an idempotency key of '%s' was committed without its answer", idem->route);
        return &err_internal;
    }
    *stored_r = db_str(rows, 0, "answer");
    return NULL;
}

const struct err *idempotency_begin(struct ctx *ctx, const struct idempotency *idem, const char **stored_r)
{
    if (idem->key == NULL) {
        *stored_r = NULL;
        return NULL;
    }
    struct db_arg fingerprint = idempotency_fingerprint(ctx, idem);
    const struct db_rows *claimed;
    const struct err *e = run_for_key(ctx, &sql_idempotency_claim, idem, fingerprint, &claimed);
    if (e) {
        return e;
    }
    *stored_r = NULL;
    if (db_bool(claimed, 0, "first")) {
        return NULL;
    }
    e = look_up(ctx, idem, fingerprint, stored_r);
    if (e || *stored_r) {
        return e;
    }
    if (db_bool(claimed, 0, "got")) {
        return &err_db_serialization; /* purged between the two statements: begin again */
    }
    return idempotency_in_use(ctx);
}

const struct err *idempotency_store(struct ctx *ctx, const struct idempotency *idem, const char *answer)
{
    return idem->key == NULL ? NULL : run_for_key(ctx, &sql_idempotency_store, idem, DB_TEXT(answer), NULL);
}

const struct err *idempotency_peek(struct ctx *ctx, const struct idempotency *idem, const char **stored_r)
{
    *stored_r = NULL;
    if (idem->key == NULL) {
        return NULL;
    }
    return look_up(ctx, idem, idempotency_fingerprint(ctx, idem), stored_r);
}
