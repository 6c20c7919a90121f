/*
 * The development stand-ins: PortOne V2, reCAPTCHA v2 and three OAuth providers behind one origin, and the steering API
 * under /sandbox/ by which a test plays their customers and their bad days. Runs only with BOX_SANDBOX=1.
 *
 * Paths are the real ones. Providers that have several hosts get one prefix per host:
 *
 *     https://api.portone.io, https://www.google.com/recaptcha   no prefix
 *     https://kauth.kakao.com     /kauth
 *     https://kapi.kakao.com      /kapi
 *     https://nid.naver.com       /nid
 *     https://openapi.naver.com   /openapi-naver
 *     https://accounts.google.com, oauth2.googleapis.com, www.googleapis.com, openidconnect.googleapis.com   /google
 *
 * so the issuer of Google's id_tokens is <origin>/google and Kakao's <origin>/kauth.
 *
 * Steering, beyond what the routes say:
 *
 *     pay       {outcome, amount?, webhook?, force?, noticeUrls?}; webhook false silences the payment for good, also at
 *               its confirm and cancel; force pays an amount other than the pre-registered one
 *     webhook   {type?, delayMs?, times?, forge?}; of the last webhook's type it is the same event once more
 *     faults    {target, operation?, latencyMs?, errorRate?, status?, type?, hang?, loseAnswer?, times?}; errorRate is
 *               the share of calls struck, type a PortOne error to answer with `status`; loseAnswer alone drops the
 *               connection after the work, with hang it never answers, with status it answers that instead. Deleting
 *               the faults lets go of the calls that hang
 *     captchas  a token that works once, within two minutes
 */
#include "cgi-bin/sandbox/sandbox.h"
#include "common/base/array.h"
#include "common/io/redis.h"
#include "common/serve/responder.h"
#include "src/sandbox/sandbox_settings.h"

/* The providers pass over parameters that they do not know, and so do their stand-ins. */
static const struct route routes[] = {
    {"POST", "/login/api-secret", sandbox_handle_login, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"POST", "/token/refresh", sandbox_handle_refresh, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"POST", "/payments/<paymentId>/pre-register", sandbox_handle_pre_register, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0,
     NULL},
    {"GET", "/payments/<paymentId>", sandbox_handle_payment, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"POST", "/payments/<paymentId>/confirm", sandbox_handle_confirm, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"POST", "/payments/<paymentId>/cancel", sandbox_handle_cancel, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"POST", "/payments/<paymentId>/resend-webhook", sandbox_handle_resend_webhook, RT_RAW | RT_ANY_QUERY, NULL, NULL,
     0, NULL},
    {"GET", "/identity-verifications/<identityVerificationId>", sandbox_handle_identity, RT_ANY_QUERY, NULL, NULL, 0,
     NULL},

    {"POST", "/recaptcha/api/siteverify", sandbox_handle_siteverify, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0, NULL},

    {"GET", "/kauth/oauth/authorize", sandbox_handle_authorize, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"POST", "/kauth/oauth/token", sandbox_handle_token, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"GET", "/kauth/.well-known/openid-configuration", sandbox_handle_discovery, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"GET", "/kauth/.well-known/jwks.json", sandbox_handle_jwks, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"GET", "/kapi/v2/user/me", sandbox_handle_userinfo, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"POST", "/kapi/v2/user/me", sandbox_handle_userinfo, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"GET", "/nid/oauth2.0/authorize", sandbox_handle_authorize, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"GET", "/nid/oauth2.0/token", sandbox_handle_token, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"POST", "/nid/oauth2.0/token", sandbox_handle_token, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"GET", "/openapi-naver/v1/nid/me", sandbox_handle_userinfo, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"GET", "/google/.well-known/openid-configuration", sandbox_handle_discovery, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"GET", "/google/o/oauth2/v2/auth", sandbox_handle_authorize, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"POST", "/google/token", sandbox_handle_token, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"GET", "/google/v1/userinfo", sandbox_handle_userinfo, RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"POST", "/google/revoke", sandbox_handle_revoke, RT_RAW | RT_ANY_QUERY, NULL, NULL, 0, NULL},
    {"GET", "/google/oauth2/v3/certs", sandbox_handle_jwks, RT_ANY_QUERY, NULL, NULL, 0, NULL},

    {"POST", "/sandbox/identity-verifications", sandbox_handle_verify_person, 0, &sandbox_person_body, NULL, 0, NULL},
    {"POST", "/sandbox/captchas", sandbox_handle_solve_captcha, 0, NULL, NULL, 0, NULL},
    {"GET", "/sandbox/payments", sandbox_handle_ledger, 0, NULL, NULL, 0, NULL},
    {"POST", "/sandbox/payments/<paymentId>/pay", sandbox_handle_pay, 0, &sandbox_pay_body, NULL, 0, NULL},
    {"POST", "/sandbox/payments/<paymentId>/webhook", sandbox_handle_send_webhook, 0, &sandbox_webhook_body, NULL, 0,
     NULL},
    {"POST", "/sandbox/oauth/<provider>/users", sandbox_handle_add_user, 0, &sandbox_user_body, NULL, 0, NULL},
    {"DELETE", "/sandbox/oauth/keys", sandbox_handle_rotate_keys, 0, NULL, NULL, 0, NULL},
    {"POST", "/sandbox/faults", sandbox_handle_order_fault, 0, &sandbox_fault_body, NULL, 0, NULL},
    {"GET", "/sandbox/faults", sandbox_handle_faults, 0, NULL, NULL, 0, NULL},
    {"DELETE", "/sandbox/faults", sandbox_handle_clear_faults, 0, NULL, NULL, 0, NULL},
    {"DELETE", "/sandbox/state", sandbox_handle_forget, 0, NULL, NULL, 0, NULL},
};

static const struct cfg_section *const settings[] = {&cfg_sandbox_section, NULL};

/* The skeleton's Redis connection is replaced by one to the database of the stand-ins. */
static const struct err *init(struct ctx *ctx)
{
    if (!cfg_process.sandbox) {
        log_fatal("BOX_SANDBOX is not 1: the stand-ins never run where money is real");
    }
    redis_free(&ctx->redis);
    ctx->redis = redis_new_at(cfg_sandbox.redis_url);
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct responder responder = {
        .name = "sandbox",
        .routes = routes,
        .route_count = ARRAY_COUNT(routes),
        .needs = NEED_REDIS,
        .settings = settings,
        .init = init,
    };
    return responder_main(&responder, argc, argv);
}
