/* One mail at a time, to servers of all kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "common/io/smtp.h"
#include "common/io/smtp_header.h"
#include "tests/support/mail_server.h"

static struct ctx ctx;
static struct smtp *smtp;
static struct mail_server *server;
static struct mail_box *box;
static char reason[SMTP_REASON_SIZE];

static int begin(void **state)
{
    (void)state;
    log_init("test_smtp", LOG_LEVEL_ERROR);
    ctx = (struct ctx){.arena = arena_new(8u << 20)};
    ctx_begin(&ctx, NULL, NULL);
    server = mail_server_start();
    box = mail_server_box(server);
    smtp = smtp_new();
    cfg_process.sandbox = true;
    cfg_smtp = mail_server_settings(server);
    cfg_smtp.name = "박스오피스";
    return 0;
}

static int end(void **state)
{
    (void)state;
    smtp_free(&smtp);
    mail_server_stop(&server);
    arena_free(&ctx.arena);
    return 0;
}

static struct smtp_mail a_mail(void)
{
    return (struct smtp_mail){.id = "0190a0b0-0000-7000-8000-000000000001",
                              .to = "kim@example.com",
                              .subject = "인증 코드: 새로운 기기에서 로그인했습니다 그리고 더 긴 제목",
                              .text = "안녕하세요\n.\n..\n끝\n",
                              .html = "<p>안녕하세요</p>\n",
                              .at = 1767225600 * CLOCK_SECOND};
}

static const struct err *send_mail(void)
{
    const struct smtp_mail mail = a_mail();
    return smtp_send(&ctx, smtp, &mail, reason);
}

static const struct err *send_while(struct mail_fault fault)
{
    box->fault = fault;
    const struct err *e = send_mail();
    assert_int_equal(box->failed, 1);
    return e;
}

static bool has(const char *mail, const char *text)
{
    return strstr(mail, text) != NULL;
}

static void test_smtp_mail_arrives_as_written(void **state)
{
    (void)state;
    assert_null(send_mail());
    assert_string_equal(reason, "");
    assert_int_equal(box->count, 1);
    const char *mail = box->mails[0];
    assert_true(has(mail, "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n"));
    assert_true(has(mail, "From: =?UTF-8?B?67CV7Iqk7Jik7ZS87Iqk?=\r\n <no-reply@boxoffice.example>\r\n"));
    assert_true(has(mail, "To: <kim@example.com>\r\n"));
    assert_true(has(mail, "Message-ID: <0190a0b0-0000-7000-8000-000000000001@boxoffice.example>\r\n"));
    assert_true(has(mail, "Auto-Submitted: auto-generated\r\n"));
    assert_true(has(mail, "Content-Type: multipart/alternative; boundary="));
    assert_true(has(mail, crypto_base64(ctx.arena, a_mail().text, strlen(a_mail().text))));
    assert_true(has(mail, crypto_base64(ctx.arena, a_mail().html, strlen(a_mail().html))));
    for (const char *line = mail; *line; line = strstr(line, "\r\n") + 2) {
        size_t len = strcspn(line, "\r");
        assert_true(len <= 76 || !memmem(line, len, "=?", 2));
    }
}

static void test_smtp_connection_is_kept_and_made_anew_when_it_is_gone(void **state)
{
    (void)state;
    assert_null(send_mail());
    assert_null(send_mail());
    assert_int_equal(box->connections, 1);
    assert_ptr_equal(send_while((struct mail_fault){.at = "RCPT", .how = MAIL_DROPS, .times = 1}), &err_unavailable);
    assert_null(send_mail());
    assert_int_equal(box->connections, 2);
    assert_int_equal(box->count, 3);
}

static void test_smtp_refusals_for_good_and_for_now_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *at, *says;
        const struct err *means;
        const char *reason;
    } cases[] = {
        {"hello", "554 no", &err_unavailable, "SMTP_554"},
        {"hello", "421 later", &err_unavailable, "SMTP_421"},
        {"MAIL", "550 you?", &err_unavailable, "SMTP_550"},
        {"MAIL", "451 later", &err_unavailable, "SMTP_451"},
        {"RCPT", "550 nobody", &err_smtp_refused, "SMTP_550"},
        {"RCPT", "450 later", &err_smtp_later, "SMTP_450"},
        {"RCPT", "421 bye", &err_unavailable, "SMTP_421"},
        {"DATA", "554 no", &err_smtp_later, "SMTP_554"},
        {"RCPT", "551 moved", &err_smtp_refused, "SMTP_551"},
        {"RCPT", "553 no name", &err_smtp_refused, "SMTP_553"},
        {"RCPT", "550 5.1.1 nobody", &err_smtp_refused, "SMTP_550"},
        {"RCPT", "550-5.7.1 well\r\n550 5.1.1 nobody", &err_smtp_refused, "SMTP_550"},
        {"RCPT", "501 5.1.3 no address", &err_smtp_refused, "SMTP_501"},
        {"RCPT", "550 5.1 nobody", &err_smtp_refused, "SMTP_550"},
        {"RCPT", "554 5.7.1 Client host blocked", &err_smtp_later, "SMTP_554"},
        {"RCPT", "554 blocked", &err_smtp_later, "SMTP_554"},
        {"RCPT", "550 5.7.1 blocked", &err_smtp_later, "SMTP_550"},
        {"RCPT", "550 5.1.8 whose domain?", &err_smtp_later, "SMTP_550"},
        {"RCPT", "552 5.2.2 full", &err_smtp_later, "SMTP_552"},
        {"RCPT", "503 first this", &err_smtp_later, "SMTP_503"},
        {"RCPT", "450 5.1.1 later", &err_smtp_later, "SMTP_450"},
        {".", "550 5.1.1 nobody", &err_smtp_refused, "SMTP_550"},
        {".", "550 spam", &err_smtp_later, "SMTP_550"},
        {".", "552 too large", &err_smtp_later, "SMTP_552"},
        {".", "451 later", &err_smtp_later, "SMTP_451"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct mail_fault fault = {.how = MAIL_SAYS, .times = 1};
        snprintf(fault.at, sizeof fault.at, "%s", cases[i].at);
        snprintf(fault.answer, sizeof fault.answer, "%s", cases[i].says);
        box->failed = 0;
        smtp_free(&smtp);
        smtp = smtp_new();
        assert_ptr_equal(send_while(fault), cases[i].means);
        assert_string_equal(reason, cases[i].reason);
    }
    assert_int_equal(box->count, 0);
}

static void test_smtp_server_that_hangs_is_given_up(void **state)
{
    (void)state;
    static const struct {
        const char *at;
        const struct err *means;
    } cases[] = {{"hello", &err_unavailable},
                 {"MAIL", &err_unavailable},
                 {"RCPT", &err_smtp_later}, /* for whoever is slow behind this one, nobody else is kept waiting */
                 {".", &err_uncertain}};
    cfg_smtp.timeout_ms = 300;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct mail_fault fault = {.how = MAIL_HANGS, .times = 1};
        snprintf(fault.at, sizeof fault.at, "%s", cases[i].at);
        box->failed = 0;
        assert_ptr_equal(send_while(fault), cases[i].means);
        assert_string_equal(reason, "TIMEOUT");
    }
    int connections = box->connections;
    assert_null(send_mail()); /* a late answer to the last is none to this one */
    assert_int_equal(box->connections, connections + 1);
}

