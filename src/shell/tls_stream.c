#include "shell/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "crypto/certificate.h"
#include "shell/tls_parts.h"

enum { FAILURE_ROOM = 160 };

/* An idle one should cost little beyond OpenSSL's part: what is seldom needed is allocated when it is. */
struct tls_stream {
	SSL *ssl;
	struct tls_snapshot *snapshot; /* during the handshake: names of certificates are looked up in it */
	uint8_t *kept;		       /* did not fit into the socket */
	uint32_t kept_size, kept_at;
	uint8_t state;	      /* enum tls_stream_state */
	bool said_last;	      /* our close_notify is out */
	bool of_admin;	      /* an operator's */
	uint64_t authorities; /* of clients, by which their certificate was judged */
	bool verifies;	      /* the client's end: the peer's certificate must hold */
	char *failure;	      /* NULL: none, or no memory for its text */
};

struct tls_io *tls_stream_io(struct tls *tls)
{
	return tls_bio_new(tls->method);
}

/* The queue of errors belongs to the thread: what others left there must not be taken for ours. */
static void forget_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

static struct tls_stream *begin(SSL_CTX *context, struct tls_snapshot *snapshot, struct tls_io *io)
{
	struct tls_stream *stream = mem_zero(1, sizeof(*stream));

	forget_errors();
	if (stream != NULL)
		stream->ssl = SSL_new(context);
	if (stream == NULL || stream->ssl == NULL) {
		tls_release(snapshot);
		mem_free(stream);
		return NULL;
	}
	BIO_up_ref(io->bio); /* one for reading, one for writing */
	BIO_up_ref(io->bio);
	SSL_set0_rbio(stream->ssl, io->bio);
	SSL_set0_wbio(stream->ssl, io->bio);
	stream->snapshot = snapshot;
	return stream;
}

/* Of whom a client is; NULL: they connect without TLS. */
static SSL_CTX *context_of(const struct tls_snapshot *snapshot, bool of_admin)
{
	if (of_admin)
		return snapshot->admin;
	return snapshot->count != 0 ? snapshot->certificates[0].context : NULL;
}

static uint64_t authorities_of(const struct tls_snapshot *snapshot, bool of_admin)
{
	return of_admin ? snapshot->admin_authorities : snapshot->authorities;
}

static struct tls_stream *accept_one(struct tls *tls, struct tls_io *io, bool of_admin, bool *ret_plain)
{
	struct tls_snapshot *snapshot = tls_current(tls);
	SSL_CTX *context = context_of(snapshot, of_admin);
	uint64_t authorities = authorities_of(snapshot, of_admin);
	struct tls_stream *stream;

	*ret_plain = context == NULL;
	if (*ret_plain) {
		tls_release(snapshot);
		return NULL;
	}
	stream = begin(context, snapshot, io);
	if (stream != NULL) {
		stream->of_admin = of_admin;
		stream->authorities = authorities;
		SSL_set_accept_state(stream->ssl);
	}
	return stream;
}

struct tls_stream *tls_stream_accept(struct tls *tls, struct tls_io *io, bool *ret_plain)
{
	return accept_one(tls, io, false, ret_plain);
}

struct tls_stream *tls_stream_accept_admin(struct tls *tls, struct tls_io *io, bool *ret_plain)
{
	return accept_one(tls, io, true, ret_plain);
}

/* RFC 6066 3: only names are asked for; RFC 6125 6.4.3: no "w*.example". */
static bool expect(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1)
		return true;
	ERR_clear_error();
	X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set_tlsext_host_name(ssl, host) == 1 && X509_VERIFY_PARAM_set1_host(parameters, host, 0) == 1;
}

static void shake_hands(struct tls_stream *stream);

struct tls_stream *tls_stream_connect(struct tls *tls, struct tls_io *io, const char *host)
{
	struct tls_snapshot *snapshot = tls_current(tls);
	struct tls_stream *stream;

	if (snapshot->client == NULL) {
		tls_release(snapshot);
		return NULL;
	}
	stream = begin(snapshot->client, snapshot, io);
	if (stream == NULL)
		return NULL;
	if (!expect(stream->ssl, snapshot->server_name != NULL ? snapshot->server_name : host))
		return tls_stream_free(stream);
	stream->verifies = snapshot->verifies;
	SSL_set_connect_state(stream->ssl);
	io->in_size = io->out_size = 0;
	shake_hands(stream);
	return stream;
}

