#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/cfg.h"
#include "common/base/clock.h"
#include "src/providers/portone.h"
#include "src/providers/sandbox_credentials.h"
#include "tests/support/fake_http.h"

#define KEY "confirm-0123456789abcdef"
#define PAID                                                                                                    \
    "{\"status\":\"PAID\",\"id\":\"order 1\",\"transactionId\":\"tx-1\",\"storeId\":\"store-sandbox\","         \
    "\"channel\":{\"type\":\"TEST\",\"key\":\"channel-sandbox\"},\"currency\":\"KRW\","                         \
    "\"amount\":{\"total\":300000,\"paid\":300000,\"cancelled\":0},\"paidAt\":\"2026-01-01T00:00:05Z\","        \
    "\"method\":{\"type\":\"PaymentMethodCard\",\"card\":{\"name\":\"card\",\"number\":\"123456******7890\"}}," \
    "\"pgTxId\":\"pg-1\",\"disputes\":[],\"something\":{\"new\":[1,2]}}"

static char run_dir[64];

static int setup_group(void **state)
{
    (void)state;
    snprintf(run_dir, sizeof run_dir, "/tmp/test_portone.XXXXXX");
    assert_non_null(mkdtemp(run_dir));
    cfg_process.run_dir = run_dir;
    cfg_portone = (struct cfg_portone){
        .url = "http://portone",
        .secret = "s3cret",
        .store_id = SANDBOX_PORTONE_STORE,
        .channel_key = SANDBOX_PORTONE_CHANNEL,
        .webhook_secret = SANDBOX_PORTONE_WEBHOOK_SECRET,
        .test_mode = true,
        .timeout_ms = 10000,
        .breaker_window = 100,
        .breaker_min_calls = 20,
        .breaker_percent = 50,
        .breaker_open_ms = 60000,
        .breaker_probes = 10,
    };
    return 0;
}

static int teardown_group(void **state)
{
    (void)state;
    static const char *const files[] = {"portone-payments.breaker", "portone-identities.breaker"};
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", run_dir, files[i]);
        unlink(path);
    }
    return rmdir(run_dir);
}

static int setup(void **state)
{
    struct ctx *ctx = calloc(1, sizeof *ctx);
    ctx->arena = arena_new(4u << 20);
    fake_http.calls = 0;
    *state = ctx;
    return 0;
}

static int teardown(void **state)
{
    struct ctx *ctx = *state;
    arena_free(&ctx->arena);
    free(ctx);
    return 0;
}

static const struct err *confirm(struct ctx *ctx, struct portone_confirmation *confirmation_r,
                                 struct portone_refusal *refusal_r)
{
    const struct portone_confirm request = {"token", "tx-1", 300000, KEY};
    return portone_confirm(ctx, "order 1", &request, confirmation_r, refusal_r);
}

/* ---- requests ---- */

static void test_pre_register_sends_amount_and_store(void **state)
{
    fake_http_answers(200, "{}");
    assert_null(portone_pre_register(*state, "order 1", 300000, NULL));
    assert_string_equal(fake_http.url, "http://portone/payments/order%201/pre-register");
    assert_string_equal(fake_http.sent, "{\"storeId\":\"store-sandbox\",\"totalAmount\":300000,"
                                        "\"taxFreeAmount\":0,\"currency\":\"KRW\"}");
    assert_string_equal(fake_http_header("Authorization"), "PortOne s3cret");
    assert_int_equal(fake_http.last.timeout_ms, 10000);
}

