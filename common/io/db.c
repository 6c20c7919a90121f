#include "common/io/db.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/context/retry.h"
#include "common/io/db_arg.h"
#include "common/io/db_rows.h"
#include "common/io/db_sqlstate.h"
#include "sql/db.h"

#define PREPARED_SLOTS 1024 /* power of two, well above the statements of any program */
#define LOCKS_MAX 64
#define NAME_SIZE 64         /* NAMEDATALEN: the longest constraint name */
#define BACKOFF_CAP_MS 1000  /* a request that finds the server away shall not fail for longer than it is away */
#define ANSWER_GRACE_MS 1000 /* beyond statement_timeout: then the server is taken for dead */

struct cfg_db cfg_db;
static const struct cfg_key cfg_db_keys[] = {
    {"BOX_DB_URL", CFG_STR, offsetof(struct cfg_db, url), "", NULL, 0, 0, CFG_REQUIRED,
     "PostgreSQL with the role of this program: postgresql://role@/boxoffice?host=/run/dir"},
    {"BOX_DB_PASSWORD", CFG_STR, offsetof(struct cfg_db, password), "", NULL, 16, 0, CFG_SECRET,
     "password of that role"},
    {"BOX_DB_CONNECT_MS", CFG_INT, offsetof(struct cfg_db, connect_ms), "ms", "1000", 10, 60000, 0,
     "longest wait for a connection"},
    {"BOX_DB_STATEMENT_MS", CFG_INT, offsetof(struct cfg_db, statement_ms), "ms", "5000", 10, 600000, 0,
     "longest run of one statement, and longest pause inside a transaction"},
    {"BOX_DB_LOCK_MS", CFG_INT, offsetof(struct cfg_db, lock_ms), "ms", "2000", 10, 600000, 0,
     "longest wait for a row or table lock"},
};
const struct cfg_section cfg_db_section = {"PostgreSQL", cfg_db_keys, ARRAY_COUNT(cfg_db_keys), &cfg_db};

struct db {
    struct cfg_db cfg; /* a copy: one process may hold sessions of several roles (tests, boxctl) */
    PGconn *conn;      /* NULL: not connected */
    const struct db_stmt *prepared[PREPARED_SLOTS]; /* on this connection; open addressing by address */
    size_t prepared_count;
    int64_t locks[LOCKS_MAX]; /* advisory locks of this connection */
    size_t lock_count;
    struct db *lead; /* whose backoff and retry_at count for all beside it; mostly itself */
    struct retry backoff;
    int64_t retry_at;           /* clock_monotonic() before which no connection is tried */
    int64_t answer_by;          /* clock_monotonic() after which the server is taken for dead */
    bool dying;                 /* the server has announced the end of this connection */
    bool in_transaction;        /* between BEGIN and COMMIT: a lost connection is not replaced */
    const struct db_stmt *sent; /* whose answer has not been received */
    int sent_whole;             /* as libpq says; 0: the connection is lost */
    int64_t long_ms;            /* what a statement of the present transaction may take; 0: as cfg says */
    char constraint[NAME_SIZE];
    char raised[6];
};

static const char *result_field(const PGresult *result, int field)
{
    const char *text = PQresultErrorField(result, field);
    return text != NULL ? text : "";
}

static void log_failure(const struct ctx *ctx, const char *what, const PGresult *result)
{
    const char *code = result_field(result, PG_DIAG_SQLSTATE);
    log_error(&ctx->log, "statement '%s' failed with SQLSTATE %s: '%s' '%s'", what, code,
              result_field(result, PG_DIAG_CONSTRAINT_NAME),
              db_sqlstate_quotes_data(code) ? "" : result_field(result, PG_DIAG_MESSAGE_PRIMARY));
}

/* ---- the connection ---- */

static void disconnect(struct db *db)
{
    PQfinish(db->conn); /* accepts NULL */
    db->conn = NULL;
    memset(db->prepared, 0, sizeof db->prepared);
    db->prepared_count = 0;
    db->lock_count = 0;
    db->dying = false;
}

/* Waits for the socket until `deadline` (clock_monotonic()). */
static bool wait_socket(int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left_ms = (deadline - clock_monotonic() + 999) / 1000;
        struct pollfd one = {.fd = fd, .events = events};
        int ready = poll(&one, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
    }
}

