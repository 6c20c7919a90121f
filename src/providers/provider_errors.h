/* provider_errors: what the clients of the outside world can report to the domains. */
#ifndef PROVIDERS_PROVIDER_ERRORS_H
#define PROVIDERS_PROVIDER_ERRORS_H

#include "common/base/err.h"

#define ERR_PROVIDER_LIST(X)                                                                                         \
    X(portone_declined, "PAYMENT_DECLINED", 422, 0, "결제가 승인되지 않았습니다.", "The payment was declined.")      \
    X(portone_unavailable, "PAYMENT_UNAVAILABLE", 503, ERR_RETRY,                                                    \
      "결제 서비스를 일시적으로 이용할 수 없습니다. 중복 결제를 피하려면 결제 내역을 확인한 뒤 다시 시도해 주세요.", \
      "Payments are temporarily unavailable. To avoid paying twice, check your payments before trying again.")       \
    X(webhook_signature, "WEBHOOK_SIGNATURE_INVALID", 401, 0, "웹훅 서명이 올바르지 않습니다.",                      \
      "The webhook's signature is not valid.")                                                                       \
    X(captcha_failed, "CAPTCHA_FAILED", 400, 0, "자동 입력 방지 확인에 실패했습니다. 다시 시도해 주세요.",           \
      "The CAPTCHA check failed. Please try again.")                                                                 \
    X(oauth_refused, "SOCIAL_LOGIN_REFUSED", 400, 0,                                                                 \
      "소셜 로그인이 완료되지 않았습니다. 처음부터 다시 시도해 주세요.",                                             \
      "The social login was not completed. Please begin it again.")

ERR_PROVIDER_LIST(ERR_DECLARE)

#endif