static void test_confirm_sends_guards_and_quoted_key(void **state)
{
    struct portone_confirmation confirmation;
    struct portone_refusal refusal;
    fake_http_answers(200, "{\"pgTxId\":\"pg-1\",\"paidAt\":\"2026-01-01T00:00:05Z\"}");
    assert_null(confirm(*state, &confirmation, &refusal));
    assert_string_equal(fake_http.url, "http://portone/payments/order%201/confirm");
    assert_string_equal(fake_http.sent, "{\"storeId\":\"store-sandbox\",\"paymentToken\":\"token\",\"txId\":\"tx-1\","
                                        "\"currency\":\"KRW\",\"totalAmount\":300000}");
    assert_string_equal(fake_http_header("Idempotency-Key"), "\"" KEY "\"");
    assert_string_equal(confirmation.pg_tx_id, "pg-1");
    assert_int_equal(confirmation.paid_at, INT64_C(1767225605) * CLOCK_SECOND);
}

static void test_cancel_sends_only_what_is_asked(void **state)
{
    struct portone_cancellation cancellation;
    struct portone_refusal refusal;
    fake_http_answers(200, "{\"cancellation\":{\"status\":\"SUCCEEDED\",\"id\":\"c-1\",\"totalAmount\":1000,"
                           "\"cancelledAt\":\"2026-01-01T00:00:05Z\"}}");
    const struct portone_cancel all = {.reason = "why \"so\"", .idempotency_key = KEY};
    assert_null(portone_cancel(*state, "p", &all, &cancellation, &refusal));
    assert_string_equal(fake_http.sent, "{\"storeId\":\"store-sandbox\",\"reason\":\"why \\\"so\\\"\"}");
    const struct portone_cancel part = {"r", 1000, 5000, KEY};
    assert_null(portone_cancel(*state, "p", &part, &cancellation, &refusal));
    assert_string_equal(fake_http.sent, "{\"storeId\":\"store-sandbox\",\"reason\":\"r\",\"amount\":1000,"
                                        "\"currentCancellableAmount\":5000}");
    assert_int_equal(cancellation.status, PORTONE_CANCEL_SUCCEEDED);
    assert_int_equal(cancellation.amount, 1000);
    assert_string_equal(cancellation.id, "c-1");
}

static void test_cancel_not_finished_is_told_apart(void **state)
{
    static const struct {
        const char *body;
        enum portone_cancel_status status;
    } rows[] = {
        {"{\"cancellation\":{\"status\":\"REQUESTED\",\"id\":\"c\"}}", PORTONE_CANCEL_REQUESTED},
        {"{\"cancellation\":{\"status\":\"FAILED\",\"id\":\"c\"}}", PORTONE_CANCEL_FAILED},
        {"{\"cancellation\":{\"status\":\"OF_TOMORROW\",\"id\":\"c\"}}", PORTONE_CANCEL_UNKNOWN},
        {"{}", PORTONE_CANCEL_UNKNOWN},
    };
    const struct portone_cancel request = {.reason = "r", .idempotency_key = KEY};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct portone_cancellation cancellation;
        fake_http_answers(200, rows[i].body);
        assert_null(portone_cancel(*state, "p", &request, &cancellation, NULL));
        assert_int_equal(cancellation.status, rows[i].status);
        assert_int_equal(cancellation.cancelled_at, CLOCK_NONE);
    }
}

/* ---- what an answer means ---- */

#define REFUSAL(type) "{\"type\":\"" type "\",\"message\":\"words\",\"of\":\"tomorrow\"}"

struct meaning {
    const struct err *transport; /* what the call itself gave; NULL: the answer */
    int status;
    const char *body;
    const struct err *of_write; /* confirm, cancel */
    const struct err *of_read;  /* get */
};

