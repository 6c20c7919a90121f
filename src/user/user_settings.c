#include "src/user/user_settings.h"

#include <stddef.h>

#include "common/base/array.h"
#include "src/user/user_pii.h"

/* Below this a stolen table of hashes is guessed too fast (AUTH-014); tests in the sandbox may go lower. */
enum { BCRYPT_COST_LEAST = 10 };

struct cfg_user cfg_user;

static const struct cfg_key keys[] = {
    {.name = "BOX_USER_BCRYPT_COST",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_user, bcrypt_cost),
     .unit = "log2 rounds",
     .fallback = "10",
     .min = 4,
     .max = 12,
     .help = "Work per password check: 10 takes 80 ms of a core, each step more doubles it; below 10 sandbox only."},
    {.name = "BOX_USER_IDENTITY_S",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_user, identity_s),
     .unit = "seconds",
     .fallback = "1800",
     .min = 60,
     .max = 86400,
     .help = "How long after it was made an identity verification may be used."},
    {.name = "BOX_LOGIN_TRIES",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_user, login_tries),
     .unit = "tries",
     .fallback = "5",
     .min = 1,
     .max = 100,
     .help =
         "Wrong passwords from one address until an account is locked there; 4 times as many from a network, 20 times "
         "from everywhere."},
    {.name = "BOX_LOGIN_LOCK_S",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_user, login_lock_s),
     .unit = "seconds",
     .fallback = "900",
     .min = 1,
     .max = 86400,
     .help = "How long they count, and so how long a lock lasts at most."},
    {.name = "BOX_EMAIL_CODES_PER_DAY",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_user, email_codes_per_day),
     .unit = "codes",
     .fallback = "10",
     .min = 1,
     .max = 1000,
     .help = "Codes to one e-mail address within a day that one network (/24, /48) may ask for; everybody six times "
             "as many."},
    {.name = "BOX_EMAIL_CODES_PER_HOUR",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_user, email_codes_per_hour),
     .unit = "codes",
     .fallback = "300",
     .min = 1,
     .max = 1000000,
     .help = "Codes asked for by one client, whatever the e-mail address, and ten times as many by its network (/24, "
             "/48); each may enter ten times as many."},
    {.name = "BOX_EMAIL_CODES_PER_MINUTE",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_user, email_codes_per_minute),
     .unit = "codes",
     .fallback = "1000",
     .min = 1,
     .max = 1000000,
     .help = "Codes that everybody together may ask for within a minute; for more, each solves a CAPTCHA."},
    {.name = "BOX_SIGNUP_EMAIL_PROOF",
     .type = CFG_BOOL,
     .offset = offsetof(struct cfg_user, signup_email_proof),
     .unit = "",
     .fallback = "0",
     .max = 1,
     .help = "1: nobody signs up with an address that no code has proved. 0: such an address may be somebody else's."},
    {.name = "BOX_REFRESH_GRACE_S",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_user, refresh_grace_s),
     .unit = "seconds",
     .fallback = "120",
     .min = 0,
     .max = 600,
     .help = "How long a refresh that is repeated gets the same answer, until that is used; later it counts as theft."},
    {.name = "BOX_FRESH_LOGIN_S",
     .type = CFG_INT,
     .offset = offsetof(struct cfg_user, fresh_login_s),
     .unit = "seconds",
     .fallback = "600",
     .min = 60,
     .max = 86400,
     .help = "How long ago the login of whoever closes the account may have been."},
};

static const struct cfg_key pii_keys[] = {
    {.name = "BOX_PII_KEYS",
     .type = CFG_STR,
     .offset = offsetof(struct cfg_user, pii_keys),
     .unit = "id:hex",
     .min = 66,
     .flags = CFG_SECRET | CFG_REQUIRED | CFG_LIVE,
     .help = "Keys that seal personal data, \"2:<64 hex>,1:<64 hex>\": the first whose time has come seals, all open."},
};

static const struct cfg_key blind_keys[] = {
    {.name = "BOX_BLIND_KEY",
     .type = CFG_STR,
     .offset = offsetof(struct cfg_user, blind_key),
     .unit = "hex",
     .min = 64,
     .max = 64,
     .flags = CFG_SECRET | CFG_REQUIRED,
     .help = "Key of the blind indexes of e-mail, phone and CI, 64 hex digits; changing it hides every account."},
};

const struct cfg_section cfg_user_section = {"Accounts", keys, ARRAY_COUNT(keys), &cfg_user};
const struct cfg_section cfg_pii_section = {"Personal data", pii_keys, ARRAY_COUNT(pii_keys), &cfg_user};
const struct cfg_section cfg_blind_section = {"Finding accounts", blind_keys, ARRAY_COUNT(blind_keys), &cfg_user};

bool user_settings_init(const char **why_r)
{
    if (cfg_user.bcrypt_cost < BCRYPT_COST_LEAST && !cfg_process.sandbox) {
        *why_r = "BOX_USER_BCRYPT_COST below 10 is allowed in the sandbox only";
        return false;
    }
    cfg_watch(&cfg_pii_section, user_settings_init);
    return user_pii_init(cfg_user.blind_key, cfg_user.pii_keys, why_r);
}
