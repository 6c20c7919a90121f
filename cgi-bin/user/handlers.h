/* handlers: what the user responder's routes run, and the bodies they take. */
#ifndef CGI_USER_HANDLERS_H
#define CGI_USER_HANDLERS_H

#include "common/serve/route.h"
#include "src/user/session.h"

/* auth.c */
extern const struct shape email_body_shape;
extern const struct shape refresh_body_shape;
request_handler auth_terms, auth_email_check, auth_email_code, auth_email_verify, auth_sign_up, auth_login,
    auth_refresh, auth_password_reset, auth_reactivate;

/* profile.c */
extern const struct shape withdrawal_query_shape;
request_handler profile_get, profile_put, profile_delete, agreements_get, agreements_put;

/* sessions.c */
struct session_owner owner_of(const struct request *rq); /* of a route with RT_USER */
struct client client_of(const struct request *rq);
request_handler sessions_log_out, sessions_list, sessions_end, sessions_end_all, logins_page, password_put;

/* social.c */
extern const struct shape social_begin_shape;
request_handler social_authorize, social_callback, social_link_post, social_unlink_delete;

#endif
