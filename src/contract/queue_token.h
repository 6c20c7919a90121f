/*
 * queue_token: the admission that the waiting room gives and that reservation and payment check (QUEUE-004, RSV-008).
 *
 * The token "qr_<uuid v4>" is a Redis key of its schedule whose value is the user's id and whose life is the token's.
 * Once its owner has bought, the value is "done:" and the id: a payment may still be repeated under it, but no seat be
 * held.
 */
#ifndef CONTRACT_QUEUE_TOKEN_H
#define CONTRACT_QUEUE_TOKEN_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/context/ctx.h"

#define QUEUE_TOKEN_PREFIX "qr_"
#define QUEUE_TOKEN_LENGTH 39 /* "qr_" and a UUID */

#define ERR_QUEUE_TOKEN_LIST(X)                                                                     \
    X(queue_token_invalid, "QUEUE_TOKEN_INVALID", 401, 0, "대기열 입장권이 없거나 만료되었습니다.", \
      "The queue token is missing, expired or not yours.")
ERR_QUEUE_TOKEN_LIST(ERR_DECLARE)

/* "queue:{<schedule>}:token:<token>" in the arena: the key that holds the owner's user id. */
char *queue_token_key(struct arena *arena, const char *schedule_id, const char *token);
/* NULL when the token is alive and belongs to this user and schedule, also when it is done; else
 * &err_queue_token_invalid, or &err_unavailable when Redis is away. */
BO_MUSTCHECK const struct err *queue_token_check(struct ctx *ctx, const char *token, const char *user_id,
                                                 const char *schedule_id);
/* The same of a token that need not be sent: NULL also when there is none or nobody's any more. Only somebody else's is
 * refused (QUEUE-010); without Redis nobody is. */
BO_MUSTCHECK const struct err *queue_token_check_sent(struct ctx *ctx, const char *token, const char *user_id,
                                                      const char *schedule_id);
/* The user has bought: tells the waiting room, which soon frees the slot. Should this fail, the end of the token does.
 * Safe to repeat, and for somebody who never had a token; told of what was bought more than an hour ago it does
 * nothing, since by then the user may be in the sale for another ticket. */
BO_MUSTCHECK const struct err *queue_token_finish(struct ctx *ctx, const char *user_id, const char *schedule_id,
                                                  int64_t bought_at);

#endif
