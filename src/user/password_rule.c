#include "src/user/password_rule.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/hangul.h"
#include "common/base/utf8.h"
#include "common/crypto/password.h"
#include "common/crypto/password_guess.h"

#define BITS_LEAST 26.58 /* log2 of a hundred million */
#define WORDS_MAX 60
#define WORD_MIN 3      /* bytes: less stands in every other password by chance */
#define MOBILE_PREFIX 3 /* "010", which everybody has */

static const char *const common_words[] = {"boxoffice",    "박스오피스",  "비밀번호", "qlalfqjsgh", "안녕하세요",
                                           "dkssudgktpdy", "사랑해",      "tkfkdgo",  "사랑해요",   "tkfkdgody",
                                           "대한민국",     "eogksalsrnr", "가나다라", "rkskekfk",   "마바사아",
                                           "akqktkdk",     "자차카타",    "wkckzkxk", "rsef",       "aqtd"};

struct words {
    struct arena *arena;
    const char *list[WORDS_MAX + 1]; /* ends with NULL */
    size_t count;
};

static void add(struct words *words, const char *text, size_t len)
{
    if (len < WORD_MIN || words->count == WORDS_MAX) {
        return;
    }
    char *word = arena_memdup(words->arena, text, len);
    for (char *c = word; *c; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    words->list[words->count++] = word;
}

/* The whole, and what stands between these characters. */
static void add_parts(struct words *words, const char *text, const char *between)
{
    add(words, text, strlen(text));
    if (!text[strcspn(text, between)]) {
        return;
    }
    while (*text) {
        size_t len = strcspn(text, between);
        add(words, text, len);
        text += len + strspn(text + len, between);
    }
}

/* A name of Hangul begins with one syllable for the family, which not everybody takes into a password. */
static void add_name(struct words *words, const char *name)
{
    add_parts(words, name, " ");
    const char *keys = hangul_keys(words->arena, name);
    if (keys) {
        add_parts(words, keys, " ");
    }
    size_t first = 1;
    while (((unsigned char)name[first] & 0xC0) == 0x80) {
        first++;
    }
    if (first > 1) {
        add(words, name + first, strlen(name + first));
    }
}

static void collect(struct words *words, const struct password_owner *owner)
{
    for (size_t i = 0; i < ARRAY_COUNT(common_words); i++) {
        add(words, common_words[i], strlen(common_words[i]));
    }
    if (owner->name && *owner->name) {
        add_name(words, owner->name);
    }
    if (owner->email) {
        add_parts(words, owner->email, "@.+-_");
    }
    if (owner->phone && strlen(owner->phone) > MOBILE_PREFIX) {
        add(words, owner->phone, strlen(owner->phone));
        add(words, owner->phone + MOBILE_PREFIX, strlen(owner->phone + MOBILE_PREFIX));
    }
}

/* Who guesses types the keys of a word too, whatever script the keyboard is in. */
static bool guessed_soon(const char *password, const struct words *words)
{
    const char *keys = hangul_keys(words->arena, password);
    return password_guess_bits(password, words->list) < BITS_LEAST ||
           (keys && password_guess_bits(keys, words->list) < BITS_LEAST);
}

const struct err *user_password_check(struct ctx *ctx, const char *field, const char *password,
                                      const struct password_owner *owner)
{
    if (utf8_count(password) < USER_PASSWORD_MIN) {
        return ctx_invalid(ctx, field, "must have %d characters at least", USER_PASSWORD_MIN);
    }
    if (strlen(password) > PASSWORD_BYTES_MAX) {
        return ctx_invalid(ctx, field, "must have %d bytes at most", PASSWORD_BYTES_MAX);
    }
    struct words words = {.arena = ctx->arena};
    collect(&words, owner);
    return guessed_soon(password, &words) ? ctx_invalid(ctx, field, "is too easy to guess") : NULL;
}
