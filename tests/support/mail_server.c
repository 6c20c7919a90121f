#include "tests/support/mail_server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/stub_server.h"

struct mail_server {
    pid_t pid;
    struct mail_box *box;
    int port;
};

/* One connection. */
struct talk {
    FILE *in;
    int fd;
    struct mail_box *box;
};

static bool say(const struct talk *talk, const char *text)
{
    return send(talk->fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* True: the connection goes on; *answered: with the fault's answer. */
static bool fail_at(const struct talk *talk, const char *at, bool *answered)
{
    struct mail_fault *fault = &talk->box->fault;
    *answered = false;
    if (fault->at[0] == '\0' || strncasecmp(at, fault->at, strlen(fault->at)) != 0 || fault->times <= 0) {
        return true;
    }
    fault->times--;
    talk->box->failed++;
    *answered = true;
    switch (fault->how) {
    case MAIL_SAYS:
        return say(talk, fault->answer) && say(talk, "\r\n");
    case MAIL_HANGS:
        while (getc(talk->in) != EOF) {
        }
        return false;
    case MAIL_DROPS:
        return false;
    case MAIL_FLOODS:
        while (say(talk, "250 and so on and so on and so on and so on and so on ")) {
        }
        return false;
    case MAIL_WAITS:
        while (!talk->box->go_on) {
            usleep(1000);
        }
        *answered = false;
        return true;
    }
    return false;
}

static bool hear_mail(const struct talk *talk)
{
    static char mail[MAIL_SIZE];
    char line[2048];
    size_t len = 0;
    bool answered;
    while (fgets(line, sizeof line, talk->in) && strcmp(line, ".\r\n") != 0) {
        len += (size_t)snprintf(mail + len, sizeof mail - len, "%s", line);
        len = len < sizeof mail ? len : sizeof mail - 1;
    }
    if (feof(talk->in)) {
        return false;
    }
    struct mail_fault fault = talk->box->fault;
    bool fails = strcmp(fault.at, ".") == 0 && fault.times > 0;
    if (!fails || fault.keep) {
        int place = talk->box->count < MAIL_MOST ? talk->box->count : MAIL_MOST - 1;
        memcpy(talk->box->mails[place], mail, len + 1);
        talk->box->count++;
    }
    return fail_at(talk, ".", &answered) && (answered || say(talk, "250 taken\r\n"));
}

static bool answer(const struct talk *talk, const char *line)
{
    bool answered;
    if (!fail_at(talk, line, &answered)) {
        return false;
    }
    if (answered) {
        return true;
    }
    if (strncasecmp(line, "DATA", 4) == 0) {
        return say(talk, "354 go on\r\n") && hear_mail(talk);
    }
    if (strncasecmp(line, "QUIT", 4) == 0) {
        (void)say(talk, "221 bye\r\n");
        return false;
    }
    return say(talk, strncasecmp(line, "EHLO", 4) == 0 ? "250-stub\r\n250 8BITMIME\r\n" : "250 ok\r\n");
}

static void serve(int fd, struct mail_box *box)
{
    const struct talk talk = {fdopen(fd, "r"), fd, box};
    char line[2048];
    bool answered;
    box->connections++;
    if (!fail_at(&talk, "hello", &answered) || (!answered && !say(&talk, "220 stub\r\n"))) {
        return;
    }
    while (fgets(line, sizeof line, talk.in) && answer(&talk, line)) {
    }
}

static void serve_all(int fd, struct mail_box *box)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int connection = accept(fd, NULL, NULL);
        if (connection >= 0 && fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            alarm(60);
            serve(connection, box);
            _exit(0);
        }
        close(connection);
    }
}

struct mail_server *mail_server_start(void)
{
    struct mail_server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!server || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("mail_server");
        exit(1);
    }
    server->box = stub_shared(sizeof *server->box);
    server->port = ntohs(address.sin_port);
    fflush(NULL);
    server->pid = fork();
    if (server->pid == 0) {
        serve_all(fd, server->box);
    }
    close(fd);
    return server;
}

struct mail_box *mail_server_box(const struct mail_server *server)
{
    return server->box;
}

struct cfg_smtp mail_server_settings(const struct mail_server *server)
{
    static char url[64]; /* outlives the server: mail is also sent to where there is none any more */
    snprintf(url, sizeof url, "smtp://127.0.0.1:%d", server->port);
    return (struct cfg_smtp){.url = url,
                             .user = "",
                             .password = "",
                             .ca_file = "",
                             .from = "no-reply@boxoffice.example",
                             .name = "boxoffice",
                             .connect_ms = 1000,
                             .timeout_ms = 1000};
}

void mail_server_stop(struct mail_server **server)
{
    if (*server) {
        kill((*server)->pid, SIGKILL);
        waitpid((*server)->pid, NULL, 0);
        free(*server);
        *server = NULL;
    }
}
