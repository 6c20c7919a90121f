/* sandbox_oauth: people, authorization codes and tokens of the social login stand-ins (RFC 6749, RFC 7636). */
#ifndef SANDBOX_SANDBOX_OAUTH_H
#define SANDBOX_SANDBOX_OAUTH_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

enum sandbox_provider { SANDBOX_KAKAO, SANDBOX_NAVER, SANDBOX_GOOGLE, SANDBOX_PROVIDER__MAX };

/* False when there is no provider of this name. */
BO_MUSTCHECK bool sandbox_provider_find(const char *name, enum sandbox_provider *provider_r);
const char *sandbox_provider_name(enum sandbox_provider provider);

struct sandbox_person {
    const char *subject;
    const char *email; /* may be NULL */
    const char *name;  /* may be NULL */
};

/* Makes a person known to a provider, or replaces what is known. */
BO_MUSTCHECK const struct err *sandbox_oauth_add(struct ctx *ctx, enum sandbox_provider provider,
                                                 const struct sandbox_person *person);

/* What arrives at the authorize address. Any member may be NULL. */
struct sandbox_consent {
    const char *client_id;
    const char *redirect_uri;
    const char *response_type;
    const char *scope;
    const char *nonce;
    const char *code_challenge;
    const char *code_challenge_method;
    const char *user; /* who is at the keyboard */
};
/* A code that works once, within ten minutes. &err_sandbox_oauth_client and &err_sandbox_oauth_redirect must not be
 * redirected; &err_sandbox_oauth_request (of the rest) and &err_sandbox_oauth_denied (no such person) are. */
BO_MUSTCHECK const struct err *sandbox_oauth_consent(struct ctx *ctx, enum sandbox_provider provider,
                                                     const struct sandbox_consent *consent, const char **code_r);

/* What arrives at the token address. Any member may be NULL. */
struct sandbox_token_request {
    const char *grant_type; /* authorization_code, refresh_token */
    const char *client_id;
    const char *client_secret;
    const char *redirect_uri; /* checked when given or when `redirect_required` */
    const char *code;
    const char *code_verifier;
    const char *refresh_token;
    bool redirect_required;
};

struct sandbox_grant {
    const char *access_token;
    const char *refresh_token; /* NULL when a refresh token was used */
    const char *scope;         /* may be NULL */
    const char *nonce;         /* may be NULL */
    struct sandbox_person person;
};
/* &err_sandbox_oauth_client, _grant, _redirect or _request. */
BO_MUSTCHECK const struct err *sandbox_oauth_grant(struct ctx *ctx, enum sandbox_provider provider,
                                                   const struct sandbox_token_request *request,
                                                   struct sandbox_grant *grant_r);
/* Whose token an Authorization header carries (NULL when missing); &err_sandbox_oauth_token. */
BO_MUSTCHECK const struct err *sandbox_oauth_person(struct ctx *ctx, enum sandbox_provider provider,
                                                    const char *authorization, struct sandbox_person *person_r);
/* Ends an access or refresh token; unknown ones are fine. */
BO_MUSTCHECK const struct err *sandbox_oauth_revoke(struct ctx *ctx, enum sandbox_provider provider, const char *token);

/* ---- OpenID Connect ---- */

struct sandbox_jwk {
    const char *kid;
    const char *n;
    const char *e;
};
/* The key that signs now; made on first use. */
BO_MUSTCHECK const struct err *sandbox_oauth_key(struct ctx *ctx, struct sandbox_jwk *jwk_r);
/* Drops the key: the next use makes another. */
BO_MUSTCHECK const struct err *sandbox_oauth_rotate(struct ctx *ctx);
/* A signed id_token for the grant. */
BO_MUSTCHECK const struct err *sandbox_oauth_id_token(struct ctx *ctx, const char *issuer,
                                                      const struct sandbox_grant *grant, const char **token_r);

#endif
