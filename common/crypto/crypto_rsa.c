#include "common/crypto/crypto_rsa.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/crypto/crypto.h"

#define BITS 2048
#define BITS_MAX 4096
#define EXPONENT_BITS_MAX 32
#define NUMBER_MAX 1024 /* bytes of a modulus or signature: 8192 bits */

struct crypto_rsa {
    EVP_PKEY *pkey;
};

static struct crypto_rsa *wrap(EVP_PKEY *pkey)
{
    if (pkey == NULL) {
        return NULL;
    }
    struct crypto_rsa *key = malloc(sizeof *key);
    if (key == NULL) {
        log_panic("out of memory");
    }
    key->pkey = pkey;
    return key;
}

void crypto_rsa_free(struct crypto_rsa **key)
{
    if (*key == NULL) {
        return;
    }
    EVP_PKEY_free((*key)->pkey);
    free(*key);
    *key = NULL;
}

struct crypto_rsa *crypto_rsa_generate(void)
{
    EVP_PKEY *pkey = EVP_RSA_gen(BITS);
    if (pkey == NULL) {
        log_panic("cannot make an RSA key");
    }
    return wrap(pkey);
}

struct crypto_rsa *crypto_rsa_from_pem(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    if (bio == NULL) {
        log_panic("out of memory");
    }
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (pkey != NULL && EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return wrap(pkey);
}

static BIGNUM *read_number(struct arena *arena, const char *text)
{
    size_t len = 0;
    const unsigned char *bytes = crypto_base64_decode(arena, text, &len);
    return bytes == NULL || len == 0 || len > NUMBER_MAX ? NULL : BN_bin2bn(bytes, (int)len, NULL);
}

/* Takes over nothing; NULL when OpenSSL does not like the numbers. */
static EVP_PKEY *public_key(const BIGNUM *n, const BIGNUM *e)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (builder == NULL || context == NULL || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1) {
        log_panic("cannot describe an RSA key");
    }
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY *pkey = NULL;
    if (params == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        pkey = NULL;
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    return pkey;
}

struct crypto_rsa *crypto_rsa_from_jwk(struct arena *arena, const char *n, const char *e)
{
    BIGNUM *modulus = read_number(arena, n);
    BIGNUM *exponent = read_number(arena, e);
    EVP_PKEY *pkey = NULL;
    if (modulus != NULL && exponent != NULL && BN_num_bits(modulus) >= BITS && BN_num_bits(modulus) <= BITS_MAX &&
        BN_is_odd(exponent) && !BN_is_one(exponent) && BN_num_bits(exponent) <= EXPONENT_BITS_MAX) {
        pkey = public_key(modulus, exponent);
    }
    BN_free(modulus);
    BN_free(exponent);
    return wrap(pkey);
}

/* What has been written there, which is no longer. */
static char *take_text(struct arena *arena, BIO *bio)
{
    const char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);
    char *pem = arena_memdup(arena, bytes, (size_t)len);
    BIO_free(bio);
    return pem;
}

char *crypto_rsa_pem(struct arena *arena, const struct crypto_rsa *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio_PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
        log_panic("cannot write an RSA key");
    }
    return take_text(arena, bio);
}

char *crypto_rsa_public_pem(struct arena *arena, const struct crypto_rsa *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || PEM_write_bio_PUBKEY(bio, key->pkey) != 1) {
        log_panic("cannot write an RSA key");
    }
    return take_text(arena, bio);
}

static const char *write_number(struct arena *arena, const EVP_PKEY *pkey, const char *name)
{
    unsigned char bytes[NUMBER_MAX];
    BIGNUM *number = NULL;
    if (EVP_PKEY_get_bn_param(pkey, name, &number) != 1 || BN_num_bytes(number) > NUMBER_MAX) {
        log_panic("an RSA key without numbers");
    }
    int len = BN_bn2bin(number, bytes);
    BN_free(number);
    return crypto_base64url(arena, bytes, (size_t)len);
}

void crypto_rsa_jwk(struct arena *arena, const struct crypto_rsa *key, const char **n_r, const char **e_r)
{
    *n_r = write_number(arena, key->pkey, OSSL_PKEY_PARAM_RSA_N);
    *e_r = write_number(arena, key->pkey, OSSL_PKEY_PARAM_RSA_E);
}

char *crypto_rsa_sign(struct arena *arena, const struct crypto_rsa *key, const char *text)
{
    unsigned char signature[NUMBER_MAX];
    size_t len = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) != 1 ||
        EVP_DigestSign(context, signature, &len, (const unsigned char *)text, strlen(text)) != 1) {
        log_panic("cannot sign with an RSA key");
    }
    EVP_MD_CTX_free(context);
    return crypto_base64url(arena, signature, len);
}

bool crypto_rsa_verify(struct arena *arena, const struct crypto_rsa *key, const char *text, const char *signature)
{
    size_t len = 0;
    const unsigned char *bytes = crypto_base64_decode(arena, signature, &len);
    if (bytes == NULL) {
        return false;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->pkey) != 1) {
        log_panic("cannot check an RSA signature");
    }
    bool good = EVP_DigestVerify(context, bytes, len, (const unsigned char *)text, strlen(text)) == 1;
    EVP_MD_CTX_free(context);
    return good;
}
