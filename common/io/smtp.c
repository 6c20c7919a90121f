#include "common/io/smtp.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/array.h"
#include "common/base/log.h"
#include "common/io/smtp_header.h"

#define IDLE_S 20 /* a connection that was idle for longer is not used again: servers close them after minutes */
#define GOODBYE_S 5

ERR_SMTP_LIST(ERR_DEFINE)

struct cfg_smtp cfg_smtp;

static const struct cfg_key keys[] = {
    {"BOX_SMTP_URL", CFG_STR, offsetof(struct cfg_smtp, url), "", NULL, 8, 300, CFG_REQUIRED,
     "Mail server: smtp://host:587 (STARTTLS) or smtps://host:465."},
    {"BOX_SMTP_TLS", CFG_BOOL, offsetof(struct cfg_smtp, tls), "", "1", 0, 1, 0,
     "0: without TLS, in the sandbox and to this host only."},
    {"BOX_SMTP_USER", CFG_STR, offsetof(struct cfg_smtp, user), "", "", 0, 300, 0, "Login at the mail server, if any."},
    {"BOX_SMTP_PASSWORD", CFG_STR, offsetof(struct cfg_smtp, password), "", "sandbox-smtp-secret", 4, 1000, CFG_SECRET,
     "Its password; of no use without a login."},
    {"BOX_SMTP_CA_FILE", CFG_STR, offsetof(struct cfg_smtp, ca_file), "", "", 0, 4096, 0,
     "Certificates that the server's is checked against (PEM); empty: those of the system."},
    {"BOX_MAIL_FROM", CFG_STR, offsetof(struct cfg_smtp, from), "", NULL, 3, SMTP_ADDRESS_MAX, CFG_REQUIRED,
     "Sender's address of all mails; its domain is that of their Message-ID."},
    {"BOX_MAIL_NAME", CFG_STR, offsetof(struct cfg_smtp, name), "", "boxoffice", 1, 60, 0, "Sender's name."},
    {"BOX_SMTP_CONNECT_MS", CFG_INT, offsetof(struct cfg_smtp, connect_ms), "ms", "5000", 100, 30000, 0,
     "Longest wait for a connection to the mail server."},
    {"BOX_SMTP_TIMEOUT_MS", CFG_INT, offsetof(struct cfg_smtp, timeout_ms), "ms", "15000", 100, 30000, 0,
     "Longest time for one mail."},
};
const struct cfg_section cfg_smtp_section = {"Mail server", keys, ARRAY_COUNT(keys), &cfg_smtp};

/* ---- settings ---- */

static const char *host_of(const char *url)
{
    static const char *const schemes[] = {"smtp://", "smtps://"};
    for (size_t i = 0; i < ARRAY_COUNT(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(url, schemes[i], len) == 0 && url[len] != '\0' && !strpbrk(url + len, "/@?# ")) {
            return url + len;
        }
    }
    return NULL;
}

static bool is_this_host(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        size_t len = strlen(names[i]);
        if (strncmp(host, names[i], len) == 0 && (host[len] == ':' || host[len] == '\0')) {
            return true;
        }
    }
    return false;
}

bool smtp_check_settings(const char **why_r)
{
    struct arena *arena = arena_new(64 << 10);
    const char *host = host_of(cfg_smtp.url);
    *why_r = !host ? "BOX_SMTP_URL must be smtp://host:port or smtps://host:port"
             : !cfg_smtp.tls && !cfg_process.sandbox && !is_this_host(host)
                 ? "BOX_SMTP_TLS=0 is allowed in the sandbox and to this host only"
             : !smtp_header_address(cfg_smtp.from)     ? "BOX_MAIL_FROM must be an e-mail address"
             : !smtp_header_text(arena, cfg_smtp.name) ? "BOX_MAIL_NAME must be one line of text"
                                                       : NULL;
    arena_free(&arena);
    return *why_r == NULL;
}

/* ---- one mail on its way ---- */

struct smtp {
    CURL *curl;
};

/* What we have said last; what the server says then is about it. */
enum stage { STAGE_HELLO, STAGE_RECIPIENT, STAGE_DATA, STAGE_BODY };

struct talk {
    enum stage stage;
    int subject, detail; /* of the last refusal, as in 5.1.1 (RFC 3463); 0: it has none */
};

struct smtp *smtp_new(void)
{
    struct smtp *smtp = calloc(1, sizeof *smtp);
    if (!smtp || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(smtp->curl = curl_easy_init())) {
        log_panic("cannot set up libcurl");
    }
    return smtp;
}

