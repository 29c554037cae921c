/* tls_bio.h: what OpenSSL reads and writes instead of a socket: memory of a worker that all its streams use in turn.
 *
 * Why not a socket BIO: OpenSSL reads a record's header and body with a call each, writes each record and each ticket
 * with a call of its own, and may want to read in order to write. Here one recv takes whatever came, one send takes
 * whatever is to go, and OpenSSL never waits to write. Why not memory BIOs: two of them cost each idle connection two
 * kilobytes. One thread. */
#ifndef SHELL_TLS_BIO_H
#define SHELL_TLS_BIO_H
#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TLS_IO_OUT: what one call may give: four records of 16 KiB, or the answers to a hostile flight. More fails. */
enum { TLS_IO_IN = 65536 + 64, TLS_IO_OUT = 262144, TLS_IO_OUT_FIRST = 65536 + 8192 };

struct tls_io {
	BIO *bio;		 /* a stream's SSL has a reference */
	uint8_t read[TLS_IO_IN]; /* a socket's octets, before they are decrypted */
	const uint8_t *in;	 /* what OpenSSL has not read of what it was given */
	size_t in_size;
	uint8_t *out; /* what it wrote */
	size_t out_size, out_room;
};

BIO_METHOD *tls_bio_method(void); /* to be freed with BIO_meth_free; NULL: memory */
struct tls_io *tls_bio_new(const BIO_METHOD *method);
struct tls_io *tls_bio_free(struct tls_io *io); /* NULL-safe, returns NULL */
#endif
