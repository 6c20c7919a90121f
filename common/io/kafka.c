#include "common/io/kafka.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/base/log.h"

#define WHY_SIZE 512
#define RECORD_ARENA_MAX (4u << 20) /* copies of a consumed record's key and headers */
#define HEADERS_MAX 16              /* of a consumed record; further ones are not shown */
#define SEEK_MS 5000
#define LEAVE_MS 5000
#define LOG_SLICE_MS 100

struct cfg_kafka cfg_kafka;
static const struct cfg_key cfg_kafka_keys[] = {
    {"BOX_KAFKA_BROKERS", CFG_STR, offsetof(struct cfg_kafka, brokers), "", NULL, 0, 0, CFG_REQUIRED,
     "Kafka brokers: host:port,host:port"},
    {"BOX_KAFKA_SECURITY", CFG_STR, offsetof(struct cfg_kafka, security), "", "PLAINTEXT", 3, 20, 0,
     "PLAINTEXT, SSL (TLS) or SASL_SSL (TLS, user and password)"},
    {"BOX_KAFKA_CA", CFG_STR, offsetof(struct cfg_kafka, ca), "", NULL, 0, 0, 0,
     "PEM of the authority that has signed the brokers' certificates; none: the system's authorities"},
    {"BOX_KAFKA_MECHANISM", CFG_STR, offsetof(struct cfg_kafka, mechanism), "", "PLAIN", 1, 20, 0,
     "how user and password are shown: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 (with Kafka 4 that needs librdkafka "
     "2.6.1)"},
    {"BOX_KAFKA_USER", CFG_STR, offsetof(struct cfg_kafka, user), "", NULL, 0, 200, 0, "user, for SASL"},
    {"BOX_KAFKA_PASSWORD", CFG_STR, offsetof(struct cfg_kafka, password), "", NULL, 16, 1000, CFG_SECRET | CFG_OPTIONAL,
     "its password"},
    {"BOX_KAFKA_REPLICATION", CFG_INT, offsetof(struct cfg_kafka, replication), "copies", "1", 1, 10, 0,
     "replication of the topics we create"},
};
const struct cfg_section cfg_kafka_section = {"Kafka", cfg_kafka_keys, ARRAY_COUNT(cfg_kafka_keys), &cfg_kafka};

struct setting {
    const char *name;
    const char *value;
};

/* ---- handles ---- */

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    if (level <= LOG_WARNING) {
        log_warn(NULL, "kafka %s: '%s'", facility, text);
    } else {
        log_debug(NULL, "kafka %s: '%s'", facility, text);
    }
}

static void on_error(rd_kafka_t *rk, int error, const char *text, void *owner)
{
    (void)rk;
    (void)owner;
    log_warn(NULL, "kafka %s: '%s'", rd_kafka_err2name((rd_kafka_resp_err_t)error), text);
}

/* Settings that every handle has; NULL: not given. The log comes through the queue, so that it is written by the thread
 * that polls. */
static rd_kafka_conf_t *conf_new(const struct setting *own, size_t count)
{
    const struct setting every[] = {
        {"bootstrap.servers", cfg_kafka.brokers},
        {"security.protocol", cfg_kafka.security},
        {"ssl.ca.pem", cfg_kafka.ca},
        {"ssl.endpoint.identification.algorithm", "https"},
        {"sasl.mechanism", cfg_kafka.mechanism},
        {"sasl.username", cfg_kafka.user},
        {"sasl.password", cfg_kafka.password},
        {"client.id", program_invocation_short_name},
        {"log.queue", "true"},
        {"socket.nagle.disable", "true"},
        {"reconnect.backoff.max.ms", "1000"},
        {"allow.auto.create.topics", "false"},
    };
    char why[WHY_SIZE];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < ARRAY_COUNT(every) + count; i++) {
        size_t common = ARRAY_COUNT(every);
        const struct setting *setting = i < common ? &every[i] : &own[i - common];
        if (setting->value != NULL &&
            rd_kafka_conf_set(conf, setting->name, setting->value, why, sizeof why) != RD_KAFKA_CONF_OK) {
            log_fatal("Kafka setting '%s': '%s'", setting->name, why);
        }
    }
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    return conf;
}

static rd_kafka_t *handle_new(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[WHY_SIZE];
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (rk == NULL) {
        log_fatal("cannot make a Kafka handle: '%s'", why);
    }
    rd_kafka_set_log_queue(rk, NULL);
    return rk;
}

/* ---- producer ---- */

struct kafka_producer {
    rd_kafka_t *rk;
    kafka_acked *acked;
    void *owner;
    rd_kafka_resp_err_t error; /* of the last record, so that an outage is told once and not per record */
};

