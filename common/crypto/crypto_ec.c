#include "common/crypto/crypto_ec.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

#define CURVE "P-256"
#define CURVE_NAME "prime256v1" /* the same, as OpenSSL says it */
#define NUMBER_SIZE (CRYPTO_EC_SIGNATURE_SIZE / 2)
#define DER_MAX 512
#define SIGNATURE_DER_MAX 80

struct crypto_ec {
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *verifier;
    EVP_PKEY_CTX *signer; /* NULL: a public key */
    BIGNUM *order, *half; /* of the curve; and half of it, rounded down */
};

/* ---- keys ---- */

static EVP_PKEY_CTX *context_of(EVP_PKEY *pkey, int (*init)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (context == NULL || init(context) != 1 || EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) != 1) {
        log_panic("OpenSSL cannot use a key of P-256");
    }
    return context;
}

static void find_order(struct crypto_ec *key)
{
    key->half = BN_new();
    if (key->half == NULL || EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_EC_ORDER, &key->order) != 1 ||
        BN_rshift1(key->half, key->order) != 1) {
        log_panic("a curve without an order");
    }
}

/* Takes `pkey` over; NULL gives NULL. */
static struct crypto_ec *wrap(EVP_PKEY *pkey, bool private)
{
    if (pkey == NULL) {
        return NULL;
    }
    struct crypto_ec *key = calloc(1, sizeof *key);
    if (key == NULL) {
        log_panic("out of memory");
    }
    key->pkey = pkey;
    key->verifier = context_of(pkey, EVP_PKEY_verify_init);
    key->signer = private ? context_of(pkey, EVP_PKEY_sign_init) : NULL;
    find_order(key);
    return key;
}

void crypto_ec_free(struct crypto_ec **key)
{
    if (*key == NULL) {
        return;
    }
    EVP_PKEY_CTX_free((*key)->verifier);
    EVP_PKEY_CTX_free((*key)->signer);
    EVP_PKEY_free((*key)->pkey);
    BN_free((*key)->order);
    BN_free((*key)->half);
    free(*key);
    *key = NULL;
}

struct crypto_ec *crypto_ec_generate(void)
{
    EVP_PKEY *pkey = EVP_EC_gen(CURVE);
    if (pkey == NULL) {
        log_panic("cannot make a key of P-256");
    }
    return wrap(pkey, true);
}

static bool on_curve(EVP_PKEY *pkey, bool private)
{
    char name[32];
    size_t len;
    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_EC || EVP_PKEY_get_group_name(pkey, name, sizeof name, &len) != 1 ||
        strcmp(name, CURVE_NAME) != 0) {
        return false;
    }
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (context == NULL) {
        log_panic("out of memory");
    }
    bool sound = (private ? EVP_PKEY_check(context) : EVP_PKEY_public_check(context)) == 1;
    EVP_PKEY_CTX_free(context);
    return sound;
}

static struct crypto_ec *parse(struct arena *arena, const char *der, bool private)
{
    size_t len;
    const unsigned char *bytes = strnlen(der, DER_MAX) < DER_MAX ? crypto_base64_decode(arena, der, &len) : NULL;
    if (bytes == NULL) {
        return NULL;
    }
    const unsigned char *at = bytes;
    EVP_PKEY *pkey = private ? d2i_AutoPrivateKey(NULL, &at, (long)len) : d2i_PUBKEY(NULL, &at, (long)len);
    if (pkey != NULL && (at != bytes + len || !on_curve(pkey, private))) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return wrap(pkey, private);
}

struct crypto_ec *crypto_ec_private(struct arena *arena, const char *der)
{
    return parse(arena, der, true);
}

struct crypto_ec *crypto_ec_public(struct arena *arena, const char *der)
{
    return parse(arena, der, false);
}

/* ---- as text ---- */

/* Takes `bytes`, which OpenSSL has made, over. */
static char *encode(struct arena *arena, unsigned char *bytes, int len)
{
    if (len <= 0) {
        log_panic("cannot write a key of P-256");
    }
    char *text = crypto_base64url(arena, bytes, (size_t)len);
    OPENSSL_clear_free(bytes, (size_t)len);
    return text;
}

char *crypto_ec_private_der(struct arena *arena, const struct crypto_ec *key)
{
    unsigned char *bytes = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &bytes) : 0;
    PKCS8_PRIV_KEY_INFO_free(info);
    return encode(arena, bytes, len);
}

