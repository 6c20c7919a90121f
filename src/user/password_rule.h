/*
 * password_rule: what a new password must be, after NIST SP 800-63B (5.1.1.2): long enough, and not one that is tried
 * first. Nothing is asked of the kinds of its characters, and nobody has to change it.
 *
 * Eight characters at least. 72 bytes at most, which is all that bcrypt looks at: longer ones are refused, not cut. A
 * hundred million guesses at least by zxcvbn's estimate, to which a person's own name, address and phone number and
 * this site's name are known, and the words that Koreans choose most, also as they are typed on a Latin keyboard.
 */
#ifndef USER_PASSWORD_RULE_H
#define USER_PASSWORD_RULE_H

#include "common/base/err.h"
#include "common/context/ctx.h"

#define USER_PASSWORD_MIN 8 /* characters; the most is PASSWORD_BYTES_MAX bytes */

/* What whoever guesses may know. NULL: not known here. As stored. */
struct password_owner {
    const char *email;
    const char *name;
    const char *phone;
};

/* Of the NFC of a password. &err_invalid_request with what is asked of `field` when it is none. 0.3 to 1.5 ms. */
BO_MUSTCHECK const struct err *user_password_check(struct ctx *ctx, const char *field, const char *password,
                                                   const struct password_owner *owner);

#endif
