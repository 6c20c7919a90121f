#include "cgi-bin/user/handlers.h"
#include "common/auth/service_key.h"
#include "common/auth/token.h"
#include "common/base/array.h"
#include "common/base/log.h"
#include "common/json/page.h"
#include "common/serve/responder.h"
#include "src/providers/oauth.h"
#include "src/providers/portone.h"
#include "src/providers/recaptcha.h"
#include "src/user/account.h"
#include "src/user/email_code.h"
#include "src/user/login.h"
#include "src/user/password_change.h"
#include "src/user/password_reset.h"
#include "src/user/profile_change.h"
#include "src/user/reactivation.h"
#include "src/user/social.h"
#include "src/user/terms.h"
#include "src/user/user_settings.h"

#define AUTH_BODY_MAX 10240 /* GW-014 */

static const struct route routes[] = {
    {"GET", "/auth/terms", auth_terms, 0, NULL, NULL, 0, NULL},
    {"POST", "/auth/email/check", auth_email_check, 0, &email_body_shape, NULL, AUTH_BODY_MAX, NULL},
    {"POST", "/auth/email/code", auth_email_code, 0, &email_request_shape, NULL, AUTH_BODY_MAX, NULL},
    {"POST", "/auth/email/verify", auth_email_verify, 0, &email_proof_shape, NULL, AUTH_BODY_MAX, NULL},
    {"POST", "/auth/signup", auth_sign_up, 0, &sign_up_shape, NULL, AUTH_BODY_MAX, NULL},
    {"POST", "/auth/login", auth_login, 0, &login_shape, NULL, AUTH_BODY_MAX, NULL},
    {"POST", "/auth/refresh", auth_refresh, 0, &refresh_body_shape, NULL, AUTH_BODY_MAX, NULL},
    {"POST", "/auth/password/reset", auth_password_reset, 0, &password_reset_shape, NULL, AUTH_BODY_MAX, NULL},
    {"POST", "/auth/reactivate", auth_reactivate, 0, &reactivation_shape, NULL, AUTH_BODY_MAX, NULL},
    {"GET", "/auth/oauth2/<provider>", social_authorize, 0, NULL, &social_begin_shape, 0, NULL},
    {"GET", "/auth/oauth2/<provider>/callback", social_callback, RT_ONCE, NULL, &social_return_shape, 0, NULL},
    {"POST", "/auth/oauth2/link", social_link_post, 0, &social_link_shape, NULL, AUTH_BODY_MAX, NULL},
    {"POST", "/auth/logout", sessions_log_out, RT_USER, NULL, NULL, 0, NULL},
    {"GET", "/users/me", profile_get, RT_USER, NULL, NULL, 0, NULL},
    {"PUT", "/users/me", profile_put, RT_USER, &profile_change_shape, NULL, AUTH_BODY_MAX, NULL},
    {"PATCH", "/users/me", profile_put, RT_USER, &profile_change_shape, NULL, AUTH_BODY_MAX, NULL},
    {"DELETE", "/users/me", profile_delete, RT_USER, NULL, &withdrawal_query_shape, 0, NULL},
    {"PUT", "/users/me/password", password_put, RT_USER, &password_change_shape, NULL, AUTH_BODY_MAX, NULL},
    {"DELETE", "/users/me/oauth2/<provider>", social_unlink_delete, RT_USER, NULL, NULL, 0, NULL},
    {"GET", "/users/me/sessions", sessions_list, RT_USER, NULL, &page_shape, 0, NULL},
    {"DELETE", "/users/me/sessions", sessions_end_all, RT_USER, NULL, NULL, 0, NULL},
    {"DELETE", "/users/me/sessions/{id}", sessions_end, RT_USER, NULL, NULL, 0, NULL},
    {"GET", "/users/me/agreements", agreements_get, RT_USER, NULL, NULL, 0, NULL},
    {"PUT", "/users/me/agreements", agreements_put, RT_USER, &agreements_shape, NULL, AUTH_BODY_MAX, NULL},
    {"GET", "/users/me/logins", logins_page, RT_USER, NULL, &page_shape, 0, NULL},
};

static const struct cfg_section *const settings[] = {&cfg_user_section,     &cfg_pii_section,       &cfg_blind_section,
                                                     &cfg_portone_section,  &cfg_recaptcha_section, &cfg_oauth_section,
                                                     &cfg_internal_section, &cfg_caller_section,    NULL};

static const struct err *init(struct ctx *ctx)
{
    (void)ctx;
    const char *why;
    if (!token_init_signer(&why) || !user_settings_init(&why) || !portone_check_settings(&why) ||
        !recaptcha_check_settings(&why) || !oauth_check_settings(&why)) {
        log_fatal("%s", why);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    return responder_main(&(struct responder){.name = "user",
                                              .routes = routes,
                                              .route_count = ARRAY_COUNT(routes),
                                              .needs = NEED_DB | NEED_REDIS | NEED_HTTP,
                                              .settings = settings,
                                              .init = init},
                          argc, argv);
}
