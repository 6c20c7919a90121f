/* event_scene: a context of the event service for component tests. PostgreSQL and Redis are real. */
#ifndef TESTS_SUPPORT_EVENT_SCENE_H
#define TESTS_SUPPORT_EVENT_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/io/db.h"
#include "src/event/event_admin.h"
#include "src/event/event_query.h"
#include "src/event/event_settings.h"
#include "src/event/venue.h"
#include "tests/support/fixture.h"

static struct ctx *ctx;

static int begin(void **state)
{
    (void)state;
    static const struct cfg_section *const sections[] = {&cfg_event_section, NULL};
    const char *why;
    ctx = fixture_ctx("event_service", NEED_DB | NEED_REDIS);
    assert_true(cfg_load(sections, &why));
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_free(&ctx);
    return 0;
}

#endif
