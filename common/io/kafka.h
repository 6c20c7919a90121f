/*
 * kafka: producing and consuming, topics. The only module that knows librdkafka. Only daemons and boxctl use it:
 * a handle owns threads and does not survive fork(). Settings that librdkafka does not take end the process with one
 * line, when the first handle is made.
 *
 * Producer: idempotent, acks=all, murmur2_random partitioner; one handle; after a fatal error the handle is replaced.
 * Consumer: group protocol classic, range assignor, eager rebalance, manual commit.
 */
#ifndef COMMON_KAFKA_H
#define COMMON_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"

struct cfg_kafka {
    const char *brokers;   /* BOX_KAFKA_BROKERS: host:port,host:port */
    const char *security;  /* BOX_KAFKA_SECURITY: PLAINTEXT, SSL or SASL_SSL */
    const char *ca;        /* BOX_KAFKA_CA: PEM; NULL: the system's authorities */
    const char *mechanism; /* BOX_KAFKA_MECHANISM: of SASL */
    const char *user;      /* BOX_KAFKA_USER */
    const char *password;  /* BOX_KAFKA_PASSWORD */
    int64_t replication;   /* BOX_KAFKA_REPLICATION: of topics we create */
};
extern struct cfg_kafka cfg_kafka;
extern const struct cfg_section cfg_kafka_section;

struct kafka_header {
    const char *name;
    const char *value;
};

struct kafka_record {
    const char *topic;
    const char *key; /* may be NULL */
    const char *value;
    size_t len;
    const struct kafka_header *headers;
    size_t header_count;
    void *opaque; /* handed back with the acknowledgement */
    /* consumed records only: */
    int32_t partition;
    int64_t offset;
};

/* The first header of this name; NULL: there is none, or it has no value. */
const char *kafka_record_header(const struct kafka_record *record, const char *name);

struct kafka_producer;

/* acked(opaque, NULL) or acked(opaque, error) once per record, from within kafka_producer_poll() or _flush(). An error
 * means: not known to be stored; send it again from the outbox. &err_invalid_request: refused for what it is, however
 * the brokers are. */
typedef void kafka_acked(void *owner, void *opaque, const struct err *error);

struct kafka_producer *kafka_producer_new(kafka_acked *acked, void *owner);
/* Waits to `timeout_ms` for outstanding records, then purges them (acked with an error). NULL-safe; leaves NULL. */
void kafka_producer_free(struct kafka_producer **producer, int timeout_ms);
/* Queues a copy. &err_unavailable when the local queue is full: poll, then again; &err_invalid_request as above. Does
 * not block. */
BO_MUSTCHECK const struct err *kafka_produce(struct kafka_producer *producer, const struct kafka_record *record);
/* Serves acknowledgements for at most timeout_ms; replaces a handle after a fatal error. */
void kafka_producer_poll(struct kafka_producer *producer, int timeout_ms);
/* Waits until everything queued is acknowledged or timeout_ms is over. True when nothing is left. */
bool kafka_producer_flush(struct kafka_producer *producer, int timeout_ms);

struct kafka_consumer;

struct kafka_consumer *kafka_consumer_new(const char *group, const char *const *topics, size_t count);
/* Outside of any group: partition 0 of a topic, from its first record on. *end_r: the offset after the last one that
 * there is now; *first_r: of the first. NULL when no broker tells within timeout_ms. Nothing is ever committed. */
struct kafka_consumer *kafka_consumer_alone(const char *topic, int64_t *first_r, int64_t *end_r, int timeout_ms);
void kafka_consumer_free(struct kafka_consumer **consumer); /* leaves the group; NULL-safe */
/* The next record or NULL after timeout_ms. The record is valid until the next call. */
const struct kafka_record *kafka_consumer_poll(struct kafka_consumer *consumer, int timeout_ms);
/* Marks the record done: synchronous commit of offset + 1. */
BO_MUSTCHECK const struct err *kafka_consumer_commit(struct kafka_consumer *consumer,
                                                     const struct kafka_record *record);
/* Not done: pauses the record's partition and seeks back to it. kafka_consumer_resume() delivers it again. Other
 * partitions go on; polling must continue meanwhile. */
BO_MUSTCHECK const struct err *kafka_consumer_hold(struct kafka_consumer *consumer, const struct kafka_record *record);
void kafka_consumer_resume(struct kafka_consumer *consumer, const char *topic, int32_t partition);

struct kafka_topic {
    const char *name;
    int partitions;
    int64_t retention_ms;
};
/* Creates the topics that are missing; existing ones are left as they are. Blocks to timeout_ms. */
BO_MUSTCHECK const struct err *kafka_create_topics(const struct kafka_topic *topics, size_t count, int timeout_ms,
                                                   const char **why_r);
/* *missing_r: the first of these topics that the brokers do not have; NULL when all are there. Blocks to timeout_ms. */
BO_MUSTCHECK const struct err *kafka_find_missing(const struct kafka_topic *topics, size_t count, int timeout_ms,
                                                  const struct kafka_topic **missing_r);
/* Asks for metadata: does a broker answer? Blocks to timeout_ms. */
BO_MUSTCHECK const struct err *kafka_ping(int timeout_ms);

#endif
