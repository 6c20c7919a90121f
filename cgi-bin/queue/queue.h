/* queue: the handlers of the waiting room's routes and the shapes of what they read. */
#ifndef CGI_QUEUE_QUEUE_H
#define CGI_QUEUE_QUEUE_H

#include "common/serve/route.h"

struct schedule_ref {
    const char *schedule_id;
};
extern const struct shape schedule_ref_shape;

struct entry {
    const char *schedule_id;
    const char *receipt;
};
extern const struct shape entry_shape;
extern const struct shape tuning_shape;

request_handler queue_handle_enter;
request_handler queue_handle_status;
request_handler queue_handle_leave;
request_handler queue_handle_serving;
request_handler queue_handle_draw;
request_handler queue_handle_stats;
request_handler queue_handle_tune;

#endif
