#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/utf8.h"
#include "common/crypto/crypto.h"
#include "common/io/kafka.h"
#include "sql/dead_letters.h"
#include "src/boxctl/boxctl.h"
#include "src/boxctl/settings.h"
#include "src/contract/events.h"

#define ANSWER_MS 10000
#define REASON_MAX 500

static const char *const topics[] = {TOPIC_DEAD_PAYMENT, TOPIC_DEAD_RESERVATION, TOPIC_DEAD_EVENT};

/* Which letters: of one topic or, NULL, of all; one of them or, below 0, all. */
struct where {
    const char *topic;
    int64_t offset;
};

/* "dlq.event:12", "dlq.event" or "all". */
static bool read_where(const char *text, struct where *where_r)
{
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    *where_r = (struct where){NULL, -1};
    for (size_t i = 0; i < ARRAY_COUNT(topics); i++) {
        if (strlen(topics[i]) == len && strncmp(topics[i], text, len) == 0) {
            where_r->topic = topics[i];
        }
    }
    if (!colon) {
        return where_r->topic || strcmp(text, "all") == 0;
    }
    size_t digits = strspn(colon + 1, "0123456789");
    where_r->offset = digits > 0 && digits < 18 ? strtoll(colon + 1, NULL, 10) : -1;
    return where_r->topic && where_r->offset >= 0 && colon[1 + digits] == '\0';
}

/* ---- a letter ---- */

static const char *header_of(const struct kafka_record *letter, const char *name)
{
    const char *value = kafka_record_header(letter, name);
    return value ? value : "?";
}

/* Somebody else's bytes, for a terminal: text without controls. */
static void print_plain(const char *bytes, size_t len)
{
    const char *end = bytes + len;
    while (bytes < end) {
        uint32_t code;
        const char *next = utf8_next(bytes, end, &code);
        if (next && !utf8_is_control(code)) {
            fwrite(bytes, 1, (size_t)(next - bytes), stdout);
        } else {
            putchar('?');
        }
        bytes = next ? next : bytes + 1;
    }
}

static void print_header(const struct kafka_record *letter, const char *name)
{
    print_plain(header_of(letter, name), strlen(header_of(letter, name)));
}

/* `done`: what was done with letters of its topic, by offset, and how far that is read: letters come by offset, too. */
static bool is_done(struct ctx *ctx, const struct db_rows *done, size_t *next, const struct kafka_record *letter)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(letter->value, letter->len, digest);
    while (*next < db_count(done) && db_int(done, *next, "record_offset") < letter->offset) {
        (*next)++;
    }
    for (size_t i = *next; i < db_count(done) && db_int(done, i, "record_offset") == letter->offset; i++) {
        size_t len;
        if (memcmp(db_bytes(ctx, done, i, "digest", &len), digest, sizeof digest) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- going through them ---- */

struct run;
/* False ends the run. */
typedef bool deal(struct run *run, const struct kafka_record *letter);

struct run {
    struct boxctl *box;
    struct where where;
    deal *deal;
    const char *reason; /* of a drop */
    struct kafka_producer *producer;
    bool acked;
    int64_t dealt;
};

static bool go_through(struct run *run, const char *topic)
{
    int64_t first, end;
    struct ctx *ctx = run->box->ctx;
    const struct db_rows *done;
    struct kafka_consumer *reader = kafka_consumer_alone(topic, &first, &end, ANSWER_MS);
    if (!reader) {
        boxctl_fail("'%s' cannot be read: is Kafka there, and has boxctl topics been run?", topic);
        return false;
    }
    const struct err *e = DB_RUN(ctx, &sql_dead_letters_done, &done, DB_TEXT(topic), DB_INT(first));
    if (e) {
        boxctl_fail("what was dealt with cannot be read: %s", e->en);
    }
    bool good = !e;
    size_t next_done = 0;
    int64_t next = first;
    while (good && next < end) {
        const struct kafka_record *letter = kafka_consumer_poll(reader, ANSWER_MS);
        if (!letter) {
            boxctl_fail("Kafka stopped answering at %s:%lld: try again", topic, (long long)next);
            good = false;
            break;
        }
        next = letter->offset + 1;
        bool asked = run->where.offset < 0 || run->where.offset == letter->offset;
        if (asked && !is_done(ctx, done, &next_done, letter)) {
            good = run->deal(run, letter);
            run->dealt++;
        }
    }
    kafka_consumer_free(&reader);
    return good;
}

static enum boxctl_status run_through(struct run *run)
{
    for (size_t i = 0; i < ARRAY_COUNT(topics); i++) {
        bool asked = !run->where.topic || strcmp(run->where.topic, topics[i]) == 0;
        if (asked && !go_through(run, topics[i])) {
            return BOXCTL_FAILED;
        }
    }
    if (run->where.offset >= 0 && run->dealt == 0) {
        return boxctl_fail("there is no such dead letter, or it was dealt with: see boxctl dlq list");
    }
    return BOXCTL_OK;
}

/* ---- what is done with each ---- */

static bool list_one(struct run *run, const struct kafka_record *letter)
{
    (void)run;
    const char *last = kafka_record_header(letter, "last-error");
    printf("%s:%lld\tfrom ", letter->topic, (long long)letter->offset);
    print_header(letter, "source-topic");
    putchar('/');
    print_header(letter, "source-partition");
    putchar(':');
    print_header(letter, "source-offset");
    printf("\tgroup ");
    print_header(letter, "group");
    printf("\tattempts ");
    print_header(letter, "attempts");
    putchar('\t');
    print_header(letter, "error");
    if (last && strcmp(last, header_of(letter, "error")) != 0) {
        printf(", then ");
        print_header(letter, "last-error");
    }
    putchar('\n');
    return true;
}

static bool show_one(struct run *run, const struct kafka_record *letter)
{
    list_one(run, letter);
    printf("key\t");
    print_plain(letter->key ? letter->key : "", letter->key ? strlen(letter->key) : 0);
    printf("\nbody\t");
    print_plain(letter->value, letter->len);
    putchar('\n');
    return true;
}

static const char *operator_name(void)
{
    const char *sudo = getenv("SUDO_USER");
    const struct passwd *user = getpwuid(getuid());
    return sudo && sudo[0] ? sudo : user ? user->pw_name : "?";
}

static bool note(struct run *run, const struct kafka_record *letter, const char *action)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(letter->value, letter->len, digest);
    const struct err *e =
        DB_RUN(run->box->ctx, &sql_dead_letters_note, NULL, DB_TEXT(letter->topic), DB_INT(letter->offset),
               DB_BYTES(digest, sizeof digest), DB_TEXT(action), DB_TEXT(operator_name()), DB_TEXT(run->reason));
    if (e) {
        boxctl_fail("%s:%lld was %s, but that could not be noted: %s", letter->topic, (long long)letter->offset, action,
                    e->en);
        return false;
    }
    printf("%s:%lld %s\n", letter->topic, (long long)letter->offset, action);
    return true;
}

static bool drop_one(struct run *run, const struct kafka_record *letter)
{
    return note(run, letter, "DROPPED");
}

/* A dead letter goes where it came from, and nowhere else. */
static bool source_known(const char *topic)
{
    static const char *const sources[] = {TOPIC_PAYMENT, TOPIC_RESERVATION, TOPIC_EVENT};
    for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
        if (strcmp(sources[i], topic) == 0) {
            return true;
        }
    }
    return false;
}

