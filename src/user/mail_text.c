#include "src/user/mail_text.h"
#include "src/user/client.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/utf8.h"

#define BODY_MAX 16384
#define LINES_MAX 8

enum language { KOREAN, ENGLISH, LANGUAGES };

/* A line is a paragraph; {words in braces} are filled in. */
struct template
{
    const char *subject;
    const char *lines[LINES_MAX];
};

static const struct template templates[MAIL__MAX][LANGUAGES] = {
    [MAIL_EMAIL_CODE] =
        {
            {"이메일 인증 코드",
             {"이메일 인증 코드입니다. 10분 안에 입력해 주세요.", "{code}", "아무에게도 알려 주지 마세요.",
              "요청하지 않았다면 이 메일을 무시해 주세요."}},
            {"Your e-mail verification code",
             {"This is your e-mail verification code. Please enter it within 10 minutes.", "{code}",
              "Do not give it to anybody.", "If you have not asked for it, please ignore this mail."}},
        },
    [MAIL_NEW_DEVICE] =
        {
            {"새로운 기기에서 로그인했습니다",
             {"{email} 계정에 새로운 기기 또는 새로운 곳에서 로그인했습니다.", "시각: {time}", "주소: {ip}",
              "기기: {agent}", "본인이 아니라면 바로 비밀번호를 바꿔 주세요. 다른 모든 기기에서 로그아웃됩니다."}},
            {"A login from a new device",
             {"Somebody has logged in to the account {email} from a new device or place.", "Time: {time}",
              "Address: {ip}", "Device: {agent}",
              "If this was not you, please change your password now. All other devices will be logged out."}},
        },
    [MAIL_DORMANCY_NOTICE] =
        {
            {"휴면 계정 전환 안내",
             {"{email} 계정을 오랫동안 이용하지 않아 {date}에 휴면 계정으로 전환됩니다.",
              "계속 이용하려면 그 전에 로그인해 주세요.", "전환된 뒤에는 본인 확인을 거쳐 다시 이용할 수 있습니다."}},
            {"Your account will become dormant",
             {"The account {email} has not been used for a long time and becomes dormant on {date}.",
              "To keep it as it is, please log in before.",
              "Afterwards you can use it again by verifying your identity."}},
        },
    [MAIL_PASSWORD_CHANGED] =
        {
            {"비밀번호가 바뀌었습니다",
             {"{email} 계정의 비밀번호가 바뀌었습니다. 다른 모든 기기에서 로그아웃되었습니다.", "시각: {time}",
              "본인이 아니라면 바로 본인 확인을 거쳐 비밀번호를 다시 설정해 주세요."}},
            {"Your password was changed",
             {"The password of the account {email} was changed. All other devices were logged out.", "Time: {time}",
              "If this was not you, please reset your password now by verifying your identity."}},
        },
    [MAIL_SOCIAL_LINKED] =
        {
            {"소셜 로그인이 연결되었습니다",
             {"{email} 계정에 소셜 로그인이 연결되었습니다: {provider}", "시각: {time}",
              "본인이 아니라면 바로 연결을 끊고 비밀번호를 바꿔 주세요."}},
            {"A social login was linked",
             {"A social login was linked to the account {email}: {provider}", "Time: {time}",
              "If this was not you, please unlink it now and change your password."}},
        },
    [MAIL_SOCIAL_UNLINKED] =
        {
            {"소셜 로그인 연결이 끊어졌습니다",
             {"{email} 계정의 소셜 로그인 연결이 끊어졌습니다: {provider}", "시각: {time}",
              "본인이 아니라면 바로 비밀번호를 바꿔 주세요."}},
            {"A social login was unlinked",
             {"A social login was unlinked from the account {email}: {provider}", "Time: {time}",
              "If this was not you, please change your password now."}},
        },
    [MAIL_WITHDRAWN] =
        {
            {"회원 탈퇴가 완료되었습니다",
             {"{email} 계정에서 탈퇴했습니다. 더 이상 로그인할 수 없습니다.", "시각: {time}",
              "본인이 아니라면 바로 고객센터에 알려 주세요."}},
            {"Your account was withdrawn",
             {"The account {email} was withdrawn. Nobody can log in to it any more.", "Time: {time}",
              "If this was not you, please tell our customer service now."}},
        },
    [MAIL_EMAIL_CHANGED] =
        {
            {"계정의 이메일이 변경되었습니다",
             {"{email} 계정의 이메일이 다른 주소로 변경되었습니다.", "시각: {time}",
              "이제 이 주소로는 로그인할 수 없으며, 안내 메일도 새 주소로 보냅니다.",
              "본인이 아니라면 바로 고객센터에 알려 주세요."}},
            {"The e-mail address of your account has changed",
             {"The account {email} has another e-mail address now.", "Time: {time}",
              "You can no longer log in with this address, and notices go to the new one.",
              "If this was not you, please tell our customer service now."}},
        },
};

