#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/base/clock.h"
#include "common/crypto/crypto.h"
#include "src/providers/provider_errors.h"
#include "src/providers/webhook_signature.h"

/* Vectors of the Standard Webhooks reference and of PortOne's SDK. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define SENT_S INT64_C(1614265330)
#define BODY "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

#define PORTONE_SECRET "whsec_pzQGE83cSIRKM4/WH5QY+g=="
#define PORTONE_BODY                                                                                    \
    "{\"type\":\"Transaction.Paid\",\"timestamp\":\"2024-04-25T10:00:00.000Z\",\"data\":"               \
    "{\"paymentId\":\"example-payment-id\",\"storeId\":\"store-ae356798-3d20-4969-b739-14c6b0e1a667\"," \
    "\"transactionId\":\"55451513-9763-4a7a-bb43-78a4c65be843\"}}"
#define PORTONE_SIGNATURE "v1,qmNcYHU8w9hP22fshTiuuIP9XZrhl6h0hjCr1zh7DRs="

static int setup(void **state)
{
    *state = arena_new(1u << 20);
    clock_freeze(SENT_S * CLOCK_SECOND);
    return 0;
}

static int teardown(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    clock_freeze(CLOCK_NONE);
    return 0;
}

static struct webhook_headers good_headers(void)
{
    return (struct webhook_headers){.id = ID, .timestamp = "1614265330", .signature = SIGNATURE};
}

static const struct err *verify(void **state, const char *secrets, const struct webhook_headers *headers)
{
    return webhook_verify(*state, secrets, headers, BODY, strlen(BODY));
}

static void test_verify_reference_vector_passes(void **state)
{
    struct webhook_headers headers = good_headers();
    assert_null(verify(state, SECRET, &headers));
}

static void test_verify_portone_vector_passes(void **state)
{
    clock_freeze(INT64_C(1714039200) * CLOCK_SECOND);
    const struct webhook_headers headers = {"dummy-webhook-id", "1714039200", PORTONE_SIGNATURE};
    assert_null(webhook_verify(*state, PORTONE_SECRET, &headers, PORTONE_BODY, strlen(PORTONE_BODY)));
}

static void test_sign_reference_vector_gives_its_signature(void **state)
{
    assert_string_equal(webhook_sign(*state, SECRET, ID, SENT_S, BODY, strlen(BODY)), SIGNATURE);
}

static void test_verify_other_body_is_refused(void **state)
{
    struct webhook_headers headers = good_headers();
    const struct err *e = webhook_verify(*state, SECRET, &headers, BODY " ", strlen(BODY) + 1);
    assert_ptr_equal(e, &err_webhook_signature);
    assert_ptr_equal(webhook_verify(*state, SECRET, &headers, NULL, 0), &err_webhook_signature);
}

static void test_verify_other_id_or_timestamp_is_refused(void **state)
{
    struct webhook_headers headers = good_headers();
    headers.id = ID "x";
    assert_ptr_equal(verify(state, SECRET, &headers), &err_webhook_signature);
    headers = good_headers();
    headers.timestamp = "1614265331";
    assert_ptr_equal(verify(state, SECRET, &headers), &err_webhook_signature);
}

static void test_verify_missing_header_is_refused(void **state)
{
    for (int missing = 0; missing < 3; missing++) {
        struct webhook_headers headers = good_headers();
        *(missing == 0 ? &headers.id : missing == 1 ? &headers.timestamp : &headers.signature) = NULL;
        assert_ptr_equal(verify(state, SECRET, &headers), &err_webhook_signature);
    }
}

static void test_verify_doubled_id_is_refused(void **state)
{
    static const char *const doubled[] = {ID ", " ID, ID "," ID, ID " " ID, ""};
    for (size_t i = 0; i < ARRAY_COUNT(doubled); i++) {
        struct webhook_headers headers = good_headers();
        headers.id = doubled[i];
        headers.signature = webhook_sign(*state, SECRET, doubled[i], SENT_S, BODY, strlen(BODY));
        assert_ptr_equal(verify(state, SECRET, &headers), &err_webhook_signature);
    }
}

static void test_verify_id_longer_than_any_is_refused(void **state)
{
    char id[202] = "";
    memset(id, 'x', sizeof id - 1);
    for (int shorter = 0; shorter <= 1; shorter++) {
        struct webhook_headers headers = good_headers();
        headers.id = id + shorter;
        headers.signature = webhook_sign(*state, SECRET, headers.id, SENT_S, BODY, strlen(BODY));
        assert_ptr_equal(verify(state, SECRET, &headers), shorter ? NULL : &err_webhook_signature);
    }
}

static void test_verify_at_edge_of_tolerance(void **state)
{
    static const struct {
        int64_t age_s;
        bool passes;
    } rows[] = {{0, true}, {300, true}, {301, false}, {-300, true}, {-301, false}};
    struct webhook_headers headers = good_headers();
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        clock_freeze((SENT_S + rows[i].age_s) * CLOCK_SECOND);
        assert_int_equal(verify(state, SECRET, &headers) == NULL, rows[i].passes);
    }
}

static void test_verify_malformed_timestamp_is_refused(void **state)
{
    static const char *const malformed[] = {
        "", " 1614265330", "+1614265330", "1614265330.0", "0x60380000", "now", "99999999999999999999999"};
    for (size_t i = 0; i < ARRAY_COUNT(malformed); i++) {
        struct webhook_headers headers = good_headers();
        headers.timestamp = malformed[i];
        assert_ptr_equal(verify(state, SECRET, &headers), &err_webhook_signature);
    }
}

static void test_verify_several_signatures_one_fits(void **state)
{
    struct webhook_headers headers = good_headers();
    headers.signature = "v1a,zzz v2,AAAA v1,AAAA v1,!!! " SIGNATURE;
    assert_null(verify(state, SECRET, &headers));
}

static void test_verify_no_usable_signature_is_refused(void **state)
{
    static const char *const useless[] = {"",
                                          " ",
                                          "v1,",
                                          "v1",
                                          "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                                          "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                                          "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=",
                                          "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OEA", /* a byte more */
                                          "v1,g0hM9SsE"};
    for (size_t i = 0; i < ARRAY_COUNT(useless); i++) {
        struct webhook_headers headers = good_headers();
        headers.signature = useless[i];
        assert_ptr_equal(verify(state, SECRET, &headers), &err_webhook_signature);
    }
}

