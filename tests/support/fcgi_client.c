#include "tests/support/fcgi_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/support/fcgi_pool.h"

#define RECORD_MAX 65535

int client_open(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval timeout = {.tv_sec = POOL_TIMEOUT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    assert_int_equal(connect(fd, (const struct sockaddr *)pool_address(), sizeof *pool_address()), 0);
    return fd;
}

void client_send(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void client_send_record(int fd, enum record_type type, const void *content, size_t len)
{
    const unsigned char head[8] = {1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0};
    assert_true(len <= RECORD_MAX);
    client_send(fd, head, sizeof head);
    if (len > 0) {
        client_send(fd, content, len);
    }
}

static size_t add_param(char *to, const char *name, const char *value)
{
    size_t name_len = strlen(name), value_len = strlen(value);
    assert_true(name_len < 128 && value_len < 128);
    to[0] = (char)name_len;
    to[1] = (char)value_len;
    memcpy(to + 2, name, name_len);
    memcpy(to + 2 + name_len, value, value_len);
    return 2 + name_len + value_len;
}

void client_send_begin(int fd, int flags)
{
    const char begin[8] = {0, 1, (char)flags};
    client_send_record(fd, BEGIN_REQUEST, begin, sizeof begin);
}

void client_send_head(int fd, int flags, const char *method, const char *path, const char *length)
{
    char params[1024];
    size_t len = add_param(params, "REQUEST_METHOD", method);
    len += add_param(params + len, "DOCUMENT_URI", path);
    len += add_param(params + len, "CONTENT_LENGTH", length);
    client_send_begin(fd, flags);
    client_send_record(fd, PARAMS, params, len);
    client_send_record(fd, PARAMS, NULL, 0);
}

static bool receive(int fd, void *to, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t part = read(fd, (char *)to + got, len - got);
        if (part <= 0) {
            return false;
        }
        got += (size_t)part;
    }
    return true;
}

struct answer client_receive(int fd)
{
    struct answer answer = {.text = calloc(1, 1)};
    unsigned char head[8];
    while (!answer.ended && receive(fd, head, sizeof head)) {
        size_t len = (size_t)head[4] << 8 | head[5], padding = head[6];
        answer.text = realloc(answer.text, answer.len + len + padding + 1);
        assert_true(receive(fd, answer.text + answer.len, len + padding));
        answer.len += head[1] == STDOUT ? len : 0;
        answer.ended = head[1] == END_REQUEST;
        answer.text[answer.len] = '\0';
    }
    return answer;
}

void client_assert_answer(int fd, int status, const char *end_of_body)
{
    char first_line[32];
    struct answer answer = client_receive(fd);
    snprintf(first_line, sizeof first_line, "Status: %d\r\n", status);
    assert_true(answer.ended);
    if (strncmp(answer.text, first_line, strlen(first_line)) != 0) {
        fail_msg("not %d: '%s'", status, answer.text);
    }
    assert_true(answer.len >= strlen(end_of_body));
    assert_string_equal(answer.text + answer.len - strlen(end_of_body), end_of_body);
    free(answer.text);
}

void client_assert_echo(const char *body)
{
    char length[24];
    int fd = client_open();
    snprintf(length, sizeof length, "%zu", strlen(body));
    client_send_head(fd, 0, "POST", "/echo", length);
    if (*body) {
        client_send_record(fd, STDIN, body, strlen(body));
    }
    client_send_record(fd, STDIN, NULL, 0); /* an empty record is the end: after a second one nobody reads */
    client_assert_answer(fd, 200, body);
    close(fd);
}
