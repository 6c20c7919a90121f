/* What people type in its stored form; code points are written as Unicode names them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/text.h"
#include "common/base/utf8.h"

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(64u << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const char *line(const char *typed)
{
    const char *why = NULL;
    const char *stored = text_line(arena, typed, &why);
    if (!stored) {
        fail_msg("'%s' was refused: it %s", typed, why);
    }
    return stored;
}

static void assert_refused(const char *typed, const char *reason)
{
    const char *why = NULL;
    if (text_line(arena, typed, &why)) {
        fail_msg("'%s' was taken", typed);
    }
    assert_string_equal(why, reason);
}

#define HAN_NFC "\uD55C\uAE00"
#define HAN_NFD "\u1112\u1161\u11AB\u1100\u1173\u11AF"

static void test_text_of_any_normal_form_is_stored_as_nfc(void **state)
{
    (void)state;
    assert_string_equal(line(HAN_NFC), HAN_NFC);
    assert_string_equal(line(HAN_NFD), HAN_NFC);
    assert_string_equal(line("Beyonce\u0301"), "Beyonc\u00E9");
    assert_string_equal(line("\u212B"), "\u00C5");              /* ANGSTROM SIGN */
    assert_string_equal(line("a\u0307\u0323"), "\u1EA1\u0307"); /* marks in the other order */
    assert_string_equal(line("\uFF21"), "\uFF21");              /* wide letters are other letters: NFC, not NFKC */
}

static void test_text_that_is_in_the_stored_form_is_not_copied(void **state)
{
    (void)state;
    static const char plain[] = "Spring Concert (2026)!";
    assert_ptr_equal(line(plain), plain);
}

static void test_white_space_is_trimmed_and_collapsed(void **state)
{
    (void)state;
    assert_string_equal(line("h1 "), "h1");
    assert_string_equal(line("  a   b "), "a b");
    assert_string_equal(line("\u3000\uAC00\u00A0\u2003 \uB098\u2028"), "\uAC00 \uB098");
    assert_string_equal(line("a\u2800b"), "a b"); /* BRAILLE PATTERN BLANK */
    assert_string_equal(line(""), "");
    assert_string_equal(line("   "), "");
    assert_string_equal(line("\u3000\u00A0\uFE0F"), "");
}

static void test_what_nobody_sees_or_can_compare_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *typed;
        const char *reason;
    } refused[] = {
        {"a\tb", "must not contain U+0009"},
        {"a\nb", "must not contain U+000A"},
        {"a\x7f", "must not contain U+007F"},
        {"a\xc2\x85", "must not contain U+0085"},
        {"\u200B", "must not contain U+200B"},            /* ZERO WIDTH SPACE */
        {"a\u200Bb", "must not contain U+200B"},          /* inside */
        {"a\u200Db", "must not contain U+200D"},          /* ZERO WIDTH JOINER after no emoji */
        {"\u202Eabc", "must not contain U+202E"},         /* RIGHT-TO-LEFT OVERRIDE */
        {"a\u2066b\u2069", "must not contain U+2066"},    /* LEFT-TO-RIGHT ISOLATE */
        {"\uFEFFabc", "must not contain U+FEFF"},         /* BYTE ORDER MARK */
        {"so\u00ADft", "must not contain U+00AD"},        /* SOFT HYPHEN */
        {"\u3164", "must not contain U+3164"},            /* HANGUL FILLER */
        {"\u115F", "must not contain U+115F"},            /* HANGUL CHOSEONG FILLER */
        {"\uFFA0", "must not contain U+FFA0"},            /* HALFWIDTH HANGUL FILLER */
        {"a\u034Fb", "must not contain U+034F"},          /* COMBINING GRAPHEME JOINER */
        {"a\uFFF9b", "must not contain U+FFF9"},          /* INTERLINEAR ANNOTATION ANCHOR */
        {"a\U000E0041", "must not contain U+E0041"},      /* TAG LATIN CAPITAL LETTER A */
        {"\u845B\U000E0100", "must not contain U+E0100"}, /* an ideograph's variant */
        {"a\u0378", "must not contain U+0378"},           /* unassigned */
        {"a\uE000", "must not contain U+E000"},           /* private use */
        {"a\uFFFF", "must not contain U+FFFF"},           /* no character */
        {"a\U0010FFFE", "must not contain U+10FFFE"},
        {"\u0301", "must not have a combining mark on nothing"},
        {" \u0301a", "must not have a combining mark on nothing"},
        {"a \u0301b", "must not have a combining mark on nothing"},
        {"a\xff", "must be UTF-8"},
        {"a\xe1\x84", "must be UTF-8"},
        {"\xed\xa0\x80", "must be UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        assert_refused(refused[i].typed, refused[i].reason);
    }
}

