/*
 * fcgi_pool: processes of a small responder on a unix socket, for tests of the FastCGI transport.
 *
 * Its routes: POST /echo (the body, up to 1 MiB), POST /small (the same, up to 10 bytes), GET /wait ("waited", when the
 * test lets it), GET /pid (of the process), GET /lost (no answer), GET /large (1 MiB of 'a'), GET
 * /word/W ("W W", through two exchanges with Redis).
 */
#ifndef TESTS_SUPPORT_FCGI_POOL_H
#define TESTS_SUPPORT_FCGI_POOL_H

#include <sys/types.h>
#include <sys/un.h>

#define POOL_TIMEOUT_S 20

/* Around all tests of a program. */
int pool_make_folder(void **state);
int pool_remove_folder(void **state);
/* Around each test: a listener without processes; a test that hangs fails. */
int pool_set_up(void **state);
int pool_tear_down(void **state);

const struct sockaddr_un *pool_address(void);
/* The processes connect to Redis (BOX_REDIS_URL). */
void pool_use_redis(void);
/* One more process on the listener; it ends with the test at the latest. */
pid_t pool_start(void);
/* In a child of the test's own: the responder with these as standard input and, unless -1, output. */
_Noreturn void pool_run_child(int input, int output);
/* Waits for the end of a process, which must not die by a signal. */
int pool_exit_status(pid_t pid);
/* accept() fails from now on. */
void pool_break_listener(void);
/* Waits until a handler of /wait has been called; lets one return. */
void pool_await_entered(void);
void pool_let_leave(void);

#endif