static void on_acked(void *owner, void *opaque, const struct err *error)
{
    (void)opaque;
    ((struct run *)owner)->acked = !error;
}

/* Sent first, noted then: killed in between it is sent once more, which its reader knows by the event's id. With all
 * that is told of it, so that a letter that fails again tells it again. */
static bool replay_one(struct run *run, const struct kafka_record *letter)
{
    const char *source = header_of(letter, "source-topic");
    if (!source_known(source)) {
        boxctl_fail("%s:%lld does not say where it came from: boxctl dlq drop", letter->topic,
                    (long long)letter->offset);
        return false;
    }
    const struct kafka_record again = {.topic = source,
                                       .key = letter->key,
                                       .value = letter->value,
                                       .len = letter->len,
                                       .headers = letter->headers,
                                       .header_count = letter->header_count};
    run->acked = false;
    if (kafka_produce(run->producer, &again) || !kafka_producer_flush(run->producer, ANSWER_MS) || !run->acked) {
        boxctl_fail("%s:%lld could not be sent: try again", letter->topic, (long long)letter->offset);
        return false;
    }
    return note(run, letter, "REPLAYED");
}

/* ---- the command ---- */

static const struct verb {
    const char *name;
    deal *deal;
    bool one; /* needs TOPIC:OFFSET */
    bool reasoned;
} verbs[] = {
    {"list", list_one, false, false},
    {"show", show_one, true, false},
    {"replay", replay_one, false, false},
    {"drop", drop_one, false, true},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static bool reason_good(const char *reason)
{
    size_t len = strlen(reason);
    return len > 0 && len <= REASON_MAX;
}

static enum boxctl_status run_dlq(struct boxctl *box, int count, char **args)
{
    const struct verb *verb = count > 0 ? find_verb(args[0]) : NULL;
    struct run run = {.box = box, .where = {NULL, -1}};
    bool listing = verb && verb->deal == list_one;
    int wanted = !verb ? 0 : verb->reasoned ? 3 : 2;
    bool good = verb && (count == wanted || (listing && count == 1));
    good = good && (count == 1 || read_where(args[1], &run.where));
    good = good && (!verb->one || run.where.offset >= 0) && (!verb->reasoned || reason_good(args[2]));
    if (!good) {
        return BOXCTL_USAGE;
    }
    const char *why;
    if (boxctl_connect(box, NULL, &why)) {
        return boxctl_fail("%s", why);
    }
    run.deal = verb->deal;
    run.reason = verb->reasoned ? args[2] : NULL;
    run.producer = verb->deal == replay_one ? kafka_producer_new(on_acked, &run) : NULL;
    enum boxctl_status status = run_through(&run);
    kafka_producer_free(&run.producer, 0);
    if (listing && status == BOXCTL_OK && run.dealt == 0) {
        printf("no dead letters\n");
    }
    return status;
}

const struct command dlq_command = {
    .name = "dlq",
    .args = "list [WHERE] | show TOPIC:OFFSET | replay WHERE | drop WHERE REASON",
    .help = "Look at messages that could not be handled, send them again to the group that has given them up, or let "
            "them be."
            " WHERE: all, TOPIC, TOPIC:OFFSET.",
    .settings = SECTIONS(&cfg_db_section, &cfg_boxctl_section, &cfg_kafka_section),
    .run = run_dlq,
};
