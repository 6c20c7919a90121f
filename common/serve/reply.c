#include "common/serve/reply.h"

#include <string.h>
#include <strings.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/crypto/crypto.h"

#define ETAG_DIGITS 32 /* of the SHA-256 */

void reply_init(struct reply *rp, struct arena *arena)
{
    *rp = (struct reply){0};
    buf_init(&rp->body, arena, REPLY_BODY_MAX);
    json_out_init(&rp->json, &rp->body);
}

/* A control character in a header would end it and begin another. */
static bool header_is_safe(const char *text)
{
    size_t len = 0;
    for (; text[len]; len++) {
        if ((unsigned char)text[len] < 0x20 || text[len] == 0x7f) {
            return false;
        }
    }
    return len <= REPLY_HEADER_MAX;
}

struct json_out *reply_json(struct reply *rp, int status)
{
    rp->status = status;
    rp->content_type = "application/json";
    buf_clear(&rp->body);
    json_out_init(&rp->json, &rp->body);
    return &rp->json;
}

void reply_empty(struct reply *rp, int status)
{
    rp->status = status;
    rp->content_type = NULL;
    buf_clear(&rp->body);
}

void reply_bytes(struct reply *rp, int status, const char *content_type, const void *bytes, size_t len)
{
    rp->status = status;
    rp->content_type = header_is_safe(content_type) ? arena_strdup(rp->body.arena, content_type) : NULL;
    buf_clear(&rp->body);
    buf_add(&rp->body, bytes, len);
}

void reply_header(struct reply *rp, const char *name, const char *value)
{
    if (!header_is_safe(name) || !header_is_safe(value)) {
        log_warn(NULL, "dropped a reply header: a control character, or too long");
        return;
    }
    if (rp->header_count == REPLY_HEADERS_MAX) {
        log_panic("more than %d reply headers", REPLY_HEADERS_MAX);
    }
    rp->headers[rp->header_count].name = arena_strdup(rp->body.arena, name);
    rp->headers[rp->header_count].value = arena_strdup(rp->body.arena, value);
    rp->header_count++;
}

bool reply_has_header(const struct reply *rp, const char *name)
{
    for (int i = 0; i < rp->header_count; i++) {
        if (strcasecmp(rp->headers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Weak comparison (RFC 9110, 13.1.2): W/ is ignored, as compressing proxies add it. */
bool reply_etag_listed(const char *if_none_match, const char *etag)
{
    const char *list = if_none_match;
    size_t len = strlen(etag);
    while (*list) {
        list += strspn(list, ", \t");
        if (strncmp(list, "W/", 2) == 0) {
            list += 2;
        }
        size_t entry = strcspn(list, ", \t");
        if ((entry == 1 && *list == '*') || (entry == len && memcmp(list, etag, len) == 0)) {
            return true;
        }
        list += entry;
    }
    return false;
}

void reply_replayed(struct reply *rp, bool replayed)
{
    if (replayed) {
        reply_header(rp, "Idempotency-Replayed", "true");
    }
}

const char *reply_etag_of(struct arena *arena, const void *bytes, size_t len)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(bytes, len, digest);
    return ARENA_JOIN(arena, "\"", crypto_hex(arena, digest, ETAG_DIGITS / 2), "\"");
}

void reply_known_etag(struct reply *rp, const char *etag, const char *if_none_match)
{
    reply_header(rp, "ETag", etag);
    if (if_none_match && reply_etag_listed(if_none_match, etag)) {
        reply_empty(rp, 304);
    }
}

void reply_etag(struct reply *rp, const char *if_none_match)
{
    if (!rp->body.overflow) {
        reply_known_etag(rp, reply_etag_of(rp->body.arena, rp->body.data, rp->body.len), if_none_match);
    }
}

void reply_list_open(struct json_out *out)
{
    json_open_object(out, NULL);
    json_open_array(out, "list");
}

void reply_list_close_before(struct json_out *out, const struct page *page, int64_t total, const char *next_cursor)
{
    json_close_array(out);
    json_add_int(out, "page", page->page);
    json_add_int(out, "size", page->size);
    json_add_int(out, "totalElements", total);
    if (next_cursor != NULL) {
        json_add_str(out, "nextCursor", next_cursor);
    }
    json_close_object(out);
}

void reply_list_close(struct json_out *out, int64_t page, int64_t size, int64_t total)
{
    reply_list_close_before(out, &(struct page){page, size}, total, NULL);
}

void reply_page(struct reply *rp, const struct shape *shape, const void *items, size_t count, const struct page *page,
                int64_t total)
{
    struct json_out *out = reply_json(rp, 200);
    const char *item = items;
    reply_list_open(out);
    for (size_t i = 0; i < count; i++, item += shape->size) {
        json_add_shape(out, NULL, shape, item);
    }
    reply_list_close(out, page->page, page->size, total);
}

static void head_line(struct buf *head, const char *name, const char *value)
{
    buf_str(head, name);
    buf_add(head, ": ", 2);
    buf_str(head, value);
    buf_add(head, "\r\n", 2);
}

static void head_number(struct buf *head, const char *name, size_t value)
{
    buf_str(head, name);
    buf_add(head, ": ", 2);
    buf_int(head, (int64_t)value);
    buf_add(head, "\r\n", 2);
}

void reply_head(const struct reply *rp, struct buf *head)
{
    head_number(head, "Status", (size_t)rp->status);
    if (rp->content_type) {
        head_line(head, "Content-Type", rp->content_type);
    }
    if (rp->status != 204 && rp->status != 304) {
        head_number(head, "Content-Length", rp->body.len);
    }
    for (int i = 0; i < rp->header_count; i++) {
        head_line(head, rp->headers[i].name, rp->headers[i].value);
    }
    buf_add(head, "\r\n", 2);
}