/* A message outside any statement: FATAL when the server ends this session (restart, pg_terminate_backend). */
static void on_notice(void *arg, const PGresult *result)
{
    struct db *db = arg;
    if (db_sqlstate_find(result_field(result, PG_DIAG_SQLSTATE))->lost) {
        db->dying = true;
    }
}

static PGconn *connect_start(const struct cfg_db *cfg, struct arena *arena)
{
    const char *options =
        arena_printf(arena,
                     "-c statement_timeout=%lld -c lock_timeout=%lld "
                     "-c idle_in_transaction_session_timeout=%lld -c TimeZone=UTC -c DateStyle=ISO",
                     (long long)cfg->statement_ms, (long long)cfg->lock_ms, (long long)cfg->statement_ms);
    const char *const names[] = {"dbname",
                                 "password",
                                 "options",
                                 "application_name",
                                 "client_encoding",
                                 "keepalives_idle",
                                 "keepalives_interval",
                                 "keepalives_count",
                                 "tcp_user_timeout",
                                 NULL};
    const char *const values[] = {cfg->url,
                                  cfg->password,
                                  options,
                                  program_invocation_short_name,
                                  "UTF8",
                                  "30",
                                  "5",
                                  "3",
                                  arena_int(arena, (cfg->statement_ms + ANSWER_GRACE_MS)),
                                  NULL};
    return PQconnectStartParams(names, values, /* expand_dbname= */ 1);
}

static bool connect_finish(PGconn *conn, int64_t deadline)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next == PGRES_POLLING_WRITING || next == PGRES_POLLING_READING) {
        if (PQstatus(conn) == CONNECTION_BAD ||
            !wait_socket(PQsocket(conn), next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
            return false;
        }
        next = PQconnectPoll(conn);
    }
    return next == PGRES_POLLING_OK;
}

static const struct err *connect_now(struct ctx *ctx)
{
    struct db *db = ctx->db, *lead = db->lead;
    if (clock_monotonic() < lead->retry_at) {
        return &err_unavailable;
    }
    db->conn = connect_start(&db->cfg, ctx->arena);
    if (db->conn != NULL && connect_finish(db->conn, clock_monotonic() + db->cfg.connect_ms * 1000)) {
        PQsetNoticeReceiver(db->conn, on_notice, db);
        retry_reset(&lead->backoff);
        return NULL;
    }
    const char *why = PQerrorMessage(db->conn);
    log_warn(&ctx->log, "cannot connect to the database: '%.*s'", (int)strcspn(why, "\n"), why);
    disconnect(db);
    int64_t wait_ms = retry_next(&lead->backoff);
    lead->retry_at = clock_monotonic() + (wait_ms < BACKOFF_CAP_MS ? wait_ms : BACKOFF_CAP_MS) * 1000;
    return &err_unavailable;
}

/* Has the server closed this idle connection? What it has sent meanwhile is read, so that nothing of the next
 * statement is put into a dead socket and its fate is never in doubt. */
static bool idle_alive(struct db *db)
{
    while (PQstatus(db->conn) == CONNECTION_OK && !db->dying) {
        struct pollfd one = {.fd = PQsocket(db->conn), .events = POLLIN};
        if (poll(&one, 1, 0) <= 0) {
            return true;
        }
        if (!PQconsumeInput(db->conn)) {
            return false;
        }
        PQisBusy(db->conn); /* parses: a farewell reaches on_notice() */
    }
    return false;
}

/* A live connection, or &err_unavailable. Inside a transaction a lost one is not replaced; and one that held advisory
 * locks is replaced only at the next call, so that its user learns that the locks are gone. */
static const struct err *ensure_connected(struct ctx *ctx)
{
    struct db *db = ctx->db;
    bool held_state = db->in_transaction || db->lock_count > 0;
    if (db->conn != NULL && idle_alive(db)) {
        return NULL;
    }
    bool was_connected = db->conn != NULL;
    disconnect(db);
    if (db->in_transaction || (was_connected && held_state)) {
        return &err_unavailable;
    }
    return connect_now(ctx);
}

/* ---- one round trip ---- */

/* A statement is about to be sent. */
static void expect_answer(struct db *db)
{
    int64_t limit_ms = db->long_ms > 0 ? db->long_ms : db->cfg.statement_ms;
    db->answer_by = clock_monotonic() + (limit_ms + ANSWER_GRACE_MS) * 1000;
}

