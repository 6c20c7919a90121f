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
#include "src/boxctl/migration_list.h"

struct state {
    struct arena *arena;
    char dir[64];
};

static int setup(void **state)
{
    struct state *st = calloc(1, sizeof *st);
    assert_non_null(st);
    st->arena = arena_new(16u << 20);
    strcpy(st->dir, "/tmp/test_migration_list.XXXXXX");
    assert_non_null(mkdtemp(st->dir));
    *state = st;
    return 0;
}

static int teardown(void **state)
{
    struct state *st = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", st->dir);
    int status = system(command);
    arena_free(&st->arena);
    free(st);
    return status;
}

static void write_file(const struct state *st, const char *name, const char *bytes, size_t len)
{
    FILE *file = fopen(arena_printf(st->arena, "%s/%s", st->dir, name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const struct state *st, const char *name, const char *text)
{
    write_file(st, name, text, strlen(text));
}

static struct migration_list read_list(const struct state *st)
{
    struct migration_list files;
    const char *why = NULL;
    if (!migration_list_read(st->arena, st->dir, &files, &why)) {
        fail_msg("%s", why);
    }
    return files;
}

static void assert_refused(const struct state *st, const char *expected)
{
    struct migration_list files = {.count = 99};
    const char *why = NULL;
    assert_false(migration_list_read(st->arena, st->dir, &files, &why));
    assert_non_null(strstr(why, expected));
    assert_int_equal(files.count, 99);
}

/* ---- names ---- */

static void test_version_good_name_is_its_number(void **state)
{
    (void)state;
    assert_int_equal(migration_version("001_base.sql"), 1);
    assert_int_equal(migration_version("010_user.sql"), 10);
    assert_int_equal(migration_version("999_a_b_2.sql"), 999);
}

static void test_version_other_name_is_zero(void **state)
{
    static const char *const names[] = {"",
                                        "001",
                                        ".sql",
                                        "1_base.sql",
                                        "0001_base.sql",
                                        "001base.sql",
                                        "001_.sql",
                                        "000_no.sql",
                                        "001_Base.sql",
                                        "001_ba-se.sql",
                                        "001_base.sql~",
                                        "001_base.sql.sql",
                                        "001_a b.sql",
                                        "+01_a.sql",
                                        "-01_a.sql",
                                        "x01_base.sql",
                                        "001_../a.sql",
                                        "001_\xc3\xa9.sql"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        assert_int_equal(migration_version(names[i]), 0);
    }
}

/* ---- reading ---- */

static void test_read_folder_sorts_by_number_and_ignores_other_files(void **state)
{
    struct state *st = *state;
    write_text(st, "100_c.sql", "three");
    write_text(st, "002_a.sql", "one");
    write_text(st, "010_b.sql", "two");
    write_text(st, "README.md", "not SQL");
    write_text(st, "002_a.sql~", "an editor's copy");
    struct migration_list files = read_list(st);
    assert_int_equal(files.count, 3);
    assert_string_equal(files.items[0].name, "002_a.sql");
    assert_string_equal(files.items[1].sql, "two");
    assert_int_equal(files.items[2].version, 100);
}

static void test_read_file_has_the_digest_of_its_bytes(void **state)
{
    struct state *st = *state;
    write_text(st, "001_abc.sql", "abc");
    assert_string_equal(read_list(st).items[0].sha256,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_read_bad_name_is_refused(void **state)
{
    struct state *st = *state;
    write_text(st, "001_base.sql", "");
    write_text(st, "base.sql", "");
    assert_refused(st, "base.sql: the name must be like");
}

static void test_read_same_number_twice_is_refused(void **state)
{
    struct state *st = *state;
    write_text(st, "001_a.sql", "");
    write_text(st, "001_b.sql", "");
    assert_refused(st, "001_a.sql and 001_b.sql have the same number");
}

static void test_read_empty_or_missing_folder_is_refused(void **state)
{
    struct state *st = *state;
    assert_refused(st, "no *.sql files");
    struct migration_list files;
    const char *why = NULL;
    assert_false(migration_list_read(st->arena, arena_printf(st->arena, "%s/none", st->dir), &files, &why));
    assert_non_null(strstr(why, "No such file"));
}

static void test_read_nul_byte_is_refused(void **state)
{
    struct state *st = *state;
    write_file(st, "001_nul.sql", "SELECT 1;\0DROP", 14);
    assert_refused(st, "NUL");
}

static void test_read_folder_in_place_of_file_is_refused(void **state)
{
    struct state *st = *state;
    assert_int_equal(system(arena_printf(st->arena, "mkdir '%s/001_dir.sql'", st->dir)), 0);
    assert_refused(st, "001_dir.sql");
}

/* ---- comparing ---- */

static struct migration files_abc[] = {
    {.version = 1, .name = "001_a.sql", .sha256 = "aa", .sql = "a"},
    {.version = 10, .name = "010_b.sql", .sha256 = "bb", .sql = "b"},
    {.version = 20, .name = "020_c.sql", .sha256 = "cc", .sql = "c"},
};

static const char *compare(struct state *st, struct migration_list files, struct migration_list applied,
                           size_t *pending)
{
    const char *why = NULL;
    *pending = 99;
    bool good = migration_list_compare(st->arena, &files, &applied, pending, &why);
    assert_true(good == (why == NULL));
    assert_true(good || *pending == 99);
    return why ? why : "";
}

static void test_compare_fresh_database_leaves_all_pending(void **state)
{
    size_t pending;
    assert_string_equal(compare(*state, (struct migration_list){files_abc, 3}, (struct migration_list){0}, &pending),
                        "");
    assert_int_equal(pending, 0);
}

static void test_compare_part_applied_leaves_the_rest_pending(void **state)
{
    size_t pending;
    struct migration_list files = {files_abc, 3};
    assert_string_equal(compare(*state, files, (struct migration_list){files_abc, 2}, &pending), "");
    assert_int_equal(pending, 2);
    assert_string_equal(compare(*state, files, files, &pending), "");
    assert_int_equal(pending, 3);
}

static void test_compare_edited_file_is_refused(void **state)
{
    size_t pending;
    struct migration past = {.version = 1, .name = "001_a.sql", .sha256 = "00"};
    const char *why =
        compare(*state, (struct migration_list){files_abc, 3}, (struct migration_list){&past, 1}, &pending);
    assert_non_null(strstr(why, "001_a.sql was edited"));
}

static void test_compare_renamed_file_is_refused(void **state)
{
    size_t pending;
    struct migration past = {.version = 1, .name = "001_z.sql", .sha256 = "aa"};
    const char *why =
        compare(*state, (struct migration_list){files_abc, 3}, (struct migration_list){&past, 1}, &pending);
    assert_non_null(strstr(why, "applied as 001_z.sql"));
}

static void test_compare_missing_past_file_is_refused(void **state)
{
    size_t pending;
    struct migration_list applied = {files_abc, 3};
    const char *why = compare(*state, (struct migration_list){files_abc, 2}, applied, &pending);
    assert_non_null(strstr(why, "020_c.sql was applied, but the file is missing"));
    struct migration first_and_last[] = {files_abc[0], files_abc[2]};
    why = compare(*state, (struct migration_list){first_and_last, 2}, applied, &pending);
    assert_non_null(strstr(why, "010_b.sql was applied, but the file is missing"));
}

static void test_compare_new_file_below_an_applied_one_is_refused(void **state)
{
    size_t pending;
    struct migration first_and_last[] = {files_abc[0], files_abc[2]};
    const char *why =
        compare(*state, (struct migration_list){files_abc, 3}, (struct migration_list){first_and_last, 2}, &pending);
    assert_non_null(strstr(why, "010_b.sql is new, but 020_c.sql was applied already"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_version_good_name_is_its_number),
        TEST(test_version_other_name_is_zero),
        TEST(test_read_folder_sorts_by_number_and_ignores_other_files),
        TEST(test_read_file_has_the_digest_of_its_bytes),
        TEST(test_read_bad_name_is_refused),
        TEST(test_read_same_number_twice_is_refused),
        TEST(test_read_empty_or_missing_folder_is_refused),
        TEST(test_read_nul_byte_is_refused),
        TEST(test_read_folder_in_place_of_file_is_refused),
        TEST(test_compare_fresh_database_leaves_all_pending),
        TEST(test_compare_part_applied_leaves_the_rest_pending),
        TEST(test_compare_edited_file_is_refused),
        TEST(test_compare_renamed_file_is_refused),
        TEST(test_compare_missing_past_file_is_refused),
        TEST(test_compare_new_file_below_an_applied_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