struct tls_stream *tls_stream_free(struct tls_stream *stream)
{
	if (stream == NULL)
		return NULL;
	SSL_free(stream->ssl);
	tls_release(stream->snapshot);
	mem_free(stream->kept);
	mem_free(stream->failure);
	mem_free(stream);
	return NULL;
}

static void keep_failure(struct tls_stream *stream, const char *text, const char *more)
{
	char joined[FAILURE_ROOM];

	if (stream->failure != NULL)
		return;
	snprintf(joined, sizeof(joined), "TLS: %s%s%s", text, more != NULL ? ": " : "", more != NULL ? more : "");
	stream->failure = mem_text(joined, strlen(joined));
}

/* Why the last call failed, in words; the stream is over. */
static void fail(struct tls_stream *stream)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(error), *more = NULL;
	long verified = SSL_get_verify_result(stream->ssl);
	int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;

	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK)
		more = X509_verify_cert_error_string(verified);
	stream->state = stream->state == TLS_STREAM_SHAKING && SSL_is_server(stream->ssl) &&
					(reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST)
				? TLS_STREAM_PLAIN
				: TLS_STREAM_FAILED;
	keep_failure(stream, text != NULL ? text : "the handshake broke off", more);
	ERR_clear_error();
}

/* True while nothing is wrong: OpenSSL wants more of the peer. */
static bool wants_more(const struct tls_stream *stream, int result)
{
	return SSL_get_error(stream->ssl, result) == SSL_ERROR_WANT_READ;
}

static void shake_hands(struct tls_stream *stream)
{
	int result;

	forget_errors();
	result = SSL_do_handshake(stream->ssl);
	if (result != 1) {
		if (!wants_more(stream, result))
			fail(stream);
		return;
	}
	/* Belt and braces: no path of OpenSSL may open a stream to an upstream whose certificate does not hold. */
	if (stream->verifies &&
	    (SSL_get0_peer_certificate(stream->ssl) == NULL || SSL_get_verify_result(stream->ssl) != X509_V_OK)) {
		stream->state = TLS_STREAM_FAILED;
		keep_failure(stream, "the certificate of the peer does not hold", NULL);
		return;
	}
	stream->state = TLS_STREAM_OPEN;
	tls_release(stream->snapshot);
	stream->snapshot = NULL;
}

/* What is left is in OpenSSL's own buffer, or not read yet: a call that would only say "more" is not made. */
static bool may_have_more(const struct tls_stream *stream, const struct tls_io *io)
{
	return io->in_size != 0 || SSL_has_pending(stream->ssl) == 1;
}

static size_t decrypt(struct tls_stream *stream, const struct tls_io *io, uint8_t *out, size_t room)
{
	size_t size = 0, got;
	int result = 1;

	forget_errors();
	while (result == 1 && size < room && may_have_more(stream, io)) {
		result = SSL_read_ex(stream->ssl, out + size, room - size, &got);
		if (result == 1)
			size += got;
	}
	if (result == 1 && io->in_size != 0) { /* no room: what is not read now would be lost */
		stream->state = TLS_STREAM_FAILED;
		keep_failure(stream, "more came than there is room for", NULL);
	}
	if (result == 1)
		return size;
	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_ZERO_RETURN:
		stream->state = TLS_STREAM_ENDED;
		break;
	default:
		fail(stream);
		break;
	}
	return size;
}

size_t tls_stream_take(struct tls_stream *stream, struct tls_io *io, const uint8_t *octets, size_t size, uint8_t *out,
		       size_t room)
{
	size_t got = 0;

	io->in = octets;
	io->in_size = size;
	if (stream->state == TLS_STREAM_SHAKING)
		shake_hands(stream);
	if (stream->state == TLS_STREAM_OPEN)
		got = decrypt(stream, io, out, room);
	io->in_size = 0;
	return got;
}

bool tls_stream_give(struct tls_stream *stream, struct tls_io *io, const uint8_t *octets, size_t size)
{
	size_t written;

	(void)io;
	if (stream->state != TLS_STREAM_OPEN && stream->state != TLS_STREAM_ENDED)
		return false;
	forget_errors();
	if (SSL_write_ex(stream->ssl, octets, size, &written) == 1 && written == size)
		return true;
	fail(stream);
	return false;
}

