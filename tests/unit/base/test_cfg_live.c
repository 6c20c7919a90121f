/* Settings that follow their files while the program runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/cfg.h"
#include "common/base/clock.h"
#include "common/base/log.h"

static struct {
    const char *ring, *fixed;
} values;

static const struct cfg_key keys[] = {
    {"BOX_T_RING", CFG_STR, 0, "", NULL, 4, 40, CFG_SECRET | CFG_LIVE, "keys"},
    {"BOX_T_FIXED", CFG_STR, sizeof(const char *), "", NULL, 0, 40, 0, "what stays"},
};
static const struct cfg_section section = {"Test", keys, ARRAY_COUNT(keys), &values};
static const struct cfg_section *const sections[] = {&section, NULL};

static char folder[] = "/tmp/test_cfg_live.XXXXXX";
static char ring_path[64], fixed_path[64];
static int changes;
static const char *refused; /* a value that `changed` does not take */

static void put(const char *path, const char *text)
{
    char part[80];
    snprintf(part, sizeof part, "%s.part", path);
    FILE *file = fopen(part, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(rename(part, path), 0);
}

static bool changed(const char **why_r)
{
    changes++;
    *why_r = "it is not wanted";
    return refused == NULL || strcmp(values.ring, refused) != 0;
}

static void look(void)
{
    clock_skip(CLOCK_SECOND);
    cfg_refresh();
}

static int setup(void **state)
{
    (void)state;
    const char *why;
    log_init("test_cfg_live", LOG_LEVEL_ERROR);
    snprintf(ring_path, sizeof ring_path, "%s/ring", folder);
    snprintf(fixed_path, sizeof fixed_path, "%s/fixed", folder);
    put(ring_path, "k1:first\n");
    put(fixed_path, "stays");
    setenv("BOX_T_RING_FILE", ring_path, 1);
    setenv("BOX_T_FIXED_FILE", fixed_path, 1);
    setenv("BOX_SANDBOX", "1", 1);
    refused = NULL;
    if (!cfg_load(sections, &why)) {
        fail_msg("%s", why);
    }
    cfg_watch(&section, changed);
    cfg_watch(&section, changed);
    look();
    changes = 0;
    return 0;
}

static void test_value_follows_its_file(void **state)
{
    (void)state;
    put(ring_path, "k2:second,k1:first\n");
    put(fixed_path, "is not read again");
    look();
    assert_string_equal(values.ring, "k2:second,k1:first");
    assert_string_equal(values.fixed, "stays");
    assert_int_equal(changes, 1);
    look();
    assert_int_equal(changes, 1);
    for (int i = 0; i < 100; i++) {
        char text[40];
        snprintf(text, sizeof text, "k%d:another", i);
        put(ring_path, text);
        look();
        assert_string_equal(values.ring, text);
    }
    assert_int_equal(changes, 101);
}

static void test_file_is_looked_at_once_a_second(void **state)
{
    (void)state;
    look();
    put(ring_path, "k2:second");
    cfg_refresh();
    assert_string_equal(values.ring, "k1:first");
    look();
    assert_string_equal(values.ring, "k2:second");
}

static void test_file_of_the_same_text_changes_nothing(void **state)
{
    (void)state;
    const char *before = values.ring;
    put(ring_path, "k1:first");
    look();
    assert_ptr_equal(values.ring, before);
    assert_int_equal(changes, 0);
}

static void test_value_that_is_bad_is_not_taken_over(void **state)
{
    (void)state;
    static const char *const bad[] = {"k9:a-value-of-more-characters-than-this-key-may-have", "refused"};
    refused = "refused";
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        put(ring_path, bad[i]);
        look();
        assert_string_equal(values.ring, "k1:first");
    }
    assert_int_equal(unlink(ring_path), 0);
    look();
    assert_string_equal(values.ring, "k1:first");
    assert_int_equal(mkdir(ring_path, 0700), 0);
    look();
    assert_string_equal(values.ring, "k1:first");
    assert_int_equal(rmdir(ring_path), 0);
    put(ring_path, "k2:second");
    look();
    assert_string_equal(values.ring, "k2:second");
}

static void test_variable_without_a_file_stays(void **state)
{
    (void)state;
    const char *why;
    unsetenv("BOX_T_RING_FILE");
    setenv("BOX_T_RING", "k3:third", 1);
    assert_true(cfg_load(sections, &why));
    put(ring_path, "k2:second");
    look();
    assert_string_equal(values.ring, "k3:third");
    unsetenv("BOX_T_RING");
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : 1;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(ring_path);
    unlink(fixed_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_value_follows_its_file, setup),
        cmocka_unit_test_setup(test_file_is_looked_at_once_a_second, setup),
        cmocka_unit_test_setup(test_file_of_the_same_text_changes_nothing, setup),
        cmocka_unit_test_setup(test_value_that_is_bad_is_not_taken_over, setup),
        cmocka_unit_test_setup(test_variable_without_a_file_stays, setup),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
