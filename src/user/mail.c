#include "src/user/mail.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/buf.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "sql/mail.h"
#include "src/user/user_pii.h"

#define VALUES_MAX 4096   /* bytes of all values as JSON */
#define OF_A_KIND_A_DAY 5 /* about one account */

static const char *const kinds[MAIL__MAX] = {
    [MAIL_EMAIL_CODE] = "EMAIL_CODE",
    [MAIL_NEW_DEVICE] = "NEW_DEVICE",
    [MAIL_DORMANCY_NOTICE] = "DORMANCY_NOTICE",
    [MAIL_PASSWORD_CHANGED] = "PASSWORD_CHANGED",
    [MAIL_SOCIAL_LINKED] = "SOCIAL_LINKED",
    [MAIL_SOCIAL_UNLINKED] = "SOCIAL_UNLINKED",
    [MAIL_WITHDRAWN] = "WITHDRAWN",
    [MAIL_EMAIL_CHANGED] = "EMAIL_CHANGED",
};

static const struct field mail_values_fields[] = {
    {FIELD(struct mail, "code", FIELD_STR, code), .max = 6},
    {FIELD(struct mail, "at", FIELD_TIME, at)},
    {FIELD(struct mail, "ip", FIELD_STR, ip), .max = 64},
    {FIELD(struct mail, "userAgent", FIELD_STR, user_agent), .max = 400},
    {FIELD(struct mail, "provider", FIELD_STR, provider), .max = 20},
};
const struct shape mail_values_shape = {mail_values_fields, ARRAY_COUNT(mail_values_fields), sizeof(struct mail),
                                        false};

const char *mail_kind_name(enum mail_kind kind)
{
    return kinds[kind];
}

enum mail_kind mail_kind_of(const char *name)
{
    enum mail_kind kind = 0;
    while (kind < MAIL__MAX && strcmp(kinds[kind], name) != 0) {
        kind++;
    }
    return kind;
}

static const char *values_of(struct ctx *ctx, const struct mail *mail)
{
    struct buf buf;
    struct json_out out;
    buf_init(&buf, ctx->arena, VALUES_MAX);
    json_out_init(&out, &buf);
    json_add_shape(&out, NULL, &mail_values_shape, mail);
    return buf.overflow ? NULL : buf.data;
}

const struct err *mail_put(struct ctx *ctx, const struct mail *mail)
{
    char id[UUID_SIZE];
    const char *values = values_of(ctx, mail);
    if (!values) {
        log_error(&ctx->log, "the values of a mail are too long");
        return &err_internal;
    }
    uuid_v7(id);
    return DB_RUN(ctx, &sql_mail_put, NULL, DB_TEXT(id), DB_TEXT(kinds[mail->kind]), DB_TEXT(mail->user_id),
                  user_pii_seal(ctx, "mails.recipient", id, mail->email),
                  user_pii_seal(ctx, "mails.content", id, values), DB_TEXT(mail->language ? mail->language : "ko"),
                  DB_TIME(mail->expires_at), DB_INT(OF_A_KIND_A_DAY));
}
