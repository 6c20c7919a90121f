#include "src/user/mailer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/breaker.h"
#include "common/base/metrics.h"
#include "common/crypto/crypto.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "common/io/smtp.h"
#include "common/io/smtp_header.h"
#include "sql/mailer.h"
#include "src/user/mail.h"
#include "src/user/mail_text.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"

#define RETRY_MAX_MS 3600000
#define SPREAD 4 /* a wait is up to a fourth shorter or longer: what failed together does not come back together */
#define TAKEN_SPARE_S 15
#define EXPIRE_BATCH 1000
#define DISTRUST_AT 5 /* recipients in a row that are refused: then it is us whom the server refuses */
#define COUNT_MAX 100000
/* Whose turn it is, of sixteen mails: however many codes are asked for, or fail over and over. */
static const char *const turns[] = {"SLEEPERS", "CODES", "FAILED", "CODES", "OWNERS", "CODES", "FAILED", "CODES",
                                    "OWNERS",   "CODES", "FAILED", "CODES", "OWNERS", "CODES", "FAILED", "CODES"};

struct cfg_mailer cfg_mailer;

static const struct cfg_key keys[] = {
    {"BOX_MAILER_POLL_MS", CFG_INT, offsetof(struct cfg_mailer, poll_ms), "ms", "500", 10, 60000, 0,
     "How often is looked for mails to send."},
    {"BOX_MAILER_MEASURE_MS", CFG_INT, offsetof(struct cfg_mailer, measure_ms), "ms", "5000", 100, 60000, 0,
     "How often they are counted, and those that are too late given up."},
    {"BOX_MAILER_TRIES", CFG_INT, offsetof(struct cfg_mailer, tries), "tries", "30", 1, 1000, 0,
     "How often one mail is tried; notices that an account will sleep: until they are too late."},
    {"BOX_MAILER_RETRY_MS", CFG_INT, offsetof(struct cfg_mailer, retry_ms), "ms", "5000", 1, 3600000, 0,
     "Wait after the first try that failed; doubled with each, up to an hour."},
    {"BOX_SMTP_BREAKER_OPEN_MS", CFG_INT, offsetof(struct cfg_mailer, open_ms), "ms", "30000", 10, 3600000, 0,
     "How long no mail is tried when the mail server is away."},
};
const struct cfg_section cfg_mailer_section = {"Mailer", keys, ARRAY_COUNT(keys), &cfg_mailer};

/* What is to be written of a mail that was tried. */
struct mark {
    char id[UUID_SIZE]; /* "": nothing */
    int64_t attempts;
    const char *status; /* NULL: tried again */
    int64_t wait_ms;
    char reason[SMTP_REASON_SIZE]; /* "": none */
    bool lasting;                  /* tried as long as it is of use */
};

struct mailer {
    struct smtp *smtp;
    struct breaker *breaker;
    struct mark mark;                                /* not written yet: the database was away */
    char refused[DISTRUST_AT][SMTP_ADDRESS_MAX + 1]; /* different recipients since the last mail that was taken */
    size_t refused_count;
    unsigned turn;
};

bool mailer_init(const char **why_r)
{
    cfg_watch(&cfg_pii_section, mailer_init);
    return user_pii_init(NULL, cfg_user.pii_keys, why_r) && smtp_check_settings(why_r);
}

struct mailer *mailer_new(void)
{
    const struct breaker_policy policy = {
        .window = 10, .min_calls = 3, .open_percent = 50, .open_ms = cfg_mailer.open_ms, .probes = 1};
    struct mailer *mailer = calloc(1, sizeof *mailer);
    if (!mailer) {
        log_panic("out of memory");
    }
    mailer->smtp = smtp_new();
    mailer->breaker = breaker_open(cfg_process.run_dir, "mail", &policy);
    return mailer;
}

void mailer_free(struct mailer **mailer)
{
    if (*mailer) {
        smtp_free(&(*mailer)->smtp);
        breaker_close(&(*mailer)->breaker);
        free(*mailer);
        *mailer = NULL;
    }
}

/* ---- what became of one ---- */

