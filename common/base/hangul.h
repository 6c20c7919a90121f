/* hangul: Korean text as the keys that it is typed with. */
#ifndef COMMON_HANGUL_H
#define COMMON_HANGUL_H

#include "common/base/arena.h"

/* What a keyboard of two sets (KS X 5002) would have written with its input switched to Latin: "김1" -> "rla1", "ㅁㄴ"
 * -> "as", of Hangul in any form. What is ASCII but for its width becomes that (NFKD); all else stays. In the arena;
 * NULL when `text` is not UTF-8. Pure. */
const char *hangul_keys(struct arena *arena, const char *text);

#endif