static void test_smtp_mail_whose_answer_is_lost_may_have_been_taken(void **state)
{
    (void)state;
    struct mail_fault fault = {.at = ".", .how = MAIL_DROPS, .keep = true, .times = 1};
    assert_ptr_equal(send_while(fault), &err_uncertain);
    assert_null(send_mail());
    assert_int_equal(box->count, 2);
    for (int i = 0; i < 2; i++) {
        assert_true(has(box->mails[i], "Message-ID: <0190a0b0-0000-7000-8000-000000000001@boxoffice.example>"));
    }
}

static void test_smtp_garbage_and_lines_without_end_end(void **state)
{
    (void)state;
    static const char *const garbage[] = {"SSH-2.0-OpenSSH_9.2", "HTTP/1.1 200 OK", "\x01\x02\x80\xff", "999 999",
                                          "-1"};
    for (size_t i = 0; i < ARRAY_COUNT(garbage); i++) {
        struct mail_fault fault = {.at = "hello", .how = MAIL_SAYS, .times = 1};
        snprintf(fault.answer, sizeof fault.answer, "%s", garbage[i]);
        box->failed = 0;
        assert_ptr_equal(send_while(fault), &err_unavailable);
    }
    cfg_smtp.timeout_ms = 300;
    static const char *const places[] = {"hello", "DATA"};
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        struct mail_fault fault = {.how = MAIL_FLOODS, .times = 1};
        snprintf(fault.at, sizeof fault.at, "%s", places[i]);
        box->failed = 0;
        assert_ptr_equal(send_while(fault), &err_unavailable);
    }
    assert_int_equal(box->count, 0);
}

static void test_smtp_nobody_there_is_no_mail(void **state)
{
    (void)state;
    mail_server_stop(&server);
    assert_ptr_equal(send_mail(), &err_unavailable);
    assert_string_equal(reason, "CONNECT");
}

static void test_smtp_without_tls_is_refused_when_it_is_asked_for(void **state)
{
    (void)state;
    cfg_smtp.tls = true;
    cfg_smtp.user = "somebody";
    cfg_smtp.password = "whatever";
    assert_ptr_equal(send_mail(), &err_unavailable);
    assert_string_equal(reason, "TLS");
    assert_int_equal(box->count, 0);
}

