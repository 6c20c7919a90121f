#include "common/crypto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/base/utf8.h"
#include "common/crypto/ring.h"

#define NONCE_SIZE 12
#define TAG_SIZE 16
#define KEY_SIZE 32
#define SEAL_OVERHEAD (1 + NONCE_SIZE + TAG_SIZE)
#define PLAIN_MAX ((size_t)1 << 20)
#define NO_DIGIT 0xff

/* getrandom() keeps no state in the process, so that forked children never share any. */
void crypto_random(void *out, size_t len)
{
    unsigned char *at = out;
    while (len > 0) {
        size_t part = len < 256 ? len : 256;
        if (getrandom(at, part, 0) != (ssize_t)part) {
            log_panic("the system has no random bytes");
        }
        at += part;
        len -= part;
    }
}

/* ---- digests ---- */

void crypto_sha256(const void *bytes, size_t len, unsigned char out[CRYPTO_SHA256_SIZE])
{
    SHA256(bytes, len, out);
}

/* Looking an algorithm up costs OpenSSL 3 more than a short HMAC: it is done once for the process. */
static EVP_MAC_CTX *hmac_template(void)
{
    static EVP_MAC_CTX *made;
    if (made == NULL) {
        EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
        char digest[] = "SHA256";
        const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
        made = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
        EVP_MAC_free(hmac);
        if (made == NULL || EVP_MAC_CTX_set_params(made, params) != 1) {
            log_panic("OpenSSL has no HMAC-SHA256");
        }
    }
    return made;
}

/* Made again for every text from the key's digests, which OpenSSL keeps with the context. */
struct crypto_hmac {
    EVP_MAC_CTX *mac;
};

static struct crypto_hmac prepare(const void *key, size_t key_len)
{
    struct crypto_hmac hmac = {EVP_MAC_CTX_dup(hmac_template())};
    if (hmac.mac == NULL || EVP_MAC_init(hmac.mac, key, key_len, NULL) != 1) {
        log_panic("HMAC-SHA256 takes no key");
    }
    return hmac;
}

struct crypto_hmac *crypto_hmac_new(const void *key, size_t key_len)
{
    struct crypto_hmac *hmac = malloc(sizeof *hmac);
    if (hmac == NULL) {
        log_panic("no memory for a key");
    }
    *hmac = prepare(key, key_len);
    return hmac;
}

void crypto_hmac_run(const struct crypto_hmac *hmac, const void *bytes, size_t len,
                     unsigned char out[CRYPTO_SHA256_SIZE])
{
    size_t size;
    if (EVP_MAC_init(hmac->mac, NULL, 0, NULL) != 1 || EVP_MAC_update(hmac->mac, bytes, len) != 1 ||
        EVP_MAC_final(hmac->mac, out, &size, CRYPTO_SHA256_SIZE) != 1) {
        log_panic("HMAC-SHA256 failed");
    }
}

void crypto_hmac_free(struct crypto_hmac **hmac)
{
    if (*hmac == NULL) {
        return;
    }
    EVP_MAC_CTX_free((*hmac)->mac);
    free(*hmac);
    *hmac = NULL;
}

void crypto_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                        unsigned char out[CRYPTO_SHA256_SIZE])
{
    struct crypto_hmac hmac = prepare(key, key_len);
    crypto_hmac_run(&hmac, bytes, len, out);
    EVP_MAC_CTX_free(hmac.mac);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

/* ---- encodings ---- */

char *crypto_hex(struct arena *arena, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    char *text = arena_calloc(arena, len + 1, 2);
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[from[i] >> 4];
        text[2 * i + 1] = digits[from[i] & 0x0f];
    }
    return text;
}

char *crypto_sha1_hex(struct arena *arena, const char *text)
{
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1((const unsigned char *)text, strlen(text), digest);
    return crypto_hex(arena, digest, sizeof digest);
}

/* `letters` are the 64 characters, then the one for padding; without the last there is no padding. */
static char *encode64(struct arena *arena, const unsigned char *bytes, size_t len, const char *letters)
{
    char *text = arena_calloc(arena, len / 3 + 2, 4);
    char *to = text;
    for (; len >= 3; bytes += 3, len -= 3) {
        unsigned group = (unsigned)bytes[0] << 16 | (unsigned)bytes[1] << 8 | bytes[2];
        *to++ = letters[group >> 18];
        *to++ = letters[group >> 12 & 63];
        *to++ = letters[group >> 6 & 63];
        *to++ = letters[group & 63];
    }
    if (len > 0) {
        unsigned group = (unsigned)bytes[0] << 16 | (len > 1 ? (unsigned)bytes[1] << 8 : 0);
        *to++ = letters[group >> 18];
        *to++ = letters[group >> 12 & 63];
        *to++ = len > 1 ? letters[group >> 6 & 63] : letters[64];
        *to = letters[64];
    }
    return text;
}