/* What is wrong with the record or its topic, not with the brokers. */
static const rd_kafka_resp_err_t refusals[] = {
    RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
    RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
    RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
    RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
    RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
    RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
    RD_KAFKA_RESP_ERR_INVALID_MSG,
    RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE,
    RD_KAFKA_RESP_ERR_INVALID_RECORD,
    RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
};

static const struct err *error_of_record(rd_kafka_resp_err_t error)
{
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        if (refusals[i] == error) {
            return &err_invalid_request;
        }
    }
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? NULL : &err_unavailable;
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    struct kafka_producer *producer = opaque;
    bool stored = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!stored && message->err != producer->error) {
        log_warn(NULL, "records are not acknowledged: '%s'", rd_kafka_err2name(message->err));
    }
    producer->error = message->err;
    producer->acked(producer->owner, message->_private, error_of_record(message->err));
}

/* No record times out on its own: that would let a later one of the same key overtake it. Whoever has waited long
 * enough frees the producer, which gives up all of them together. */
static rd_kafka_t *producer_handle(struct kafka_producer *producer)
{
    static const struct setting own[] = {
        {"enable.idempotence", "true"},
        {"partitioner", "murmur2_random"},
        {"linger.ms", "5"},
        {"message.timeout.ms", "0"},
        {"topic.metadata.propagation.max.ms", "1000"}, /* a topic that is missing for longer is missing */
    };
    rd_kafka_conf_t *conf = conf_new(own, ARRAY_COUNT(own));
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, producer);
    return handle_new(RD_KAFKA_PRODUCER, conf);
}

struct kafka_producer *kafka_producer_new(kafka_acked *acked, void *owner)
{
    struct kafka_producer *producer = calloc(1, sizeof *producer);
    if (producer == NULL) {
        log_panic("out of memory");
    }
    producer->acked = acked;
    producer->owner = owner;
    producer->rk = producer_handle(producer);
    return producer;
}

static void producer_close(rd_kafka_t *rk, int timeout_ms)
{
    if (rd_kafka_flush(rk, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(rk, LEAVE_MS); /* the callbacks of what was purged */
    }
    rd_kafka_destroy(rk);
}

void kafka_producer_free(struct kafka_producer **producer, int timeout_ms)
{
    if (*producer == NULL) {
        return;
    }
    producer_close((*producer)->rk, timeout_ms);
    free(*producer);
    *producer = NULL;
}

static rd_kafka_headers_t *headers_new(const struct kafka_record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        rd_kafka_header_add(headers, record->headers[i].name, -1, record->headers[i].value, -1);
    }
    return headers;
}

