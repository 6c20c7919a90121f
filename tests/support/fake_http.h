/*
 * fake_http: takes the place of common/io/http.c in one test program: answers are put in beforehand, calls are kept.
 *
 * Included by exactly one .c file of a program; the linker then never takes the real module from the library.
 */
#ifndef TESTS_SUPPORT_FAKE_HTTP_H
#define TESTS_SUPPORT_FAKE_HTTP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/io/http.h"

static struct {
    const struct err *e; /* what the next calls return; NULL: the answer */
    int status;
    const char *body;
    const char *etag;  /* NULL: none */
    int64_t whole_len; /* of a 206 */
    int calls;
    /* The last call; texts live in its arena. */
    struct http_call last;
    const char *url;
    const char *sent;
} fake_http;

static void fake_http_answers(int status, const char *body)
{
    fake_http.e = NULL;
    fake_http.status = status;
    fake_http.body = body;
}

static inline void fake_http_fails(const struct err *e)
{
    fake_http.e = e;
}

/* A header of the last call; NULL when it was not sent. */
static inline const char *fake_http_header(const char *name)
{
    for (size_t i = 0; i < HTTP_HEADERS_MAX && fake_http.last.headers[i].name != NULL; i++) {
        if (strcmp(fake_http.last.headers[i].name, name) == 0) {
            return fake_http.last.headers[i].value;
        }
    }
    return NULL;
}

const struct err *http_perform(struct ctx *ctx, const struct http_call *call, struct http_answer *answer_r)
{
    fake_http.calls++;
    fake_http.last = *call;
    fake_http.url = arena_strdup(ctx->arena, call->url);
    fake_http.sent = call->body == NULL ? NULL : arena_memdup(ctx->arena, call->body, call->body_len);
    if (fake_http.e != NULL) {
        return fake_http.e;
    }
    *answer_r = (struct http_answer){
        .status = fake_http.status,
        .body = arena_strdup(ctx->arena, fake_http.body),
        .len = strlen(fake_http.body),
        .content_type = "application/json",
        .etag = fake_http.etag != NULL ? fake_http.etag : "",
        .whole_len = fake_http.status == 206 ? fake_http.whole_len : -1,
    };
    return NULL;
}

char *http_escape(struct arena *arena, const char *text)
{
    char *out = arena_alloc(arena, 3 * strlen(text) + 1);
    char *to = out;
    for (; *text != '\0'; text++) {
        bool plain = strchr("-_.~", *text) != NULL || (*text >= '0' && *text <= '9') ||
                     ((*text | 32) >= 'a' && (*text | 32) <= 'z');
        to += plain ? sprintf(to, "%c", *text) : sprintf(to, "%%%02X", (unsigned char)*text);
    }
    return out;
}

struct http *http_new(void)
{
    return NULL;
}

void http_free(struct http **http)
{
    *http = NULL;
}

#endif
