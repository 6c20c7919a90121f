/* redis_info: one value out of Redis' answer to INFO. */
#ifndef BOXCTL_REDIS_INFO_H
#define BOXCTL_REDIS_INFO_H

#include "common/base/arena.h"

/* The value of `key` in lines "key:value\r\n", in the arena; "" when there is none. */
const char *redis_info(struct arena *arena, const char *info, const char *key);

#endif
