/*
 * fixture: contexts on real stores for component tests.
 *
 * The environment says where they are: BOX_TEST_DB_URL (no role in it), BOX_SECRETS_DIR (files db-<role> with the
 * roles' passwords; may be unset where no password is needed), BOX_REDIS_URL, BOX_KAFKA_BROKERS. What a test needs and
 * the environment lacks ends the program with one sentence; nothing is skipped.
 */
#ifndef TESTS_SUPPORT_FIXTURE_H
#define TESTS_SUPPORT_FIXTURE_H

#include "common/context/ctx.h"

/* Settings of database, Redis, Kafka, services and schedules with their defaults, then a context with what `needs`
 * (enum ctx_need) names, its first unit begun. `role` is the database's ("reservation_service"); NULL: no database.
 * Several contexts of different roles may live at once. */
struct ctx *fixture_ctx(const char *role, unsigned needs);
/* NULL-safe; leaves NULL. */
void fixture_free(struct ctx **ctx);
/* Sets the BOX_* settings of a role's database for a program that the test starts (BOX_DB_URL, BOX_DB_PASSWORD). */
void fixture_environment(const char *role);
/* Lets the role of a service write events of this type, or handle events as this consumer group, for tests that make up
 * their own: common.event_types and common.consumers know those of the services only. */
struct event_type;
void fixture_event_type(const struct event_type *type, const char *role);
void fixture_consumer(const char *group, const char *role);
/* Removes a folder and all that is in it; 0, or -1 when something stays. */
int fixture_remove(const char *folder);
/* Until so many wait for locks in the database; the test fails when they do not within ten seconds. */
void fixture_await_waiting(struct ctx *ctx, int count);
/* A new UUID, kept for the life of the program. */
const char *fixture_uuid(void);

#endif
