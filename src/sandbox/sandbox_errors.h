/*
 * sandbox_errors: what the stand-ins refuse, in the words of the providers they stand in for.
 *
 * `code` is PortOne's error type or OAuth's error name; the handlers write it in the provider's own form. The sentences
 * are not for customers, so both languages say the same.
 */
#ifndef SANDBOX_SANDBOX_ERRORS_H
#define SANDBOX_SANDBOX_ERRORS_H

#include "common/base/err.h"

#define ERR_SANDBOX_ROW(X, name, code, status, text) X(name, code, status, 0, text, text)

#define ERR_SANDBOX_LIST(X)                                                                                            \
    ERR_SANDBOX_ROW(X, sandbox_unauthorized, "UNAUTHORIZED", 401, "the API secret or access token is not valid")       \
    ERR_SANDBOX_ROW(X, sandbox_forbidden, "FORBIDDEN", 403, "the store belongs to someone else")                       \
    ERR_SANDBOX_ROW(X, sandbox_payment_unknown, "PAYMENT_NOT_FOUND", 404, "no payment was tried under this id")        \
    ERR_SANDBOX_ROW(X, sandbox_identity_unknown, "IDENTITY_VERIFICATION_NOT_FOUND", 404,                               \
                    "no identity verification has this id")                                                            \
    ERR_SANDBOX_ROW(X, sandbox_webhook_unknown, "WEBHOOK_NOT_FOUND", 404, "no such webhook was sent for this payment") \
    ERR_SANDBOX_ROW(X, sandbox_already_paid, "ALREADY_PAID", 409, "the payment is paid already")                       \
    ERR_SANDBOX_ROW(X, sandbox_amount_differs, "AmountNotEqualToPredefined", 409,                                      \
                    "the amount is not the pre-registered one")                                                        \
    ERR_SANDBOX_ROW(X, sandbox_token_invalid, "INVALID_PAYMENT_TOKEN", 400, "the payment token is not this payment's") \
    ERR_SANDBOX_ROW(X, sandbox_information_mismatch, "INFORMATION_MISMATCH", 409,                                      \
                    "the payment differs from what the request expects")                                               \
    ERR_SANDBOX_ROW(X, sandbox_not_paid, "PAYMENT_NOT_PAID", 409, "the payment is not paid")                           \
    ERR_SANDBOX_ROW(X, sandbox_already_cancelled, "PAYMENT_ALREADY_CANCELLED", 409, "the payment is cancelled")        \
    ERR_SANDBOX_ROW(X, sandbox_cancellable_differs, "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN", 409,                      \
                    "the cancellable amount is not the expected one")                                                  \
    ERR_SANDBOX_ROW(X, sandbox_cancel_too_much, "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT", 409,                       \
                    "the amount is more than what can be cancelled")                                                   \
    ERR_SANDBOX_ROW(X, sandbox_request_running, "IDEMPOTENCY_OUTSTANDING_REQUEST", 409,                                \
                    "a request with this idempotency key is still running")                                            \
    ERR_SANDBOX_ROW(X, sandbox_oauth_client, "invalid_client", 401, "the client is unknown or its secret is wrong")    \
    ERR_SANDBOX_ROW(X, sandbox_oauth_grant, "invalid_grant", 400, "the code or token is unknown, used or expired")     \
    ERR_SANDBOX_ROW(X, sandbox_oauth_redirect, "redirect_uri_mismatch", 400, "the redirect_uri is another one")        \
    ERR_SANDBOX_ROW(X, sandbox_oauth_denied, "access_denied", 403, "the person is unknown or did not consent")         \
    ERR_SANDBOX_ROW(X, sandbox_oauth_request, "invalid_request", 400, "a parameter is missing or malformed")           \
    ERR_SANDBOX_ROW(X, sandbox_oauth_token, "invalid_token", 401, "the access token is unknown or expired")

ERR_SANDBOX_LIST(ERR_DECLARE)

#endif
