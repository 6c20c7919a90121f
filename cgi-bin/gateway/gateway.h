/* gateway: what the gateway as a whole says about itself (GW-HEALTH, GW-012). */
#ifndef CGI_GATEWAY_H
#define CGI_GATEWAY_H

#include "common/serve/route.h"

/* GET /health: every service and store UP or DOWN; 503 when one of them is DOWN. */
request_handler gateway_handle_health;
/* GET /health/live: nginx answers it by itself; here only for what it refuses, and for who asks without it. */
request_handler gateway_handle_live;
/* GET /metrics: the series of all programs of this host. The internal listener only (nginx). */
request_handler gateway_handle_metrics;
/* GET /.well-known/jwks.json: the public keys of access tokens; none while they are HS256. */
request_handler gateway_handle_jwks;

#endif
