/* tls_stream.h: TLS of one connection, without its socket: octets of the peer in, plain octets out, and the other way.
 * What is to go to the peer waits in tls_stream_waiting until the caller sent it or had it kept; that memory is shared
 * by the streams of a worker, so it must be empty before another stream is used. Owned by a worker, used in its thread
 * only. Never reads a clock or a socket. */
#ifndef SHELL_TLS_STREAM_H
#define SHELL_TLS_STREAM_H
#include <framewall/types.h>

#include "base/arena.h"
#include "shell/tls.h"
#include "shell/tls_bio.h"

struct tls_stream;

/* Memory of a worker for its streams. NULL: memory is short. Freed with tls_bio_free, after its streams. */
struct tls_io *tls_stream_io(struct tls *tls);
/* The server's end of a new connection; NULL: memory is short. ret_plain: clients connect without TLS, and NULL is
 * returned. */
struct tls_stream *tls_stream_accept(struct tls *tls, struct tls_io *io, bool *ret_plain);
/* The same of an operator's connection. */
struct tls_stream *tls_stream_accept_admin(struct tls *tls, struct tls_io *io, bool *ret_plain);
/* The client's end: its first flight waits to be sent. host: whose certificate it must be, unless the configuration
 * says otherwise; a name or an address. */
struct tls_stream *tls_stream_connect(struct tls *tls, struct tls_io *io, const char *host);
struct tls_stream *tls_stream_free(struct tls_stream *stream); /* NULL-safe, returns NULL */

/* Of the peer's octets: plain ones to out, whose room must be TLS_STREAM_SLACK beyond size. Returns how many, 0 when
 * none came of it. See tls_stream_state for what else happened. */
enum { TLS_STREAM_SLACK = 17 * 1024 };
size_t tls_stream_take(struct tls_stream *stream, struct tls_io *io, const uint8_t *octets, size_t size, uint8_t *out,
		       size_t room);
/* Plain octets for the peer, at most TLS_STREAM_MOST of them; OPEN only. False: FAILED from now on. */
enum { TLS_STREAM_MOST = 65536 };
bool tls_stream_give(struct tls_stream *stream, struct tls_io *io, const uint8_t *octets, size_t size);
/* Says the last word (close_notify, RFC 8446 6.1), where there is still one to say. */
void tls_stream_finish(struct tls_stream *stream, struct tls_io *io);

/* What is to be sent, what was kept first. */
struct fw_slice tls_stream_waiting(const struct tls_stream *stream, const struct tls_io *io);
void tls_stream_sent(struct tls_stream *stream, struct tls_io *io, size_t size);
/* Copies what was not sent out of the shared memory. False: memory is short, and it is lost. */
bool tls_stream_keep(struct tls_stream *stream, struct tls_io *io);
size_t tls_stream_kept(const struct tls_stream *stream);

enum tls_stream_state {
	TLS_STREAM_SHAKING, /* hands */
	TLS_STREAM_OPEN,
	TLS_STREAM_ENDED,  /* the peer said its last word; what is given still goes out */
	TLS_STREAM_FAILED, /* nothing more comes or goes, but what waits: the alert that says why */
	TLS_STREAM_PLAIN   /* the client spoke HTTP without TLS: this stream is of no use */
};
enum tls_stream_state tls_stream_state(const struct tls_stream *stream);
const char *tls_stream_failure(const struct tls_stream *stream); /* why, for operators */

/* Of an open stream. Texts are static, the fingerprint is the stream's. */
struct tls_facts {
	const char *version;	 /* "TLSv1.3" */
	const char *cipher;	 /* "TLS_AES_256_GCM_SHA384" */
	bool certificate;	 /* the peer showed one, and it holds */
	uint8_t fingerprint[32]; /* its SHA-256 */
};
struct tls_facts tls_stream_facts(const struct tls_stream *stream);
/* Would the certificate that the client showed hold now, with the authorities that the configuration names since? True
 * where it showed none, or none is asked for. Costs a verification, once after each change of them. */
bool tls_stream_trusted(struct tls_stream *stream, struct tls *tls);
/* Names of that certificate, their texts in the arena. */
struct certificate_facts;
void tls_stream_names(const struct tls_stream *stream, struct arena *arena, struct certificate_facts *ret_facts);
#endif
