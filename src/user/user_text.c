#include "src/user/user_text.h"

#include <string.h>

#include "common/crypto/password.h"

enum { LOCAL_MAX = 64, LABEL_MAX = 63, PHONE_DIGITS_MIN = 9, PHONE_DIGITS_MAX = 15 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c);
}

static char *trimmed(struct arena *arena, const char *text)
{
    text += strspn(text, " ");
    size_t len = strlen(text);
    while (len && text[len - 1] == ' ') {
        len--;
    }
    return arena_memdup(arena, text, len);
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
    char *email = trimmed(arena, text);
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

const char *user_phone_normalise(struct arena *arena, const char *text)
{
    bool korean = strncmp(text, "+82", 3) == 0;
    if (korean) {
        text += 3;
    }
    char *digits = arena_alloc(arena, strlen(text) + 2);
    size_t len = 0;
    if (korean && text[strspn(text, " -")] != '0') {
        digits[len++] = '0';
    }
    for (; *text; text++) {
        if (is_digit(*text)) {
            digits[len++] = *text;
        } else if (*text != ' ' && *text != '-') {
            return NULL;
        }
    }
    return len >= PHONE_DIGITS_MIN && len <= PHONE_DIGITS_MAX ? digits : NULL;
}

const char *user_name_normalise(struct arena *arena, const char *text)
{
    const char *name = trimmed(arena, text);
    return *name ? name : NULL;
}

bool user_password_acceptable(const char *password)
{
    size_t len = strlen(password);
    return len >= USER_PASSWORD_MIN && len <= PASSWORD_BYTES_MAX;
}
