#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/array.h"
#include "common/base/cfg.h"

struct values {
    const char *name;
    const char *note;
    const char *secret;
    const char *password;
    int64_t wait_ms;
    bool eager;
};

static struct values values;

#define KEY(member) offsetof(struct values, member)
static const struct cfg_key keys[] = {
    {"BOX_T_NAME", CFG_STR, KEY(name), "", NULL, 2, 8, CFG_REQUIRED, "a name"},
    {"BOX_T_NOTE", CFG_STR, KEY(note), "", NULL, 0, 0, 0, "a note"},
    {"BOX_T_SECRET", CFG_STR, KEY(secret), "", "sandbox-token", 16, 0, CFG_SECRET, "a key"},
    {"BOX_T_PASSWORD", CFG_STR, KEY(password), "", NULL, 16, 0, CFG_SECRET | CFG_OPTIONAL, "of somebody else's"},
    {"BOX_T_WAIT_MS", CFG_INT, KEY(wait_ms), "ms", "250", -5, 1000, 0, "how long"},
    {"BOX_T_EAGER", CFG_BOOL, KEY(eager), "", "0", 0, 1, 0, "whether"},
};
static const struct cfg_section section = {"Test", keys, ARRAY_COUNT(keys), &values};
static const struct cfg_section *const sections[] = {&section, &cfg_process_section, NULL};

static char path[] = "/tmp/test_cfg.XXXXXX";

static int setup(void **state)
{
    (void)state;
    static const char *const names[] = {"BOX_T_NAME",    "BOX_T_NAME_FILE",   "BOX_T_NOTE",    "BOX_T_NOTE_FILE",
                                        "BOX_T_SECRET",  "BOX_T_SECRET_FILE", "BOX_T_WAIT_MS", "BOX_T_WAIT_MS_FILE",
                                        "BOX_T_EAGER",   "BOX_SANDBOX",       "BOX_RUN_DIR",   "BOX_LOG_LEVEL",
                                        "BOX_T_PASSWORD"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        unsetenv(names[i]);
    }
    setenv("BOX_T_NAME", "anna", 1);
    setenv("BOX_T_SECRET", "0123456789abcdef", 1);
    memset(&values, 0, sizeof values);
    return 0;
}

static void assert_loads(void)
{
    const char *why = NULL;
    if (!cfg_load(sections, &why)) {
        fail_msg("refused: %s", why);
    }
}

static void assert_refused(const char *expected)
{
    const char *why = NULL;
    assert_false(cfg_load(sections, &why));
    if (strstr(why, expected) == NULL) {
        fail_msg("'%s' does not say '%s'", why, expected);
    }
}

