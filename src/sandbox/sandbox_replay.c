#include "src/sandbox/sandbox_replay.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "common/io/redis.h"
#include "src/sandbox/sandbox_errors.h"
#include "src/sandbox/sandbox_state.h"

#define KEY_MIN 16
#define KEY_MAX 256
#define CLAIM_S "120" /* longer than any request; a claim whose process died ends then */
#define ANSWER_S (3 * 60 * 60)

/* Kept text: "<digest> <status> <body>"; a status of 0 means that the work is still going on. */

static const char *digest_of(struct ctx *ctx, const char *bytes, size_t len)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(bytes, len, digest);
    return crypto_hex(ctx->arena, digest, sizeof digest);
}

static bool key_well_formed(const char *header)
{
    size_t len = strlen(header);
    return len >= KEY_MIN + 2 && len <= KEY_MAX + 2 && header[0] == '"' && header[len - 1] == '"';
}

static const struct err *read_kept(struct ctx *ctx, struct sandbox_replay *replay)
{
    const char *kept;
    const struct err *e = sandbox_load(ctx, replay->place, &kept);
    if (e) {
        return e;
    }
    size_t digest_len = strlen(replay->digest);
    if (kept == NULL) {
        return &err_sandbox_request_running;
    }
    if (strncmp(kept, replay->digest, digest_len) != 0) {
        return ctx_invalid(ctx, "Idempotency-Key", "was used for another request");
    }
    char *end;
    replay->status = (int)strtol(kept + digest_len + 1, &end, 10);
    replay->body = end + 1;
    return replay->status == 0 ? &err_sandbox_request_running : NULL;
}

const struct err *sandbox_replay_claim(struct ctx *ctx, const struct sandbox_keyed *request,
                                       struct sandbox_replay *replay_r)
{
    if (!key_well_formed(request->header)) {
        return ctx_invalid(ctx, "Idempotency-Key", "must be a quoted string of 16 to 256 characters");
    }
    const char *name = arena_printf(ctx->arena, "%s %s %s", request->method, request->path, request->header);
    *replay_r = (struct sandbox_replay){
        .place = arena_printf(ctx->arena, SANDBOX_KEY("replay:%s"), digest_of(ctx, name, strlen(name))),
        .digest = digest_of(ctx, request->body, request->body_len),
    };
    const char *running = arena_printf(ctx->arena, "%s 0 ", replay_r->digest);
    const struct redis_value *claimed;
    const struct err *e = REDIS_RUN(ctx, &claimed, "SET", replay_r->place, running, "NX", "EX", CLAIM_S);
    if (e || claimed->type != REDIS_NIL) {
        return e;
    }
    return read_kept(ctx, replay_r);
}

const struct err *sandbox_replay_keep(struct ctx *ctx, const struct sandbox_replay *replay, int status,
                                      const char *body)
{
    return sandbox_store(ctx, replay->place, arena_printf(ctx->arena, "%s %d %s", replay->digest, status, body),
                         ANSWER_S);
}

void sandbox_replay_release(struct ctx *ctx, const struct sandbox_replay *replay)
{
    if (REDIS_RUN(ctx, NULL, "DEL", replay->place) != NULL) {
        log_warn(&ctx->log, "a claimed idempotency key stays until it expires");
    }
}
