/* Base64 of outside texts: what is taken must be what one of our encoders writes, up to the padding. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(128 + 16 * size);
    char *text = arena_memdup(arena, data, size);
    size_t len;
    const unsigned char *bytes = crypto_base64_decode(arena, text, &len);
    if (bytes != NULL) {
        size_t digits = strcspn(text, "=");
        const char *standard = crypto_base64(arena, bytes, len);
        const char *url = crypto_base64url(arena, bytes, len);
        if (strlen(url) != digits || (strncmp(standard, text, digits) != 0 && strncmp(url, text, digits) != 0)) {
            abort();
        }
    }
    arena_free(&arena);
    return 0;
}
