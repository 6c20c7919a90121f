/* The listener: what accept() may say, how long a peer is waited for, and whose name it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/log.h"
#include "common/serve/listener.h"

/* ---- what the system says, where a test makes it say something else ---- */

static int refusal;                         /* of accept4(); 0: none */
static void (*another)(struct stat *there); /* changes what stat() says; NULL: nothing */

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    int (*real)(int, struct sockaddr *, socklen_t *, int);
    *(void **)&real = dlsym(RTLD_NEXT, "accept4");
    errno = refusal;
    return refusal != 0 ? -1 : real(fd, address, size, flags);
}

int stat(const char *path, struct stat *there)
{
    int (*real)(const char *, struct stat *);
    *(void **)&real = dlsym(RTLD_NEXT, "stat");
    int status = real(path, there);
    if (another != NULL) {
        another(there);
    }
    return status;
}

/* ---- a listener as standard input ---- */

static char folder[] = P_tmpdir "/test_listener.XXXXXX";
static struct sockaddr_un name = {.sun_family = AF_UNIX};
static int input; /* the test's own standard input */

static int make_folder(void **state)
{
    (void)state;
    log_init("test_listener", LOG_LEVEL_ERROR);
    input = dup(LISTEN_FD);
    return input >= 0 && mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    close(input);
    return rmdir(folder);
}

static int setup(void **state)
{
    (void)state;
    refusal = 0;
    another = NULL;
    snprintf(name.sun_path, sizeof name.sun_path, "%s/socket", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(dup2(fd, LISTEN_FD), LISTEN_FD);
    close(fd);
    listener_open();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dup2(input, LISTEN_FD);
    unlink(name.sun_path);
    return 0;
}

static int connected(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
    return fd;
}

/* ---- tests ---- */

static void test_accept_without_anybody_does_not_wait(void **state)
{
    (void)state;
    int fd;
    assert_true((fcntl(LISTEN_FD, F_GETFL) & O_NONBLOCK) != 0); /* or this would be the end of the test */
    assert_int_equal(listener_accept(1500, &fd), ACCEPTED_NONE);
}

static void test_accept_tells_a_moments_trouble_from_the_end(void **state)
{
    static const struct {
        int refusal;
        enum accepted told;
    } rows[] = {{EAGAIN, ACCEPTED_NONE},  {EINTR, ACCEPTED_NONE},    {ECONNABORTED, ACCEPTED_NONE},
                {EMFILE, ACCEPTED_LATER}, {ENFILE, ACCEPTED_LATER},  {ENOBUFS, ACCEPTED_LATER},
                {ENOMEM, ACCEPTED_LATER}, {EBADF, ACCEPTED_NOTHING}, {EINVAL, ACCEPTED_NOTHING}};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int fd;
        refusal = rows[i].refusal;
        assert_int_equal(listener_accept(1500, &fd), rows[i].told);
    }
}

static void assert_patience(int fd, int option)
{
    struct timeval patience;
    socklen_t size = sizeof patience;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, option, &patience, &size), 0);
    assert_int_equal(patience.tv_sec * 1000000 + patience.tv_usec, 1500000);
}

static void test_peer_is_waited_for_as_long_as_said(void **state)
{
    (void)state;
    int client = connected(), fd;
    assert_int_equal(listener_accept(1500, &fd), ACCEPTED);
    assert_patience(fd, SO_RCVTIMEO);
    assert_patience(fd, SO_SNDTIMEO);
    close(fd);
    close(client);
}

static void test_name_is_left(void **state)
{
    (void)state;
    listener_leave_name();
    assert_int_equal(access(name.sun_path, F_OK), -1);
    listener_leave_name(); /* nothing is there any more */
}

static void on_another_device(struct stat *there)
{
    there->st_dev++;
}

static void another_file(struct stat *there)
{
    there->st_ino++;
}

static void seconds_later(struct stat *there)
{
    there->st_ctim.tv_sec++;
}

static void a_moment_later(struct stat *there)
{
    there->st_ctim.tv_nsec ^= 1;
}

/* Each alone: the system gives numbers again, also within a second. */
static void test_name_that_another_pool_has_taken_over_is_kept(void **state)
{
    static void (*const others[])(struct stat *) = {on_another_device, another_file, seconds_later, a_moment_later};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        another = others[i];
        listener_leave_name();
        assert_int_equal(access(name.sun_path, F_OK), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_accept_without_anybody_does_not_wait),
        TEST(test_accept_tells_a_moments_trouble_from_the_end),
        TEST(test_peer_is_waited_for_as_long_as_said),
        TEST(test_name_is_left),
        TEST(test_name_that_another_pool_has_taken_over_is_kept),
    };
    return cmocka_run_group_tests_name("listener", tests, make_folder, remove_folder);
}
