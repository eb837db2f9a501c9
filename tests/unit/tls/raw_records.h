/* Records that a client of OpenSSL's would not write, such as a message in two parts: encrypted here with the
 * client's keys, which OpenSSL reports for a log. TLS_AES_128_GCM_SHA256 only. OpenSSL writes nothing itself
 * after that, and reads as ever. */
#ifndef TESTS_UNIT_TLS_RAW_RECORDS_H
#define TESTS_UNIT_TLS_RAW_RECORDS_H

#include "tests/unit/test.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#define RAW_SUITE        "TLS_AES_128_GCM_SHA256"
#define RAW_SECRET_BYTES 32
#define RAW_KEY_BYTES    16
#define RAW_NONCE_BYTES  12
#define RAW_TAG_BYTES    16
#define RAW_HEADER_BYTES 5
#define RAW_RECORD_MAX   1024

#define RAW_TYPE_HANDSHAKE 22
#define RAW_TYPE_CONTENT   23

struct raw_writer {
    uint8_t secret[RAW_SECRET_BYTES];
    uint8_t key[RAW_KEY_BYTES];
    uint8_t nonce[RAW_NONCE_BYTES];
    uint64_t sequence;
};

/* HKDF-Expand-Label (RFC 8446 section 7.1). */
static inline void raw_expand(const uint8_t secret[RAW_SECRET_BYTES], const char *label, uint8_t *out,
                              size_t size)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, RAW_SECRET_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)label, strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA, (void *)"", 0),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_KDF_derive(context, out, size, parameters), 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

static inline void raw_set_secret(struct raw_writer *writer, const uint8_t secret[RAW_SECRET_BYTES])
{
    memmove(writer->secret, secret, RAW_SECRET_BYTES);
    raw_expand(writer->secret, "key", writer->key, RAW_KEY_BYTES);
    raw_expand(writer->secret, "iv", writer->nonce, RAW_NONCE_BYTES);
    writer->sequence = 0;
}

/* For a line of the log of keys (SSL_CTX_set_keylog_callback): "LABEL client_random secret". */
static inline void raw_note_secret(struct raw_writer *writer, const char *line)
{
    static const char label[] = "CLIENT_TRAFFIC_SECRET_0 ";
    uint8_t secret[RAW_SECRET_BYTES];
    if (strncmp(line, label, sizeof(label) - 1) != 0)
        return;
    const char *digits = strrchr(line, ' ') + 1;
    for (size_t i = 0; i < RAW_SECRET_BYTES; i++)
        assert_int_equal(sscanf(digits + 2 * i, "%2hhx", &secret[i]), 1);
    raw_set_secret(writer, secret);
}

/* After a KeyUpdate (RFC 8446 section 7.2). */
static inline void raw_change_key(struct raw_writer *writer)
{
    uint8_t next[RAW_SECRET_BYTES];
    raw_expand(writer->secret, "traffic upd", next, sizeof(next));
    raw_set_secret(writer, next);
}

/* Encrypts one record; returns its length. */
static inline size_t raw_write(struct raw_writer *writer, uint8_t type, struct slice bytes,
                               uint8_t out[RAW_RECORD_MAX])
{
    uint8_t content[RAW_RECORD_MAX], nonce[RAW_NONCE_BYTES];
    size_t length = bytes.length + 1 + RAW_TAG_BYTES;
    const uint8_t header[RAW_HEADER_BYTES] = {RAW_TYPE_CONTENT, 3, 3, (uint8_t)(length >> 8),
                                              (uint8_t)length};
    int used;
    assert_true(RAW_HEADER_BYTES + length <= RAW_RECORD_MAX);
    memcpy(content, bytes.data, bytes.length);
    content[bytes.length] = type;
    memcpy(nonce, writer->nonce, sizeof(nonce));
    for (size_t i = 0; i < 8; i++)
        nonce[RAW_NONCE_BYTES - 1 - i] ^= (uint8_t)(writer->sequence >> 8 * i);
    writer->sequence++;
    memcpy(out, header, sizeof(header));
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, writer->key, nonce), 1);
    assert_int_equal(EVP_EncryptUpdate(context, NULL, &used, header, sizeof(header)), 1);
    assert_int_equal(
        EVP_EncryptUpdate(context, out + RAW_HEADER_BYTES, &used, content, (int)bytes.length + 1), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, out + RAW_HEADER_BYTES + used, &used), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, RAW_TAG_BYTES,
                                         out + RAW_HEADER_BYTES + bytes.length + 1),
                     1);
    EVP_CIPHER_CTX_free(context);
    return RAW_HEADER_BYTES + length;
}

#endif
