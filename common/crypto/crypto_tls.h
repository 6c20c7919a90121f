/*
 * crypto_tls: the client's side of TLS (1.2 or later) over a connected, blocking descriptor, for protocols whose
 * library of this system has none. Who answers must show a certificate of the given authority for the given name.
 *
 * Reads and writes wait as long as the descriptor's own time-outs (SO_RCVTIMEO, SO_SNDTIMEO) allow. The descriptor
 * stays the caller's. For one thread.
 */
#ifndef COMMON_CRYPTO_TLS_H
#define COMMON_CRYPTO_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct crypto_tls;

/* Shakes hands. `host` is a name or an address; `ca` the authorities' certificates as PEM, NULL: the system's. NULL
 * with *why_r (static) when that fails. */
struct crypto_tls *crypto_tls_connect(int fd, const char *host, const char *ca, const char **why_r);
/* All of it: false when not known to have been sent. */
bool crypto_tls_write(struct crypto_tls *tls, const void *bytes, size_t len);
/* At least one byte; 0 when the peer has ended or did not answer in time. */
size_t crypto_tls_read(struct crypto_tls *tls, void *bytes, size_t len);
/* Accepts NULL; leaves NULL. */
void crypto_tls_free(struct crypto_tls **tls);

#endif
