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
#include "src/boxctl/db_url.h"
#include "src/boxctl/file.h"
#include "src/boxctl/redis_info.h"
#include "src/boxctl/scram.h"

static int setup(void **state)
{
    *state = arena_new(1u << 20);
    return 0;
}

static int teardown(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    return 0;
}

/* ---- db_url ---- */

static void test_db_url_valid_only_for_a_url_with_a_database(void **state)
{
    (void)state;
    assert_true(db_url_valid("postgresql://owner@/boxoffice?host=/run/pg"));
    assert_true(db_url_valid("postgres://a,b:5433/boxoffice"));
    assert_true(db_url_valid("postgresql:///boxoffice?sslmode=require&host=/run"));
    assert_false(db_url_valid("host=/run dbname=boxoffice"));
    assert_false(db_url_valid("postgresql://host"));
    assert_false(db_url_valid("postgresql://host/"));
    assert_false(db_url_valid("postgresql://host/?host=/run"));
    assert_false(db_url_valid("postgresql:///boxoffice?user=owner"));
    assert_false(db_url_valid("postgresql:///boxoffice?host=/run&password=x"));
    assert_false(db_url_valid("postgresql:///boxoffice?dbname=other"));
    assert_false(db_url_valid(""));
}

static void test_db_url_as_replaces_user_and_password(void **state)
{
    assert_string_equal(db_url_as(*state, "postgresql://owner:pw@h:5432/boxoffice?a=b", "gateway"),
                        "postgresql://gateway@h:5432/boxoffice?a=b");
    assert_string_equal(db_url_as(*state, "postgresql:///boxoffice?host=/run/a@b", "gateway"),
                        "postgresql://gateway@/boxoffice?host=/run/a@b");
    assert_string_equal(db_url_as(*state, "postgresql://o@a,b:5433/boxoffice", "gateway"),
                        "postgresql://gateway@a,b:5433/boxoffice");
}

static void test_db_url_at_replaces_the_database(void **state)
{
    assert_string_equal(db_url_at(*state, "postgresql://owner@h/boxoffice?host=/run", "postgres"),
                        "postgresql://owner@h/postgres?host=/run");
    assert_string_equal(db_url_at(*state, "postgresql://h/boxoffice", "postgres"), "postgresql://h/postgres");
    assert_string_equal(db_url_database(*state, "postgresql://owner@h/boxoffice?host=/run"), "boxoffice");
}

/* ---- scram ---- */

/* RFC 7677 section 3 gives password, salt, iterations and the proofs; stored and server key follow from them. */
static void test_scram_verifier_of_the_rfc_example(void **state)
{
    static const unsigned char salt[SCRAM_SALT_SIZE] = {0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e,
                                                        0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81};
    assert_string_equal(scram_verifier(*state, "pencil", salt),
                        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
                        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

/* ---- file ---- */

static const char *write_secret(struct arena *arena, const char *dir, const char *bytes, size_t len)
{
    const char *path = arena_printf(arena, "%s/db-x", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void test_file_secret_good_file_is_its_line(void **state)
{
    char dir[] = "/tmp/test_boxctl.XXXXXX";
    const char *secret = NULL, *why = NULL;
    assert_non_null(mkdtemp(dir));
    const char *path = write_secret(*state, dir, "s3cret/+=\n", 10);
    bool read = file_secret(*state, dir, "db-x", &secret, &why);
    unlink(path);
    rmdir(dir);
    assert_true(read);
    assert_string_equal(secret, "s3cret/+=");
}

static void test_file_secret_missing_file_is_none(void **state)
{
    char dir[] = "/tmp/test_boxctl.XXXXXX";
    const char *secret = "untouched", *why = NULL;
    assert_non_null(mkdtemp(dir));
    bool read = file_secret(*state, dir, "db-x", &secret, &why);
    rmdir(dir);
    assert_true(read);
    assert_null(secret);
    secret = "untouched";
    assert_true(file_secret(*state, NULL, "db-x", &secret, &why));
    assert_null(secret);
}

static void test_file_secret_odd_content_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } odd[] = {{"", 0}, {"\n", 1}, {"a b", 3}, {"a\nb\n", 4}, {"a\0b", 3}, {"\xeb\xb9\x84", 3}, {"a\r\n", 3}};
    char dir[] = "/tmp/test_boxctl.XXXXXX";
    assert_non_null(mkdtemp(dir));
    size_t refused = 0;
    for (size_t i = 0; i < ARRAY_COUNT(odd); i++) {
        const char *secret = NULL, *why = NULL;
        const char *path = write_secret(*state, dir, odd[i].bytes, odd[i].len);
        refused += !file_secret(*state, dir, "db-x", &secret, &why) && secret == NULL && strstr(why, path) != NULL;
        unlink(path);
    }
    rmdir(dir);
    assert_int_equal(refused, ARRAY_COUNT(odd));
}

static void test_file_read_larger_than_allowed_is_refused(void **state)
{
    char dir[] = "/tmp/test_boxctl.XXXXXX";
    char *text = NULL;
    size_t len = 0;
    assert_non_null(mkdtemp(dir));
    const char *path = write_secret(*state, dir, "12345", 5);
    bool fits = file_read(*state, path, 5, &text, &len);
    bool too_large = !file_read(*state, path, 4, &text, &len);
    unlink(path);
    rmdir(dir);
    assert_true(fits);
    assert_string_equal(text, "12345");
    assert_true(too_large);
}

/* ---- redis_info ---- */

static void test_redis_info_finds_whole_keys_only(void **state)
{
    static const char info[] = "# Server\r\nredis_version:7.0.15\r\n\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n"
                               "empty:\r\naof_enabled:1";
    assert_string_equal(redis_info(*state, info, "redis_version"), "7.0.15");
    assert_string_equal(redis_info(*state, info, "maxmemory_policy"), "noeviction");
    assert_string_equal(redis_info(*state, info, "aof_enabled"), "1");
    assert_string_equal(redis_info(*state, info, "maxmemory"), "");
    assert_string_equal(redis_info(*state, info, "version"), "");
    assert_string_equal(redis_info(*state, info, "empty"), "");
    assert_string_equal(redis_info(*state, "", "redis_version"), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_db_url_valid_only_for_a_url_with_a_database),
        TEST(test_db_url_as_replaces_user_and_password),
        TEST(test_db_url_at_replaces_the_database),
        TEST(test_scram_verifier_of_the_rfc_example),
        TEST(test_file_secret_good_file_is_its_line),
        TEST(test_file_secret_missing_file_is_none),
        TEST(test_file_secret_odd_content_is_refused),
        TEST(test_file_read_larger_than_allowed_is_refused),
        TEST(test_redis_info_finds_whole_keys_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