static void count(struct ctx *ctx, const char *result, int64_t number)
{
    const char *labels = arena_printf(ctx->arena, "result=\"%s\"", result);
    metrics_add(metrics_get(METRIC_COUNTER, "boxoffice_mails_total", labels), number);
}

static int64_t wait_ms(int64_t attempts)
{
    uint32_t random;
    int64_t wait = cfg_mailer.retry_ms;
    for (int64_t i = 1; i < attempts && wait < RETRY_MAX_MS; i++) {
        wait *= 2;
    }
    wait = wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS;
    crypto_random(&random, sizeof random);
    return wait - wait / SPREAD + (int64_t)(random % (uint64_t)(2 * wait / SPREAD + 1));
}

static const struct err *write_mark(struct mailer *mailer, struct ctx *ctx)
{
    struct mark *mark = &mailer->mark;
    if (!mark->id[0]) {
        return NULL;
    }
    const struct db_arg reason = DB_TEXT(mark->reason[0] ? mark->reason : NULL);
    const struct err *e = mark->status ? DB_RUN(ctx, &sql_mailer_end, NULL, DB_TEXT(mark->id), DB_INT(mark->attempts),
                                                DB_TEXT(mark->status), reason)
                                       : DB_RUN(ctx, &sql_mailer_later, NULL, DB_TEXT(mark->id), DB_INT(mark->attempts),
                                                DB_INT(mark->wait_ms), reason);
    if (!e) {
        mark->id[0] = '\0';
    }
    return e;
}

static void note(struct mailer *mailer, struct ctx *ctx, const struct err *e)
{
    struct mark *mark = &mailer->mark;
    bool over = e == &err_smtp_refused || (!mark->lasting && mark->attempts >= cfg_mailer.tries);
    mark->status = !e ? "SENT" : over ? "FAILED" : NULL;
    mark->wait_ms = wait_ms(mark->attempts);
    if (!e) {
        log_info(&ctx->log, "mail sent");
    } else if (over) {
        log_error(&ctx->log, "mail given up: %s", mark->reason);
    } else {
        log_warn(&ctx->log, "mail not sent, again in %lld ms: %s", (long long)mark->wait_ms, mark->reason);
    }
    count(ctx, !e ? "sent" : over ? "failed" : "retried", 1);
}

/* ---- one mail ---- */

/* False when it cannot be opened: its key may be in the next start's ring. */
static bool open_mail(struct ctx *ctx, const struct db_rows *row, struct mail *mail_r)
{
    const char *id = db_str(row, 0, "id");
    const char *email = user_pii_open(ctx, "mails.recipient", id, row, "recipient");
    const char *json = user_pii_open(ctx, "mails.content", id, row, "content");
    enum mail_kind kind = mail_kind_of(db_str(row, 0, "kind"));
    void *values;
    if (!email || !json || kind == MAIL__MAX || json_read(ctx, json, strlen(json), &mail_values_shape, &values)) {
        return false;
    }
    *mail_r = *(struct mail *)values;
    mail_r->kind = kind;
    mail_r->email = email;
    mail_r->language = db_str(row, 0, "language");
    return true;
}

static void remember_refused(struct mailer *mailer, const char *recipient)
{
    for (size_t i = 0; i < mailer->refused_count; i++) {
        if (strcmp(mailer->refused[i], recipient) == 0) {
            return;
        }
    }
    if (mailer->refused_count < DISTRUST_AT) {
        snprintf(mailer->refused[mailer->refused_count++], sizeof mailer->refused[0], "%s", recipient);
    }
}

/* A server that refuses one owner after the other is not believed that there is none of them. Codes go to whatever
 * anybody has typed: that they are refused says nothing of the server. */
static const struct err *judge(struct mailer *mailer, const struct err *e, const struct mail *mail)
{
    bool refused = e == &err_smtp_refused && smtp_header_address(mail->email);
    if (!e) {
        mailer->refused_count = 0;
    } else if (refused && mail->kind != MAIL_EMAIL_CODE) {
        remember_refused(mailer, mail->email);
    }
    return refused && mailer->refused_count == DISTRUST_AT ? &err_smtp_later : e;
}

