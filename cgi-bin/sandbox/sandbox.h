/* sandbox: the handlers of the development stand-ins. Their routes, and what they stand in for, are in main.c. */
#ifndef CGI_BIN_SANDBOX_SANDBOX_H
#define CGI_BIN_SANDBOX_SANDBOX_H

#include "common/serve/reply.h"
#include "common/serve/request.h"

/* PortOne V2 */
const struct err *sandbox_handle_login(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_refresh(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_pre_register(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_payment(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_confirm(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_cancel(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_resend_webhook(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_identity(struct request *rq, struct reply *rp);

/* reCAPTCHA v2 */
const struct err *sandbox_handle_siteverify(struct request *rq, struct reply *rp);

/* OAuth 2 and OpenID Connect */
const struct err *sandbox_handle_authorize(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_token(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_userinfo(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_revoke(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_discovery(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_jwks(struct request *rq, struct reply *rp);

/* Steering */
const struct err *sandbox_handle_verify_person(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_solve_captcha(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_pay(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_send_webhook(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_ledger(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_add_user(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_rotate_keys(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_order_fault(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_faults(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_clear_faults(struct request *rq, struct reply *rp);
const struct err *sandbox_handle_forget(struct request *rq, struct reply *rp);

extern const struct shape sandbox_person_body;
extern const struct shape sandbox_pay_body;
extern const struct shape sandbox_webhook_body;
extern const struct shape sandbox_user_body;
extern const struct shape sandbox_fault_body;

#endif
