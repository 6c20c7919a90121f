#include "src/user/device.h"

#include "common/base/clock.h"
#include "common/io/db.h"
#include "sql/user.h"
#include "src/user/client.h"
#include "src/user/mail.h"
#include "src/user/user_pii.h"

#define DAY_S INT64_C(86400)

static bool is_news(const struct db_rows *row)
{
    return db_bool(row, 0, "seen") && !db_bool(row, 0, "known");
}

const struct err *device_notice(struct ctx *ctx, const char *user_id, const struct client *client)
{
    const struct db_rows *row;
    const struct err *e = DB_RUN(ctx, &sql_user_device, &row, DB_TEXT(user_id),
                                 DB_TEXT(client_address(ctx->arena, client->ip)), DB_TEXT(client->user_agent));
    if (e || db_count(row) == 0 || !is_news(row)) {
        return e;
    }
    const char *email = user_pii_open(ctx, "users.email", user_id, row, "email");
    if (!email) {
        return NULL; /* told in the log; nobody is kept out for it */
    }
    int64_t now = clock_now();
    return mail_put(ctx, &(struct mail){.kind = MAIL_NEW_DEVICE,
                                        .user_id = user_id,
                                        .email = email,
                                        .at = now,
                                        .ip = client->ip,
                                        .user_agent = client->user_agent,
                                        .expires_at = now + DAY_S * CLOCK_SECOND});
}
