/*
 * err: what can go wrong, as data.
 *
 * A function that can fail returns `const struct err *`: NULL is success, anything else points to one constant row
 * that says everything about the failure: the public code and HTTP status of docs/openapi.yaml, whether repeating is
 * safe, and the words for people. Rows are compared by address (`e == &err_not_found`).
 *
 * Generic rows are listed here. Each domain lists its own rows with the same two macros in its <domain>_errors.h,
 * so that this layer knows no domain word and no list has to be extended in two places.
 *
 * Outputs of a failing function are untouched unless its contract says otherwise.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#define BO_MUSTCHECK __attribute__((warn_unused_result))
#define BO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum err_flag {
    ERR_RETRY = 1u,     /* nothing happened: the same call may be repeated as it is */
    ERR_TELLS = 4u,     /* the error body's `details` say more */
    ERR_UNCERTAIN = 2u, /* it is not known whether the write happened: reconcile by key, never repeat blindly */
};

struct err {
    const char *code; /* stable, public: "SEAT_SOLD" */
    int status;       /* HTTP status */
    unsigned flags;   /* enum err_flag */
    const char *ko;   /* one sentence for people, Korean */
    const char *en;   /* the same in English */
};

#define ERR_DECLARE(name, code, status, flags, ko, en) extern const struct err err_##name;
#define ERR_DEFINE(name, code, status, flags, ko, en) const struct err err_##name = {code, status, flags, ko, en};

#define ERR_COMMON_LIST(X)                                                                                          \
    X(invalid_request, "INVALID_REQUEST", 400, 0, "요청 형식이 올바르지 않습니다.", "The request is malformed.")    \
    X(token_missing, "TOKEN_MISSING", 401, 0, "로그인이 필요합니다.", "Please log in.")                             \
    X(token_expired, "TOKEN_EXPIRED", 401, 0, "로그인이 만료되었습니다.", "Your login has expired.")                \
    X(token_invalid, "TOKEN_INVALID", 401, 0, "인증 정보가 올바르지 않습니다.", "The token is not valid.")          \
    X(token_revoked, "TOKEN_REVOKED", 401, 0, "로그아웃된 인증 정보입니다.", "The token has been revoked.")         \
    X(service_key_invalid, "SERVICE_KEY_INVALID", 401, 0, "서비스 키가 올바르지 않습니다.",                         \
      "The service key is not valid.")                                                                              \
    X(forbidden, "FORBIDDEN", 403, 0, "권한이 없습니다.", "You may not do this.")                                   \
    X(not_found, "NOT_FOUND", 404, 0, "찾을 수 없습니다.", "There is no such thing.")                               \
    X(method_not_allowed, "METHOD_NOT_ALLOWED", 405, 0, "허용되지 않는 메서드입니다.",                              \
      "This method is not allowed here.")                                                                           \
    X(conflict, "CONFLICT", 409, 0, "현재 상태와 충돌합니다.", "This conflicts with the present state.")            \
    X(idempotency_key_in_use, "IDEMPOTENCY_KEY_IN_USE", 409, 0,                                                     \
      "같은 멱등 키의 요청이 처리 중입니다. 잠시 후 다시 시도해 주세요.",                                           \
      "The first request with this idempotency key is still running. Please repeat it in a moment.")                \
    X(payload_too_large, "PAYLOAD_TOO_LARGE", 413, 0, "요청 본문이 너무 큽니다.", "The request body is too large.") \
    X(unsupported_media_type, "UNSUPPORTED_MEDIA_TYPE", 415, 0, "지원하지 않는 형식입니다.",                        \
      "This content type is not supported.")                                                                        \
    X(idempotency_key_reused, "IDEMPOTENCY_KEY_REUSED", 422, 0, "같은 멱등 키가 다른 요청에 사용되었습니다.",       \
      "This idempotency key was used for a different request.")                                                     \
    X(too_many_requests, "TOO_MANY_REQUESTS", 429, ERR_RETRY, "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요.",  \
      "Too many requests. Please wait a moment.")                                                                   \
    X(internal, "INTERNAL_ERROR", 500, 0, "서버 오류가 발생했습니다.", "Something went wrong on our side.")         \
    X(not_implemented, "NOT_IMPLEMENTED", 501, 0, "지원하지 않는 요청입니다.", "This is not supported.")            \
    X(bad_gateway, "BAD_GATEWAY", 502, ERR_RETRY, "외부 서비스의 응답이 올바르지 않습니다.",                        \
      "Another service answered wrongly.")                                                                          \
    X(unavailable, "SERVICE_UNAVAILABLE", 503, ERR_RETRY,                                                           \
      "일시적으로 이용할 수 없습니다. 잠시 후 다시 시도해 주세요.",                                                 \
      "Temporarily unavailable. Please try again shortly.")                                                         \
    X(uncertain, "OUTCOME_UNKNOWN", 503, ERR_UNCERTAIN,                                                             \
      "처리 결과를 확인하지 못했습니다. 상태를 확인한 뒤 다시 시도해 주세요.",                                      \
      "The outcome is not known yet. Please check before trying again.")                                            \
    X(timeout, "TIMEOUT", 504, ERR_UNCERTAIN, "응답 시간이 초과되었습니다.", "No answer came in time.")

ERR_COMMON_LIST(ERR_DECLARE)

/* What an error means for a call that changes nothing, or whose effect does not matter to the caller (the mirror of
 * seats in Redis): a lost answer is &err_unavailable. Any other error as it is, NULL too. */
const struct err *err_of_read(const struct err *e);
/* What an error means once a part of the work is committed, which the repetition of the call finishes: that nothing has
 * happened is not true any more, so it is &err_uncertain. Any other error as it is, NULL too. */
const struct err *err_after_commit(const struct err *e);

#endif
