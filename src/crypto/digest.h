/* digest.h: SHA-1 (only for Sec-WebSocket-Accept), SHA-256 and HMAC-SHA-256 by OpenSSL. No state; any thread. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H
#include <framewall/types.h>

void digest_sha1(struct fw_slice bytes, uint8_t ret_digest[20]);
void digest_sha256(struct fw_slice bytes, uint8_t ret_digest[32]);
/* Of both, one behind the other. */
void digest_sha256_pair(struct fw_slice first, struct fw_slice second, uint8_t ret_digest[32]);
bool digest_hmac_sha256(struct fw_slice key, struct fw_slice bytes, uint8_t ret_mac[32]);
/* SHA-256 of what comes in pieces. NULL when memory is short; freed by mem_free. */
struct digest_stream;
struct digest_stream *digest_stream_new(void);
void digest_stream_add(struct digest_stream *stream, struct fw_slice bytes);
void digest_stream_end(struct digest_stream *stream, uint8_t ret_digest[32]);
/* Sec-WebSocket-Accept of a key, 28 characters (RFC 6455 4.2.2). */
void digest_websocket_accept(struct fw_slice key, char ret_accept[28]);
#endif