static const struct meaning meanings[] = {
    {&err_unavailable, 0, "", &err_portone_unavailable, &err_portone_unavailable},
    {&err_timeout, 0, "", &err_uncertain, &err_portone_unavailable},
    {&err_uncertain, 0, "", &err_uncertain, &err_portone_unavailable},
    {&err_bad_gateway, 0, "", &err_uncertain, &err_portone_unavailable},
    {NULL, 400, REFUSAL("INVALID_REQUEST"), &err_portone_declined, &err_portone_declined},
    {NULL, 400, REFUSAL("INVALID_PAYMENT_TOKEN"), &err_portone_declined, &err_portone_declined},
    {NULL, 401, REFUSAL("UNAUTHORIZED"), &err_portone_unavailable, &err_portone_unavailable},
    {NULL, 403, REFUSAL("FORBIDDEN"), &err_portone_unavailable, &err_portone_unavailable},
    {NULL, 404, REFUSAL("PAYMENT_NOT_FOUND"), &err_not_found, &err_not_found},
    {NULL, 404, REFUSAL("NO_SUCH_PAGE"), &err_uncertain, &err_portone_unavailable},
    {NULL, 404, "<html>not found</html>", &err_uncertain, &err_portone_unavailable},
    {NULL, 409, REFUSAL("ALREADY_PAID"), &err_portone_declined, &err_portone_declined},
    {NULL, 409, REFUSAL("A_REASON_OF_TOMORROW"), &err_portone_declined, &err_portone_declined},
    {NULL, 409, REFUSAL("IDEMPOTENCY_OUTSTANDING_REQUEST"), &err_uncertain, &err_portone_unavailable},
    {NULL, 429, "slow down", &err_portone_unavailable, &err_portone_unavailable},
    {NULL, 500, REFUSAL("UNKNOWN"), &err_uncertain, &err_portone_unavailable},
    {NULL, 502, REFUSAL("PG_PROVIDER"), &err_portone_declined, &err_portone_declined},
    {NULL, 502, "<html>bad gateway</html>", &err_uncertain, &err_portone_unavailable},
    {NULL, 503, "{}", &err_uncertain, &err_portone_unavailable},
    {NULL, 403, "<html>blocked</html>", &err_uncertain, &err_portone_unavailable},
    {NULL, 200, "", &err_uncertain, &err_portone_unavailable},
    {NULL, 200, "{\"pgTxId\":", &err_uncertain, &err_portone_unavailable},
    {NULL, 200, "[1]", &err_uncertain, &err_portone_unavailable},
    {NULL, 302, "{}", &err_uncertain, &err_portone_unavailable},
};

static void prepare(const struct meaning *meaning)
{
    fake_http_answers(meaning->status, meaning->body);
    if (meaning->transport != NULL) {
        fake_http_fails(meaning->transport);
    }
}

/* Enough good calls for the breaker to stay closed whatever the row under test was. */
static void calm(struct ctx *ctx)
{
    struct portone_payment payment;
    fake_http_answers(200, PAID);
    for (int i = 0; i < 3; i++) {
        assert_null(portone_get(ctx, "p", &payment));
    }
}

static void test_every_answer_has_its_meaning(void **state)
{
    struct ctx *ctx = *state;
    const struct portone_cancel cancel = {.reason = "r", .idempotency_key = KEY};
    for (size_t i = 0; i < ARRAY_COUNT(meanings); i++) {
        struct portone_confirmation confirmation;
        struct portone_cancellation cancellation;
        struct portone_payment payment;
        struct portone_refusal refusal = {0};
        print_message("row %zu: %d %s\n", i, meanings[i].status, meanings[i].body);
        calm(ctx);
        prepare(&meanings[i]);
        assert_ptr_equal(confirm(ctx, &confirmation, &refusal), meanings[i].of_write);
        if (meanings[i].of_write == &err_portone_declined) {
            assert_string_equal(refusal.message, "words");
        }
        calm(ctx);
        prepare(&meanings[i]);
        if (meanings[i].status != 200) {
            assert_ptr_equal(portone_cancel(ctx, "p", &cancel, &cancellation, NULL), meanings[i].of_write);
        }
        calm(ctx);
        prepare(&meanings[i]);
        ctx->retry_after_s = 0;
        assert_ptr_equal(portone_get(ctx, "p", &payment), meanings[i].of_read);
        assert_int_equal(ctx->retry_after_s > 0, meanings[i].of_read == &err_portone_unavailable);
    }
}

