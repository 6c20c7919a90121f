#include "cgi-bin/sandbox/portone_view.h"

#include <string.h>

#include "common/base/clock.h"
#include "src/providers/sandbox_credentials.h"

#define MERCHANT "merchant-sandbox"

void portone_view_time(struct json_out *out, const char *key, int64_t at)
{
    char text[CLOCK_TEXT_SIZE];
    json_add_str(out, key, clock_format_utc(at, text));
}

/* Value added tax is contained in Korean prices as one eleventh. */
static int64_t vat_of(int64_t amount)
{
    return (amount + 5) / 11;
}

static void add_card(struct json_out *out)
{
    json_open_object(out, "method");
    json_add_str(out, "type", "PaymentMethodCard");
    json_open_object(out, "card");
    json_add_str(out, "publisher", "SHINHAN_CARD");
    json_add_str(out, "issuer", "SHINHAN_CARD");
    json_add_str(out, "brand", "LOCAL");
    json_add_str(out, "type", "CREDIT");
    json_add_str(out, "ownerType", "PERSONAL");
    json_add_str(out, "bin", "123456");
    json_add_str(out, "name", "신한카드");
    json_add_str(out, "number", "123456******7890");
    json_close_object(out);
    json_add_str(out, "approvalNumber", "00000000");
    json_open_object(out, "installment");
    json_add_int(out, "month", 0);
    json_add_bool(out, "isInterestFree", false);
    json_close_object(out);
    json_close_object(out);
}

static void add_channel(struct json_out *out)
{
    json_open_object(out, "channel");
    json_add_str(out, "type", "TEST");
    json_add_str(out, "id", "channel-id-sandbox");
    json_add_str(out, "key", SANDBOX_PORTONE_CHANNEL);
    json_add_str(out, "name", "sandbox");
    json_add_str(out, "pgProvider", "TOSSPAYMENTS");
    json_add_str(out, "pgMerchantId", "sandbox");
    json_close_object(out);
}

static void add_amount(struct json_out *out, const struct sandbox_payment *payment)
{
    json_open_object(out, "amount");
    json_add_int(out, "total", payment->total);
    json_add_int(out, "taxFree", 0);
    json_add_int(out, "vat", vat_of(payment->total));
    json_add_int(out, "supply", payment->total - vat_of(payment->total));
    json_add_int(out, "discount", 0);
    json_add_int(out, "paid", payment->charges.count > 0 ? payment->total : 0);
    json_add_int(out, "cancelled", sandbox_payment_cancelled(payment));
    json_add_int(out, "cancelledTaxFree", 0);
    json_close_object(out);
}

void portone_view_cancellation(struct json_out *out, const char *key, const struct sandbox_cancellation *cancellation)
{
    json_open_object(out, key);
    json_add_str(out, "status", "SUCCEEDED");
    json_add_str(out, "id", cancellation->id);
    json_add_str(out, "pgCancellationId", cancellation->id);
    json_add_int(out, "totalAmount", cancellation->amount);
    json_add_int(out, "taxFreeAmount", 0);
    json_add_int(out, "vatAmount", vat_of(cancellation->amount));
    json_add_str(out, "reason", cancellation->reason);
    portone_view_time(out, "requestedAt", cancellation->at);
    portone_view_time(out, "cancelledAt", cancellation->at);
    json_add_str(out, "trigger", "API");
    json_close_object(out);
}

static void add_outcome(struct json_out *out, const struct sandbox_payment *payment)
{
    const struct sandbox_charge *charge = payment->charges.items;
    const struct sandbox_cancellation *cancellations = payment->cancellations.items;
    if (payment->charges.count > 0) {
        portone_view_time(out, "paidAt", charge->at);
        json_add_str(out, "pgTxId", charge->pg_tx_id);
        json_open_array(out, "disputes");
        json_close_array(out);
    }
    if (payment->cancellations.count > 0) {
        portone_view_time(out, "cancelledAt", cancellations[payment->cancellations.count - 1].at);
        json_open_array(out, "cancellations");
        for (size_t i = 0; i < payment->cancellations.count; i++) {
            portone_view_cancellation(out, NULL, &cancellations[i]);
        }
        json_close_array(out);
    }
    if (strcmp(payment->status, "FAILED") == 0) {
        portone_view_time(out, "failedAt", payment->changed_at);
        json_open_object(out, "failure");
        json_add_str(out, "reason", "the card was declined");
        json_add_str(out, "pgCode", "DECLINED");
        json_add_str(out, "pgMessage", "한도 초과");
        json_close_object(out);
    }
}

void portone_view_payment(struct json_out *out, const struct sandbox_payment *payment)
{
    json_open_object(out, NULL);
    json_add_str(out, "status", payment->status);
    json_add_str(out, "id", payment->payment_id);
    json_add_str(out, "transactionId", payment->transaction_id);
    json_add_str(out, "merchantId", MERCHANT);
    json_add_str(out, "storeId", payment->store_id);
    json_add_str(out, "version", "V2");
    add_card(out);
    add_channel(out);
    portone_view_time(out, "requestedAt", payment->requested_at);
    portone_view_time(out, "updatedAt", payment->changed_at);
    portone_view_time(out, "statusChangedAt", payment->changed_at);
    json_add_str(out, "orderName", "sandbox order");
    add_amount(out, payment);
    json_add_str(out, "currency", "KRW");
    json_open_object(out, "customer");
    json_close_object(out);
    json_open_object(out, "origin");
    json_add_str(out, "platformType", "PC");
    json_add_str(out, "ipAddress", "127.0.0.1");
    json_close_object(out);
    add_outcome(out, payment);
    json_close_object(out);
}

void portone_view_identity(struct json_out *out, const struct sandbox_identity *identity)
{
    json_open_object(out, NULL);
    json_add_str(out, "status", "VERIFIED");
    json_add_str(out, "id", identity->id);
    add_channel(out);
    json_add_str(out, "version", "V2");
    portone_view_time(out, "requestedAt", identity->verified_at);
    portone_view_time(out, "updatedAt", identity->verified_at);
    portone_view_time(out, "statusChangedAt", identity->verified_at);
    portone_view_time(out, "verifiedAt", identity->verified_at);
    json_open_object(out, "verifiedCustomer");
    json_add_str(out, "name", identity->name);
    json_add_str(out, "phoneNumber", identity->phone);
    json_add_str(out, "birthDate", identity->birth_date);
    json_add_str(out, "ci", identity->ci);
    json_add_str(out, "di", identity->di);
    json_close_object(out);
    json_add_str(out, "pgTxId", identity->id);
    json_add_str(out, "pgRawResponse", "{}");
    json_close_object(out);
}