void smtp_free(struct smtp **smtp)
{
    if (*smtp) {
        curl_easy_cleanup((*smtp)->curl);
        curl_global_cleanup();
        free(*smtp);
        *smtp = NULL;
    }
}

/* "550 5.1.1 ...": to 1 and 1; other refusals have neither. An answer to our goodbye is none. */
static void hear(struct talk *talk, const char *line, size_t len)
{
    static const size_t code = sizeof "550 5." - 1;
    int numbers[2] = {0, 0};
    size_t at = code, digits = 0;
    if (len == 0 || (line[0] != '4' && line[0] != '5')) {
        return;
    }
    talk->subject = talk->detail = 0;
    if (len <= code || line[0] != line[4] || line[5] != '.') {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++, at++) {
        for (digits = 0; at < len && digits < 3 && isdigit((unsigned char)line[at]); digits++, at++) {
            numbers[i] = numbers[i] * 10 + line[at] - '0';
        }
        if (digits == 0 || (i == 0 && (at >= len || line[at] != '.'))) {
            return;
        }
    }
    talk->subject = numbers[0];
    talk->detail = numbers[1];
}

/* libcurl tells by its code that a mail failed, not at which command. Nothing of this is kept: it has passwords. */
static int on_talk(CURL *curl, curl_infotype type, char *bytes, size_t len, void *arg)
{
    static const struct {
        const char *command;
        enum stage stage;
    } commands[] = {{"RCPT TO", STAGE_RECIPIENT}, {"DATA", STAGE_DATA}, {"MAIL FROM", STAGE_HELLO}};
    (void)curl;
    struct talk *talk = arg;
    if (type == CURLINFO_DATA_OUT) {
        talk->stage = STAGE_BODY;
    }
    if (type == CURLINFO_HEADER_IN) {
        hear(talk, bytes, len);
    }
    for (size_t i = 0; type == CURLINFO_HEADER_OUT && i < ARRAY_COUNT(commands); i++) {
        size_t size = strlen(commands[i].command);
        if (len >= size && memcmp(bytes, commands[i].command, size) == 0) {
            *talk = (struct talk){.stage = commands[i].stage};
        }
    }
    return 0;
}

static const char *domain_of(const char *address)
{
    return strchr(address, '@') + 1;
}

static void add(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer) {
        log_panic("out of memory for a mail");
    }
    *list = longer;
}

/* NULL when the subject cannot be one. */
static struct curl_slist *make_head(struct ctx *ctx, const struct smtp_mail *mail)
{
    struct curl_slist *head = NULL;
    struct arena *arena = ctx->arena;
    const char *subject = smtp_header_text(arena, mail->subject);
    if (!subject) {
        return NULL;
    }
    add(&head, arena_printf(arena, "Date: %s", smtp_header_date(arena, mail->at)));
    add(&head, arena_printf(arena, "From: %s\r\n <%s>", smtp_header_text(arena, cfg_smtp.name), cfg_smtp.from));
    add(&head, arena_printf(arena, "To: <%s>", mail->to));
    add(&head, arena_printf(arena, "Message-ID: <%s@%s>", mail->id, domain_of(cfg_smtp.from)));
    add(&head, arena_printf(arena, "Subject: %s", subject));
    add(&head, "Auto-Submitted: auto-generated"); /* RFC 3834: nobody's answering machine answers */
    add(&head, "Content-Type: multipart/alternative");
    return head;
}

static void add_part(curl_mime *mime, const char *type, const char *text)
{
    curl_mimepart *part = curl_mime_addpart(mime);
    if (!part || curl_mime_data(part, text, CURL_ZERO_TERMINATED) || curl_mime_type(part, type) ||
        curl_mime_encoder(part, "base64")) {
        log_panic("out of memory for a mail");
    }
}

static curl_mime *make_body(CURL *curl, const struct smtp_mail *mail)
{
    curl_mime *mime = curl_mime_init(curl);
    if (!mime) {
        log_panic("out of memory for a mail");
    }
    add_part(mime, "text/plain; charset=utf-8", mail->text);
    add_part(mime, "text/html; charset=utf-8", mail->html); /* the last is the one to be shown */
    return mime;
}

