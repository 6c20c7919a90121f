/* event_errors: what the event domain reports by name. */
#ifndef EVENT_EVENT_ERRORS_H
#define EVENT_EVENT_ERRORS_H

#include "common/base/err.h"

#define ERR_EVENT_LIST(X)                                                                                    \
    X(in_use, "IN_USE", 409, ERR_TELLS, "아직 사용 중입니다.", "It is still in use.")                        \
    X(event_on_sale, "EVENT_ON_SALE", 409, 0, "판매가 시작된 뒤에는 바꿀 수 없습니다.",                      \
      "This cannot be changed once the sale has begun.")                                                     \
    X(event_has_reservations, "EVENT_HAS_RESERVATIONS", 409, 0, "예매가 남아 있어 삭제할 수 없습니다.",      \
      "There are reservations, so it cannot be deleted.")                                                    \
    X(event_is_draft, "EVENT_IS_DRAFT", 409, 0, "공개하지 않은 공연은 취소할 수 없으며 삭제할 수 있습니다.", \
      "A draft is not called off: it is deleted.")
ERR_EVENT_LIST(ERR_DECLARE)

#endif
