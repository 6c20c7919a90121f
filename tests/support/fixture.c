#include "tests/support/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/service_key.h"
#include "common/base/cfg.h"
#include "common/base/clock.h"
#include "common/crypto/uuid.h"
#include "common/io/db.h"
#include "common/io/event.h"
#include "common/io/kafka.h"
#include "common/io/redis.h"
#include "common/run/program.h"
#include "src/contract/schedule.h"

#define WAITING_PATIENCE_US (10 * CLOCK_SECOND)
#define UUIDS_MAX 4096
#define OWNER "boxoffice_admin"

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL || value[0] == '\0') {
        fprintf(stderr, "%s is not set: component tests need real stores (see tests/support/fixture.h)\n", name);
        exit(1);
    }
    return value;
}

/* "postgresql:///boxoffice?host=/run" with the role put in: "postgresql://role@/boxoffice?host=/run". */
static void set_db_url(const char *role)
{
    const char *url = environment("BOX_TEST_DB_URL");
    const char *rest = strstr(url, "://");
    char with_role[1024];
    if (rest == NULL) {
        fprintf(stderr, "BOX_TEST_DB_URL must begin with postgresql://\n");
        exit(1);
    }
    snprintf(with_role, sizeof with_role, "postgresql://%s@%s", role, rest + strlen("://"));
    setenv("BOX_DB_URL", with_role, 1);
}

static void set_db_password(const char *role)
{
    const char *folder = getenv("BOX_SECRETS_DIR");
    char path[1024];
    snprintf(path, sizeof path, "%s/db-%s", folder != NULL ? folder : "", role);
    FILE *file = folder != NULL ? fopen(path, "r") : NULL;
    unsetenv("BOX_DB_PASSWORD");
    unsetenv("BOX_DB_PASSWORD_FILE");
    if (file != NULL) {
        fclose(file);
        setenv("BOX_DB_PASSWORD_FILE", path, 1);
    }
}

void fixture_environment(const char *role)
{
    set_db_url(role);
    set_db_password(role);
    setenv("BOX_SANDBOX", "1", 0);
}

static void load_settings(const char *role)
{
    const struct cfg_section *sections[PROGRAM_SECTIONS_MAX] = {&cfg_process_section, &cfg_schedule_section};
    size_t count = 2;
    if (role != NULL) {
        fixture_environment(role);
        sections[count++] = &cfg_db_section;
    }
    sections[count++] = &cfg_redis_section;
    sections[count++] = &cfg_kafka_section;
    const char *why;
    environment("BOX_REDIS_URL");
    environment("BOX_KAFKA_BROKERS");
    if (!cfg_load(sections, &why)) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    cfg_schedule.local_ms = 0; /* a test sees at once what it publishes */
}

struct ctx *fixture_ctx(const char *role, unsigned needs)
{
    setenv("BOX_SANDBOX", "1", 0);
    load_settings(role);
    clock_set_zone(cfg_process.timezone);
    struct ctx *ctx = program_ctx_new(role != NULL ? needs | NEED_DB : needs & ~(unsigned)NEED_DB);
    ctx_begin(ctx, NULL, NULL);
    return ctx;
}

void fixture_free(struct ctx **ctx)
{
    program_ctx_free(ctx);
}

static const struct db_stmt add_event_type = {
    .name = "test_add_event_type",
    .sql = "INSERT INTO common.event_types VALUES ($1, $2, $3, $4::name) ON CONFLICT DO NOTHING"};
static const struct db_stmt add_consumer = {
    .name = "test_add_consumer", .sql = "INSERT INTO common.consumers VALUES ($1, $2::name) ON CONFLICT DO NOTHING"};

static void check_added(const struct err *e)
{
    if (e) {
        fprintf(stderr, "what a test makes up is refused: %s\n", e->code);
        exit(1);
    }
}

void fixture_event_type(const struct event_type *type, const char *role)
{
    struct ctx *owner = fixture_ctx(OWNER, NEED_DB);
    check_added(DB_RUN(owner, &add_event_type, NULL, DB_TEXT(type->name), DB_TEXT(type->topic),
                       DB_TEXT(type->aggregate_type), DB_TEXT(role)));
    fixture_free(&owner);
}

void fixture_consumer(const char *group, const char *role)
{
    struct ctx *owner = fixture_ctx(OWNER, NEED_DB);
    check_added(DB_RUN(owner, &add_consumer, NULL, DB_TEXT(group), DB_TEXT(role)));
    fixture_free(&owner);
}

void fixture_await_waiting(struct ctx *ctx, int count)
{
    static const struct db_stmt waiting = {.name = "test_waiting",
                                           .sql = "SELECT count(*) AS total FROM pg_locks WHERE NOT granted"};
    int64_t end = clock_monotonic() + WAITING_PATIENCE_US;
    const struct db_rows *rows;
    do {
        if (clock_monotonic() > end || DB_RUN0(ctx, &waiting, &rows)) {
            fail_msg("nobody waits for a lock");
        }
    } while (db_int(rows, 0, "total") < count);
}

const char *fixture_uuid(void)
{
    static char uuids[UUIDS_MAX][UUID_SIZE];
    static size_t count;
    if (count == UUIDS_MAX) {
        fprintf(stderr, "a test uses more than %d UUIDs\n", UUIDS_MAX);
        exit(1);
    }
    return uuid_v7(uuids[count++]);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

int fixture_remove(const char *folder)
{
    return nftw(folder, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}