static void test_refusal_of_gateway_is_explained(void **state)
{
    struct portone_confirmation confirmation;
    struct portone_refusal refusal;
    fake_http_answers(502, "{\"type\":\"PG_PROVIDER\",\"pgCode\":\"LIMIT\",\"pgMessage\":\"over the limit\"}");
    assert_ptr_equal(confirm(*state, &confirmation, &refusal), &err_portone_declined);
    assert_string_equal(refusal.type, "PG_PROVIDER");
    assert_string_equal(refusal.message, "");
    assert_string_equal(refusal.pg_code, "LIMIT");
    assert_string_equal(refusal.pg_message, "over the limit");
}

static void test_confirm_without_readable_time_counts_as_now(void **state)
{
    struct portone_confirmation confirmation;
    struct portone_refusal refusal;
    clock_freeze(INT64_C(1800000000) * CLOCK_SECOND);
    fake_http_answers(200, "{\"paidAt\":\"yesterday\"}");
    assert_null(confirm(*state, &confirmation, &refusal));
    clock_freeze(CLOCK_NONE);
    assert_int_equal(confirmation.paid_at, INT64_C(1800000000) * CLOCK_SECOND);
}

/* ---- records ---- */

static void test_get_reads_the_record(void **state)
{
    struct portone_payment payment;
    fake_http_answers(200, PAID);
    assert_null(portone_get(*state, "order 1", &payment));
    assert_string_equal(fake_http.url, "http://portone/payments/order%201?storeId=store-sandbox");
    assert_int_equal(payment.status, PORTONE_PAID);
    assert_string_equal(payment.transaction_id, "tx-1");
    assert_int_equal(payment.total, 300000);
    assert_int_equal(payment.paid_at, INT64_C(1767225605) * CLOCK_SECOND);
    assert_int_equal(payment.cancelled_at, CLOCK_NONE);
    assert_false(payment.live);
    assert_string_equal(payment.card_number, "123456******7890");
    assert_string_equal(payment.pg_tx_id, "pg-1");
    assert_null(payment.failure_reason);
}

/* What PortOne sends of a buyer in real life. */
#define PERSONAL                                                                                                      \
    "\"customer\":{\"id\":\"u\",\"name\":\"PERSONAL\",\"email\":\"PERSONAL\",\"phoneNumber\":\"PERSONAL\","           \
    "\"address\":{\"type\":\"ONE_LINE\",\"oneLine\":\"PERSONAL\"}},\"origin\":{\"platformType\":\"PC\","              \
    "\"ipAddress\":\"PERSONAL\",\"userAgent\":\"PERSONAL\"},\"customData\":\"PERSONAL\",\"billingKey\":\"PERSONAL\"," \
    "\"pgResponse\":\"PERSONAL\",\"receiptUrl\":\"https://PERSONAL\",\"cashReceipt\":{\"issueNumber\":\"PERSONAL\"}," \
    "\"webhooks\":[{\"id\":\"w\",\"request\":{\"body\":\"PERSONAL\"}}],\"products\":[{\"name\":\"PERSONAL\"}],"       \
    "\"ofTomorrow\":{\"status\":\"PERSONAL\"},"

