/* load_tls.h: sockets of the load generator that speak TLS 1.3, by descriptor, so that the rest need not know which do.
 * One thread; OpenSSL as it comes. The server's certificate is not judged: it is the bench's own. */
#ifndef BENCH_LOAD_TLS_H
#define BENCH_LOAD_TLS_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Shakes hands on a connected, blocking socket. False: load_error says why. */
bool load_tls_begin(int fd);
/* As recv and send of the socket, plain or not; -1 with errno EAGAIN when more must come first. */
ssize_t load_tls_read(int fd, void *ret_octets, size_t room);
ssize_t load_tls_write(int fd, const void *octets, size_t size);
void load_tls_close(int fd);
#endif
