/* people: accounts with sealed data for tests/load/reseal, as the user service would make them; nobody can log in.
 *
 * usage: people COUNT      with the settings of user.fcgi (chpst -e var/test/env/user)
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/array.h"
#include "common/base/log.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "common/run/program.h"
#include "sql/user.h"
#include "src/user/user_pii.h"
#include "src/user/user_settings.h"

#define A_TIME 500
#define PEOPLE_MAX 10000000
/* Of no password. */
#define HASH "$2b$04$....................................................."

static const struct err *add_person(struct ctx *ctx)
{
    char id[UUID_SIZE];
    uuid_v7(id);
    const char *email = arena_printf(ctx->arena, "%s@example.com", id);
    return DB_RUN(ctx, &sql_user_insert, NULL, DB_TEXT(id), user_pii_seal(ctx, "users.email", id, email),
                  user_pii_blind(ctx, "email", email), user_pii_seal(ctx, "users.name", id, "김민수"),
                  user_pii_seal(ctx, "users.phone", id, "01012345678"), user_pii_blind(ctx, "phone", "01012345678"),
                  user_pii_seal(ctx, "users.ci", id, id), user_pii_blind(ctx, "ci", id),
                  user_pii_seal(ctx, "users.di", id, "di"), DB_TEXT(HASH));
}

static const struct err *add_some(struct ctx *ctx, void *count)
{
    const struct err *e = NULL;
    for (int64_t i = 0; !e && i < *(int64_t *)count; i++) {
        e = add_person(ctx);
    }
    return e;
}

int main(int argc, char **argv)
{
    static const struct cfg_section *const own[] = {&cfg_user_section, &cfg_pii_section, &cfg_blind_section, NULL};
    const struct cfg_section *sections[PROGRAM_SECTIONS_MAX];
    const char *why;
    int64_t left = argc == 2 ? strtoll(argv[1], NULL, 10) : 0;
    if (left < 1 || left > PEOPLE_MAX) {
        fputs("usage: people COUNT\n", stderr);
        return 2;
    }
    program_sections(NEED_DB, own, sections);
    if (!program_options("people", sections, 1, argv) || !user_settings_init(&why)) {
        return 1;
    }
    struct ctx *ctx = program_ctx_new(NEED_DB);
    const struct err *e = NULL;
    while (!e && left > 0) {
        int64_t some = left < A_TIME ? left : A_TIME;
        ctx_begin(ctx, NULL, NULL);
        e = db_transact(ctx, add_some, &some);
        left -= some;
    }
    program_ctx_free(&ctx);
    if (e) {
        fprintf(stderr, "people: %s\n", e->en);
    }
    return e ? 1 : 0;
}
