/* fcgi_client: a FastCGI client of fcgi_pool that can misbehave, record by record. Its own failures fail the test. */
#ifndef TESTS_SUPPORT_FCGI_CLIENT_H
#define TESTS_SUPPORT_FCGI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

enum record_type { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };
enum { KEEP_CONN = 1 }; /* a flag of BEGIN_REQUEST */

struct answer {
    char *text; /* NUL-terminated */
    size_t len;
    bool ended; /* END_REQUEST came */
};

int client_open(void);
void client_send(int fd, const void *bytes, size_t len);
void client_send_record(int fd, enum record_type type, const void *content, size_t len);
void client_send_begin(int fd, int flags);
/* BEGIN_REQUEST and all PARAMS; `length` is CONTENT_LENGTH. */
void client_send_head(int fd, int flags, const char *method, const char *path, const char *length);
/* Up to END_REQUEST or the end of the connection. The caller frees the text. */
struct answer client_receive(int fd);
void client_assert_answer(int fd, int status, const char *end_of_body);
/* A whole request of its own. */
void client_assert_echo(const char *body);

#endif
