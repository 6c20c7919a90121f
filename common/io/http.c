#include "common/io/http.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/log.h"

#define CONNECT_MS 1000
#define TIMEOUT_MS 5000
#define ANSWER_MAX ((size_t)1 << 20)

struct http {
    CURL *curl;
};

/* One call on its way. */
struct exchange {
    const struct http_call *call;
    struct buf body;
    int sends; /* how often the request went out */
};

struct http *http_new(void)
{
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        log_panic("cannot set up libcurl");
    }
    http->curl = curl_easy_init();
    if (http->curl == NULL) {
        log_panic("cannot set up libcurl");
    }
    return http;
}

void http_free(struct http **http)
{
    if (*http == NULL) {
        return;
    }
    curl_easy_cleanup((*http)->curl);
    curl_global_cleanup();
    free(*http);
    *http = NULL;
}

char *http_escape(struct arena *arena, const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    if (escaped == NULL) {
        log_panic("out of memory for an address");
    }
    char *kept = arena_strdup(arena, escaped);
    curl_free(escaped);
    return kept;
}

/* ---- request ---- */

static bool repeatable(const struct http_call *call)
{
    return strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;
}

/* Called before each sending. libcurl sends again, unasked, when a kept connection dies without an answer; for a write
 * that would be a blind repetition, so the second sending is stopped. */
static int on_send(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    (void)peer, (void)local, (void)peer_port, (void)local_port;
    struct exchange *exchange = arg;
    if (exchange->sends > 0 && !repeatable(exchange->call)) {
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->sends++;
    return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct exchange *exchange = arg;
    buf_add(&exchange->body, bytes, size * count);
    return exchange->body.overflow ? 0 : size * count;
}

static void add_header(struct arena *arena, struct curl_slist **list, const char *name, const char *value)
{
    struct curl_slist *longer = curl_slist_append(*list, arena_printf(arena, "%s: %s", name, value));
    if (longer == NULL) {
        log_panic("out of memory for a header");
    }
    *list = longer;
}

static struct curl_slist *make_headers(struct ctx *ctx, const struct http_call *call)
{
    char parent[TRACE_PARENT_SIZE];
    struct curl_slist *list = NULL;
    add_header(ctx->arena, &list, "traceparent", trace_parent(&ctx->trace, parent));
    add_header(ctx->arena, &list, "X-Trace-Id", ctx->trace.id);
    /* No "Expect: 100-continue": many servers never answer it and every larger body would wait a second. */
    add_header(ctx->arena, &list, "Expect", "");
    for (size_t i = 0; i < HTTP_HEADERS_MAX && call->headers[i].name != NULL; i++) {
        if (call->headers[i].value != NULL) {
            add_header(ctx->arena, &list, call->headers[i].name, call->headers[i].value);
        }
    }
    return list;
}

static bool headers_clean(const struct http_call *call)
{
    for (size_t i = 0; i < HTTP_HEADERS_MAX && call->headers[i].name != NULL; i++) {
        const char *value = call->headers[i].value;
        if (value != NULL && strpbrk(value, "\r\n") != NULL) {
            return false;
        }
    }
    return true;
}

static void set_method(CURL *curl, const struct http_call *call)
{
    bool head = strcmp(call->method, "HEAD") == 0;
    bool carries = strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0 ||
                   strcmp(call->method, "PATCH") == 0 || call->body != NULL;
    if (carries) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(call->body != NULL ? call->body_len : 0));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body != NULL ? call->body : "");
    }
    curl_easy_setopt(curl, CURLOPT_NOBODY, (long)head);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_options(CURL *curl, struct exchange *exchange, struct curl_slist *headers)
{
    const struct http_call *call = exchange->call;
    curl_easy_reset(curl); /* keeps the connections */
    curl_easy_setopt(curl, CURLOPT_URL, call->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* settings are BOX_*, never http_proxy of whoever started us */
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(call->connect_ms > 0 ? call->connect_ms : CONNECT_MS));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(call->timeout_ms > 0 ? call->timeout_ms : TIMEOUT_MS));
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "boxoffice");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_send);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, exchange);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    set_method(curl, call);
}

/* ---- answer ---- */

static const struct err *classify(CURLcode code, const struct exchange *exchange)
{
    if (exchange->sends == 0) {
        return &err_unavailable;
    }
    if (exchange->body.overflow || code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY) {
        return &err_bad_gateway;
    }
    return code == CURLE_OPERATION_TIMEDOUT ? &err_timeout : &err_uncertain;
}

/* "" when there is none. libcurl's, until the next call. */
static const char *header_of(CURL *curl, const char *name)
{
    struct curl_header *header;
    return curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : "";
}

/* What a cache may go by. Only a whole directive counts, and no more of it than a day says. */
static int read_max_age(CURL *curl)
{
    enum { MOST_S = 86400 };
    static const char name[] = "max-age=";
    const char *at = header_of(curl, "Cache-Control");
    while (strncasecmp(at, name, sizeof name - 1) != 0) {
        at += strcspn(at, ",");
        if (*at == '\0') {
            return 0;
        }
        at += strspn(at, ", \t");
    }
    int seconds = 0;
    for (at += sizeof name - 1; *at >= '0' && *at <= '9' && seconds < MOST_S; at++) {
        seconds = 10 * seconds + (*at - '0');
    }
    return seconds < MOST_S ? seconds : MOST_S;
}

/* "bytes 0-11/3521" (RFC 9110 14.4). */
static int64_t read_whole_len(CURL *curl)
{
    enum { DIGITS_MAX = 15 };
    const char *text = header_of(curl, "Content-Range");
    const char *slash = strchr(text, '/');
    if (strncasecmp(text, "bytes ", 6) != 0 || slash == NULL) {
        return -1;
    }
    size_t digits = strspn(slash + 1, "0123456789");
    return digits > 0 && digits <= DIGITS_MAX && slash[1 + digits] == '\0' ? strtoll(slash + 1, NULL, 10) : -1;
}

static void read_answer(CURL *curl, struct arena *arena, const struct buf *body, struct http_answer *answer_r)
{
    long status = 0;
    char *content_type = NULL;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &content_type);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    *answer_r = (struct http_answer){
        .status = (int)status,
        .body = body->data,
        .len = body->len,
        .content_type = content_type != NULL ? arena_strdup(arena, content_type) : "",
        .retry_after_s = retry_after_s > INT32_MAX ? INT32_MAX : (int)retry_after_s,
        .max_age_s = read_max_age(curl),
        .etag = arena_strdup(arena, header_of(curl, "ETag")),
        .whole_len = read_whole_len(curl),
    };
}

const struct err *http_perform(struct ctx *ctx, const struct http_call *call, struct http_answer *answer_r)
{
    if (!headers_clean(call)) {
        log_error(&ctx->log, "a header of the call has a line break");
        return &err_internal;
    }
    CURL *curl = ctx->http->curl;
    struct exchange exchange = {.call = call};
    buf_init(&exchange.body, ctx->arena, call->answer_max > 0 ? call->answer_max : ANSWER_MAX);
    struct curl_slist *headers = make_headers(ctx, call);
    set_options(curl, &exchange, headers);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        log_debug(&ctx->log, "call failed: %s", curl_easy_strerror(code));
        return classify(code, &exchange);
    }
    read_answer(curl, ctx->arena, &exchange.body, answer_r);
    return NULL;
}