static void test_record_keeps_only_what_the_table_names(void **state)
{
    static const char *const kept =
        "{\"status\":\"PARTIAL_CANCELLED\",\"id\":\"order 1\",\"channel\":{\"type\":\"LIVE\"},"
        "\"method\":{\"type\":\"PaymentMethodCard\",\"card\":{\"name\":\"card\",\"number\":\"123456******7890\"}},"
        "\"amount\":{\"total\":3,\"cancelled\":1},\"failure\":{\"pgCode\":\"F1\"},"
        "\"cancellations\":[{\"id\":\"c-1\",\"totalAmount\":1}]}";
    struct portone_payment payment;
    fake_http_answers(200,
                      "{" PERSONAL "\"cancellations\":[{\"id\":\"c-1\",\"totalAmount\":1,\"reason\":\"PERSONAL\"}],"
                      "\"failure\":{\"pgCode\":\"F1\",\"pgMessage\":\"PERSONAL\",\"reason\":[\"PERSONAL\"]},"
                      "\"amount\":{\"total\":3,\"cancelled\":1},\"currency\":{\"PERSONAL\":1},\"paidAt\":null,"
                      "\"method\":{\"card\":{\"number\":\"123456******7890\",\"name\":\"card\",\"bin\":\"12345678\"},"
                      "\"type\":\"PaymentMethodCard\",\"phoneNumber\":\"PERSONAL\"},\"channel\":{\"type\":\"LIVE\"},"
                      "\"id\":\"order 1\",\"status\":\"PARTIAL_CANCELLED\",\"amount2\":\"PERSONAL\"}");
    assert_null(portone_get(*state, "order 1", &payment));
    assert_string_equal(payment.record, kept);
}

static void test_get_of_every_status(void **state)
{
    static const struct {
        const char *text;
        enum portone_status status;
    } rows[] = {
        {"READY", PORTONE_READY},
        {"PAY_PENDING", PORTONE_PAY_PENDING},
        {"VIRTUAL_ACCOUNT_ISSUED", PORTONE_VIRTUAL_ACCOUNT_ISSUED},
        {"PAID", PORTONE_PAID},
        {"FAILED", PORTONE_FAILED},
        {"PARTIAL_CANCELLED", PORTONE_PARTIAL_CANCELLED},
        {"CANCELLED", PORTONE_CANCELLED},
        {"OF_TOMORROW", PORTONE_UNKNOWN},
    };
    struct ctx *ctx = *state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct portone_payment payment;
        fake_http_answers(200, arena_printf(ctx->arena, "{\"status\":\"%s\",\"method\":null}", rows[i].text));
        assert_null(portone_get(ctx, "p", &payment));
        assert_int_equal(payment.status, rows[i].status);
        assert_string_equal(payment.status_text, rows[i].text);
    }
}

static void test_proves_paid_names_what_differs(void **state)
{
    struct portone_payment good, payment;
    const char *why = "untouched";
    fake_http_answers(200, PAID);
    assert_null(portone_get(*state, "p", &good));
    assert_true(portone_proves_paid(&good, 300000, &why));
    assert_string_equal(why, "untouched");

    assert_false(portone_proves_paid(&good, 299999, &why));
    assert_string_equal(why, "amount");
    payment = good;
    payment.status = PORTONE_PARTIAL_CANCELLED;
    assert_false(portone_proves_paid(&payment, 300000, &why));
    assert_string_equal(why, "status");
    payment = good;
    payment.store_id = "store-other";
    assert_false(portone_proves_paid(&payment, 300000, &why));
    assert_string_equal(why, "store");
    payment = good;
    payment.currency = NULL;
    assert_false(portone_proves_paid(&payment, 300000, &why));
    assert_string_equal(why, "currency");
    cfg_portone.test_mode = false;
    assert_false(portone_proves_paid(&good, 300000, &why));
    assert_string_equal(why, "test channel");
    payment = good;
    payment.live = true;
    assert_true(portone_proves_paid(&payment, 300000, &why));
    cfg_portone.test_mode = true;
}

/* ---- identity ---- */

static void test_identity_verified_gives_the_person(void **state)
{
    struct portone_identity identity;
    fake_http_answers(200, "{\"status\":\"VERIFIED\",\"verifiedAt\":\"2026-01-01T00:00:05Z\",\"verifiedCustomer\":"
                           "{\"name\":\"김하나\",\"ci\":\"c\",\"phoneNumber\":\"01012345678\"}}");
    assert_null(portone_identity(*state, "id-1_A", &identity));
    assert_string_equal(fake_http.url, "http://portone/identity-verifications/id-1_A?storeId=store-sandbox");
    assert_true(identity.verified);
    assert_string_equal(identity.name, "김하나");
    assert_string_equal(identity.ci, "c");
    assert_null(identity.di);
    assert_int_equal(identity.verified_at, INT64_C(1767225605) * CLOCK_SECOND);
}