#define LETTERS64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

char *crypto_base64(struct arena *arena, const void *bytes, size_t len)
{
    return encode64(arena, bytes, len, LETTERS64 "+/=");
}

char *crypto_base64url(struct arena *arena, const void *bytes, size_t len)
{
    return encode64(arena, bytes, len, LETTERS64 "-_");
}

/* 1 + the value of a character of the URL alphabet; 0 for every other. */
static const unsigned char url_digit[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

static unsigned digit64(char c)
{
    unsigned char digit = url_digit[(unsigned char)(c == '+' ? '-' : c == '/' ? '_' : c)];
    return digit != 0 ? digit - 1u : NO_DIGIT;
}

/* Characters without the padding; SIZE_MAX when both alphabets are mixed or the padding is wrong. */
static size_t unpadded_len(const char *text)
{
    size_t len = strcspn(text, "=");
    size_t padding = strlen(text + len);
    bool mixed = strpbrk(text, "+/") != NULL && strpbrk(text, "-_") != NULL;
    bool padded = padding > 0 && (padding > 2 || strspn(text + len, "=") != padding || (len + padding) % 4 != 0);
    return mixed || padded || len % 4 == 1 ? SIZE_MAX : len;
}

unsigned char *crypto_base64_decode(struct arena *arena, const char *text, size_t *len_r)
{
    size_t chars = unpadded_len(text);
    if (chars == SIZE_MAX) {
        return NULL;
    }
    unsigned char *bytes = arena_alloc(arena, chars / 4 * 3 + 4);
    size_t len = 0;
    unsigned group = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < chars; i++) {
        unsigned value = digit64(text[i]);
        if (value == NO_DIGIT) {
            return NULL;
        }
        group = (group << 6 | value) & 0xfff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[len++] = (unsigned char)(group >> bits);
        }
    }
    /* Bits that belong to no byte must be zero: one text per value. */
    if ((group & ((1u << bits) - 1)) != 0) {
        return NULL;
    }
    *len_r = len;
    return bytes;
}

/* ---- sealing ---- */

