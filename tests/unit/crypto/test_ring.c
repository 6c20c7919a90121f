#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/ring.h"

struct expected {
    const char *text;
    const char *id;
    int64_t from_s;
    const char *key; /* NULL: none */
};

static void test_an_entry_is_an_id_a_time_and_a_key(void **state)
{
    static const struct expected rows[] = {
        {"", "", 0, NULL},
        {":", "", 0, ""},
        {"1:ab", "1", 0, "ab"},
        {"k1:ES256:ab", "k1", 0, "ES256:ab"},
        {"k1@1780308060:ab", "k1", 1780308060, "ab"},
        {"k1@1780308060", "k1", 1780308060, NULL},
        {"a@b@7:c", "a@b", 7, "c"},
        {"@7:c", "", 7, "c"},
        {"@:c", "@", 0, "c"},
        {"k@:c", "k@", 0, "c"},
        {"k@x7:c", "k@x7", 0, "c"},
        {"k7:c", "k7", 0, "c"},
        {"7:c", "7", 0, "c"},
        {"k@99999999999:c", "k", INT64_C(99999999999), "c"},
        {"k@100000000000:c", "k@100000000000", 0, "c"},
        {"k@7:c@8", "k", 7, "c@8"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const char *at = rows[i].text;
        struct ring_entry entry;
        ring_next(&at, &entry);
        assert_null(at);
        assert_int_equal(entry.id_len, strlen(rows[i].id));
        assert_memory_equal(entry.id, rows[i].id, entry.id_len);
        assert_int_equal(entry.from_s, rows[i].from_s);
        assert_int_equal(entry.key == NULL, rows[i].key == NULL);
        if (rows[i].key != NULL) {
            assert_int_equal(entry.key_len, strlen(rows[i].key));
            assert_memory_equal(entry.key, rows[i].key, entry.key_len);
        }
    }
}

static void test_entries_follow_each_other(void **state)
{
    (void)state;
    const char *at = "b@5:two,a,:";
    struct ring_entry entry;
    ring_next(&at, &entry);
    assert_string_equal(at, "a,:");
    assert_int_equal(entry.key_len, 3);
    ring_next(&at, &entry);
    assert_null(entry.key);
    assert_int_equal(entry.id_len, 1);
    ring_next(&at, &entry);
    assert_null(at);
    at = "a:1,";
    ring_next(&at, &entry);
    assert_string_equal(at, "");
    ring_next(&at, &entry);
    assert_int_equal(entry.id_len, 0);
    assert_null(at);
}

static void test_a_key_is_due_from_its_second_on(void **state)
{
    (void)state;
    clock_freeze(1000 * CLOCK_SECOND - 1);
    assert_true(ring_due(0));
    assert_false(ring_due(1000));
    clock_freeze(1000 * CLOCK_SECOND);
    assert_true(ring_due(1000));
    clock_freeze(CLOCK_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entry_is_an_id_a_time_and_a_key),
        cmocka_unit_test(test_entries_follow_each_other),
        cmocka_unit_test(test_a_key_is_due_from_its_second_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
