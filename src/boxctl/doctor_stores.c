#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/io/kafka.h"
#include "common/io/redis.h"
#include "sql/doctor.h"
#include "src/boxctl/doctor.h"
#include "src/boxctl/migrate.h"
#include "src/boxctl/redis_info.h"
#include "src/boxctl/registry.h"
#include "src/boxctl/settings.h"
#include "src/contract/events.h"

#define POSTGRESQL_LEAST 180000
#define REDIS_LEAST 7
#define SKEW_MOST_US CLOCK_SECOND
#define KAFKA_TIMEOUT_MS 5000

/* ---- PostgreSQL ---- */

static const char *server_advice(const struct db_rows *rows, int64_t skew_us)
{
    if (db_int(rows, 0, "version_number") < POSTGRESQL_LEAST) {
        return "Install PostgreSQL 18 or newer: uuidv7() is needed.";
    }
    if (strcmp(db_str(rows, 0, "encoding"), "UTF8") != 0) {
        return "Make the database anew with the encoding UTF8.";
    }
    if (db_bool(rows, 0, "in_recovery")) {
        return "This is a standby: set BOX_DB_URL to the primary.";
    }
    if (llabs(skew_us) > SKEW_MOST_US) {
        return "The clocks of this machine and of the database differ: run an NTP client on both.";
    }
    return NULL;
}

struct doctor_finding check_server(struct boxctl *box)
{
    struct ctx *ctx = box->ctx;
    const char *why;
    const struct db_rows *rows;
    if (boxctl_connect(box, NULL, &why) != NULL) {
        return (struct doctor_finding){why, "Start PostgreSQL, or correct BOX_DB_URL and BOX_DB_PASSWORD."};
    }
    if (DB_RUN0(ctx, &sql_doctor_server, &rows) != NULL) {
        return (struct doctor_finding){"does not answer", "Look into the log of PostgreSQL."};
    }
    int64_t skew_us = db_time(rows, 0, "now") - clock_now();
    return (struct doctor_finding){
        arena_printf(ctx->arena, "version %s, %s, clock %+lld ms", db_str(rows, 0, "version"),
                     db_str(rows, 0, "encoding"), (long long)skew_us / 1000),
        server_advice(rows, skew_us),
    };
}

struct doctor_finding check_migrations(struct boxctl *box)
{
    struct arena *arena = box->ctx->arena;
    struct migration_list files, applied;
    size_t pending;
    const char *why;
    if (boxctl_connect(box, NULL, &why) != NULL || migrate_read_record(box->ctx, &applied) != NULL) {
        return (struct doctor_finding){"cannot be read", "Correct PostgreSQL first."};
    }
    if (!migration_list_read(arena, cfg_boxctl.sql_dir, &files, &why) ||
        !migration_list_compare(arena, &files, &applied, &pending, &why)) {
        return (struct doctor_finding){why, "Programs and database are not of one version: restore the files of sql/."};
    }
    return (struct doctor_finding){
        arena_printf(arena, "%zu applied, %zu new", pending, files.count - pending),
        pending < files.count ? "Run boxctl migrate." : NULL,
    };
}

struct doctor_finding check_roles(struct boxctl *box)
{
    size_t count = 0;
    for (const char *const *role = registry_roles; *role != NULL; role++, count++) {
        const char *why;
        if (boxctl_connect(box, *role, &why) != NULL) {
            return (struct doctor_finding){
                arena_printf(box->ctx->arena, "%s: %s", *role, why),
                "Run boxctl migrate with the BOX_SECRETS_DIR that the programs' passwords are from.",
            };
        }
    }
    return (struct doctor_finding){.seen = arena_printf(box->ctx->arena, "%zu roles can log in", count)};
}

/* ---- Redis ---- */

static const char *redis_advice(struct arena *arena, const char *info)
{
    if (strtol(redis_info(arena, info, "redis_version"), NULL, 10) < REDIS_LEAST) {
        return "Install Redis 7 or newer.";
    }
    if (strcmp(redis_info(arena, info, "role"), "master") != 0) {
        return "This is a replica: set BOX_REDIS_URL to the primary.";
    }
    if (strcmp(redis_info(arena, info, "maxmemory_policy"), "noeviction") != 0) {
        return "Set maxmemory-policy noeviction: another one drops people from the queue.";
    }
    if (strcmp(redis_info(arena, info, "aof_enabled"), "1") != 0) {
        return "Set appendonly yes: the order of the queue must survive a restart.";
    }
    if (strcmp(redis_info(arena, info, "aof_last_write_status"), "ok") != 0) {
        return "The append-only file cannot be written: look at the disk and at the log of Redis.";
    }
    return NULL;
}

struct doctor_finding check_redis(struct boxctl *box)
{
    struct ctx *ctx = box->ctx;
    const struct redis_value *answer;
    if (REDIS_RUN(ctx, &answer, "INFO") != NULL || answer->str == NULL) {
        return (struct doctor_finding){
            arena_printf(ctx->arena, "%s does not answer", cfg_redis.url),
            "Start Redis, or correct BOX_REDIS_URL.",
        };
    }
    return (struct doctor_finding){
        arena_printf(ctx->arena, "version %s, %s, append-only file %s",
                     redis_info(ctx->arena, answer->str, "redis_version"),
                     redis_info(ctx->arena, answer->str, "maxmemory_policy"),
                     strcmp(redis_info(ctx->arena, answer->str, "aof_enabled"), "1") == 0 ? "on" : "off"),
        redis_advice(ctx->arena, answer->str),
    };
}

/* ---- Kafka ---- */

struct doctor_finding check_kafka(struct boxctl *box)
{
    struct arena *arena = box->ctx->arena;
    const struct kafka_topic *missing;
    if (kafka_find_missing(contract_topics, contract_topic_count, KAFKA_TIMEOUT_MS, &missing) != NULL) {
        return (struct doctor_finding){
            arena_printf(arena, "no broker of %s answers", cfg_kafka.brokers),
            "Start Kafka, or correct BOX_KAFKA_BROKERS. Nothing is lost meanwhile: the outbox keeps all messages.",
        };
    }
    if (missing != NULL) {
        return (struct doctor_finding){arena_printf(arena, "topic %s is missing", missing->name), "Run boxctl topics."};
    }
    return (struct doctor_finding){
        .seen = arena_printf(arena, "%s answers, %zu topics", cfg_kafka.brokers, contract_topic_count),
    };
}
