/* queue_errors: how the waiting room refuses. Codes are those of docs/openapi.yaml. */
#ifndef QUEUE_QUEUE_ERRORS_H
#define QUEUE_QUEUE_ERRORS_H

#include "common/base/err.h"

#define ERR_QUEUE_LIST(X)                                                                                       \
    X(already_queued_elsewhere, "ALREADY_QUEUED_ELSEWHERE", 409, 0, "이미 다른 공연의 대기열에 참여 중입니다.", \
      "You are already waiting for another performance.")                                                       \
    X(queue_full, "QUEUE_FULL", 503, ERR_RETRY, "대기열이 가득 찼습니다. 잠시 후 다시 시도해 주세요.",          \
      "The queue is full. Please try again in a moment.")                                                       \
    X(not_in_queue, "NOT_IN_QUEUE", 404, 0, "대기열에 참여하고 있지 않습니다.", "You are not in this queue.")

ERR_QUEUE_LIST(ERR_DECLARE)

#endif
