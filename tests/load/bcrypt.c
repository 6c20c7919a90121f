/* bcrypt: how many passwords all cores check, and nothing else; what make bench measures logins against.
 *
 * usage: bcrypt PROCESSES SECONDS COST    prints checks a second
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/crypto/password.h"

#define PROCESSES_MAX 256

static int check_until(int64_t end, int cost, int report)
{
    char hash[PASSWORD_HASH_SIZE];
    int64_t checks = 0;
    if (!password_hash("correct-Horse-7-battery", cost, hash)) {
        return 1;
    }
    while (clock_now() < end) {
        checks += password_verify("correct-Horse-7-battery", hash, cost);
    }
    return write(report, &checks, sizeof checks) == (ssize_t)sizeof checks ? 0 : 1;
}

int main(int argc, char **argv)
{
    int processes = argc == 4 ? atoi(argv[1]) : 0, seconds = argc == 4 ? atoi(argv[2]) : 0;
    int reports[2];
    if (processes < 1 || processes > PROCESSES_MAX || seconds < 1 || pipe(reports) != 0) {
        fputs("usage: bcrypt PROCESSES SECONDS COST\n", stderr);
        return 2;
    }
    int64_t start = clock_now(), end = start + seconds * CLOCK_SECOND, checks, sum = 0;
    for (int i = 0; i < processes; i++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(check_until(end, atoi(argv[3]), reports[1]));
        }
        if (child < 0) {
            return 1;
        }
    }
    for (int i = 0; i < processes; i++) {
        if (read(reports[0], &checks, sizeof checks) != (ssize_t)sizeof checks) {
            return 1;
        }
        sum += checks;
    }
    printf("%.1f\n", (double)sum * (double)CLOCK_SECOND / (double)(clock_now() - start));
    while (wait(NULL) > 0) {
    }
    return 0;
}
