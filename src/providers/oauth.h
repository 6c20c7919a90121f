/*
 * oauth: clients of the social logins of Kakao, Naver and Google: authorization code (RFC 6749) with state, PKCE (RFC
 * 7636) and nonce where they are offered (AUTH-007). Needs ctx->http.
 *
 * Kakao and Google say who somebody is by an id_token, checked against the keys that they publish; Naver, which signs
 * nothing, is asked with the access token. Their tokens are used for that and then forgotten.
 *
 * Keys are kept per process for as long as the provider says, between 5 minutes and a day; for a key that is not among
 * them they are fetched once more, at most once a minute. Each provider has a circuit breaker of its own.
 */
#ifndef PROVIDERS_OAUTH_H
#define PROVIDERS_OAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/providers/provider_errors.h"

enum oauth_provider { OAUTH_KAKAO, OAUTH_NAVER, OAUTH_GOOGLE, OAUTH_PROVIDER__MAX };

struct oauth_client {
    const char *id;     /* BOX_KAKAO_CLIENT_ID ...; NULL: this provider is off */
    const char *secret; /* BOX_KAKAO_CLIENT_SECRET ... */
};

struct cfg_oauth {
    const char *public_url; /* BOX_PUBLIC_URL: where browsers reach us, no slash at the end */
    int64_t timeout_ms;     /* BOX_OAUTH_TIMEOUT_MS */
    struct oauth_client clients[OAUTH_PROVIDER__MAX];
    const char *kakao_url;        /* BOX_KAKAO_URL: where browsers are sent; also the issuer */
    const char *kakao_token_url;  /* BOX_KAKAO_TOKEN_URL: what we call; and so on */
    const char *naver_url;        /* BOX_NAVER_URL */
    const char *naver_token_url;  /* BOX_NAVER_TOKEN_URL */
    const char *naver_api_url;    /* BOX_NAVER_API_URL */
    const char *google_url;       /* BOX_GOOGLE_URL */
    const char *google_token_url; /* BOX_GOOGLE_TOKEN_URL */
    const char *google_keys_url;  /* BOX_GOOGLE_KEYS_URL */
};
extern struct cfg_oauth cfg_oauth;
extern const struct cfg_section cfg_oauth_section;

/* Once at start, after settings: false with *why_r for half a client, for the sandbox's outside the sandbox, for
 * addresses without TLS there, and for a client without BOX_PUBLIC_URL. */
BO_MUSTCHECK bool oauth_check_settings(const char **why_r);

/* "kakao", "naver", "google"; false for any other. */
BO_MUSTCHECK bool oauth_provider_find(const char *name, enum oauth_provider *provider_r);
/* "KAKAO": as rows and answers have it. */
const char *oauth_provider_code(enum oauth_provider provider);
bool oauth_on(enum oauth_provider provider);

/* One way to a provider and back. Each unguessable, 43 characters of base64url. */
struct oauth_attempt {
    const char *state;
    const char *nonce;    /* sent where there is an id_token */
    const char *verifier; /* sent, as its digest, where PKCE is offered */
};

/* Where the browser is sent. `sandbox_user`: who is at the keyboard of a stand-in; NULL: nothing is said of it. In the
 * arena. Pure. */
const char *oauth_authorize_url(struct ctx *ctx, enum oauth_provider provider, const struct oauth_attempt *attempt,
                                const char *sandbox_user);

struct oauth_person {
    const char *subject; /* the provider's id of the person, for us alone; 1 to 255 characters of printable ASCII */
    const char *email;   /* as the provider gives it; NULL: none, or not verified by Google or Kakao */
    const char *name;    /* the same, of any length and kind */
};

/* Who came back with this code. &err_oauth_refused: the provider does not know the code, or no longer.
 * &err_unavailable: it is away, too slow, or refuses our client (error line). &err_bad_gateway: what it says cannot be
 * read or believed (warning line). A code works once: whatever the answer, the person has to be sent to the provider
 * again. */
BO_MUSTCHECK const struct err *oauth_person_of(struct ctx *ctx, enum oauth_provider provider,
                                               const struct oauth_attempt *attempt, const char *code,
                                               struct oauth_person *person_r);

#endif
