/* SHA-1 and SHA-256 by the functions that allocate nothing, take no lock and so cannot fail: a digest is void here and
 * a fetch of the algorithm for each call would cost four times the work for a short text. */
#define OPENSSL_API_COMPAT 10101 /* they are marked as deprecated since 3.0 */

#include "crypto/digest.h"

#include <limits.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"

void digest_sha1(struct fw_slice bytes, uint8_t ret_digest[20])
{
	SHA_CTX context;

	SHA1_Init(&context);
	if (bytes.size != 0)
		SHA1_Update(&context, bytes.data, bytes.size);
	SHA1_Final(ret_digest, &context);
}

void digest_sha256(struct fw_slice bytes, uint8_t ret_digest[32])
{
	SHA256_CTX context;

	SHA256_Init(&context);
	if (bytes.size != 0)
		SHA256_Update(&context, bytes.data, bytes.size);
	SHA256_Final(ret_digest, &context);
	mem_wipe(&context, sizeof(context)); /* may have held a key */
}

void digest_sha256_pair(struct fw_slice first, struct fw_slice second, uint8_t ret_digest[32])
{
	SHA256_CTX context;

	SHA256_Init(&context);
	if (first.size != 0)
		SHA256_Update(&context, first.data, first.size);
	if (second.size != 0)
		SHA256_Update(&context, second.data, second.size);
	SHA256_Final(ret_digest, &context);
}

struct digest_stream {
	SHA256_CTX context;
};

struct digest_stream *digest_stream_new(void)
{
	struct digest_stream *stream = mem_alloc(sizeof(*stream));

	if (stream != NULL)
		SHA256_Init(&stream->context);
	return stream;
}

void digest_stream_add(struct digest_stream *stream, struct fw_slice bytes)
{
	if (bytes.size != 0)
		SHA256_Update(&stream->context, bytes.data, bytes.size);
}

void digest_stream_end(struct digest_stream *stream, uint8_t ret_digest[32])
{
	SHA256_Final(ret_digest, &stream->context);
}

/* RFC 2104 by the same functions: OpenSSL's HMAC looks its digest up for each call, which costs more than a token's
 * octets do. Checked against vectors of others: tests/conformance/conf_jwt_vectors.c. */
bool digest_hmac_sha256(struct fw_slice key, struct fw_slice bytes, uint8_t ret_mac[32])
{
	enum { BLOCK = 64 };
	uint8_t pad[BLOCK] = { 0 }, inner[32];
	SHA256_CTX context;

	if (key.size > INT_MAX)
		return false;
	if (key.size > BLOCK)
		digest_sha256(key, pad);
	else if (key.size != 0)
		memcpy(pad, key.data, key.size);
	for (unsigned i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36;
	SHA256_Init(&context);
	SHA256_Update(&context, pad, BLOCK);
	if (bytes.size != 0)
		SHA256_Update(&context, bytes.data, bytes.size);
	SHA256_Final(inner, &context);
	for (unsigned i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&context);
	SHA256_Update(&context, pad, BLOCK);
	SHA256_Update(&context, inner, sizeof(inner));
	SHA256_Final(ret_mac, &context);
	mem_wipe(pad, sizeof(pad));
	mem_wipe(inner, sizeof(inner));
	mem_wipe(&context, sizeof(context));
	return true;
}

void digest_websocket_accept(struct fw_slice key, char ret_accept[28])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */
	uint8_t digest[20];
	SHA_CTX context;

	SHA1_Init(&context);
	if (key.size != 0)
		SHA1_Update(&context, key.data, key.size);
	SHA1_Update(&context, guid, sizeof(guid) - 1);
	SHA1_Final(digest, &context);
	encode_base64(digest, sizeof(digest), 0, ret_accept);
}
