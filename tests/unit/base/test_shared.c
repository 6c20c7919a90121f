#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/shared.h"

#define LAYOUT 7

struct file {
    struct shared_head head;
    pthread_mutex_t mutex;
    int fresh; /* 1 after init_file() */
    int value;
};

static char dir[64];

static void init_file(void *fresh)
{
    struct file *file = fresh;
    assert_int_equal(file->value, 0);
    shared_mutex_init(&file->mutex);
    file->fresh = 1;
}

static struct file *open_file(uint64_t layout)
{
    return shared_map(dir, "f", layout, sizeof(struct file), init_file);
}

static void close_file(struct file *file)
{
    munmap(file, sizeof *file);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/test_shared.XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%.64s'", dir);
    return system(command);
}

static const char *file_path(void)
{
    static char path[80];
    snprintf(path, sizeof path, "%.64s/f", dir);
    return path;
}

static void test_shared_map_makes_missing_directories(void **state)
{
    (void)state;
    char deep[96];
    snprintf(deep, sizeof deep, "%.64s/a/b/c", dir);
    struct file *file = shared_map(deep, "f", LAYOUT, sizeof *file, init_file);
    assert_non_null(file);
    assert_int_equal(file->fresh, 1);
    close_file(file);
}

static void test_shared_map_in_an_impossible_place_is_null(void **state)
{
    (void)state;
    assert_null(shared_map("/dev/null/x", "f", LAYOUT, 4096, NULL));
    assert_null(shared_map(dir, "no/such/folder", LAYOUT, 4096, NULL));
}

static void test_shared_map_twice_is_the_same_memory(void **state)
{
    (void)state;
    struct file *first = open_file(LAYOUT);
    struct file *second = open_file(LAYOUT);
    first->value = 42;
    assert_int_equal(second->value, 42);
    close_file(first);
    close_file(second);
    struct file *third = open_file(LAYOUT);
    assert_int_equal(third->value, 42);
    close_file(third);
}

static void test_shared_map_replaces_another_layout_and_leaves_its_users_alone(void **state)
{
    (void)state;
    struct file *old = open_file(LAYOUT);
    old->value = 1;
    struct file *new = open_file(LAYOUT + 1);
    assert_int_equal(new->value, 0);
    new->value = 2;
    assert_int_equal(old->value, 1);
    close_file(old);
    close_file(new);
}

static void test_shared_map_replaces_a_file_of_another_boot(void **state)
{
    (void)state;
    struct file *file = open_file(LAYOUT);
    file->value = 1;
    file->head.boot[0] ^= 1;
    close_file(file);
    file = open_file(LAYOUT);
    assert_int_equal(file->value, 0);
    close_file(file);
}

static void test_shared_map_replaces_truncated_and_foreign_files(void **state)
{
    (void)state;
    static const off_t sizes[] = {0, 1, sizeof(struct shared_head), sizeof(struct file) - 1, sizeof(struct file) + 1};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        close_file(open_file(LAYOUT));
        assert_int_equal(truncate(file_path(), sizes[i]), 0);
        struct file *file = open_file(LAYOUT);
        assert_non_null(file);
        assert_int_equal(file->fresh, 1);
        close_file(file);
    }
}

static void test_shared_map_by_many_processes_at_once_is_one_file(void **state)
{
    (void)state;
    enum { PROCESSES = 8 };
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct file *file = open_file(LAYOUT);
            if (file == NULL || shared_lock(&file->mutex) == SHARED_FAILED) {
                _exit(1);
            }
            file->value++;
            shared_unlock(&file->mutex);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    struct file *file = open_file(LAYOUT);
    assert_int_equal(file->value, PROCESSES);
    close_file(file);
}

static void test_shared_lock_of_a_killed_process_is_inherited(void **state)
{
    (void)state;
    struct file *file = open_file(LAYOUT);
    pid_t child = fork();
    if (child == 0) {
        if (shared_lock(&file->mutex) == SHARED_LOCKED) {
            raise(SIGKILL);
        }
        _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(shared_lock(&file->mutex), SHARED_INHERITED);
    shared_unlock(&file->mutex);
    assert_int_equal(shared_lock(&file->mutex), SHARED_LOCKED);
    shared_unlock(&file->mutex);
    close_file(file);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_shared_map_makes_missing_directories),
        IN_DIR(test_shared_map_in_an_impossible_place_is_null),
        IN_DIR(test_shared_map_twice_is_the_same_memory),
        IN_DIR(test_shared_map_replaces_another_layout_and_leaves_its_users_alone),
        IN_DIR(test_shared_map_replaces_a_file_of_another_boot),
        IN_DIR(test_shared_map_replaces_truncated_and_foreign_files),
        IN_DIR(test_shared_map_by_many_processes_at_once_is_one_file),
        IN_DIR(test_shared_lock_of_a_killed_process_is_inherited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
