/* oauth_table: how the providers of social logins differ; shared by the files of oauth. */
#ifndef PROVIDERS_OAUTH_TABLE_H
#define PROVIDERS_OAUTH_TABLE_H

#include <stdbool.h>

#include "common/auth/token_id.h"
#include "src/providers/oauth.h"

/* An address: one of the settings, and what follows it. */
struct oauth_address {
    const char *const *base; /* into cfg_oauth */
    const char *path;        /* NULL: there is no such address */
};

struct oauth_manner {
    const char *name;
    const char *code;
    struct oauth_address authorize, token;
    struct oauth_address keys;    /* of its id_tokens */
    struct oauth_address profile; /* asked where there is no id_token */
    const char *scope;            /* NULL: none is sent */
    bool pkce;
    bool bare_issuer;            /* id_tokens may name their issuer without "https://" */
    bool state_at_token;         /* wants the state once more with the code, and no redirect_uri */
    const char *unknown_code[2]; /* error by which the token address says that it does not know the code */
};
extern const struct oauth_manner oauth_manners[OAUTH_PROVIDER__MAX];

/* In the arena. */
const char *oauth_address(struct ctx *ctx, const struct oauth_address *address);
const char *oauth_redirect_uri(struct ctx *ctx, enum oauth_provider provider);

/* A call to the provider within its breaker's leave: JSON object of an answer with status 200, or what else came back
 * with an object. &err_unavailable, &err_bad_gateway. */
struct http_call;
struct json;
struct oauth_answer {
    int status;
    int max_age_s;
    const char *body;
    size_t len;
    const struct json *root; /* an object */
};
BO_MUSTCHECK const struct err *oauth_call(struct ctx *ctx, enum oauth_provider provider, struct http_call *call,
                                          struct oauth_answer *answer_r);

/* The provider's keys, among which `kid` is unless it does not exist; they stay the module's. */
BO_MUSTCHECK const struct err *oauth_keys(struct ctx *ctx, enum oauth_provider provider, const char *kid,
                                          const struct token_id_keys **keys_r);

#endif
