/* portone_view: PortOne's records as JSON, with the members that its official SDK's types require. */
#ifndef CGI_BIN_SANDBOX_PORTONE_VIEW_H
#define CGI_BIN_SANDBOX_PORTONE_VIEW_H

#include "common/json/json.h"
#include "src/sandbox/sandbox_identity.h"
#include "src/sandbox/sandbox_payment.h"

void portone_view_payment(struct json_out *out, const struct sandbox_payment *payment);
void portone_view_cancellation(struct json_out *out, const char *key, const struct sandbox_cancellation *cancellation);
void portone_view_identity(struct json_out *out, const struct sandbox_identity *identity);
/* A time as PortOne writes it. */
void portone_view_time(struct json_out *out, const char *key, int64_t at);

#endif