char *crypto_ec_public_der(struct arena *arena, const struct crypto_ec *key)
{
    unsigned char *bytes = NULL;
    int len = i2d_PUBKEY(key->pkey, &bytes);
    return encode(arena, bytes, len);
}

static const char *coordinate(struct arena *arena, const EVP_PKEY *pkey, const char *name)
{
    unsigned char bytes[NUMBER_SIZE];
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1 || BN_bn2binpad(number, bytes, sizeof bytes) < 0) {
        log_panic("a key of P-256 without a point");
    }
    BN_free(number);
    return crypto_base64url(arena, bytes, sizeof bytes);
}

void crypto_ec_jwk(struct arena *arena, const struct crypto_ec *key, const char **x_r, const char **y_r)
{
    *x_r = coordinate(arena, key->pkey, OSSL_PKEY_PARAM_EC_PUB_X);
    *y_r = coordinate(arena, key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y);
}

void crypto_ec_derive(const struct crypto_ec *key, const char *label, unsigned char secret_r[CRYPTO_SHA256_SIZE])
{
    unsigned char bytes[NUMBER_SIZE];
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) != 1 ||
        BN_bn2binpad(number, bytes, sizeof bytes) < 0) {
        log_panic("a secret cannot be derived from a public key");
    }
    BN_clear_free(number);
    crypto_hmac_sha256(bytes, sizeof bytes, label, strlen(label), secret_r);
    OPENSSL_cleanse(bytes, sizeof bytes);
}

/* ---- signatures ---- */

/* Of s and -s, both of which OpenSSL takes, the smaller. */
static void lower(const struct crypto_ec *key, const BIGNUM *s, BIGNUM *lower_r)
{
    bool done = BN_cmp(s, key->half) > 0 ? BN_sub(lower_r, key->order, s) == 1 : BN_copy(lower_r, s) != NULL;
    if (!done) {
        log_panic("out of memory");
    }
}

void crypto_ec_sign(const struct crypto_ec *key, const void *bytes, size_t len,
                    unsigned char signature_r[CRYPTO_EC_SIGNATURE_SIZE])
{
    unsigned char digest[CRYPTO_SHA256_SIZE], der[SIGNATURE_DER_MAX];
    size_t der_len = sizeof der;
    crypto_sha256(bytes, len, digest);
    if (key->signer == NULL || EVP_PKEY_sign(key->signer, der, &der_len, digest, sizeof digest) != 1) {
        log_panic("cannot sign with a key of P-256");
    }
    const unsigned char *at = der;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    BIGNUM *s = BN_new();
    if (pair == NULL || s == NULL) {
        log_panic("out of memory");
    }
    lower(key, ECDSA_SIG_get0_s(pair), s);
    if (BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature_r, NUMBER_SIZE) < 0 ||
        BN_bn2binpad(s, signature_r + NUMBER_SIZE, NUMBER_SIZE) < 0) {
        log_panic("a signature of P-256 is too long");
    }
    BN_free(s);
    ECDSA_SIG_free(pair);
}

/* The signature as OpenSSL reads it; 0: r or s is none, or s is not the smaller one. */
static size_t to_der(const struct crypto_ec *key, const unsigned char *signature, unsigned char der[SIGNATURE_DER_MAX])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, NUMBER_SIZE, NULL), *s = BN_bin2bn(signature + NUMBER_SIZE, NUMBER_SIZE, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        log_panic("out of memory");
    }
    bool sound = !BN_is_zero(r) && !BN_is_zero(s) && BN_cmp(r, key->order) < 0 && BN_cmp(s, key->half) <= 0;
    unsigned char *at = der;
    int len = sound ? i2d_ECDSA_SIG(pair, &at) : 0;
    ECDSA_SIG_free(pair); /* and with it both numbers */
    return len > 0 ? (size_t)len : 0;
}

bool crypto_ec_verify(const struct crypto_ec *key, const void *bytes, size_t len,
                      const unsigned char signature[CRYPTO_EC_SIGNATURE_SIZE])
{
    unsigned char digest[CRYPTO_SHA256_SIZE], der[SIGNATURE_DER_MAX];
    size_t der_len = to_der(key, signature, der);
    crypto_sha256(bytes, len, digest);
    return der_len > 0 && EVP_PKEY_verify(key->verifier, der, der_len, digest, sizeof digest) == 1;
}
