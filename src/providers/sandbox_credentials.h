/*
 * sandbox_credentials: the fixed credentials of the development stand-ins (docs/openapi.yaml, "Development stand-ins").
 *
 * They are the defaults of the provider settings, so that a sandboxed stack needs no configuration; cfg refuses them at
 * start when BOX_SANDBOX=0.
 */
#ifndef PROVIDERS_SANDBOX_CREDENTIALS_H
#define PROVIDERS_SANDBOX_CREDENTIALS_H

#define SANDBOX_ORIGIN "http://127.0.0.1:8090"
#define SANDBOX_PORTONE_SECRET "sandbox-portone-secret"
#define SANDBOX_PORTONE_STORE "store-sandbox"
#define SANDBOX_PORTONE_CHANNEL "channel-sandbox"
#define SANDBOX_PORTONE_WEBHOOK_SECRET "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5"
#define SANDBOX_RECAPTCHA_SECRET "sandbox-recaptcha-secret"
#define SANDBOX_RECAPTCHA_HOSTNAME "127.0.0.1"
#define SANDBOX_OAUTH_CLIENT "sandbox-client"
#define SANDBOX_OAUTH_CLIENT_SECRET "sandbox-client-secret"

#endif
