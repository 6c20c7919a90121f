/* user_settings: settings of the user domain. */
#ifndef USER_USER_SETTINGS_H
#define USER_USER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/cfg.h"
#include "common/base/err.h"

struct cfg_user {
    int64_t bcrypt_cost;            /* BOX_USER_BCRYPT_COST */
    int64_t identity_s;             /* BOX_USER_IDENTITY_S: how long an identity verification may be used */
    int64_t login_tries;            /* BOX_LOGIN_TRIES */
    int64_t login_lock_s;           /* BOX_LOGIN_LOCK_S */
    int64_t refresh_grace_s;        /* BOX_REFRESH_GRACE_S */
    int64_t email_codes_per_day;    /* BOX_EMAIL_CODES_PER_DAY */
    int64_t email_codes_per_hour;   /* BOX_EMAIL_CODES_PER_HOUR */
    int64_t email_codes_per_minute; /* BOX_EMAIL_CODES_PER_MINUTE */
    int64_t fresh_login_s;          /* BOX_FRESH_LOGIN_S */
    bool signup_email_proof;        /* BOX_SIGNUP_EMAIL_PROOF */
    const char *blind_key;          /* BOX_BLIND_KEY: 64 hex digits; key of the blind indexes, never rotated */
    const char *pii_keys;           /* BOX_PII_KEYS: key ring that seals personal data (crypto.h) */
};
extern struct cfg_user cfg_user;
/* Who opens what is sealed needs the second alone, who finds accounts by what they hold the third. */
extern const struct cfg_section cfg_user_section, cfg_pii_section, cfg_blind_section;

/* After settings are loaded and before any function of this domain, and by itself when they have changed. False with
 * *why_r when a key is unusable or the cost is too low for a real system. */
BO_MUSTCHECK bool user_settings_init(const char **why_r);

#endif
