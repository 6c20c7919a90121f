#include "common/serve/responder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/auth/service_key.h"
#include "common/auth/token.h"
#include "common/base/metrics.h"
#include "common/run/program.h"
#include "common/serve/dispatch.h"
#include "common/serve/fastcgi.h"

static unsigned all_flags(const struct responder *responder)
{
    unsigned flags = 0;
    for (size_t i = 0; i < responder->route_count; i++) {
        flags |= responder->routes[i].flags;
    }
    return flags;
}

static bool needs_tokens(const struct responder *responder)
{
    return all_flags(responder) & (RT_USER | RT_ADMIN);
}

static bool is_internal(const struct responder *responder)
{
    for (size_t i = 0; i < responder->route_count; i++) {
        if (responder->routes[i].callers) {
            return true;
        }
    }
    return false;
}

/* Whether a token was revoked stands in Redis. */
static unsigned all_needs(const struct responder *responder)
{
    return responder->needs | (needs_tokens(responder) ? NEED_REDIS : 0);
}

static void list_sections(const struct responder *responder, const struct cfg_section *list[PROGRAM_SECTIONS_MAX])
{
    const struct cfg_section *own[PROGRAM_SECTIONS_MAX] = {NULL};
    size_t count = 0;
    if (needs_tokens(responder)) {
        own[count++] = &cfg_token_section;
        own[count++] = &cfg_token_life_section;
    }
    if (is_internal(responder)) {
        own[count++] = &cfg_accepted_section;
    }
    for (size_t i = 0; responder->settings && responder->settings[i]; i++) {
        if (count + 1 == PROGRAM_SECTIONS_MAX) {
            log_panic("more than %d sections of settings", PROGRAM_SECTIONS_MAX - 1);
        }
        own[count++] = responder->settings[i];
    }
    program_sections(all_needs(responder), own, list);
}

static struct ctx *start(const struct responder *responder)
{
    const char *why;
    dispatch_check(responder);
    if (needs_tokens(responder) && !token_init(&why)) {
        log_fatal("%s", why);
    }
    metrics_open(cfg_process.run_dir, responder->name);
    struct ctx *ctx = program_ctx_new(all_needs(responder));
    ctx_begin(ctx, NULL, NULL);
    const struct err *e = responder->init ? responder->init(ctx) : NULL;
    if (e) {
        log_fatal("cannot start: %s", e->en);
    }
    return ctx;
}

/* ---- plain CGI ---- */

static bool read_stdin(void *source, char *to, size_t len)
{
    return fread(to, 1, len, source) == len;
}

static int run_cgi(const struct responder *responder, struct ctx *ctx)
{
    const struct intake intake = {.env = (const char *const *)environ, .read = read_stdin, .source = stdin};
    struct reply rp;
    dispatch(responder, ctx, &intake, &rp);
    if (rp.dropped) {
        return 0;
    }
    struct buf head;
    buf_init(&head, ctx->arena, REPLY_HEAD_MAX);
    reply_head(&rp, &head);
    fwrite(head.data, 1, head.len, stdout);
    if (!rp.omit_body) {
        fwrite(rp.body.data, 1, rp.body.len, stdout);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static int print_hint(const struct responder *responder)
{
    fprintf(stderr,
            "%s.fcgi serves FastCGI on a listen socket given as descriptor 0 (see spawn-fcgi),\n"
            "or one request from the environment: REQUEST_METHOD=GET DOCUMENT_URI=/ %s.fcgi\n"
            "Options: --help, --version, --dump-config\n",
            responder->name, responder->name);
    return 2;
}

int responder_main(const struct responder *responder, int argc, char **argv)
{
    const struct cfg_section *sections[PROGRAM_SECTIONS_MAX];
    list_sections(responder, sections);
    bool fastcgi = fastcgi_available();
    if (argc < 2 && !fastcgi && !getenv("REQUEST_METHOD")) {
        return print_hint(responder);
    }
    if (!program_options(responder->name, sections, argc, argv)) {
        return 0;
    }
    struct ctx *ctx = start(responder);
    int status = fastcgi ? fastcgi_run(responder, ctx) : run_cgi(responder, ctx);
    program_ctx_free(&ctx);
    return status;
}
