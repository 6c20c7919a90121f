/*
 * social: logging in through Kakao, Naver or Google, and how such a login belongs to an account (AUTH-007).
 *
 * A provider tells who somebody is to it; whose account that is, only an identity verification tells. So the first
 * visit ends with a link token, and the link is made to the account of the person verified, or to a new one.
 *
 * Nothing that a provider issues is kept, so that there is nothing to steal here, and nothing that an unlinking could
 * hand back: people withdraw what they have agreed to at the provider with the provider.
 */
#ifndef USER_SOCIAL_H
#define USER_SOCIAL_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"
#include "src/providers/oauth.h"
#include "src/user/session.h"

#define SOCIAL_LINK_S 1800

struct social_begun {
    const char *url;     /* where to send the browser */
    const char *browser; /* what it shall keep until it comes back, for SOCIAL_ATTEMPT_S */
};

/* What a provider sends the browser back with. */
struct social_return {
    const char *code, *state, *error; /* any may be NULL */
};
extern const struct shape social_return_shape;

struct social_outcome {
    bool linked;          /* false: the rest is a link token, and what the provider says of the person */
    struct tokens tokens; /* only if linked */
    const char *link_token;
    bool dormant;      /* of an account that sleeps: the link wakes it */
    const char *email; /* normalised; NULL: none that is one */
    const char *name;  /* in its stored form; NULL: none that could be one */
};

/* Body of a link; what is absent and needed for a new account is asked for when it comes to that. */
struct social_link {
    const char *link_token;
    const char *identity_verification_id;
    const char *email, *name, *phone;
    struct json_list agreements; /* of struct agreement */
    const char *email_verification_token;
};
extern const struct shape social_link_shape;

/* "kakao", "naver" or "google" by name: &err_not_found for another, &err_social_off for one that is not configured. */
BO_MUSTCHECK const struct err *social_provider(const char *name, enum oauth_provider *provider_r);

/* `sandbox_user`: as of oauth_authorize_url(); refused outside the sandbox. &err_too_many_requests by network,
 * &err_unavailable. */
BO_MUSTCHECK const struct err *social_begin(struct ctx *ctx, enum oauth_provider provider, const char *client_ip,
                                            const char *sandbox_user, struct social_begun *begun_r);

/* Who has come back: a session for the account that is linked, or a link token, which lives for SOCIAL_LINK_S.
 * &err_social_state: see social_attempt.h. &err_oauth_refused: the person or the provider said no. &err_unavailable and
 * &err_bad_gateway as oauth_person_of(). &err_account_locked (ctx->retry_after_s), which the
 * login history tells. &err_conflict when the account changes at the same moment. Cannot be repeated: an attempt comes
 * back once. */
BO_MUSTCHECK const struct err *social_finish(struct ctx *ctx, enum oauth_provider provider,
                                             const struct social_return *input, const char *browser,
                                             const struct client *client, struct social_outcome *outcome_r);

/*
 * Links what the token stands for to the account of the person verified, or to a new account without a password, all in
 * one transaction with its first session. Name and phone of a new one may be left out: they are the verified ones.
 *
 * An account of the person that sleeps is woken by it (AUTH-018), whatever was linked before.
 *
 * Safe to repeat with the same body within a minute, also twice at once: there is one account and one link, and each
 * answer is a session. &err_link_token_invalid; &err_identity_not_verified; &err_invalid_request and
 * &err_terms_required with details, &err_email_taken for a new account; &err_social_linked and &err_social_other; the
 * account's state as social_finish(); &err_too_many_requests by network; &err_unavailable.
 */
BO_MUSTCHECK const struct err *social_link(struct ctx *ctx, const struct social_link *input,
                                           const struct client *client, struct tokens *tokens_r);

/* Safe to repeat: it is also done when there is no such link. &err_last_way_in when the account has neither a password
 * nor another link, also with two at once. All other sessions end with it: some may be of whoever has that login.
 * &err_token_revoked when the account is none any more; &err_uncertain as session_blacklist_others(). */
BO_MUSTCHECK const struct err *social_unlink(struct ctx *ctx, const struct session_owner *owner,
                                             enum oauth_provider provider);

#endif
