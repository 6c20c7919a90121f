#include "common/base/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/utf8.h"

enum { JOINER = 0x200d, TEXT_STYLE = 0xfe0e, EMOJI_STYLE = 0xfe0f, BRAILLE_BLANK = 0x2800 };
enum { LINE_SEPARATOR = 0x2028, PARAGRAPH_SEPARATOR = 0x2029 };

/* Nearly all there is: printable ASCII that is in the stored form as it stands. */
static bool is_stored_ascii(const char *text)
{
    char last = ' ';
    for (; *text; text++) {
        if (*text < 0x20 || *text > 0x7e || (*text == ' ' && last == ' ')) {
            return false;
        }
        last = *text;
    }
    return last != ' ';
}

static const char *normal_form(struct arena *arena, const char *text, uninorm_t form)
{
    size_t len = strlen(text);
    if (len == 0) {
        return text;
    }
    const uint8_t *bytes = (const uint8_t *)text;
    if (u8_check(bytes, len)) {
        return NULL;
    }
    uint8_t *normal = u8_normalize(form, bytes, len, NULL, &len);
    if (!normal) {
        log_panic("out of memory");
    }
    const char *copy = arena_memdup(arena, normal, len);
    free(normal);
    return copy;
}

const char *text_nfc(struct arena *arena, const char *text)
{
    return normal_form(arena, text, UNINORM_NFC);
}

const char *text_nfkd(struct arena *arena, const char *text)
{
    return normal_form(arena, text, UNINORM_NFKD);
}

static bool is_white(uint32_t code, bool lines)
{
    if (utf8_is_control(code)) {
        return lines && (code == '\n' || code == '\r' || code == '\t');
    }
    return uc_is_property_white_space(code) || code == BRAILLE_BLANK;
}

static bool is_break(uint32_t code)
{
    return code == '\n' || code == '\r' || code == LINE_SEPARATOR || code == PARAGRAPH_SEPARATOR;
}

/* Does it only choose how what stands before is drawn? */
static bool is_style(uint32_t code, uint32_t before)
{
    bool after_emoji = uc_is_property_extended_pictographic(before) || uc_is_property_emoji_modifier(before);
    return code == TEXT_STYLE || code == EMOJI_STYLE || (code == JOINER && after_emoji);
}

static bool is_refused(uint32_t code)
{
    return uc_is_general_category(code, UC_CATEGORY_C) || uc_is_property_default_ignorable_code_point(code);
}

/* The stored form while it grows. */
struct draft {
    struct buf text;
    bool lines;
    bool white;      /* white space stands before the next character, or nothing does */
    int breaks;      /* line breaks in that white space */
    uint32_t before; /* the character that was looked at last */
};

static void take_white(struct draft *draft, uint32_t code)
{
    bool second_half = code == '\n' && draft->before == '\r';
    draft->breaks += draft->lines && is_break(code) && !second_half;
    draft->white = true;
    draft->before = code;
}

static void give_white(struct draft *draft)
{
    if (draft->white && draft->text.len > 0) {
        buf_str(&draft->text, draft->breaks == 0 ? " " : draft->breaks == 1 ? "\n" : "\n\n");
    }
    draft->white = false;
    draft->breaks = 0;
}

/* Why the character cannot stand here, NULL when it can. */
static const char *check(struct arena *arena, const struct draft *draft, uint32_t code)
{
    if (is_refused(code)) {
        return arena_printf(arena, "must not contain U+%04X", (unsigned)code);
    }
    if (draft->white && uc_is_general_category(code, UC_CATEGORY_M)) {
        return "must not have a combining mark on nothing";
    }
    return NULL;
}

/* Everything but the NFC, which comes last: leaving something out can bring together what composes. */
static const char *write_draft(struct arena *arena, struct draft *draft, const char *typed)
{
    const char *end = typed + strlen(typed), *why = NULL;
    while (typed < end && !why) {
        uint32_t code;
        const char *next = utf8_next(typed, end, &code);
        if (!next) {
            return "must be UTF-8";
        }
        if (is_white(code, draft->lines)) {
            take_white(draft, code);
        } else if (!is_style(code, draft->before)) {
            why = check(arena, draft, code);
            give_white(draft);
            buf_add(&draft->text, typed, (size_t)(next - typed));
            draft->before = code;
        }
        typed = next;
    }
    return why;
}

static const char *stored_form(struct arena *arena, const char *typed, bool lines, const char **why_r)
{
    if (is_stored_ascii(typed)) {
        return typed;
    }
    struct draft draft = {.lines = lines, .white = true};
    buf_init(&draft.text, arena, strlen(typed)); /* no spelling is longer than what it replaces */
    const char *why = write_draft(arena, &draft, typed);
    if (why) {
        *why_r = why;
        return NULL;
    }
    return text_nfc(arena, draft.text.data);
}

const char *text_line(struct arena *arena, const char *typed, const char **why_r)
{
    return stored_form(arena, typed, false, why_r);
}

const char *text_lines(struct arena *arena, const char *typed, const char **why_r)
{
    return stored_form(arena, typed, true, why_r);
}
