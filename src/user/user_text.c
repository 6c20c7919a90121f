#include "src/user/user_text.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/array.h"

enum { LOCAL_MAX = 64, LABEL_MAX = 63, PHONE_DIGITS_MIN = 9, PHONE_DIGITS_MAX = 12 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c);
}

/* RFC 5322 dot-atom. */
static bool local_part_valid(const char *text, size_t len)
{
    if (len == 0 || len > LOCAL_MAX || text[0] == '.' || text[len - 1] == '.') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        bool special = text[i] && strchr("!#$%&'*+/=?^_`{|}~-.", text[i]);
        if (!is_lower_or_digit(text[i]) && !special) {
            return false;
        }
        if (text[i] == '.' && text[i + 1] == '.') {
            return false;
        }
    }
    return true;
}

static bool label_valid(const char *text, size_t len)
{
    if (len == 0 || len > LABEL_MAX || text[0] == '-' || text[len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_lower_or_digit(text[i]) && text[i] != '-') {
            return false;
        }
    }
    return true;
}

static bool domain_valid(const char *text)
{
    int labels = 0;
    for (;; labels++) {
        size_t len = strcspn(text, ".");
        if (!label_valid(text, len)) {
            return false;
        }
        if (!text[len]) {
            return labels >= 1;
        }
        text += len + 1;
    }
}

const char *user_email_normalise(struct arena *arena, const char *text)
{
    char *email = arena_strdup(arena, text);
    for (char *c = email; *c; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    const char *at = strchr(email, '@');
    if (!at || strlen(email) > USER_EMAIL_MAX || !local_part_valid(email, (size_t)(at - email)) ||
        !domain_valid(at + 1)) {
        return NULL;
    }
    return email;
}

/* What follows the code of the country, NULL when there is none. Numbers within Korea begin with 0. */
static const char *after_country_code(const char *text)
{
    static const char *const codes[] = {"+82", "82"};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        size_t len = strlen(codes[i]);
        if (strncmp(text, codes[i], len) == 0) {
            return text + len;
        }
    }
    return NULL;
}

const char *user_phone_normalise(struct arena *arena, const char *text)
{
    const char *rest = after_country_code(text);
    text = rest ? rest : text;
    char *digits = arena_alloc(arena, strlen(text) + 2);
    size_t len = 0;
    if (rest && text[strspn(text, " -")] != '0') {
        digits[len++] = '0';
    }
    for (; *text; text++) {
        if (is_digit(*text)) {
            digits[len++] = *text;
        } else if (*text != ' ' && *text != '-') {
            return NULL;
        }
    }
    bool national = digits[0] == '0' && digits[1] != '0';
    return national && len >= PHONE_DIGITS_MIN && len <= PHONE_DIGITS_MAX ? digits : NULL;
}
