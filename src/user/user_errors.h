/* user_errors: how the user service refuses. Codes are those of docs/openapi.yaml. */
#ifndef USER_USER_ERRORS_H
#define USER_USER_ERRORS_H

#include "common/base/err.h"

#define ERR_USER_LIST(X)                                                                                              \
    X(email_taken, "EMAIL_TAKEN", 409, 0, "이미 사용 중인 이메일입니다.", "This e-mail address is in use.")           \
    X(person_already_registered, "PERSON_ALREADY_REGISTERED", 409, 0, "이미 가입한 회원입니다.",                      \
      "This person has an account already.")                                                                          \
    X(identity_not_verified, "IDENTITY_NOT_VERIFIED", 400, 0, "본인 확인이 완료되지 않았습니다.",                     \
      "The identity has not been verified.")                                                                          \
    X(terms_required, "TERMS_REQUIRED", 400, 0, "필수 약관에 동의해 주세요.", "Please agree to the required terms.")  \
    X(bad_credentials, "BAD_CREDENTIALS", 401, 0, "이메일 또는 비밀번호가 올바르지 않습니다.",                        \
      "The e-mail address or the password is wrong.")                                                                 \
    X(account_locked, "ACCOUNT_LOCKED", 423, 0, "계정이 일시적으로 잠겼습니다. 잠시 후 다시 시도해 주세요.",          \
      "The account is locked for a while. Please try again later.")                                                   \
    X(account_dormant, "ACCOUNT_DORMANT", 403, 0, "휴면 계정입니다. 본인 확인 후 다시 이용할 수 있습니다.",           \
      "The account is dormant. Verify your identity to use it again.")                                                \
    X(login_too_old, "LOGIN_TOO_OLD", 403, 0, "안전을 위해 다시 로그인한 뒤 시도해 주세요.",                          \
      "Please log in again first.")                                                                                   \
    X(tickets_remain, "TICKETS_REMAIN", 409, 0, "아직 사용하지 않은 입장권이 있습니다.",                              \
      "There are tickets that have not been used yet.")                                                               \
    X(purchase_pending, "PURCHASE_PENDING", 409, 0,                                                                   \
      "진행 중인 예매가 있습니다. 결제하거나 취소한 뒤 다시 시도해 주세요.",                                          \
      "A purchase is under way. Please finish or leave it first.")                                                    \
    X(email_code_invalid, "EMAIL_CODE_INVALID", 400, 0,                                                               \
      "인증 코드가 올바르지 않거나 더 이상 쓸 수 없습니다. 코드를 다시 받아 주세요.",                                 \
      "This code is wrong, or of no use any more. Please ask for a new one.")                                         \
    X(social_off, "SOCIAL_LOGIN_OFF", 404, 0, "이 소셜 로그인은 사용할 수 없습니다.",                                 \
      "This social login is not available here.")                                                                     \
    X(social_state, "SOCIAL_STATE_INVALID", 400, 0,                                                                   \
      "소셜 로그인이 만료되었거나 이 브라우저에서 시작되지 않았습니다. 처음부터 다시 시도해 주세요.",                 \
      "This social login has expired, or was not begun in this browser. Please begin it again.")                      \
    X(link_token_invalid, "LINK_TOKEN_INVALID", 400, 0,                                                               \
      "연결 토큰이 만료되었습니다. 소셜 로그인을 처음부터 다시 시도해 주세요.",                                       \
      "The link token has expired. Please begin the social login again.")                                             \
    X(social_linked, "SOCIAL_ALREADY_LINKED", 409, 0, "다른 회원에게 연결된 소셜 계정입니다.",                        \
      "This social login belongs to another account.")                                                                \
    X(social_other, "SOCIAL_PROVIDER_TAKEN", 409, 0,                                                                  \
      "같은 서비스의 다른 소셜 계정이 이미 연결되어 있습니다. 먼저 연결을 해제해 주세요.",                            \
      "Another social login of this provider is linked already. Please unlink it first.")                             \
    X(last_way_in, "LAST_WAY_IN", 409, 0, "유일한 로그인 수단은 해제할 수 없습니다. 먼저 비밀번호를 설정해 주세요.",  \
      "This is the only way to log in. Please set a password first.")                                                 \
    X(password_not_set, "PASSWORD_NOT_SET", 409, 0, "설정된 비밀번호가 없습니다. 비밀번호 재설정으로 설정해 주세요.", \
      "This account has no password. Please set one by resetting it.")                                                \
    X(refresh_reused, "REFRESH_REUSED", 401, 0, "이미 사용된 갱신 토큰입니다. 다시 로그인해 주세요.",                 \
      "This refresh token was used before. Please log in again.")

ERR_USER_LIST(ERR_DECLARE)

#endif
