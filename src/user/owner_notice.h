/* owner_notice: owners are told by mail what was done to their accounts, whoever did it. */
#ifndef USER_OWNER_NOTICE_H
#define USER_OWNER_NOTICE_H

#include "common/base/err.h"
#include "common/context/ctx.h"
#include "src/user/mail.h"

/* Inside the transaction that does it: one mail for what is done once. `provider`: "KAKAO", of what was linked or
 * unlinked; else NULL. An address that cannot be opened is told in the log and keeps nothing from being done. */
BO_MUSTCHECK const struct err *owner_notice(struct ctx *ctx, const char *user_id, enum mail_kind kind,
                                            const char *provider);

#endif