static void test_emoji_stay_and_what_only_draws_them_goes(void **state)
{
    (void)state;
    assert_string_equal(line("\u2764\uFE0F"), "\u2764"); /* the red heart of a phone's keyboard */
    assert_string_equal(line("BTS\uFE0F"), "BTS");
    assert_string_equal(line("\u2764\uFE0F\u200D\U0001F525"), "\u2764\U0001F525"); /* heart on fire */
    assert_string_equal(line("\U0001F469\U0001F3FD\u200D\U0001F3A4"), "\U0001F469\U0001F3FD\U0001F3A4"); /* singer */
    assert_string_equal(line("\U0001F1F0\U0001F1F7 1\uFE0F\u20E3"), "\U0001F1F0\U0001F1F7 1\u20E3"); /* flag, keycap */
    assert_refused("\U0001F525 \u200D", "must not contain U+200D");
}

static void test_what_is_left_out_does_not_hide_a_composition(void **state)
{
    (void)state;
    assert_string_equal(line("e\uFE0F\u0301"), "\u00E9");
    assert_string_equal(line("\u1100\uFE0E\u1161"), "\uAC00");
}

static void test_text_that_grows_under_nfc_is_whole(void **state)
{
    (void)state;
    enum { TIMES = 20000 };
    char *typed = arena_alloc(arena, TIMES * strlen("\U0001D160") + 1);
    char *grown = arena_alloc(arena, TIMES * strlen("\U0001D158\U0001D165\U0001D16E") + 1);
    char *at = typed, *end_of_grown = grown;
    for (int i = 0; i < TIMES; i++) {
        at = stpcpy(at, "\U0001D160"); /* MUSICAL SYMBOL EIGHTH NOTE never composes again */
        end_of_grown = stpcpy(end_of_grown, "\U0001D158\U0001D165\U0001D16E");
    }
    assert_string_equal(line(typed), grown);
}

/* A quadratic sort of combining marks would take minutes. */
static void test_marks_without_end_are_sorted(void **state)
{
    (void)state;
    enum { TIMES = 400000 };
    char *typed = arena_alloc(arena, 1 + 2 * TIMES * strlen("\u0301") + 1);
    char *at = stpcpy(typed, "q");
    for (int i = 0; i < TIMES; i++) {
        at = stpcpy(at, i % 2 ? "\u0301" : "\u0323"); /* above, below */
    }
    const char *stored = line(typed);
    assert_int_equal(strlen(stored), strlen(typed));
    assert_memory_equal(stored, "q\u0323\u0323", strlen("q\u0323\u0323"));
}

static void test_lines_keep_their_breaks(void **state)
{
    (void)state;
    const char *why;
    assert_string_equal(text_lines(arena, " First  line \r\n\tsecond\r\rthird\u2028fourth\n \n\n\nfifth \n", &why),
                        "First line\nsecond\n\nthird\nfourth\n\nfifth");
    assert_string_equal(text_lines(arena, "\r\n \t", &why), "");
    assert_string_equal(text_lines(arena, HAN_NFD "\n" HAN_NFD, &why), HAN_NFC "\n" HAN_NFC);
    assert_null(text_lines(arena, "a\vb", &why));
    assert_string_equal(why, "must not contain U+000B");
    assert_null(text_lines(arena, "a\n\u0301", &why));
}

static void test_nfc_changes_nothing_else(void **state)
{
    (void)state;
    assert_string_equal(text_nfc(arena, ""), "");
    assert_string_equal(text_nfc(arena, "  pass  word "), "  pass  word ");
    assert_string_equal(text_nfc(arena, HAN_NFD "\u200B\u3000"), HAN_NFC "\u200B\u3000");
    assert_null(text_nfc(arena, "a\xff"));
}

/* ---- all characters there are ---- */

static void encode(char out[5], uint32_t code)
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    memset(out, 0, 5);
    for (int i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(leads[len] | code);
}

static void test_stored_form_of_every_character_is_its_own_stored_form(void **state)
{
    (void)state;
    int taken = 0;
    for (uint32_t code = 1; code <= 0x10ffff; code++) {
        char character[5];
        const char *why;
        encode(character, code);
        arena_reset(arena);
        const char *typed = ARENA_JOIN(arena, " a", character, "  b ");
        const char *stored = text_line(arena, typed, &why);
        if (!stored) {
            continue;
        }
        taken++;
        assert_true(utf8_is_plain(stored, strlen(stored)));
        assert_string_equal(line(stored), stored);
    }
    assert_true(taken > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_any_normal_form_is_stored_as_nfc),
        cmocka_unit_test(test_text_that_is_in_the_stored_form_is_not_copied),
        cmocka_unit_test(test_white_space_is_trimmed_and_collapsed),
        cmocka_unit_test(test_what_nobody_sees_or_can_compare_is_refused),
        cmocka_unit_test(test_emoji_stay_and_what_only_draws_them_goes),
        cmocka_unit_test(test_what_is_left_out_does_not_hide_a_composition),
        cmocka_unit_test(test_text_that_grows_under_nfc_is_whole),
        cmocka_unit_test(test_marks_without_end_are_sorted),
        cmocka_unit_test(test_lines_keep_their_breaks),
        cmocka_unit_test(test_nfc_changes_nothing_else),
        cmocka_unit_test(test_stored_form_of_every_character_is_its_own_stored_form),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