static void test_identity_that_no_path_may_carry_is_not_asked_about(void **state)
{
    static const char *const ids[] = {"", ".", "..", "a/b", "a%2fb", "a?b", "id ", "\xea\xb9\x80"};
    struct portone_identity identity;
    int calls = fake_http.calls;
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        assert_ptr_equal(portone_identity(*state, ids[i], &identity), &err_not_found);
    }
    assert_int_equal(fake_http.calls, calls);
}

static void test_identity_not_verified_gives_nobody(void **state)
{
    static const char *const bodies[] = {"{\"status\":\"READY\"}", "{\"status\":\"FAILED\"}", "{\"status\":\"NEW\"}",
                                         "{}", "{\"status\":\"READY\",\"verifiedCustomer\":{\"ci\":\"stolen\"}}"};
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        struct portone_identity identity;
        fake_http_answers(200, bodies[i]);
        assert_null(portone_identity(*state, "id", &identity));
        assert_false(identity.verified);
        assert_null(identity.ci);
    }
}

static void test_identity_failures_are_not_about_payment(void **state)
{
    struct portone_identity identity;
    fake_http_answers(404, REFUSAL("IDENTITY_VERIFICATION_NOT_FOUND"));
    assert_ptr_equal(portone_identity(*state, "id", &identity), &err_not_found);
    fake_http_answers(500, "");
    assert_ptr_equal(portone_identity(*state, "id", &identity), &err_unavailable);
    fake_http_answers(400, REFUSAL("INVALID_REQUEST"));
    assert_ptr_equal(portone_identity(*state, "id", &identity), &err_unavailable);
}

/* ---- webhooks ---- */

static const struct err *read_webhook(struct ctx *ctx, const char *body, struct portone_webhook *webhook_r)
{
    int64_t now_s = clock_now() / CLOCK_SECOND;
    const struct webhook_headers headers = {
        .id = "wh-1",
        .timestamp = arena_printf(ctx->arena, "%lld", (long long)now_s),
        .signature = webhook_sign(ctx->arena, SANDBOX_PORTONE_WEBHOOK_SECRET, "wh-1", now_s, body, strlen(body)),
    };
    return portone_webhook_read(ctx, &headers, body, strlen(body), webhook_r);
}

static void test_webhook_signed_is_read(void **state)
{
    struct portone_webhook webhook;
    assert_null(
        read_webhook(*state,
                     "{\"type\":\"Transaction.Cancelled\",\"timestamp\":\"2026-01-01T00:00:05.000Z\",\"data\":"
                     "{\"paymentId\":\"p\",\"storeId\":\"s\",\"transactionId\":\"t\",\"cancellationId\":\"c\"}}",
                     &webhook));
    assert_string_equal(webhook.type, "Transaction.Cancelled");
    assert_string_equal(webhook.payment_id, "p");
    assert_string_equal(webhook.transaction_id, "t");
    assert_string_equal(webhook.cancellation_id, "c");
    assert_int_equal(webhook.at, INT64_C(1767225605) * CLOCK_SECOND);
}

static void test_webhook_of_unknown_type_is_read(void **state)
{
    struct portone_webhook webhook;
    assert_null(read_webhook(*state, "{\"type\":\"BillingKey.Issued\",\"data\":{\"billingKey\":\"b\"}}", &webhook));
    assert_null(webhook.payment_id);
}

