/* queue: the handlers of the waiting room's routes and the shape of what they read. */
#ifndef CGI_QUEUE_QUEUE_H
#define CGI_QUEUE_QUEUE_H

#include "common/route.h"

struct schedule_ref {
    const char *schedule_id;
};

/* {scheduleId}: body of enter, query of status and leave. */
SHAPE(schedule_ref_shape, struct schedule_ref,
      {.name = "scheduleId",
       .type = FIELD_UUID,
       .offset = offsetof(struct schedule_ref, schedule_id),
       .flags = FIELD_REQUIRED});

route_handler queue_handle_enter;
route_handler queue_handle_status;
route_handler queue_handle_leave;

#endif