bool crypto_unhex(const char *hex, unsigned char *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = utf8_hex_digit(hex[2 * i]);
        int low = high >= 0 ? utf8_hex_digit(hex[2 * i + 1]) : -1;
        if (low < 0) {
            return false;
        }
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool take_key(const struct ring_entry *entry, unsigned char key[KEY_SIZE])
{
    return entry->key != NULL && entry->key_len == 2 * (size_t)KEY_SIZE && crypto_unhex(entry->key, key, KEY_SIZE);
}

/* 1 to 255. */
static bool take_key_id(const struct ring_entry *entry, uint8_t *id)
{
    unsigned value = 0;
    size_t i = 0;
    for (; i < entry->id_len && entry->id[i] >= '0' && entry->id[i] <= '9' && value <= UINT8_MAX; i++) {
        value = value * 10 + (unsigned)(entry->id[i] - '0');
    }
    *id = (uint8_t)value;
    return i == entry->id_len && value > 0 && value <= UINT8_MAX;
}

static const unsigned char *find_key(const struct crypto_keys *keys, uint8_t id)
{
    for (int i = 0; i < keys->count; i++) {
        if (keys->keys[i].id == id) {
            return keys->keys[i].key;
        }
    }
    return NULL;
}

static bool add_key(struct crypto_keys *keys, const struct ring_entry *entry, const char **why_r)
{
    uint8_t id;
    if (keys->count == CRYPTO_KEYS_MAX) {
        *why_r = "there are more than 8 keys";
        return false;
    }
    if (!take_key_id(entry, &id) || !take_key(entry, keys->keys[keys->count].key)) {
        *why_r = "a key must be a number from 1 to 255, a colon and 64 hex digits";
        return false;
    }
    if (find_key(keys, id) != NULL) {
        *why_r = "a key's number stands twice";
        return false;
    }
    keys->keys[keys->count].id = id;
    keys->keys[keys->count++].from_s = entry->from_s;
    return true;
}

bool crypto_keys_parse(const char *text, struct crypto_keys *keys_r, const char **why_r)
{
    struct crypto_keys keys = {.count = 0};
    while (text != NULL) {
        struct ring_entry entry;
        ring_next(&text, &entry);
        if (!add_key(&keys, &entry, why_r)) {
            return false;
        }
    }
    *keys_r = keys;
    return true;
}

/* Its place in the ring: when no key's time has come, the last is the oldest. */
static int sealing(const struct crypto_keys *keys)
{
    int i = 0;
    while (i + 1 < keys->count && !ring_due(keys->keys[i].from_s)) {
        i++;
    }
    return i;
}

uint8_t crypto_keys_sealing(const struct crypto_keys *keys)
{
    return keys->keys[sealing(keys)].id;
}

/* Begun anew for every value: to look the algorithm up costs OpenSSL 3 more than to seal a short one. */
static EVP_CIPHER_CTX *aes_gcm(void)
{
    static EVP_CIPHER_CTX *made;
    if (made == NULL) {
        made = EVP_CIPHER_CTX_new();
        if (made == NULL || EVP_CipherInit_ex(made, EVP_aes_256_gcm(), NULL, NULL, NULL, 1) != 1) {
            log_panic("OpenSSL has no AES-256-GCM");
        }
    }
    return made;
}

static bool encrypt(EVP_CIPHER_CTX *cipher, const unsigned char *key, const char *aad, const void *plain, int len,
                    unsigned char *nonce)
{
    unsigned char *text = nonce + NONCE_SIZE;
    int n;
    return EVP_EncryptInit_ex(cipher, NULL, NULL, key, nonce) == 1 &&
           EVP_EncryptUpdate(cipher, NULL, &n, (const unsigned char *)aad, (int)strlen(aad)) == 1 &&
           EVP_EncryptUpdate(cipher, text, &n, plain, len) == 1 && EVP_EncryptFinal_ex(cipher, text + len, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, text + len) == 1;
}

unsigned char *crypto_seal(struct arena *arena, const struct crypto_keys *keys, const char *aad, const void *plain,
                           size_t len, size_t *sealed_len_r)
{
    if (len > PLAIN_MAX || keys->count < 1) {
        log_panic("cannot seal %zu bytes with %d keys", len, keys->count);
    }
    unsigned char *sealed = arena_alloc(arena, len + SEAL_OVERHEAD);
    int key = sealing(keys);
    sealed[0] = keys->keys[key].id;
    crypto_random(sealed + 1, NONCE_SIZE);
    if (!encrypt(aes_gcm(), keys->keys[key].key, aad, len > 0 ? plain : "", (int)len, sealed + 1)) {
        log_panic("AES-256-GCM failed");
    }
    *sealed_len_r = len + SEAL_OVERHEAD;
    return sealed;
}

/* True only when the tag is right. */
static bool decrypt(EVP_CIPHER_CTX *cipher, const unsigned char *key, const char *aad, const unsigned char *nonce,
                    int len, unsigned char *plain)
{
    unsigned char tag[TAG_SIZE];
    const unsigned char *text = nonce + NONCE_SIZE;
    memcpy(tag, text + len, sizeof tag);
    int n;
    return EVP_DecryptInit_ex(cipher, NULL, NULL, key, nonce) == 1 &&
           EVP_DecryptUpdate(cipher, NULL, &n, (const unsigned char *)aad, (int)strlen(aad)) == 1 &&
           EVP_DecryptUpdate(cipher, plain, &n, text, len) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1 &&
           EVP_DecryptFinal_ex(cipher, plain + len, &n) == 1;
}

char *crypto_open(struct arena *arena, const struct crypto_keys *keys, const char *aad, const void *sealed, size_t len,
                  size_t *len_r)
{
    const unsigned char *bytes = sealed;
    if (len < SEAL_OVERHEAD || len - SEAL_OVERHEAD > PLAIN_MAX) {
        return NULL;
    }
    const unsigned char *key = find_key(keys, bytes[0]);
    if (key == NULL) {
        return NULL;
    }
    size_t plain_len = len - SEAL_OVERHEAD;
    unsigned char *plain = arena_alloc(arena, plain_len + 1);
    if (!decrypt(aes_gcm(), key, aad, bytes + 1, (int)plain_len, plain)) {
        OPENSSL_cleanse(plain, plain_len);
        return NULL;
    }
    *len_r = plain_len;
    return (char *)plain;
}