static void test_webhook_signed_nonsense_is_invalid(void **state)
{
    static const char *const bodies[] = {"", "{", "[]", "{}", "{\"type\":7}"};
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        struct portone_webhook webhook;
        assert_ptr_equal(read_webhook(*state, bodies[i], &webhook), &err_invalid_request);
    }
}

/* ---- breaker: last, for it stays open ---- */

static void test_outage_opens_the_breaker_for_payments_only(void **state)
{
    struct ctx *ctx = *state;
    struct portone_payment payment;
    struct portone_identity identity;
    fake_http_answers(503, "");
    int asked = 0;
    while (asked < 200) {
        int before = fake_http.calls;
        assert_ptr_equal(portone_get(ctx, "p", &payment), &err_portone_unavailable);
        if (fake_http.calls == before) {
            break;
        }
        asked++;
    }
    assert_in_range(asked, 10, 100);
    assert_in_range(ctx->retry_after_s, 1, 60);
    fake_http_answers(200, "{\"status\":\"READY\"}");
    assert_ptr_equal(portone_get(ctx, "p", &payment), &err_portone_unavailable);
    assert_null(portone_identity(ctx, "id", &identity));
}

static void test_settings_with_unusable_webhook_secret_are_refused(void **state)
{
    (void)state;
    const char *why = NULL;
    cfg_process.sandbox = true;
    assert_true(portone_check_webhook_settings(&why));
    cfg_portone.webhook_secret = "whsec_not base64";
    assert_false(portone_check_webhook_settings(&why));
    assert_non_null(why);
    cfg_portone.webhook_secret = SANDBOX_PORTONE_WEBHOOK_SECRET;
}

static void test_settings_of_sandbox_outside_it_are_refused(void **state)
{
    (void)state;
    const char *why = NULL;
    static const char *const insecure[] = {
        SANDBOX_ORIGIN,    SANDBOX_ORIGIN "/", "http://localhost:8090", "http://portone", "",
        "httpx://portone", " https://portone"};
    cfg_process.sandbox = false;
    cfg_portone.url = "https://portone";
    assert_false(portone_check_settings(&why));
    cfg_portone.store_id = "store-real";
    cfg_portone.channel_key = "channel-real";
    assert_true(portone_check_settings(&why));
    for (size_t i = 0; i < ARRAY_COUNT(insecure); i++) {
        cfg_portone.url = insecure[i];
        assert_false(portone_check_settings(&why));
        assert_string_equal(why, "BOX_PORTONE_URL must begin with https:// while BOX_SANDBOX is not 1");
    }
    cfg_portone.url = "http://portone";
    cfg_portone.store_id = SANDBOX_PORTONE_STORE;
    cfg_portone.channel_key = SANDBOX_PORTONE_CHANNEL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pre_register_sends_amount_and_store),
        TEST(test_confirm_sends_guards_and_quoted_key),
        TEST(test_cancel_sends_only_what_is_asked),
        TEST(test_cancel_not_finished_is_told_apart),
        TEST(test_every_answer_has_its_meaning),
        TEST(test_refusal_of_gateway_is_explained),
        TEST(test_confirm_without_readable_time_counts_as_now),
        TEST(test_get_reads_the_record),
        TEST(test_record_keeps_only_what_the_table_names),
        TEST(test_get_of_every_status),
        TEST(test_proves_paid_names_what_differs),
        TEST(test_identity_verified_gives_the_person),
        TEST(test_identity_that_no_path_may_carry_is_not_asked_about),
        TEST(test_identity_not_verified_gives_nobody),
        TEST(test_identity_failures_are_not_about_payment),
        TEST(test_webhook_signed_is_read),
        TEST(test_webhook_of_unknown_type_is_read),
        TEST(test_webhook_signed_nonsense_is_invalid),
        TEST(test_settings_of_sandbox_outside_it_are_refused),
        TEST(test_settings_with_unusable_webhook_secret_are_refused),
        TEST(test_outage_opens_the_breaker_for_payments_only),
    };
    return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