const struct err *kafka_produce(struct kafka_producer *producer, const struct kafka_record *record)
{
    rd_kafka_headers_t *headers = headers_new(record);
    size_t key_len = record->key != NULL ? strlen(record->key) : 0;
    rd_kafka_resp_err_t error =
        rd_kafka_producev(producer->rk, RD_KAFKA_V_TOPIC(record->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_KEY(record->key, key_len), RD_KAFKA_V_VALUE((void *)record->value, record->len),
                          RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(record->opaque), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return NULL;
    }
    rd_kafka_headers_destroy(headers);
    log_warn(NULL, "a record cannot be queued: '%s'", rd_kafka_err2name(error));
    return error_of_record(error);
}

/* After a fatal error (lost sequence numbers) the handle refuses everything for ever. */
static void replace_when_fatal(struct kafka_producer *producer)
{
    char why[WHY_SIZE];
    if (rd_kafka_fatal_error(producer->rk, why, sizeof why) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    log_warn(NULL, "the Kafka producer is replaced: '%s'", why);
    producer_close(producer->rk, 0);
    producer->rk = producer_handle(producer);
}

void kafka_producer_poll(struct kafka_producer *producer, int timeout_ms)
{
    rd_kafka_poll(producer->rk, timeout_ms);
    replace_when_fatal(producer);
}

bool kafka_producer_flush(struct kafka_producer *producer, int timeout_ms)
{
    bool done = rd_kafka_flush(producer->rk, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR;
    replace_when_fatal(producer);
    return done || rd_kafka_outq_len(producer->rk) == 0;
}

/* ---- consumer ---- */

struct kafka_consumer {
    rd_kafka_t *rk;
    struct arena *arena; /* of the current record */
    rd_kafka_message_t *message;
    struct kafka_record record;
};

/* Short sessions: a killed process blocks its partitions no longer than that. The eager range assignor, because the
 * cooperative one of this librdkafka loses assignments when offsets are committed during a rebalance. */
static rd_kafka_t *consumer_handle(const char *group)
{
    const struct setting own[] = {
        {"group.id", group},
        {"partition.assignment.strategy", "range"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"},
        {"session.timeout.ms", "6000"},
        {"heartbeat.interval.ms", "1500"},
        {"topic.metadata.refresh.interval.ms", "10000"}, /* topics may be created after us */
    };
    rd_kafka_t *rk = handle_new(RD_KAFKA_CONSUMER, conf_new(own, ARRAY_COUNT(own)));
    rd_kafka_poll_set_consumer(rk);
    return rk;
}

static rd_kafka_topic_partition_list_t *one_partition(const char *topic, int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    return list;
}

static struct kafka_consumer *consumer_of(const char *group)
{
    struct kafka_consumer *consumer = calloc(1, sizeof *consumer);
    if (consumer == NULL) {
        log_panic("out of memory");
    }
    consumer->rk = consumer_handle(group);
    consumer->arena = arena_new(RECORD_ARENA_MAX);
    return consumer;
}

struct kafka_consumer *kafka_consumer_alone(const char *topic, int64_t *first_r, int64_t *end_r, int timeout_ms)
{
    struct kafka_consumer *consumer = consumer_of("alone"); /* joined by nobody: partitions are assigned by hand */
    rd_kafka_topic_partition_list_t *list = one_partition(topic, 0, RD_KAFKA_OFFSET_BEGINNING);
    rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(consumer->rk, topic, 0, first_r, end_r, timeout_ms);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        error = rd_kafka_assign(consumer->rk, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_warn(NULL, "cannot read '%s': '%s'", topic, rd_kafka_err2name(error));
        kafka_consumer_free(&consumer);
    }
    return consumer;
}

struct kafka_consumer *kafka_consumer_new(const char *group, const char *const *topics, size_t count)
{
    struct kafka_consumer *consumer = consumer_of(group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t error = rd_kafka_subscribe(consumer->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_fatal("cannot subscribe: '%s'", rd_kafka_err2name(error));
    }
    return consumer;
}

static void drop_message(struct kafka_consumer *consumer)
{
    if (consumer->message != NULL) {
        rd_kafka_message_destroy(consumer->message);
    }
    consumer->message = NULL;
    arena_reset(consumer->arena);
}

void kafka_consumer_free(struct kafka_consumer **consumer)
{
    if (*consumer == NULL) {
        return;
    }
    drop_message(*consumer);
    arena_free(&(*consumer)->arena);
    rd_kafka_consumer_close((*consumer)->rk);
    rd_kafka_destroy((*consumer)->rk);
    free(*consumer);
    *consumer = NULL;
}

const char *kafka_record_header(const struct kafka_record *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            return record->headers[i].value;
        }
    }
    return NULL;
}

static void read_headers(struct kafka_consumer *consumer)
{
    rd_kafka_headers_t *headers;
    struct kafka_header *out = arena_calloc(consumer->arena, HEADERS_MAX, sizeof *out);
    size_t count = 0;
    const char *name;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(consumer->message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    while (count < HEADERS_MAX && rd_kafka_header_get_all(headers, count, &name, &value, &len) == 0) {
        out[count].name = arena_strdup(consumer->arena, name);
        out[count].value = value != NULL ? arena_memdup(consumer->arena, value, len) : NULL;
        count++;
    }
    consumer->record.headers = out;
    consumer->record.header_count = count;
}

const struct kafka_record *kafka_consumer_poll(struct kafka_consumer *consumer, int timeout_ms)
{
    drop_message(consumer);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->rk, timeout_ms);
    if (message == NULL) {
        return NULL;
    }
    consumer->message = message;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_warn(NULL, "cannot consume: '%s'", rd_kafka_message_errstr(message));
        return NULL;
    }
    consumer->record = (struct kafka_record){
        .topic = rd_kafka_topic_name(message->rkt),
        .key = message->key != NULL ? arena_memdup(consumer->arena, message->key, message->key_len) : NULL,
        .value = message->payload != NULL ? message->payload : "",
        .len = message->len,
        .partition = message->partition,
        .offset = message->offset,
    };
    read_headers(consumer);
    return &consumer->record;
}

static const struct err *error_of_response(rd_kafka_resp_err_t error, const char *what)
{
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return NULL;
    }
    log_warn(NULL, "cannot %s: '%s'", what, rd_kafka_err2name(error));
    return &err_unavailable;
}

const struct err *kafka_consumer_commit(struct kafka_consumer *consumer, const struct kafka_record *record)
{
    rd_kafka_topic_partition_list_t *list = one_partition(record->topic, record->partition, record->offset + 1);
    rd_kafka_resp_err_t error = rd_kafka_commit(consumer->rk, list, /* async= */ 0);
    rd_kafka_topic_partition_list_destroy(list);
    return error_of_response(error, "commit an offset");
}

const struct err *kafka_consumer_hold(struct kafka_consumer *consumer, const struct kafka_record *record)
{
    rd_kafka_topic_partition_list_t *list = one_partition(record->topic, record->partition, record->offset);
    rd_kafka_resp_err_t error = rd_kafka_pause_partitions(consumer->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        /* Not rd_kafka_seek_partitions(): this version takes its time-out for microseconds. */
        error = rd_kafka_seek(consumer->message->rkt, record->partition, record->offset, SEEK_MS);
    }
    return error_of_response(error, "hold a record");
}

void kafka_consumer_resume(struct kafka_consumer *consumer, const char *topic, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = one_partition(topic, partition, RD_KAFKA_OFFSET_INVALID);
    error_of_response(rd_kafka_resume_partitions(consumer->rk, list), "resume a partition");
    rd_kafka_topic_partition_list_destroy(list);
}

/* ---- topics ---- */

static rd_kafka_NewTopic_t *new_topic(const struct kafka_topic *topic)
{
    char why[WHY_SIZE];
    char retention[32];
    rd_kafka_NewTopic_t *out =
        rd_kafka_NewTopic_new(topic->name, topic->partitions, (int)cfg_kafka.replication, why, sizeof why);
    if (out == NULL) {
        log_panic("topic '%s': '%s'", topic->name, why);
    }
    snprintf(retention, sizeof retention, "%lld", (long long)topic->retention_ms);
    rd_kafka_NewTopic_set_config(out, "retention.ms", retention);
    return out;
}

/* The first failure that is not "exists already", in words; NULL when there is none. */
static const char *creation_failure(rd_kafka_event_t *event)
{
    static char why[WHY_SIZE];
    if (event == NULL) {
        return "no answer from Kafka in time";
    }
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(why, sizeof why, "%s", rd_kafka_event_error_string(event));
        return why;
    }
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            snprintf(why, sizeof why, "%s: %s", rd_kafka_topic_result_name(results[i]), rd_kafka_err2str(error));
            return why;
        }
    }
    return NULL;
}

