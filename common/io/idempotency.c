#include "common/io/idempotency.h"

#include "common/crypto/crypto.h"
#include "sql/idempotency.h"

/* Runs a statement whose parameters are the key's three parts and `fourth`. */
static const struct err *run_for_key(struct ctx *ctx, const struct db_stmt *stmt, const struct idempotency *idem,
                                     struct db_arg fourth, const struct db_rows **rows_r)
{
    return DB_RUN(ctx, stmt, rows_r, DB_TEXT(idem->user_id), DB_TEXT(idem->route), DB_TEXT(idem->key), fourth);
}

static const struct err *replay(struct ctx *ctx, const struct idempotency *idem, struct db_arg fingerprint,
                                const char **stored_r)
{
    const struct db_rows *rows;
    const struct err *e = run_for_key(ctx, &sql_idempotency_get, idem, fingerprint, &rows);
    if (e) {
        return e;
    }
    if (db_count(rows) == 0) {
        return &err_db_serialization; /* purged between the two statements: begin again */
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
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(idem->body, idem->body_len, digest);
    struct db_arg fingerprint = DB_BYTES(digest, sizeof digest);
    const struct db_rows *claimed;
    const struct err *e = run_for_key(ctx, &sql_idempotency_claim, idem, fingerprint, &claimed);
    if (e) {
        return e;
    }
    if (db_affected(claimed) == 0) {
        return replay(ctx, idem, fingerprint, stored_r);
    }
    *stored_r = NULL;
    return NULL;
}

const struct err *idempotency_store(struct ctx *ctx, const struct idempotency *idem, const char *answer)
{
    return idem->key == NULL ? NULL : run_for_key(ctx, &sql_idempotency_store, idem, DB_TEXT(answer), NULL);
}

struct key_search {
    const struct idempotency *idem;
    const char *stored;
};

static const struct err *begin_or_roll_back(struct ctx *ctx, void *arg)
{
    struct key_search *search = arg;
    const struct err *e = idempotency_begin(ctx, search->idem, &search->stored);
    return e ? e : search->stored != NULL ? NULL : &err_not_found;
}

const struct err *idempotency_find(struct ctx *ctx, const struct idempotency *idem, const char **stored_r)
{
    struct key_search search = {idem, NULL};
    const struct err *e = idem->key != NULL ? db_transact(ctx, begin_or_roll_back, &search) : NULL;
    if (e && e != &err_not_found) {
        return e;
    }
    *stored_r = search.stored;
    return NULL;
}
