/*
 * email_code: proof that an address is one's own, by a code sent to it (AUTH-020).
 *
 * Six digits, for 10 minutes and five wrong tries of one network (/24, /48); after fifteen of everybody only the
 * network that asked for it has any left. So the 60 codes of a day are guessed with a chance of 1 in 800. The latest
 * sent counts; to who asks from a network, the latest that was asked for there. So a stranger who asks and tries for an
 * address takes nothing from its owner, who is elsewhere. Of code and token only keyed hashes are kept. Nothing here
 * looks at accounts, so that an address with one and an address without are the same in words and time.
 *
 * For one mailbox, which is an address without its +tag, a network may ask once a minute and BOX_EMAIL_CODES_PER_DAY
 * times a day, everybody six times as often. After the third of a day, and for any address once everybody has asked for
 * BOX_EMAIL_CODES_PER_MINUTE, each costs a solved challenge (reCAPTCHA): filling a mailbox, using up its codes and
 * holding up all mail is dear. A client may ask twenty times a minute and BOX_EMAIL_CODES_PER_HOUR times an hour, its
 * network ten times as often (client_limit.h), and each may try ten times as often as that.
 */
#ifndef USER_EMAIL_CODE_H
#define USER_EMAIL_CODE_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "common/json/json.h"

struct email_request {
    const char *email;
    const char *recaptcha_token; /* NULL: none */
};
extern const struct shape email_request_shape;

struct email_proof {
    const char *email;
    const char *code;
};
extern const struct shape email_proof_shape;

/* Writes a code down and a mail that tells it, in one transaction; the mailer sends it. &err_invalid_request when
 * `email` is no address; &err_too_many_requests with ctx->retry_after_s; &err_captcha_failed when a challenge has to be
 * solved and has not been, &err_unavailable when reCAPTCHA cannot be asked, outside of the transaction, and only then.
 * A lost answer that is asked for again is too early: the mail is on its way. Of two at once, one. `language`: "ko" or
 * "en". */
BO_MUSTCHECK const struct err *email_code_send(struct ctx *ctx, const struct email_request *input,
                                               const char *client_ip, const char *language);
/* The right code gives a token, for 30 minutes and for one account of that address. The same code again gives the same
 * token, until that is used: a lost answer costs nothing, and wrong tries after it take nothing away. Wrong tries count
 * before the code is looked at, however many come at once. &err_email_code_invalid: wrong, too old, tried too often,
 * used, or none was sent: alike; &err_invalid_request; &err_too_many_requests. The token is in the arena. */
BO_MUSTCHECK const struct err *email_code_verify(struct ctx *ctx, const struct email_proof *input,
                                                 const char *client_ip, const char **token_r);

/* &err_invalid_request, with what is wrong with "emailVerificationToken", unless the token could be used now for the
 * account of this address; `email` is normalised. Changes nothing. */
BO_MUSTCHECK const struct err *email_token_check(struct ctx *ctx, const char *token, const char *email);
/* The same, and it is used: inside the transaction that has made the account, whose address is proved by it. */
BO_MUSTCHECK const struct err *email_token_use(struct ctx *ctx, const char *token, const char *email,
                                               const char *user_id);

#endif
