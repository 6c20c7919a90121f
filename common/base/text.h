/*
 * text: what people type, in the one form that is stored and compared. The only module that knows libunistring.
 *
 * That form is NFC, without white space at its ends, and with one space where white space stood inside. So texts that
 * look alike because of how a keyboard, a Mac or a word processor writes them are the same bytes for everybody.
 *
 * Refused is what nobody can see or nobody can compare: controls, zero-width and other default-ignorable characters
 * (Hangul fillers are letters to Unicode and blanks to the eye), bidirectional controls, and what has no meaning yet or
 * none that two people share: unassigned, non-characters, private use. The NFC of assigned characters never changes, so
 * a later Unicode does not undo what is stored. A combining mark must follow what it stands on.
 *
 * Left out is what only chooses between two drawings: the variation selectors of emoji, and the joiner after one.
 * "❤" with and without them, or a family and its three members, look alike wherever the glyph is missing; the emoji
 * themselves stay.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include "common/base/arena.h"

/* The stored form of one line: `typed` itself where it is that already, else in the arena; "" when nothing but white
 * space was typed. NULL when refused: then *why_r says it of the text ("must not contain U+200B"). Pure. */
const char *text_line(struct arena *arena, const char *typed, const char **why_r);
/* The same for several lines: line breaks of any kind become "\n", empty lines that follow each other become one, and
 * a tab is white space. */
const char *text_lines(struct arena *arena, const char *typed, const char **why_r);
/* The NFC of any UTF-8, and nothing else changed (passwords); NULL when `text` is not UTF-8. Pure. */
const char *text_nfc(struct arena *arena, const char *text);
/* The same with the NFKD: what is compatible is one, and all is apart. To look at, not to keep. */
const char *text_nfkd(struct arena *arena, const char *text);

#endif
