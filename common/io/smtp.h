/*
 * smtp: one mail at a time to the mail server of the settings (RFC 5321), text and HTML side by side. With http the
 * only module that knows libcurl.
 *
 * TLS, with a certificate that is checked, by smtps:// or STARTTLS; without it (BOX_SMTP_TLS=0) in the sandbox and to
 * this host only. One connection is kept for mails that follow each other. Blocks for BOX_SMTP_TIMEOUT_MS at most, and
 * as long again at its end for a server that does not say goodbye. Text of a server goes nowhere: errors are words of
 * ours, of which none has an address.
 */
#ifndef COMMON_SMTP_H
#define COMMON_SMTP_H

#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"

#define SMTP_REASON_SIZE 24

#define ERR_SMTP_LIST(X)                                                                                \
    X(smtp_refused, "BAD_GATEWAY", 502, 0, "메일 서버가 받는 사람을 거부했습니다.",                     \
      "The mail server refuses the recipient.")                                                         \
    X(smtp_later, "SERVICE_UNAVAILABLE", 503, ERR_RETRY, "메일 서버가 나중에 다시 보내 달라고 합니다.", \
      "The mail server wants this mail at another time.")

ERR_SMTP_LIST(ERR_DECLARE)

struct cfg_smtp {
    const char *url;      /* BOX_SMTP_URL */
    bool tls;             /* BOX_SMTP_TLS */
    const char *user;     /* BOX_SMTP_USER; "": no login */
    const char *password; /* BOX_SMTP_PASSWORD */
    const char *ca_file;  /* BOX_SMTP_CA_FILE; "": those of the system */
    const char *from;     /* BOX_MAIL_FROM */
    const char *name;     /* BOX_MAIL_NAME */
    int64_t connect_ms;   /* BOX_SMTP_CONNECT_MS */
    int64_t timeout_ms;   /* BOX_SMTP_TIMEOUT_MS */
};
extern struct cfg_smtp cfg_smtp;
extern const struct cfg_section cfg_smtp_section;

/* Once, after settings are loaded. False with *why_r when they cannot be used together. */
BO_MUSTCHECK bool smtp_check_settings(const char **why_r);

struct smtp_mail {
    const char *id; /* letters, digits and '-'; with the sender's domain the Message-ID: the same for every try */
    const char *to; /* smtp_header_address() */
    const char *subject;
    const char *text; /* UTF-8, lines end in "\n" */
    const char *html; /* the same */
    int64_t at;       /* when it was written: its Date */
};

struct smtp; /* a connection, made on first use; never for two threads at a time */
struct smtp *smtp_new(void);
void smtp_free(struct smtp **smtp); /* NULL-safe; leaves NULL */

/* NULL: the server has taken the mail. &err_smtp_refused: nobody can be reached there (550, 551, 553 to the
 * recipient, or 5.1.x; a recipient or subject that cannot be one); &err_smtp_later: not now, or not from us (4xx, 554,
 * 5.7.x and every other 5xx to recipient or content); &err_unavailable: it takes none, or is not there (also when it
 * refuses login, sender or TLS); in all of these nothing was sent.
 * &err_uncertain: no answer came to the whole mail, which may have been taken: to send it again can make two with one
 * Message-ID. On failure `reason` is a word for it ("SMTP_550", "CONNECT", "TIMEOUT"), else "". */
BO_MUSTCHECK const struct err *smtp_send(struct ctx *ctx, struct smtp *smtp, const struct smtp_mail *mail,
                                         char reason[SMTP_REASON_SIZE]);

#endif