/* The statement's last result, or NULL when the connection is lost or no answer comes in time. */
static PGresult *await_result(struct db *db)
{
    PGresult *last = NULL;
    for (;;) {
        while (PQisBusy(db->conn)) {
            if (!wait_socket(PQsocket(db->conn), POLLIN, db->answer_by) || !PQconsumeInput(db->conn)) {
                PQclear(last);
                return NULL;
            }
        }
        PGresult *result = PQgetResult(db->conn);
        if (result == NULL) {
            return last;
        }
        PQclear(last);
        last = result;
    }
}

static void clear_result(void *result)
{
    PQclear(result);
}

/* Judges a result (NULL: lost). `lost` is what a lost connection means for this statement. */
static const struct err *error_of_result(struct ctx *ctx, const char *what, const PGresult *result,
                                         const struct err *lost)
{
    struct db *db = ctx->db;
    ExecStatusType status = PQresultStatus(result); /* PGRES_FATAL_ERROR for NULL */
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        return NULL;
    }
    const char *code = result_field(result, PG_DIAG_SQLSTATE);
    if (code[0] == '\0') { /* made by libpq: the connection broke, or the server has stopped answering */
        disconnect(db);
        return lost;
    }
    const struct db_sqlstate *row = db_sqlstate_find(code);
    snprintf(db->constraint, sizeof db->constraint, "%s",
             row->err == &err_db_unique ? result_field(result, PG_DIAG_CONSTRAINT_NAME) : "");
    snprintf(db->raised, sizeof db->raised, "%s", row->err == &err_db_raised ? code : "");
    if (row->err == &err_internal) {
        log_failure(ctx, what, result);
    }
    if (row->lost || PQstatus(db->conn) == CONNECTION_BAD) {
        disconnect(db);
        return row->err == &err_unavailable ? lost : row->err;
    }
    return row->err;
}

/* After a PQsend...() that answered `sent`: the result, kept until the arena's reset. */
static const struct err *finish(struct ctx *ctx, const char *what, int sent, const struct err *lost,
                                const PGresult **result_r)
{
    PGresult *result = sent ? await_result(ctx->db) : NULL;
    if (result != NULL) {
        arena_defer(ctx->arena, clear_result, result);
    }
    const struct err *e = error_of_result(ctx, what, result, lost);
    if (!e && result_r != NULL) {
        *result_r = result;
    }
    return e;
}

/* A command without parameters: BEGIN, COMMIT, SET. */
static const struct err *command(struct ctx *ctx, const char *sql, const struct err *lost, const PGresult **result_r)
{
    expect_answer(ctx->db);
    return finish(ctx, sql, PQsendQuery(ctx->db->conn, sql), lost, result_r);
}

/* ---- statements ---- */

static size_t prepared_slot(const struct db *db, const struct db_stmt *stmt)
{
    size_t slot = ((uintptr_t)stmt >> 4) * 2654435761u % PREPARED_SLOTS;
    while (db->prepared[slot] != NULL && db->prepared[slot] != stmt) {
        slot = (slot + 1) % PREPARED_SLOTS;
    }
    return slot;
}

static const struct err *prepare(struct ctx *ctx, const struct db_stmt *stmt)
{
    struct db *db = ctx->db;
    size_t slot = prepared_slot(db, stmt);
    if (db->prepared[slot] == stmt) {
        return NULL;
    }
    if (db->prepared_count == PREPARED_SLOTS / 2) {
        log_panic("more than %d statements in one program", PREPARED_SLOTS / 2);
    }
    expect_answer(db);
    const struct err *e =
        finish(ctx, stmt->name, PQsendPrepare(db->conn, stmt->name, stmt->sql, 0, NULL), &err_unavailable, NULL);
    if (!e) {
        db->prepared[slot] = stmt;
        db->prepared_count++;
    }
    return e;
}

/* What a connection lost after sending means: inside a transaction nothing has happened, a read has no effect. */
static const struct err *lost_means(const struct db *db, const struct db_stmt *stmt)
{
    return db->in_transaction || stmt->kind == DB_READ ? &err_unavailable : &err_uncertain;
}

