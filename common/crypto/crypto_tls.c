#include "common/crypto/crypto_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

struct crypto_tls {
    SSL_CTX *ctx;
    SSL *ssl;
};

/* False when there is no certificate in the text, or one that cannot be read. */
static bool trust_given(X509_STORE *store, const char *ca)
{
    BIO *text = BIO_new_mem_buf(ca, -1);
    int count = 0;
    bool added = text != NULL;
    for (X509 *one; added && (one = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL; count++) {
        added = X509_STORE_add_cert(store, one) == 1;
        X509_free(one);
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(text);
    return added && at_end && count > 0;
}

static SSL_CTX *context_new(const char *ca, const char **why_r)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        log_panic("OpenSSL gives no context");
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    bool trusts =
        ca != NULL ? trust_given(SSL_CTX_get_cert_store(ctx), ca) : SSL_CTX_set_default_verify_paths(ctx) == 1;
    if (trusts) {
        return ctx;
    }
    *why_r = "the authority's certificate cannot be read";
    SSL_CTX_free(ctx);
    return NULL;
}

/* An address is looked for among the certificate's addresses, and is no name to ask for. */
static bool expect_host(SSL *ssl, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    }
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

struct crypto_tls *crypto_tls_connect(int fd, const char *host, const char *ca, const char **why_r)
{
    struct crypto_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL) {
        log_panic("out of memory");
    }
    ERR_clear_error();
    tls->ctx = context_new(ca, why_r);
    tls->ssl = tls->ctx != NULL ? SSL_new(tls->ctx) : NULL;
    if (tls->ssl == NULL) {
        crypto_tls_free(&tls);
        return NULL;
    }
    if (expect_host(tls->ssl, host) && SSL_set_fd(tls->ssl, fd) == 1 && SSL_connect(tls->ssl) == 1) {
        return tls;
    }
    long verdict = SSL_get_verify_result(tls->ssl);
    *why_r = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : "no TLS handshake";
    ERR_clear_error();
    crypto_tls_free(&tls);
    return NULL;
}

bool crypto_tls_write(struct crypto_tls *tls, const void *bytes, size_t len)
{
    size_t written;
    ERR_clear_error();
    return len == 0 || SSL_write_ex(tls->ssl, bytes, len, &written) == 1;
}

size_t crypto_tls_read(struct crypto_tls *tls, void *bytes, size_t len)
{
    size_t got;
    ERR_clear_error();
    return SSL_read_ex(tls->ssl, bytes, len, &got) == 1 ? got : 0;
}

void crypto_tls_free(struct crypto_tls **tls)
{
    if (*tls == NULL) {
        return;
    }
    SSL_free((*tls)->ssl);
    SSL_CTX_free((*tls)->ctx);
    free(*tls);
    *tls = NULL;
}
