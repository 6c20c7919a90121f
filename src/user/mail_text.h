/*
 * mail_text: the words of each kind of mail. Pure.
 *
 * The same paragraphs as text and as HTML, without links: nobody learns to follow those that come by mail. Values from
 * outside stand in the body only, on one line each, and are escaped in HTML.
 */
#ifndef USER_MAIL_TEXT_H
#define USER_MAIL_TEXT_H

#include "common/base/arena.h"
#include "src/user/mail.h"

struct mail_words {
    const char *subject;
    const char *text;
    const char *html;
};

/* In the arena, or static. Of mail->email and mail->ip only a part is told; times are in BOX_TIMEZONE. */
struct mail_words mail_compose(struct arena *arena, const struct mail *mail);

#endif
