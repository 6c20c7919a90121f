#include "common/serve/access.h"

#include <string.h>
#include <strings.h>

#include "common/auth/service_key.h"
#include "common/auth/token.h"
#include "common/base/arena.h"
#include "common/crypto/uuid.h"
#include "common/json/json.h"

#define QUEUE_TOKEN_PREFIX "qr_"
#define KEY_MIN 16
#define KEY_MAX 256

static const struct err *find_bearer(const struct request *rq, const char **token_r)
{
    const char *header = request_header(rq, "Authorization");
    if (!header) {
        return &err_token_missing;
    }
    if (strncasecmp(header, "Bearer ", strlen("Bearer ")) != 0) {
        return &err_token_invalid;
    }
    *token_r = header + strlen("Bearer ");
    *token_r += strspn(*token_r, " ");
    return NULL;
}

static bool is_admin(const char *role)
{
    return strcmp(role, "ADMIN") == 0;
}

/* For an administrator's route an administrator's token is looked up at once; others are not let in there. */
static bool is_looked_up(unsigned flags, const char *role)
{
    return (flags & RT_ADMIN) && is_admin(role);
}

bool access_looks_later(const struct route *route, const struct request *rq)
{
    return rq->identity.jti && !is_looked_up(route->flags, rq->identity.role);
}

static const struct err *check_identity(struct request *rq, unsigned flags)
{
    const char *token;
    struct token_claims claims;
    const struct err *e = find_bearer(rq, &token);
    e = e ? e : token_verify(rq->ctx, TOKEN_ACCESS, token, &claims);
    if (!e && is_looked_up(flags, claims.role)) {
        e = token_check_admin(rq->ctx, &claims);
    }
    if (e) {
        return e;
    }
    rq->identity = (struct identity){
        .user_id = claims.subject, .role = claims.role, .jti = claims.jti, .expires_at = claims.expires_s};
    log_field(&rq->ctx->log, "user_id", claims.subject);
    return NULL;
}

static const struct err *check_service(struct request *rq, const char *callers)
{
    const char *key = request_header(rq, "X-Service-Api-Key");
    const char *caller = key ? service_key_caller(key) : NULL;
    log_field(&rq->ctx->log, "caller", caller);
    if (caller && json_is_choice(callers, caller)) {
        return NULL;
    }
    const char *what = !key ? "no" : !caller ? "a wrong" : "another service's";
    log_warn(&rq->ctx->log, "refused an internal call from '%s' with %s key", rq->client_ip, what);
    return caller ? &err_forbidden : &err_service_key_invalid;
}

static const struct err *check_queue_token(struct request *rq, bool needed, const struct err *admission_error)
{
    const char *token = request_header(rq, "X-Queue-Token");
    if (!token && !needed) {
        return NULL;
    }
    size_t prefix = strlen(QUEUE_TOKEN_PREFIX);
    if (!token || strncmp(token, QUEUE_TOKEN_PREFIX, prefix) != 0 || !uuid_valid(token + prefix)) {
        return admission_error;
    }
    rq->queue_token = token;
    return NULL;
}

/* A structured-field string ("..." with quotes, RFC 8941); the bare characters are taken too, as many clients send
 * them. */
static const struct err *check_idempotency_key(struct request *rq)
{
    const char *header = request_header(rq, "Idempotency-Key");
    if (!header) {
        return NULL;
    }
    bool quoted = *header == '"';
    const char *key = header + quoted;
    size_t len = strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    if (len < KEY_MIN || len > KEY_MAX || strcmp(key + len, quoted ? "\"" : "") != 0) {
        return ctx_invalid(rq->ctx, "Idempotency-Key", "must be %d to %d letters, digits, '-' or '_'", KEY_MIN,
                           KEY_MAX);
    }
    rq->idempotency_key = arena_memdup(rq->ctx->arena, key, len);
    return NULL;
}

const struct err *access_check(const struct responder *responder, const struct route *route, struct request *rq)
{
    const struct err *e = NULL;
    if (route->callers) {
        e = check_service(rq, route->callers);
    }
    if (!e && (route->flags & (RT_USER | RT_ADMIN))) {
        e = check_identity(rq, route->flags);
    }
    if (!e && (route->flags & RT_ADMIN)) {
        rq->ctx->admin_id = rq->identity.user_id;
        e = is_admin(rq->identity.role) ? NULL : &err_forbidden;
    }
    if (!e && (route->flags & (RT_ADMITTED | RT_TOKEN))) {
        e = check_queue_token(rq, route->flags & RT_ADMITTED, responder->admission_error);
    }
    if (!e && (route->flags & RT_IDEMPOTENT)) {
        e = check_idempotency_key(rq);
    }
    return e;
}