/* ---- values ---- */

struct value {
    const char *name;
    const char *text;
};

enum { CODE, EMAIL, TIME, DATE, IP, AGENT, PROVIDER, VALUES };

static const char *masked_email(struct arena *arena, const char *email)
{
    const char *at = strchr(email, '@');
    return at && at > email ? arena_printf(arena, "%c***%s", email[0], at) : "***";
}

static const char *masked_ip(struct arena *arena, const char *ip, const char *unknown)
{
    if (!ip || !client_address(arena, ip)) {
        return unknown;
    }
    const char *last = strrchr(ip, '.');
    return strchr(ip, ':') ? arena_printf(arena, "%s*", client_network(arena, ip))
                           : arena_printf(arena, "%.*s.*", (int)(last - ip), ip);
}

static const char *agent_of(const char *agent, const char *unknown)
{
    return agent && agent[0] && utf8_is_plain(agent, strlen(agent)) ? agent : unknown;
}

/* "2026-06-01 19:00 (UTC+09:00)" */
static const char *time_of(struct arena *arena, int64_t at)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(at, text);
    return arena_printf(arena, "%.10s %.5s (UTC%s)", text, text + 11, text + 19);
}

static const char *date_of(struct arena *arena, int64_t at)
{
    char text[CLOCK_TEXT_SIZE];
    return arena_printf(arena, "%.10s", clock_format(at, text));
}

static void fill(struct arena *arena, const struct mail *mail, enum language language, struct value values_r[VALUES])
{
    const char *unknown = language == ENGLISH ? "unknown" : "알 수 없음";
    values_r[CODE] = (struct value){"code", mail->code ? mail->code : ""};
    values_r[EMAIL] = (struct value){"email", masked_email(arena, mail->email)};
    values_r[TIME] = (struct value){"time", time_of(arena, mail->at)};
    values_r[DATE] = (struct value){"date", date_of(arena, mail->at)};
    values_r[IP] = (struct value){"ip", masked_ip(arena, mail->ip, unknown)};
    values_r[AGENT] = (struct value){"agent", agent_of(mail->user_agent, unknown)};
    values_r[PROVIDER] = (struct value){"provider", mail->provider ? mail->provider : unknown};
}

/* ---- bodies ---- */

struct body {
    struct buf text;
    struct buf html;
};

static void add_html(struct buf *html, const char *text)
{
    static const char *const escapes[128] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        const char *escape = byte < ARRAY_COUNT(escapes) ? escapes[byte] : NULL;
        if (escape) {
            buf_str(html, escape);
        } else {
            buf_char(html, *text);
        }
    }
}

static void add_value(struct body *body, const struct value *value)
{
    buf_str(&body->text, value->text);
    buf_str(&body->html, "<b>");
    add_html(&body->html, value->text);
    buf_str(&body->html, "</b>");
}

static const struct value *value_at(const struct value values[VALUES], const char *name)
{
    for (size_t i = 0; i < VALUES; i++) {
        size_t len = strlen(values[i].name);
        if (strncmp(values[i].name, name, len) == 0 && name[len] == '}') {
            return &values[i];
        }
    }
    return NULL;
}

static void add_line(struct body *body, const char *line, const struct value values[VALUES])
{
    buf_str(&body->html, "<p>");
    while (*line) {
        const struct value *value = *line == '{' ? value_at(values, line + 1) : NULL;
        if (value) {
            add_value(body, value);
            line += strlen(value->name) + 2;
        } else {
            buf_char(&body->text, *line);
            buf_char(&body->html, *line++);
        }
    }
    buf_str(&body->text, "\n\n");
    buf_str(&body->html, "</p>\n");
}

static void add_lines(struct arena *arena, const struct mail *mail, enum language language, struct body *body)
{
    struct value values[VALUES];
    fill(arena, mail, language, values);
    for (size_t i = 0; i < LINES_MAX && templates[mail->kind][language].lines[i]; i++) {
        add_line(body, templates[mail->kind][language].lines[i], values);
    }
}

struct mail_words mail_compose(struct arena *arena, const struct mail *mail)
{
    enum language first = mail->language && strcmp(mail->language, "en") == 0 ? ENGLISH : KOREAN;
    struct body body;
    buf_init(&body.text, arena, BODY_MAX);
    buf_init(&body.html, arena, BODY_MAX);
    buf_str(&body.html, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n");
    add_lines(arena, mail, first, &body);
    if (mail->kind != MAIL_EMAIL_CODE) { /* nobody knows what language somebody reads who has not asked */
        buf_str(&body.html, "<hr>\n");
        add_lines(arena, mail, first == KOREAN ? ENGLISH : KOREAN, &body);
    }
    buf_str(&body.html, "</body></html>\n");
    return (struct mail_words){templates[mail->kind][first].subject, body.text.data, body.html.data};
}
