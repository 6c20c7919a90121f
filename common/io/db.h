/*
 * db: sessions with PostgreSQL, one connection each: prepared statements from tables, results as rows. The only module
 * that knows libpq.
 *
 * SQL text stands in files (src/<domain>/sql/<name>.sql, common/io/sql/) and nowhere else: a statement `-- name:
 * seat_get :read` there is `sql_seat_get` here, through #include "sql/<name>.h" (scripts/embed-sql). A statement is
 * prepared on its first use per connection. Parameters and results travel as text; columns are read by their names.
 *
 * The connection is opened on first use, checked and reopened by itself between transactions. Errors by SQLSTATE:
 * 40001/40P01 &err_db_serialization (retry the transaction), 23505 &err_db_unique (db_constraint() names it),
 * 08xxx/57P01 before anything was sent or outside a write &err_unavailable, a connection lost during COMMIT or during a
 * write outside a transaction &err_uncertain, lock or statement time-outs &err_unavailable, class BX (raised by our own
 * SQL functions) &err_db_raised (db_raised() gives the five characters), anything else &err_internal after one error
 * line that names the statement and SQLSTATE but never parameters.
 */
#ifndef COMMON_DB_H
#define COMMON_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/array.h"
#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"

struct db_stmt {
    const char *name; /* "user_login_find": unique in the program, shows in logs */
    const char *sql;
    enum {
        DB_WRITE,  /* when the answer is lost it may have been carried out */
        DB_READ,   /* changes nothing: a lost answer is no more than that, and the statement may be repeated */
        DB_SCRIPT, /* several statements without parameters, for db_script() only */
    } kind;
};

/* A module's statements, for the check that prepares every one against the migrated schema as its role. */
struct db_table {
    const char *role; /* "user_service"; "" = every service role */
    const struct db_stmt *const *stmts;
    size_t count;
};

#define ERR_DB_LIST(X)                                                                       \
    X(db_serialization, "CONFLICT", 409, ERR_RETRY, "동시에 처리 중인 요청과 충돌했습니다.", \
      "This collided with a concurrent request.")                                            \
    X(db_unique, "CONFLICT", 409, 0, "이미 존재합니다.", "It exists already.")               \
    X(db_raised, "CONFLICT", 409, 0, "현재 상태와 충돌합니다.", "This conflicts with the present state.")

ERR_DB_LIST(ERR_DECLARE)

struct cfg_db {
    const char *url;      /* BOX_DB_URL: postgresql://role@/boxoffice?host=/run/dir */
    const char *password; /* BOX_DB_PASSWORD, BOX_DB_PASSWORD_FILE */
    int64_t connect_ms;   /* BOX_DB_CONNECT_MS */
    int64_t statement_ms; /* BOX_DB_STATEMENT_MS: statement_timeout */
    int64_t lock_ms;      /* BOX_DB_LOCK_MS: lock_timeout */
};
extern struct cfg_db cfg_db;
extern const struct cfg_section cfg_db_section;

/* ---- parameters ---- */

struct db_arg {
    enum { DB_ARG_NULL, DB_ARG_TEXT, DB_ARG_INT, DB_ARG_BOOL, DB_ARG_TIME, DB_ARG_BYTES, DB_ARG_UUIDS } type;
    const char *text;
    const char *const *list; /* DB_ARG_UUIDS: becomes uuid[] */
    size_t len;              /* DB_ARG_BYTES, DB_ARG_UUIDS */
    int64_t number;
};

#define DB_TEXT(value) ((struct db_arg){.type = DB_ARG_TEXT, .text = (value)}) /* NULL pointer = SQL NULL */
#define DB_INT(value) ((struct db_arg){.type = DB_ARG_INT, .number = (value)})
#define DB_BOOL(value) ((struct db_arg){.type = DB_ARG_BOOL, .number = (value)})
#define DB_TIME(value) ((struct db_arg){.type = DB_ARG_TIME, .number = (value)}) /* CLOCK_NONE = SQL NULL */
#define DB_BYTES(bytes, size) ((struct db_arg){.type = DB_ARG_BYTES, .text = (const char *)(bytes), .len = (size)})
/* SHA-256 of a text, 32 bytes in the arena: by which a secret is found that is kept nowhere itself. */
struct db_arg db_arg_sha256(struct ctx *ctx, const char *text);
#define DB_UUIDS(items, count) ((struct db_arg){.type = DB_ARG_UUIDS, .list = (items), .len = (count)})
#define DB_NULL ((struct db_arg){.type = DB_ARG_NULL})

/* ---- statements ---- */

struct db_rows; /* a result; lives in the arena of the context it was made with */

