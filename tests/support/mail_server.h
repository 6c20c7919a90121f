/*
 * mail_server: an SMTP server in a child process that keeps what it is given, and fails as a test tells it. Each
 * connection is served by itself, so that one that hangs keeps nobody else waiting.
 */
#ifndef TESTS_SUPPORT_MAIL_SERVER_H
#define TESTS_SUPPORT_MAIL_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "common/io/smtp.h"

#define MAIL_SIZE 65536
#define MAIL_MOST 64

/* Where it fails: before its greeting, or instead of the answer to what begins so ("EHLO", "RCPT", "DATA"; "." is the
 * end of a mail, which is then kept where `keep` says so). */
struct mail_fault {
    char at[8]; /* "": nowhere; "hello": the greeting */
    enum {
        MAIL_SAYS,
        MAIL_HANGS,
        MAIL_DROPS,
        MAIL_FLOODS, /* a line that never ends */
        MAIL_WAITS,  /* for `go_on`, and is well then */
    } how;
    char answer[600]; /* MAIL_SAYS */
    bool keep;
    int times; /* then it is well */
};

/* Shared by the test and the server. */
struct mail_box {
    struct mail_fault fault;
    atomic_int connections;
    atomic_int failed; /* how often it failed as told */
    atomic_int count;  /* of mails kept */
    atomic_bool go_on;
    char mails[MAIL_MOST][MAIL_SIZE];
};

struct mail_server;

/* On a free port of the loopback interface. Never NULL. */
struct mail_server *mail_server_start(void);
struct mail_box *mail_server_box(const struct mail_server *server);
/* The settings with which mail goes there, within a second; good until the next call. */
struct cfg_smtp mail_server_settings(const struct mail_server *server);
/* NULL-safe; leaves NULL. */
void mail_server_stop(struct mail_server **server);

#endif