const struct err *db_send(struct ctx *ctx, const struct db_stmt *stmt, const struct db_arg *args, size_t count)
{
    struct db *db = ctx->db;
    if (db->sent != NULL) {
        log_panic("statement '%s' is sent before the answer to '%s' was received", stmt->name, db->sent->name);
    }
    db->constraint[0] = '\0';
    db->raised[0] = '\0';
    const char *const *texts;
    const struct err *e = db_arg_texts(ctx, args, count, &texts);
    e = e ? e : ensure_connected(ctx);
    e = e ? e : prepare(ctx, stmt);
    if (!e) {
        expect_answer(db);
        db->sent = stmt;
        db->sent_whole = PQsendQueryPrepared(db->conn, stmt->name, (int)count, texts, NULL, NULL, 0);
    }
    return e;
}

const struct err *db_receive(struct ctx *ctx, const struct db_rows **rows_r)
{
    struct db *db = ctx->db;
    const struct db_stmt *stmt = db->sent;
    if (stmt == NULL) {
        log_panic("no statement was sent");
    }
    db->sent = NULL;
    const PGresult *result;
    const struct err *e = finish(ctx, stmt->name, db->sent_whole, lost_means(db, stmt), &result);
    if (!e && rows_r != NULL) {
        struct db_rows *rows = ARENA_NEW(ctx->arena, struct db_rows);
        *rows = (struct db_rows){.result = (PGresult *)result, .stmt = stmt};
        *rows_r = rows;
    }
    return e;
}

const struct err *db_run(struct ctx *ctx, const struct db_stmt *stmt, const struct db_arg *args, size_t count,
                         const struct db_rows **rows_r)
{
    const struct err *e = db_send(ctx, stmt, args, count);
    return e ? e : db_receive(ctx, rows_r);
}

/* ---- transactions ---- */

/* A transaction in which a statement failed answers COMMIT with ROLLBACK: work() has swallowed an error. */
static const struct err *commit(struct ctx *ctx)
{
    if (ctx->db->conn == NULL) {
        return &err_unavailable; /* lost before COMMIT: rolled back */
    }
    const PGresult *result;
    const struct err *e = command(ctx, "COMMIT", &err_uncertain, &result);
    if (!e && strcmp(PQcmdStatus((PGresult *)result), "COMMIT") != 0) {
        log_error(&ctx->log, "a transaction that had failed was to be committed");
        return &err_internal;
    }
    return e;
}

/* A session that cannot even roll back is dropped; the server then rolls back by itself. */
static void rollback(struct ctx *ctx)
{
    if (ctx->db->conn != NULL && command(ctx, "ROLLBACK", &err_unavailable, NULL) != NULL) {
        disconnect(ctx->db);
    }
}

static const struct err *allow_long(struct ctx *ctx)
{
    long long limit_ms = ctx->db->long_ms;
    const char *set = arena_printf(ctx->arena, "SET LOCAL statement_timeout = %lld", limit_ms);
    return limit_ms > 0 ? command(ctx, set, &err_unavailable, NULL) : NULL;
}

static const struct err *transact_once(struct ctx *ctx, db_work *work, void *arg)
{
    const struct err *e = ensure_connected(ctx);
    e = e ? e : command(ctx, "BEGIN", &err_unavailable, NULL);
    if (e) {
        return e;
    }
    ctx->db->in_transaction = true;
    e = allow_long(ctx);
    e = e ? e : work(ctx, arg);
    if (!e) {
        e = commit(ctx);
    } else {
        rollback(ctx);
    }
    ctx->db->in_transaction = false;
    return e;
}

const struct err *db_transact(struct ctx *ctx, db_work *work, void *arg)
{
    if (ctx->db->in_transaction) {
        log_panic("db_transact() within a transaction");
    }
    struct retry retry = retry_transaction();
    for (;;) {
        const struct err *e = transact_once(ctx, work, arg);
        int64_t wait_ms = e == &err_db_serialization ? retry_next(&retry) : -1;
        if (wait_ms < 0) {
            return e;
        }
        clock_sleep(wait_ms);
    }
}

const struct err *db_transact_long(struct ctx *ctx, int64_t statement_ms, db_work *work, void *arg)
{
    ctx->db->long_ms = statement_ms;
    const struct err *e = db_transact(ctx, work, arg);
    ctx->db->long_ms = 0;
    return e;
}

const char *db_constraint(const struct ctx *ctx)
{
    return ctx->db->constraint;
}

const char *db_raised(const struct ctx *ctx)
{
    return ctx->db->raised;
}

/* ---- for the skeletons, boxctl and tests ---- */

static char *copy_text(const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);
    if (text != NULL && copy == NULL) {
        log_panic("out of memory");
    }
    return copy;
}