BO_MUSTCHECK const struct err *db_run(struct ctx *ctx, const struct db_stmt *stmt, const struct db_arg *args,
                                      size_t count, const struct db_rows **rows_r);
/* DB_RUN(ctx, &stmt, &rows, DB_TEXT(id), DB_INT(3)); rows may be NULL. At least one argument: DB_RUN0 has none. */
#define DB_RUN(ctx, stmt, rows_r, ...)                                                                               \
    db_run((ctx), (stmt), (const struct db_arg[]){__VA_ARGS__}, ARRAY_COUNT(((const struct db_arg[]){__VA_ARGS__})), \
           (rows_r))
#define DB_RUN0(ctx, stmt, rows_r) db_run((ctx), (stmt), NULL, 0, (rows_r))

/* db_run() in two: the statement is on its way, its answer is awaited. What is done in between is no other statement of
 * this session; after an error of db_send() there is nothing to receive. The statement's time begins when it is sent.
 */
BO_MUSTCHECK const struct err *db_send(struct ctx *ctx, const struct db_stmt *stmt, const struct db_arg *args,
                                       size_t count);
#define DB_SEND(ctx, stmt, ...) \
    db_send((ctx), (stmt), (const struct db_arg[]){__VA_ARGS__}, ARRAY_COUNT(((const struct db_arg[]){__VA_ARGS__})))
BO_MUSTCHECK const struct err *db_receive(struct ctx *ctx, const struct db_rows **rows_r);

size_t db_count(const struct db_rows *rows);    /* rows returned */
size_t db_affected(const struct db_rows *rows); /* rows changed by INSERT, UPDATE, DELETE */
/* A column by its name; a name that the statement does not have is our own bug and ends the process (lint finds
 * a name that none of the folder's statements has). */
bool db_null(const struct db_rows *rows, size_t row, const char *col);
const char *db_str(const struct db_rows *rows, size_t row, const char *col); /* NULL for SQL NULL */
int64_t db_int(const struct db_rows *rows, size_t row, const char *col);     /* 0 for SQL NULL */
bool db_bool(const struct db_rows *rows, size_t row, const char *col);
int64_t db_time(const struct db_rows *rows, size_t row, const char *col); /* timestamptz; CLOCK_NONE for SQL NULL */
/* bytea; *len_r gets its size. NULL for SQL NULL. */
const unsigned char *db_bytes(struct ctx *ctx, const struct db_rows *rows, size_t row, const char *col, size_t *len_r);

/* ---- transactions ---- */

typedef const struct err *db_work(struct ctx *ctx, void *arg);
/* Runs work() between BEGIN and COMMIT (READ COMMITTED). An error rolls back. A serialization failure runs work()
 * again under retry_transaction(), so work() must not touch anything outside the database. Not nestable. Never make a
 * call to Redis, Kafka or another service in work(). */
BO_MUSTCHECK const struct err *db_transact(struct ctx *ctx, db_work *work, void *arg);

/* The same for what an administrator does once and thousands wait for nothing of: each statement may run for
 * `statement_ms` instead of BOX_DB_STATEMENT_MS. Must end before nginx and the watchdog lose patience. */
BO_MUSTCHECK const struct err *db_transact_long(struct ctx *ctx, int64_t statement_ms, db_work *work, void *arg);

/* The violated constraint's name after &err_db_unique, "" otherwise. */
const char *db_constraint(const struct ctx *ctx);
/* The five-character code after &err_db_raised ("BX001"), "" otherwise. */
const char *db_raised(const struct ctx *ctx);

/* ---- connection: for the skeletons, boxctl and tests ---- */

struct db *db_new(void); /* with cfg_db; connects on first use */
/* The same beside another one, which must outlive it: while the server is away both try to connect no more often than
 * that one alone would. */
struct db *db_new_beside(struct db *lead);
void db_free(struct db **db); /* NULL-safe; leaves NULL */
/* Connects if needed and asks the server for a trivial answer. */
BO_MUSTCHECK const struct err *db_ping(struct ctx *ctx);
/* True while a session advisory lock is held by this connection; tries to take it. Lost with the connection. */
BO_MUSTCHECK const struct err *db_try_lock(struct ctx *ctx, int64_t key, bool *held_r);
/* Parses and plans the statement on the server without running it. *why_r: the server's message, in the arena. */
BO_MUSTCHECK const struct err *db_check(struct ctx *ctx, const struct db_stmt *stmt, const char **why_r);
/* Runs a script of several statements (a migration) in one implicit transaction. boxctl only. */
BO_MUSTCHECK const struct err *db_script(struct ctx *ctx, const char *sql, const char **why_r);

#endif
