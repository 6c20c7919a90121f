#include "src/user/user_limits.h"

#define QUARTER_S 900 /* of an hour */
#define HOUR_S 3600

const struct limit limit_email_check = {"emailcheck", 60, QUARTER_S};
const struct limit limit_email_code = {"emailcodeminute", 20, 60};
const struct limit limit_reset = {"reset", 20, QUARTER_S};
const struct limit limit_reactivation = {"reactivation", 20, QUARTER_S};
const struct limit limit_social = {"social", 600, QUARTER_S};
const struct limit limit_link = {"link", 200, QUARTER_S};
const struct limit limit_link_token = {"linktoken", 10, QUARTER_S};

const struct limit limit_login = {"login", 120, HOUR_S};         /* each writes rows that stay for a year */
const struct limit limit_password = {"password", 10, QUARTER_S}; /* each costs up to three times what a login does */
const struct limit limit_profile = {"profile", 20, QUARTER_S};

const struct limit limit_refresh = {"refresh", 30, QUARTER_S};
