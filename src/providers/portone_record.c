#include "src/providers/portone_record.h"

#include "common/base/buf.h"

#define KEPT_MAX (1u << 20)

/* Ends with a row without a key. */
struct kept {
    const char *key;
    const struct kept *inside; /* of an object, or of each object of a list; NULL: a single value */
};

static const struct kept channel[] = {{.key = "type"},       {.key = "id"},           {.key = "key"},
                                      {.key = "pgProvider"}, {.key = "pgMerchantId"}, {0}};

static const struct kept amount[] = {{.key = "total"},     {.key = "taxFree"},          {.key = "vat"},
                                     {.key = "supply"},    {.key = "discount"},         {.key = "paid"},
                                     {.key = "cancelled"}, {.key = "cancelledTaxFree"}, {0}};

/* The number is masked by PortOne; the first digits of it (bin) tell no more than issuer and type do. */
static const struct kept card[] = {{.key = "publisher"}, {.key = "issuer"}, {.key = "brand"},  {.key = "type"},
                                   {.key = "ownerType"}, {.key = "name"},   {.key = "number"}, {0}};

static const struct kept installment[] = {{.key = "month"}, {.key = "isInterestFree"}, {0}};

static const struct kept method[] = {{.key = "type"},
                                     {.key = "provider"},
                                     {.key = "card", .inside = card},
                                     {.key = "approvalNumber"},
                                     {.key = "installment", .inside = installment},
                                     {0}};

static const struct kept failure[] = {{.key = "reason"}, {.key = "pgCode"}, {0}};

static const struct kept cancellation[] = {{.key = "status"},
                                           {.key = "id"},
                                           {.key = "pgCancellationId"},
                                           {.key = "totalAmount"},
                                           {.key = "taxFreeAmount"},
                                           {.key = "vatAmount"},
                                           {.key = "requestedAt"},
                                           {.key = "cancelledAt"},
                                           {0}};

static const struct kept payment[] = {
    {.key = "status"},
    {.key = "id"},
    {.key = "transactionId"},
    {.key = "merchantId"},
    {.key = "storeId"},
    {.key = "version"},
    {.key = "channel", .inside = channel},
    {.key = "method", .inside = method},
    {.key = "amount", .inside = amount},
    {.key = "currency"},
    {.key = "orderName"},
    {.key = "requestedAt"},
    {.key = "updatedAt"},
    {.key = "statusChangedAt"},
    {.key = "paidAt"},
    {.key = "failedAt"},
    {.key = "cancelledAt"},
    {.key = "pgTxId"},
    {.key = "failure", .inside = failure},
    {.key = "cancellations", .inside = cancellation},
    {0},
};

static void keep(struct json_out *out, const char *key, const struct json *value, const struct kept *inside);

static void keep_members(struct json_out *out, const char *key, const struct json *object, const struct kept *inside)
{
    json_open_object(out, key);
    for (; inside->key; inside++) {
        keep(out, inside->key, json_get(object, inside->key), inside->inside);
    }
    json_close_object(out);
}

static void keep_list(struct json_out *out, const char *key, const struct json *list, const struct kept *inside)
{
    json_open_array(out, key);
    for (size_t i = 0; i < json_count(list); i++) {
        keep_members(out, NULL, json_at(list, i), inside);
    }
    json_close_array(out);
}

/* What is not of the expected form is left out. */
static void keep(struct json_out *out, const char *key, const struct json *value, const struct kept *inside)
{
    switch (json_type(value)) {
    case JSON_OBJECT:
        if (inside) {
            keep_members(out, key, value, inside);
        }
        break;
    case JSON_ARRAY:
        if (inside) {
            keep_list(out, key, value, inside);
        }
        break;
    case JSON_BOOL:
    case JSON_INT:
    case JSON_DOUBLE:
    case JSON_STRING:
        if (!inside) {
            json_add_raw(out, key, json_text(value));
        }
        break;
    case JSON_NULL:
        break;
    }
}

const char *portone_record_kept(struct arena *arena, const struct json *record)
{
    struct buf text;
    struct json_out out;
    buf_init(&text, arena, KEPT_MAX);
    json_out_init(&out, &text);
    keep_members(&out, NULL, record, payment);
    return text.overflow ? NULL : text.data;
}