static void set_server(CURL *curl, struct arena *arena)
{
    curl_easy_setopt(curl, CURLOPT_URL, arena_printf(arena, "%s/%s", cfg_smtp.url, domain_of(cfg_smtp.from)));
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* settings are BOX_*, never all_proxy of whoever started us */
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)(cfg_smtp.tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    if (cfg_smtp.ca_file[0]) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, cfg_smtp.ca_file);
    }
    if (cfg_smtp.user[0]) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, cfg_smtp.user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, cfg_smtp.password);
    }
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)cfg_smtp.connect_ms);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)cfg_smtp.timeout_ms);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)GOODBYE_S + (long)cfg_smtp.timeout_ms / 1000);
    curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, (long)IDLE_S);
}

static CURLcode perform(CURL *curl, struct arena *arena, const char *to, struct curl_slist *head, curl_mime *body,
                        struct talk *talk)
{
    struct curl_slist *recipients = NULL;
    set_server(curl, arena);
    add(&recipients, arena_printf(arena, "<%s>", to));
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, arena_printf(arena, "<%s>", cfg_smtp.from));
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, head);
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, body);
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_talk);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, talk);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(recipients);
    return code;
}

/* A connection on which something went wrong is not used again, and no goodbye is waited for: an answer that comes
 * late would be taken for that to the next mail. */
static void cut(CURL *curl)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD) {
        shutdown(fd, SHUT_RDWR);
    }
}

/* ---- what became of it ---- */

static const char *word_for(CURLcode code)
{
    switch ((int)code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return "CONNECT";
    case CURLE_OPERATION_TIMEDOUT:
        return "TIMEOUT";
    case CURLE_LOGIN_DENIED:
        return "LOGIN";
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return "TLS";
    default:
        return "LOST";
    }
}

/* Whether nobody can be reached there: RFC 5321 4.2.3, RFC 3463 3.2. Policy (5.7.x) and 554 are about us as often; a
 * word about the sender's address (5.1.7, 5.1.8) always is. */
static bool is_no_recipient(const struct talk *talk, long reply)
{
    bool of_sender = talk->subject == 1 && (talk->detail == 7 || talk->detail == 8);
    if (reply < 500 || reply == 554 || talk->subject == 7 || of_sender) {
        return false;
    }
    return talk->subject == 1 || (talk->stage == STAGE_RECIPIENT && (reply == 550 || reply == 551 || reply == 553));
}

/* `reply` is the last answer, which is about the stage where the mail stopped. */
static const struct err *judge(CURLcode code, const struct talk *talk, long reply, char reason[SMTP_REASON_SIZE])
{
    bool answered = (code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY) && reply >= 400 && reply <= 599;
    if (answered) {
        snprintf(reason, SMTP_REASON_SIZE, "SMTP_%ld", reply);
    } else {
        snprintf(reason, SMTP_REASON_SIZE, "%s", word_for(code));
    }
    if (talk->stage == STAGE_HELLO || (reply == 421 && answered)) {
        return &err_unavailable;
    }
    if (answered) {
        return is_no_recipient(talk, reply) ? &err_smtp_refused : &err_smtp_later;
    }
    if (talk->stage == STAGE_RECIPIENT && code == CURLE_OPERATION_TIMEDOUT) {
        return &err_smtp_later; /* the server asks somebody else about this one, who is slow */
    }
    return talk->stage == STAGE_BODY ? &err_uncertain : &err_unavailable;
}

const struct err *smtp_send(struct ctx *ctx, struct smtp *smtp, const struct smtp_mail *mail,
                            char reason[SMTP_REASON_SIZE])
{
    struct talk talk = {.stage = STAGE_HELLO};
    long reply = 0;
    struct curl_slist *head = smtp_header_address(mail->to) ? make_head(ctx, mail) : NULL;
    if (!head) {
        snprintf(reason, SMTP_REASON_SIZE, "MALFORMED");
        return &err_smtp_refused;
    }
    curl_easy_reset(smtp->curl); /* keeps the connection */
    curl_mime *body = make_body(smtp->curl, mail);
    CURLcode code = perform(smtp->curl, ctx->arena, mail->to, head, body, &talk);
    curl_easy_getinfo(smtp->curl, CURLINFO_RESPONSE_CODE, &reply);
    if (code != CURLE_OK) {
        cut(smtp->curl);
    }
    curl_easy_reset(smtp->curl); /* forgets what is freed here */
    curl_mime_free(body);
    curl_slist_free_all(head);
    reason[0] = '\0';
    return code == CURLE_OK ? NULL : judge(code, &talk, reply, reason);
}
