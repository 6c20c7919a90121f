/*
 * reply: the answer a handler builds; the skeleton writes it out once, after the handler has returned.
 *
 * A handler either fills the reply and returns NULL, or returns an error row; the skeleton then discards the reply and
 * writes the contract's error body. Header values with a byte below 0x20 or 0x7f, or longer than
 * REPLY_HEADER_MAX, are refused (dropped and logged).
 */
#ifndef COMMON_REPLY_H
#define COMMON_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/json/json.h"
#include "common/json/page.h"

#define REPLY_HEADERS_MAX 16
#define REPLY_BODY_MAX (16u << 20)
#define REPLY_HEADER_MAX 4096
#define REPLY_HEAD_MAX (REPLY_HEADERS_MAX * (REPLY_HEADER_MAX + 128))

struct reply {
    int status; /* 0 until the handler sets it */
    const char *content_type;
    struct buf body;
    struct json_out json;
    struct {
        const char *name;
        const char *value;
    } headers[REPLY_HEADERS_MAX];
    int header_count;
    bool omit_body; /* HEAD: the headers of a GET, but no body */
    bool dropped;   /* the sandbox's lost answer: nothing is written and the connection is closed */
};

/* Sets status and application/json and returns the writer for the body. */
struct json_out *reply_json(struct reply *rp, int status);
/* Status without a body (204, 302, 304). */
void reply_empty(struct reply *rp, int status);
/* Any bytes; they are copied. */
void reply_bytes(struct reply *rp, int status, const char *content_type, const void *bytes, size_t len);
/* Adds a header; name and value are copied. */
void reply_header(struct reply *rp, const char *name, const char *value);
/* Marks the first answer of an Idempotency-Key that is given again. */
void reply_replayed(struct reply *rp, bool replayed);
/* Gives the finished body an ETag (a hash of its bytes); when `if_none_match` names it, the reply becomes a 304. */
void reply_etag(struct reply *rp, const char *if_none_match);
/* The same with an ETag that is known already, quotes included. */
void reply_known_etag(struct reply *rp, const char *etag, const char *if_none_match);
/* Whether an If-None-Match (any number of ETags, or *) names this one, quotes included. */
bool reply_etag_listed(const char *if_none_match, const char *etag);
/* The ETag of bytes: quoted, in the arena. */
const char *reply_etag_of(struct arena *arena, const void *bytes, size_t len);
/* For the skeleton: an empty reply, and its head (status line, headers, blank line) in CGI form. */
void reply_init(struct reply *rp, struct arena *arena);
void reply_head(const struct reply *rp, struct buf *head);
/* True when the reply has a header of that name (any case). */
bool reply_has_header(const struct reply *rp, const char *name);
/* The contract's list answer { "list": [...], page, size, totalElements }: opens the array, then closes it. */
void reply_list_open(struct json_out *out);
void reply_list_close(struct json_out *out, int64_t page, int64_t size, int64_t total);
/* The same with `nextCursor`, by which the page that follows is asked for; NULL: none follows. */
void reply_list_close_before(struct json_out *out, const struct page *page, int64_t total, const char *next_cursor);
/* All of it, 200: `count` items of `shape`, one after the other in memory, of `total` that there are. */
void reply_page(struct reply *rp, const struct shape *shape, const void *items, size_t count, const struct page *page,
                int64_t total);

#endif
