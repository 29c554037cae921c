/* load_tls.c: see load_tls.h. */
#include "load_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { LINKS = 65536 };
static SSL *links[LINKS];

static SSL_CTX *context(void)
{
	static SSL_CTX *made;
	if (made)
		return made;
	made = SSL_CTX_new(TLS_client_method());
	if (!made || SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION) != 1)
		wire_die("TLS cannot be set up");
	SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return made;
}

bool load_tls_begin(int fd)
{
	SSL *ssl = fd < LINKS ? SSL_new(context()) : NULL;
	if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, "localhost") != 1)
		wire_die("memory for TLS");
	if (SSL_connect(ssl) == 1) {
		links[fd] = ssl;
		return true;
	}
	snprintf(load_error, sizeof(load_error), "TLS: %s", ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	SSL_free(ssl);
	return false;
}

static ssize_t result_of(SSL *ssl, int result, bool reading)
{
	if (result > 0)
		return result;
	int error = SSL_get_error(ssl, result);
	ERR_clear_error();
	if (reading && error == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
	return -1;
}

ssize_t load_tls_read(int fd, void *ret_octets, size_t room)
{
	SSL *ssl = fd < LINKS ? links[fd] : NULL;
	if (!ssl)
		return read(fd, ret_octets, room);
	return result_of(ssl, SSL_read(ssl, ret_octets, (int)room), true);
}

ssize_t load_tls_write(int fd, const void *octets, size_t size)
{
	SSL *ssl = fd < LINKS ? links[fd] : NULL;
	if (!ssl)
		return send(fd, octets, size, MSG_NOSIGNAL);
	return result_of(ssl, SSL_write(ssl, octets, (int)size), false);
}

void load_tls_close(int fd)
{
	if (fd < LINKS) {
		SSL_free(links[fd]);
		links[fd] = NULL;
	}
	close(fd);
}
