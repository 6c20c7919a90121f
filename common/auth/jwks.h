/*
 * jwks: the public keys by which others verify our access tokens (RFC 7517, AUTH-011).
 *
 * BOX_JWT_PUBLIC_KEYS is a ring of ES256-public entries (token_ring.h) and may be empty: tokens under HS256 are
 * verified by nobody else.
 */
#ifndef COMMON_JWKS_H
#define COMMON_JWKS_H

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/json/json.h"

extern const struct cfg_section cfg_jwks_section;

/* After settings, and whenever they have changed. False with *why_r when an entry is no public key; what was listed
 * before then stays. */
BO_MUSTCHECK bool jwks_init(const char **why_r);
/* Writes {"keys": [...]}, in which nothing is secret. */
void jwks_write(struct json_out *out);

#endif