/* A notice to somebody who has come back, or left. */
static void pass_over(struct mailer *mailer, struct ctx *ctx)
{
    mailer->mark.status = "EXPIRED";
    snprintf(mailer->mark.reason, SMTP_REASON_SIZE, "MOOT");
    log_info(&ctx->log, "mail not sent: it means nothing any more");
    count(ctx, "expired", 1);
}

static const struct err *try_mail(struct mailer *mailer, struct ctx *ctx, const struct db_rows *row)
{
    struct mail mail;
    if (!open_mail(ctx, row, &mail)) {
        snprintf(mailer->mark.reason, SMTP_REASON_SIZE, "SEALED");
        return &err_internal;
    }
    struct mail_words words = mail_compose(ctx->arena, &mail);
    const struct smtp_mail message = {.id = db_str(row, 0, "id"),
                                      .to = mail.email,
                                      .subject = words.subject,
                                      .text = words.text,
                                      .html = words.html,
                                      .at = db_time(row, 0, "created_at")};
    struct breaker_permit permit;
    if (!breaker_allow(mailer->breaker, &permit)) {
        snprintf(mailer->mark.reason, SMTP_REASON_SIZE, "AWAY");
        return &err_unavailable;
    }
    const struct err *e = judge(mailer, smtp_send(ctx, mailer->smtp, &message, mailer->mark.reason), &mail);
    breaker_done(mailer->breaker, &permit, !e || e == &err_smtp_refused || e == &err_smtp_later);
    return e;
}

/* Longer than all that sending one can take. */
static int64_t taken_s(void)
{
    return (cfg_smtp.connect_ms + 2 * cfg_smtp.timeout_ms) / 1000 + TAKEN_SPARE_S;
}

static const char *whose_turn(struct mailer *mailer)
{
    return turns[++mailer->turn % ARRAY_COUNT(turns)];
}

const struct err *mailer_send(struct mailer *mailer, struct ctx *ctx, bool *more_r)
{
    const struct db_rows *row;
    const struct err *e = write_mark(mailer, ctx);
    if (e || breaker_retry_after_s(mailer->breaker) > 0) {
        return e;
    }
    e = DB_RUN(ctx, &sql_mailer_take, &row, DB_INT(taken_s()), DB_TEXT(whose_turn(mailer)));
    if (e || db_count(row) == 0) {
        return e;
    }
    mailer->mark = (struct mark){.attempts = db_int(row, 0, "attempts"),
                                 .lasting = mail_kind_of(db_str(row, 0, "kind")) == MAIL_DORMANCY_NOTICE};
    snprintf(mailer->mark.id, UUID_SIZE, "%s", db_str(row, 0, "id"));
    log_field(&ctx->log, "mail_id", mailer->mark.id);
    log_field(&ctx->log, "kind", db_str(row, 0, "kind"));
    if (db_bool(row, 0, "holds")) {
        note(mailer, ctx, try_mail(mailer, ctx, row));
    } else {
        pass_over(mailer, ctx);
    }
    *more_r = true;
    return write_mark(mailer, ctx);
}

const struct err *mailer_expire(struct ctx *ctx, bool *more_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_mailer_expire, &rows, DB_INT(EXPIRE_BATCH));
    if (e) {
        return e;
    }
    int64_t gone = db_int(rows, 0, "total");
    if (gone > 0) {
        log_warn(&ctx->log, "mails that were too late: %lld", (long long)gone);
        count(ctx, "expired", gone);
    }
    *more_r = gone == EXPIRE_BATCH;
    return NULL;
}

const struct err *mailer_measure(struct ctx *ctx)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_mailer_backlog, &rows, DB_INT(COUNT_MAX));
    if (!e) {
        metrics_set(metrics_get(METRIC_GAUGE, "boxoffice_mails_waiting", ""), db_int(rows, 0, "waiting"));
        metrics_set(metrics_get(METRIC_GAUGE, "boxoffice_mails_oldest_seconds", ""), db_int(rows, 0, "oldest_s"));
    }
    return e;
}