struct db *db_new(void)
{
    struct db *db = calloc(1, sizeof *db);
    if (db == NULL) {
        log_panic("out of memory");
    }
    db->cfg = cfg_db;
    db->cfg.url = copy_text(cfg_db.url);
    db->cfg.password = copy_text(cfg_db.password);
    db->backoff = retry_reconnect();
    db->lead = db;
    return db;
}

struct db *db_new_beside(struct db *lead)
{
    struct db *db = db_new();
    db->lead = lead;
    return db;
}

void db_free(struct db **db)
{
    if (*db == NULL) {
        return;
    }
    disconnect(*db);
    free((char *)(*db)->cfg.url);
    free((char *)(*db)->cfg.password);
    free(*db);
    *db = NULL;
}

const struct err *db_ping(struct ctx *ctx)
{
    return DB_RUN0(ctx, &sql_db_ping, NULL);
}

const struct err *db_try_lock(struct ctx *ctx, int64_t key, bool *held_r)
{
    struct db *db = ctx->db;
    const struct err *e = ensure_connected(ctx); /* a lost session has no locks any more */
    for (size_t i = 0; !e && i < db->lock_count; i++) {
        if (db->locks[i] == key) {
            *held_r = true;
            return NULL;
        }
    }
    const struct db_rows *rows;
    e = e ? e : DB_RUN(ctx, &sql_db_try_lock, &rows, DB_INT(key));
    if (e) {
        return e;
    }
    *held_r = db_bool(rows, 0, "held");
    if (*held_r && db->lock_count == LOCKS_MAX) {
        log_panic("more than %d advisory locks", LOCKS_MAX);
    }
    if (*held_r) {
        db->locks[db->lock_count++] = key;
    }
    return NULL;
}

/* Notes the server's own words when `result`, which is freed, is a failure. */
static const struct err *error_told(struct ctx *ctx, PGresult *result, const char **why_r)
{
    ExecStatusType status = PQresultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    if (!ok) {
        *why_r = arena_strdup(ctx->arena, PQresultErrorMessage(result));
    }
    PQclear(result);
    if (PQstatus(ctx->db->conn) == CONNECTION_BAD) {
        disconnect(ctx->db);
        return &err_uncertain;
    }
    return ok ? NULL : &err_internal;
}

static const struct err *connect_told(struct ctx *ctx, const char **why_r)
{
    const struct err *e = ensure_connected(ctx);
    if (e) {
        *why_r = "no connection to the database";
    }
    return e;
}

/* Columns are read by name: each needs one, and one of its own. */
static const struct err *check_columns(struct ctx *ctx, const char **why_r)
{
    PGresult *result = PQdescribePrepared(ctx->db->conn, "");
    for (int i = 0; i < PQnfields(result); i++) {
        const char *name = PQfname(result, i);
        bool named = strcmp(name, "?column?") != 0;
        if (!named || PQfnumber(result, name) != i) {
            *why_r = named ? arena_printf(ctx->arena, "column %d has no name of its own: '%s'", i + 1, name)
                           : arena_printf(ctx->arena, "column %d has no name: it needs an AS", i + 1);
            PQclear(result);
            return &err_internal;
        }
    }
    return error_told(ctx, result, why_r);
}

/* EXPLAIN finds what parsing alone does not: rights that the role lacks. */
const struct err *db_check(struct ctx *ctx, const struct db_stmt *stmt, const char **why_r)
{
    const struct err *e = connect_told(ctx, why_r);
    e = e ? e : error_told(ctx, PQprepare(ctx->db->conn, "", stmt->sql, 0, NULL), why_r);
    e = e ? e : check_columns(ctx, why_r);
    const char *explain = arena_printf(ctx->arena, "EXPLAIN (GENERIC_PLAN) %s", stmt->sql);
    return e ? e : error_told(ctx, PQexec(ctx->db->conn, explain), why_r);
}

/* A migration may take longer than a request. */
const struct err *db_script(struct ctx *ctx, const char *sql, const char **why_r)
{
    const struct err *e = connect_told(ctx, why_r);
    e = e ? e : error_told(ctx, PQexec(ctx->db->conn, "SET statement_timeout = 0"), why_r);
    e = e ? e : error_told(ctx, PQexec(ctx->db->conn, sql), why_r);
    if (ctx->db->conn != NULL) {
        PQclear(PQexec(ctx->db->conn, "RESET statement_timeout"));
    }
    return e;
}