void tls_stream_finish(struct tls_stream *stream, struct tls_io *io)
{
	(void)io;
	if (stream->said_last || (stream->state != TLS_STREAM_OPEN && stream->state != TLS_STREAM_ENDED))
		return;
	stream->said_last = true;
	forget_errors();
	SSL_shutdown(stream->ssl);
	forget_errors();
}

struct fw_slice tls_stream_waiting(const struct tls_stream *stream, const struct tls_io *io)
{
	if (stream->kept_size != 0)
		return slice(stream->kept + stream->kept_at, stream->kept_size);
	return slice(io->out, io->out_size);
}

void tls_stream_sent(struct tls_stream *stream, struct tls_io *io, size_t size)
{
	if (stream->kept_size == 0) {
		io->out_size -= size;
		if (io->out_size != 0)
			memmove(io->out, io->out + size, io->out_size);
		return;
	}
	stream->kept_at += (uint32_t)size;
	stream->kept_size -= (uint32_t)size;
	if (stream->kept_size == 0) {
		mem_free(stream->kept);
		stream->kept = NULL;
	}
}

bool tls_stream_keep(struct tls_stream *stream, struct tls_io *io)
{
	size_t size = io->out_size, all;
	uint8_t *grown;

	io->out_size = 0;
	if (size == 0)
		return true;
	if (!size_add(stream->kept_size, size, &all) || all > UINT32_MAX)
		return false;
	grown = mem_alloc(all);
	if (grown == NULL)
		return false;
	if (stream->kept_size != 0)
		memcpy(grown, stream->kept + stream->kept_at, stream->kept_size);
	memcpy(grown + stream->kept_size, io->out, size);
	mem_free(stream->kept);
	stream->kept = grown;
	stream->kept_at = 0;
	stream->kept_size = (uint32_t)all;
	return true;
}

size_t tls_stream_kept(const struct tls_stream *stream)
{
	return stream->kept_size;
}

enum tls_stream_state tls_stream_state(const struct tls_stream *stream)
{
	return stream->state;
}

const char *tls_stream_failure(const struct tls_stream *stream)
{
	return stream->failure != NULL ? stream->failure : "TLS: out of memory";
}

struct tls_facts tls_stream_facts(const struct tls_stream *stream)
{
	struct tls_facts facts = { .version = SSL_get_version(stream->ssl),
				   .cipher = SSL_get_cipher_name(stream->ssl) };
	const X509 *certificate = SSL_get0_peer_certificate(stream->ssl);
	unsigned size = 0;

	facts.certificate = certificate != NULL && SSL_get_verify_result(stream->ssl) == X509_V_OK &&
			    X509_digest(certificate, EVP_sha256(), facts.fingerprint, &size) == 1;
	return facts;
}

void tls_stream_names(const struct tls_stream *stream, struct arena *arena, struct certificate_facts *ret_facts)
{
	certificate_read(arena, SSL_get0_peer_certificate(stream->ssl), ret_facts);
}

static bool verify_again(const struct tls_stream *stream, SSL_CTX *context)
{
	X509_STORE_CTX *checking = X509_STORE_CTX_new();
	X509 *certificate = SSL_get0_peer_certificate(stream->ssl);
	bool holds = checking != NULL &&
		     X509_STORE_CTX_init(checking, SSL_CTX_get_cert_store(context), certificate,
					 SSL_get_peer_cert_chain(stream->ssl)) == 1 &&
		     X509_STORE_CTX_set_default(checking, "ssl_client") == 1 && X509_verify_cert(checking) == 1;

	X509_STORE_CTX_free(checking);
	ERR_clear_error();
	return holds;
}

bool tls_stream_trusted(struct tls_stream *stream, struct tls *tls)
{
	struct tls_snapshot *snapshot = tls_current(tls);
	SSL_CTX *context = context_of(snapshot, stream->of_admin);
	uint64_t authorities = authorities_of(snapshot, stream->of_admin);
	bool trusted = context == NULL || authorities == stream->authorities ||
		       SSL_CTX_get_verify_mode(context) == SSL_VERIFY_NONE ||
		       SSL_get0_peer_certificate(stream->ssl) == NULL || verify_again(stream, context);

	if (trusted && context != NULL)
		stream->authorities = authorities;
	tls_release(snapshot);
	return trusted;
}
