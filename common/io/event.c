#include "common/io/event.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/io/db.h"
#include "sql/messages.h"

#define EVENT_BYTES_MAX (1u << 20)   /* what brokers accept by default */
#define PUBLISH_BYTES_MAX (1u << 19) /* jsonb comes back with a space after each colon and comma */

/* ---- out ---- */

/* The envelope without its eventId. */
static void write_envelope(struct ctx *ctx, const struct event_new *event, struct buf *buf)
{
    struct json_out out;
    json_out_init(&out, buf);
    json_open_object(&out, NULL);
    json_add_str(&out, "eventType", event->type->name);
    json_add_str(&out, "aggregateId", event->aggregate_id);
    json_add_str(&out, "aggregateType", event->type->aggregate_type);
    json_add_str(&out, "version", "v1");
    json_add_time(&out, "timestamp", clock_now());
    json_open_object(&out, "metadata");
    json_add_str(&out, "correlationId", ctx->trace.id);
    json_add_str(&out, "causationId", event->causation_id);
    json_add_str(&out, "userId", event->user_id);
    json_close_object(&out);
    json_add_shape(&out, "payload", event->type->payload, event->payload);
    json_close_object(&out);
}

/* Would every reader accept this payload? What they refuse would end as a dead letter, long after the cause is gone. */
static bool readable(struct ctx *ctx, const struct event_new *event)
{
    struct buf json;
    struct json_out out;
    void *read_back;
    struct ctx_detail *details = ctx->details;
    buf_init(&json, ctx->arena, PUBLISH_BYTES_MAX);
    json_out_init(&out, &json);
    json_add_shape(&out, NULL, event->type->payload, event->payload);
    bool ok = !json.overflow && json_read(ctx, json.data, json.len, event->type->payload, &read_back) == NULL;
    ctx->details = details; /* our mistake, not the client's */
    return ok;
}

const struct err *event_publish(struct ctx *ctx, const struct event_new *event)
{
    struct buf envelope;
    buf_init(&envelope, ctx->arena, PUBLISH_BYTES_MAX);
    write_envelope(ctx, event, &envelope);
    if (envelope.overflow || !readable(ctx, event)) {
        log_error(&ctx->log, "event '%s' has a payload that its readers would refuse", event->type->name);
        return &err_internal;
    }
    return DB_RUN(ctx, &sql_messages_publish, NULL, DB_TEXT(event->type->aggregate_type), DB_TEXT(event->aggregate_id),
                  DB_TEXT(event->type->topic), DB_TEXT(event->key), DB_TEXT(event->type->name), DB_TEXT(envelope.data));
}

/* ---- in ---- */

struct metadata {
    const char *correlation_id;
    const char *causation_id;
    const char *user_id;
};

struct envelope {
    const char *id;
    const char *type;
    const char *aggregate_id;
    const char *aggregate_type;
    const char *version;
    int64_t at;
    struct metadata metadata;
    const struct json *payload;
};

/* Open shapes: a publisher one version ahead may say more. */
SHAPE_OPEN(metadata_shape, struct metadata,
           {FIELD(struct metadata, "correlationId", FIELD_STR, correlation_id), .min = 0, .max = 100},
           {FIELD(struct metadata, "causationId", FIELD_UUID, causation_id)},
           {FIELD(struct metadata, "userId", FIELD_UUID, user_id)});

SHAPE_OPEN(envelope_shape, struct envelope,
           {FIELD(struct envelope, "eventId", FIELD_UUID, id), .flags = FIELD_REQUIRED},
           {FIELD(struct envelope, "eventType", FIELD_STR, type), .flags = FIELD_REQUIRED, .min = 1, .max = 64},
           {FIELD(struct envelope, "aggregateId", FIELD_UUID, aggregate_id), .flags = FIELD_REQUIRED},
           {FIELD(struct envelope, "aggregateType", FIELD_STR, aggregate_type), .flags = FIELD_REQUIRED, .min = 1,
            .max = 64},
           {FIELD(struct envelope, "version", FIELD_ENUM, version), .flags = FIELD_REQUIRED, .choices = "v1"},
           {FIELD(struct envelope, "timestamp", FIELD_TIME, at), .flags = FIELD_REQUIRED},
           {FIELD(struct envelope, "metadata", FIELD_OBJECT, metadata), .sub = &metadata_shape},
           {FIELD(struct envelope, "payload", FIELD_JSON, payload), .flags = FIELD_REQUIRED});

const struct err *event_parse(struct ctx *ctx, const char *bytes, size_t len, struct event *event_r)
{
    struct envelope *envelope;
    if (len > EVENT_BYTES_MAX) {
        return ctx_invalid(ctx, "", "longer than %u bytes", EVENT_BYTES_MAX);
    }
    const struct err *e = json_read(ctx, bytes, len, &envelope_shape, (void **)&envelope);
    if (e) {
        return e;
    }
    if (json_type(envelope->payload) != JSON_OBJECT) {
        return ctx_invalid(ctx, "payload", "must be an object");
    }
    *event_r = (struct event){.id = envelope->id,
                              .type = envelope->type,
                              .aggregate_id = envelope->aggregate_id,
                              .correlation_id = envelope->metadata.correlation_id,
                              .causation_id = envelope->metadata.causation_id,
                              .user_id = envelope->metadata.user_id,
                              .at = envelope->at,
                              .payload = envelope->payload};
    return NULL;
}

const struct err *inbox_claim(struct ctx *ctx, const char *event_id, const char *consumer, bool *first_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_messages_claim, &rows, DB_TEXT(event_id), DB_TEXT(consumer));
    if (!e) {
        *first_r = db_affected(rows) == 1;
    }
    return e;
}
