/*
 * user_pii: personal data at rest (AUTH-PII): sealed values, and blind indexes to find rows by.
 *
 * A sealed value is bound to its column and row, so that no value can be moved to another place unnoticed.
 */
#ifndef USER_USER_PII_H
#define USER_USER_PII_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/crypto/crypto.h"
#include "common/io/db.h"

/* Once, and when the keys have changed; false with *why_r when a key is malformed. blind_key NULL: nothing is looked
 * for; pii_keys NULL: nothing is sealed or opened. */
BO_MUSTCHECK bool user_pii_init(const char *blind_key, const char *pii_keys, const char **why_r);

/* The sealed `plain` for a statement, in the arena; SQL NULL when `plain` is NULL. `column`: "users.email". */
struct db_arg user_pii_seal(struct ctx *ctx, const char *column, const char *row_id, const char *plain);
/* The plain text of a bytea column, of the first row or of another, in the arena; NULL when it is SQL NULL or cannot be
 * opened (error line). */
const char *user_pii_open(struct ctx *ctx, const char *column, const char *row_id, const struct db_rows *rows,
                          const char *col);
const char *user_pii_open_at(struct ctx *ctx, const char *column, const char *row_id, const struct db_rows *rows,
                             size_t row, const char *col);
/* The id of the key that seals now. */
uint8_t user_pii_sealing_key(void);
/* The same plain text sealed under the key that seals now; what is under that key already stays as it is. False
 * (*after_r untouched, error line) when it cannot be opened. `before`: DB_BYTES; the result is in the arena. */
BO_MUSTCHECK bool user_pii_reseal(struct ctx *ctx, const char *column, const char *row_id, const struct db_arg *before,
                                  struct db_arg *after_r);
/* The blind index of a normalised value for a statement, in the arena. Equal values of different kinds ("email",
 * "phone", "ci") have unequal indexes. */
struct db_arg user_pii_blind(struct ctx *ctx, const char *kind, const char *value);

#endif