/* Meanwhile librdkafka's log says why it takes so long. */
static rd_kafka_event_t *await_event(rd_kafka_t *rk, rd_kafka_queue_t *queue, int timeout_ms)
{
    int64_t end = clock_monotonic() + timeout_ms * INT64_C(1000);
    rd_kafka_event_t *event;
    do {
        rd_kafka_poll(rk, 0);
        event = rd_kafka_queue_poll(queue, LOG_SLICE_MS);
    } while (event == NULL && clock_monotonic() < end);
    return event;
}

const struct err *kafka_create_topics(const struct kafka_topic *topics, size_t count, int timeout_ms,
                                      const char **why_r)
{
    rd_kafka_t *rk = handle_new(RD_KAFKA_PRODUCER, conf_new(NULL, 0));
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t **wanted = calloc(count, sizeof *wanted);
    for (size_t i = 0; i < count; i++) {
        wanted[i] = new_topic(&topics[i]);
    }
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    char ignored[WHY_SIZE];
    rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, ignored, sizeof ignored);
    rd_kafka_CreateTopics(rk, wanted, count, options, queue);
    rd_kafka_event_t *event = await_event(rk, queue, timeout_ms);
    const char *why = creation_failure(event);
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy_array(wanted, count);
    free(wanted);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
    if (why != NULL) {
        *why_r = why;
    }
    return why == NULL ? NULL : &err_unavailable;
}

const struct err *kafka_ping(int timeout_ms)
{
    rd_kafka_t *rk = handle_new(RD_KAFKA_PRODUCER, conf_new(NULL, 0));
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, NULL, &metadata, timeout_ms);
    bool answered = error == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->broker_cnt > 0;
    if (metadata != NULL) {
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_destroy(rk);
    return answered ? NULL : &err_unavailable;
}

static bool topic_listed(const rd_kafka_metadata_t *metadata, const char *name)
{
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (strcmp(metadata->topics[i].topic, name) == 0) {
            return true;
        }
    }
    return false;
}

const struct err *kafka_find_missing(const struct kafka_topic *topics, size_t count, int timeout_ms,
                                     const struct kafka_topic **missing_r)
{
    rd_kafka_t *rk = handle_new(RD_KAFKA_PRODUCER, conf_new(NULL, 0));
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, /* all_topics= */ 1, NULL, &metadata, timeout_ms);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        size_t i = 0;
        while (i < count && topic_listed(metadata, topics[i].name)) {
            i++;
        }
        *missing_r = i < count ? &topics[i] : NULL;
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_destroy(rk);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? NULL : &err_unavailable;
}