static void write_file(const char *bytes, size_t len)
{
    strcpy(path, "/tmp/test_cfg.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static void test_cfg_unset_keys_get_their_defaults(void **state)
{
    (void)state;
    setenv("BOX_T_WAIT_MS", "", 1);
    assert_loads();
    assert_string_equal(values.name, "anna");
    assert_null(values.note);
    assert_int_equal(values.wait_ms, 250);
    assert_false(values.eager);
    assert_string_equal(cfg_process.timezone, "Asia/Seoul");
    assert_string_equal(cfg_process.run_dir, "var/run");
    assert_int_equal(cfg_process.max_requests, 10000);
    assert_int_equal(cfg_process.watchdog_ms, 60000);
    assert_int_equal(cfg_process.drain_ms, 10000);
}

static void test_cfg_set_keys_are_read_and_copied(void **state)
{
    (void)state;
    setenv("BOX_T_WAIT_MS", "-5", 1);
    setenv("BOX_T_EAGER", "1", 1);
    assert_loads();
    setenv("BOX_T_NAME", "bert", 1);
    assert_string_equal(values.name, "anna");
    assert_int_equal(values.wait_ms, -5);
    assert_true(values.eager);
}

static void test_cfg_bad_values_name_their_key(void **state)
{
    (void)state;
    static const char *const numbers[] = {"-6", "1001", "5x",  "x",   "5 ",
                                          " 5", "+5",   "0x5", "5.0", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        setenv("BOX_T_WAIT_MS", numbers[i], 1);
        assert_refused("BOX_T_WAIT_MS is '");
    }
    unsetenv("BOX_T_WAIT_MS");
    setenv("BOX_T_EAGER", "yes", 1);
    assert_refused("BOX_T_EAGER is 'yes', but must be 0 or 1");
    unsetenv("BOX_T_EAGER");
    setenv("BOX_T_NAME", "a", 1);
    assert_refused("BOX_T_NAME has 1 characters, but must have 2 or more");
    setenv("BOX_T_NAME", "123456789", 1);
    assert_refused("BOX_T_NAME has 9 characters, but must have 8 or fewer");
    unsetenv("BOX_T_NAME");
    assert_refused("BOX_T_NAME is not set");
}

static void test_cfg_file_gives_a_text_without_its_newline(void **state)
{
    (void)state;
    unsetenv("BOX_T_NAME");
    write_file("bert\r\n", 6);
    setenv("BOX_T_NAME_FILE", path, 1);
    assert_loads();
    assert_string_equal(values.name, "bert");
    for (int i = 0; i < 100; i++) {
        assert_loads();
    }
    setenv("BOX_T_NAME", "anna", 1);
    assert_refused("both set");
    unlink(path);
    unsetenv("BOX_T_NAME");
    assert_refused("BOX_T_NAME_FILE: cannot open");
    write_file("be\0rt", 5);
    setenv("BOX_T_NAME_FILE", path, 1);
    assert_refused("not a readable text file");
    unlink(path);
}

static void test_cfg_secret_outside_the_sandbox_must_be_a_secret(void **state)
{
    (void)state;
    unsetenv("BOX_T_SECRET");
    assert_refused("BOX_T_SECRET is a secret of fewer than 16");
    setenv("BOX_T_SECRET", "0123456789abcde", 1);
    assert_refused("fewer than 16");
    static const char *const known[] = {"Sandbox-0123456789abcdef", "my-SECRET-my-secret", "changeme-changeme-changeme",
                                        "password1234567890", "whsec_c2FuZGJveC13ZWJob29r"};
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        setenv("BOX_T_SECRET", known[i], 1);
        assert_refused("BOX_T_SECRET is a well-known secret");
    }
}

static void test_cfg_optional_secret_may_be_missing_but_not_weak(void **state)
{
    (void)state;
    assert_loads();
    assert_null(values.password);
    setenv("BOX_T_PASSWORD", "short", 1);
    assert_refused("BOX_T_PASSWORD is a secret of fewer than 16");
    setenv("BOX_T_PASSWORD", "changeme-changeme-changeme", 1);
    assert_refused("BOX_T_PASSWORD is a well-known secret");
    setenv("BOX_T_PASSWORD", "0123456789abcdef", 1);
    assert_loads();
    assert_string_equal(values.password, "0123456789abcdef");
}

static void test_cfg_secret_in_the_sandbox_may_be_anything(void **state)
{
    (void)state;
    setenv("BOX_SANDBOX", "1", 1);
    unsetenv("BOX_T_SECRET");
    assert_loads();
    assert_true(cfg_process.sandbox);
    assert_string_equal(values.secret, "sandbox-token");
}

/* What print() writes, for free(). */
static char *printed(void (*print)(const struct cfg_section *const *sections, FILE *to))
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    print(sections, to);
    fclose(to);
    return text;
}

static void test_cfg_dump_shows_values_and_hides_secrets(void **state)
{
    (void)state;
    assert_loads();
    char *text = printed(cfg_dump);
    assert_non_null(strstr(text, "\nBOX_T_NAME=anna\n"));
    assert_non_null(strstr(text, "\nBOX_T_NOTE=\n"));
    assert_non_null(strstr(text, "\nBOX_T_SECRET=(secret)\n"));
    assert_non_null(strstr(text, "# how long (ms, default: 250)\nBOX_T_WAIT_MS=250\n"));
    assert_null(strstr(text, "0123456789abcdef"));
    free(text);
}

static void test_cfg_manual_is_a_table_per_section(void **state)
{
    (void)state;
    char *text = printed(cfg_manual);
    assert_non_null(strstr(text, "## Test\n\n| Variable |"));
    assert_non_null(strstr(text, "| `BOX_T_WAIT_MS` | 250 | -5 to 1000 ms | how long |"));
    assert_non_null(strstr(text, "## Every program"));
    assert_null(strstr(text, "0123456789abcdef"));
    free(text);
}

#define CLEAN(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAN(test_cfg_unset_keys_get_their_defaults),
        CLEAN(test_cfg_set_keys_are_read_and_copied),
        CLEAN(test_cfg_bad_values_name_their_key),
        CLEAN(test_cfg_file_gives_a_text_without_its_newline),
        CLEAN(test_cfg_secret_outside_the_sandbox_must_be_a_secret),
        CLEAN(test_cfg_optional_secret_may_be_missing_but_not_weak),
        CLEAN(test_cfg_secret_in_the_sandbox_may_be_anything),
        CLEAN(test_cfg_dump_shows_values_and_hides_secrets),
        CLEAN(test_cfg_manual_is_a_table_per_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
