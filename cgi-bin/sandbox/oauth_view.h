/* oauth_view: what the three OAuth providers answer, each in its own words. */
#ifndef CGI_BIN_SANDBOX_OAUTH_VIEW_H
#define CGI_BIN_SANDBOX_OAUTH_VIEW_H

#include "common/serve/reply.h"
#include "src/sandbox/sandbox_oauth.h"

/* A refused token or user request. Naver answers 200 to a refused token request. */
void oauth_view_error(struct reply *rp, enum sandbox_provider provider, const struct err *e);
BO_MUSTCHECK const struct err *oauth_view_grant(struct ctx *ctx, struct reply *rp, enum sandbox_provider provider,
                                                const struct sandbox_grant *grant);
/* Naver's answer to grant_type=delete. */
void oauth_view_deleted(struct reply *rp, const char *access_token);
void oauth_view_person(struct reply *rp, enum sandbox_provider provider, const struct sandbox_person *person);
void oauth_view_discovery(struct ctx *ctx, struct reply *rp, enum sandbox_provider provider);
void oauth_view_jwks(struct reply *rp, const struct sandbox_jwk *jwk);

#endif
