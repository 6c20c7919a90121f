/* Tokens: no input passes but those that we signed ourselves, and every failure leaves the claims alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/token.h"
#include "common/base/clock.h"

/* RFC 7515, appendix A.3. */
#define KEY                                                                                            \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LKhRANC" \
    "AAR_zc4ncPbEXUGDy-5v20t7WAczNXvp7xO6z248e9FURcfxRM0bvZt-hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start(void)
{
    const char *why;
    cfg_token = (struct cfg_token){.keys = "k1:fuzz-fuzz-fuzz-fuzz-fuzz-fuzz-fuzz,e1:ES256:" KEY,
                                   .issuer = "boxoffice",
                                   .audience = "boxoffice",
                                   .access_s = 3600,
                                   .refresh_s = 604800,
                                   .cache = 8};
    if (!token_init(&why)) {
        abort();
    }
    clock_freeze(INT64_C(1780308000) * CLOCK_SECOND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (cfg_token.keys == NULL) {
        start();
    }
    struct ctx ctx = {.arena = arena_new((1u << 20) + 2 * size)};
    char *text = arena_memdup(ctx.arena, data, size);
    for (enum token_kind kind = TOKEN_ACCESS; kind <= TOKEN_REFRESH; kind++) {
        struct token_claims claims = {.subject = NULL};
        const struct err *e = token_verify(&ctx, kind, text, &claims);
        if ((e == NULL) != (claims.subject != NULL)) {
            abort();
        }
    }
    arena_free(&ctx.arena);
    return 0;
}