static void test_smtp_line_breaks_never_reach_the_server(void **state)
{
    (void)state;
    static const char *const addresses[] = {"kim@example.com\r\nBcc: all@example.com",
                                            "kim@example.com>\r\nDATA",
                                            "kim@example.com> x",
                                            "<kim@example.com",
                                            "kim",
                                            "kim@",
                                            "@example.com",
                                            "a@b@example.com",
                                            "kim@example.com,lee@example.com",
                                            "김@example.com",
                                            ""};
    struct smtp_mail mail = a_mail();
    for (size_t i = 0; i < ARRAY_COUNT(addresses); i++) {
        mail.to = addresses[i];
        assert_ptr_equal(smtp_send(&ctx, smtp, &mail, reason), &err_smtp_refused);
        assert_string_equal(reason, "MALFORMED");
    }
    static const char *const subjects[] = {"hi\r\nBcc: all@example.com", "hi\n", "\x7f", "\xff", ""};
    mail.to = a_mail().to;
    for (size_t i = 0; i < ARRAY_COUNT(subjects); i++) {
        mail.subject = subjects[i];
        assert_ptr_equal(smtp_send(&ctx, smtp, &mail, reason), &err_smtp_refused);
    }
    assert_int_equal(box->connections, 0);
}

static void test_smtp_addresses_have_a_length(void **state)
{
    (void)state;
    char longest[SMTP_ADDRESS_MAX + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[60] = '@';
    longest[SMTP_ADDRESS_MAX + 1] = '\0';
    assert_false(smtp_header_address(longest));
    longest[SMTP_ADDRESS_MAX] = '\0';
    assert_true(smtp_header_address(longest));
}

static void test_smtp_settings_that_would_send_in_the_clear_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool tls, sandbox, right;
    } cases[] = {
        {"smtp://mail.example.com:587", true, false, true},       {"smtp://mail.example.com:587", false, false, false},
        {"smtp://mail.example.com:587", false, true, true},       {"smtp://127.0.0.1:25", false, false, true},
        {"smtp://127.0.0.1.example.com", false, false, false},    {"smtps://mail.example.com", true, false, true},
        {"http://mail.example.com", true, true, false},           {"smtp://", true, true, false},
        {"smtp://user:word@mail.example.com", true, true, false}, {"smtp://mail.example.com/x", true, true, false},
    };
    const char *why;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        cfg_smtp.url = cases[i].url;
        cfg_smtp.tls = cases[i].tls;
        cfg_process.sandbox = cases[i].sandbox;
        assert_int_equal(smtp_check_settings(&why), cases[i].right);
    }
    cfg_smtp.url = "smtps://mail.example.com";
    cfg_smtp.from = "nobody";
    assert_false(smtp_check_settings(&why));
}

/* ---- heads ---- */

static void test_smtp_header_text_is_folded_between_characters(void **state)
{
    (void)state;
    assert_string_equal(smtp_header_text(ctx.arena, "Plain text-1"), "Plain text-1");
    assert_string_equal(smtp_header_text(ctx.arena, "a=?b"), "=?UTF-8?B?YT0/Yg==?=");
    assert_string_equal(smtp_header_text(ctx.arena, " a"), "=?UTF-8?B?IGE=?=");
    char text[SMTP_TEXT_MAX + 4] = "";
    for (int i = 0; i < SMTP_TEXT_MAX / 4; i++) {
        strcat(text, "😀");
    }
    const char *words = smtp_header_text(ctx.arena, text);
    for (const char *word = words; word; word = strstr(word, "\r\n ") ? strstr(word, "\r\n ") + 3 : NULL) {
        size_t len = strcspn(word, "\r");
        assert_in_range(len, 12, 60);
        assert_memory_equal(word, "=?UTF-8?B?8J+YgP", 16); /* each begins with a whole one */
    }
    strcat(text, "a");
    assert_null(smtp_header_text(ctx.arena, text));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_smtp_mail_arrives_as_written),
        TEST(test_smtp_connection_is_kept_and_made_anew_when_it_is_gone),
        TEST(test_smtp_refusals_for_good_and_for_now_are_told_apart),
        TEST(test_smtp_server_that_hangs_is_given_up),
        TEST(test_smtp_mail_whose_answer_is_lost_may_have_been_taken),
        TEST(test_smtp_garbage_and_lines_without_end_end),
        TEST(test_smtp_nobody_there_is_no_mail),
        TEST(test_smtp_without_tls_is_refused_when_it_is_asked_for),
        TEST(test_smtp_line_breaks_never_reach_the_server),
        TEST(test_smtp_addresses_have_a_length),
        TEST(test_smtp_settings_that_would_send_in_the_clear_are_refused),
        TEST(test_smtp_header_text_is_folded_between_characters),
    };
    return cmocka_run_group_tests_name("smtp", tests, NULL, NULL);
}