/* One that ends with a zero byte, which a comparison beyond its end might find there. */
static void test_verify_signature_cut_short_is_refused(void **state)
{
    struct webhook_headers headers = good_headers();
    const unsigned char *mac = NULL;
    size_t len = 0;
    for (int i = 0; mac == NULL || mac[len - 1] != '\0'; i++) {
        headers.id = arena_printf(*state, "msg_%d", i);
        headers.signature = webhook_sign(*state, SECRET, headers.id, SENT_S, BODY, strlen(BODY));
        mac = crypto_base64_decode(*state, headers.signature + strlen("v1,"), &len);
    }
    assert_null(verify(state, SECRET, &headers));
    headers.signature = arena_printf(*state, "v1,%s", crypto_base64(*state, mac, len - 1));
    assert_ptr_equal(verify(state, SECRET, &headers), &err_webhook_signature);
}

static void test_verify_flood_of_signatures_is_refused(void **state)
{
    struct webhook_headers headers = good_headers();
    char *flood = arena_alloc(*state, 8192);
    for (int i = 0; i < 1000; i++) {
        strcat(flood, "v1,AA ");
    }
    strcat(flood, SIGNATURE);
    headers.signature = flood;
    assert_ptr_equal(verify(state, SECRET, &headers), &err_webhook_signature);
}

static void test_verify_while_rotating_takes_either_secret(void **state)
{
    struct webhook_headers headers = good_headers();
    assert_null(verify(state, PORTONE_SECRET "," SECRET, &headers));
    assert_null(verify(state, SECRET "," PORTONE_SECRET, &headers));
    assert_ptr_equal(verify(state, PORTONE_SECRET, &headers), &err_webhook_signature);
}

static void test_verify_unusable_secret_refuses_everything(void **state)
{
    struct webhook_headers headers = good_headers();
    assert_ptr_equal(verify(state, "", &headers), &err_webhook_signature);
    assert_ptr_equal(verify(state, SECRET ",whsec_short", &headers), &err_webhook_signature);
}

static void test_secrets_valid(void **state)
{
    assert_true(webhook_secrets_valid(*state, SECRET));
    assert_true(webhook_secrets_valid(*state, SECRET "," PORTONE_SECRET));
    static const char *const bad[] = {"",
                                      "whsec_",
                                      "whsec_AAAA",
                                      "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                      SECRET ",",
                                      SECRET " " SECRET,
                                      SECRET "," SECRET "," SECRET "," SECRET "," SECRET};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(webhook_secrets_valid(*state, bad[i]));
    }
    assert_false(webhook_secrets_valid(*state, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_verify_reference_vector_passes),
        TEST(test_verify_portone_vector_passes),
        TEST(test_sign_reference_vector_gives_its_signature),
        TEST(test_verify_other_body_is_refused),
        TEST(test_verify_other_id_or_timestamp_is_refused),
        TEST(test_verify_missing_header_is_refused),
        TEST(test_verify_doubled_id_is_refused),
        TEST(test_verify_id_longer_than_any_is_refused),
        TEST(test_verify_at_edge_of_tolerance),
        TEST(test_verify_malformed_timestamp_is_refused),
        TEST(test_verify_several_signatures_one_fits),
        TEST(test_verify_no_usable_signature_is_refused),
        TEST(test_verify_signature_cut_short_is_refused),
        TEST(test_verify_flood_of_signatures_is_refused),
        TEST(test_verify_while_rotating_takes_either_secret),
        TEST(test_verify_unusable_secret_refuses_everything),
        TEST(test_secrets_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
