/*
 * id_tokens and key sets of others. Input: a token, a line feed, a key set.
 *
 * Nothing passes under a key that we keep to ourselves; under keys of the input only what names one of them and says
 * what is expected; and whatever is refused leaves the claims alone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/auth/token_id.h"
#include "common/base/clock.h"

/* RFC 7515, appendix A.2.1. */
#define OURS                                                                                                   \
    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"one\",\"e\":\"AQAB\",\"n\":"                                        \
    "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yR"   \
    "T-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS" \
    "-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2et" \
    "hFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"}]}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool passes(struct arena *arena, const char *token, const struct token_id_keys *keys)
{
    static const struct token_id_expected expected = {{"https://issuer.example", NULL}, "client", "nonce"};
    struct token_id_claims claims = {.subject = NULL};
    const char *why = NULL;
    bool good = token_id_verify(arena, token, keys, &expected, &claims, &why);
    if (good != (claims.subject != NULL) || good == (why != NULL)) {
        abort();
    }
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct token_id_keys *ours;
    if (!ours) {
        ours = token_id_keys_read(OURS, strlen(OURS));
        clock_freeze(INT64_C(1780308000) * CLOCK_SECOND);
        if (!token_id_keys_have(ours, "one")) {
            abort();
        }
    }
    struct arena *arena = arena_new((4u << 20) + 8 * size);
    char *token = arena_memdup(arena, data, size);
    size_t len = strcspn(token, "\n");
    const char *set = token[len] ? token + len + 1 : token + len;
    struct token_id_keys *keys = token_id_keys_read(set, strlen(set));
    token[len] = '\0';
    const char *kid = token_id_kid(arena, token);
    bool good = passes(arena, token, keys);
    if (passes(arena, token, ours) || (good && (!kid || !token_id_keys_have(keys, kid)))) {
        abort();
    }
    token_id_keys_free(&keys);
    arena_free(&arena);
    return 0;
}
