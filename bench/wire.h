/* wire.h: what the load generator and the raw peers of the bench share: frame headers, masks, the handshake digest,
 * sockets. Plain libc, one thread, no error recovery: a bench that meets an error says so and ends.
 * Nothing here is part of Framewall: peers must not be measured with its own code. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_TEXT = 1, WIRE_CLOSE = 8, WIRE_PING = 9, WIRE_PONG = 10, WIRE_READ = 256 * 1024, WIRE_HEAD = 16384 };

/* The frame that is being read from one direction of one connection. */
struct wire_frame {
	uint8_t header[14];
	uint8_t have;
	bool inside; /* the header is complete, left octets of payload are due */
	uint8_t opcode;
	uint8_t first; /* first octet as it came: FIN, RSV, opcode */
	bool masked;
	uint8_t mask[4];
	uint64_t size;
	uint64_t left;
};

/* Takes header octets; true when the header is complete (inside is set, left may be 0). */
bool wire_take_header(struct wire_frame *frame, const uint8_t **bytes, size_t *size);
/* Writes a minimal header; mask NULL: a server's frame. Returns its size. */
size_t wire_put_header(uint8_t *out, uint8_t first, uint64_t size, const uint8_t *mask);
/* out = in XOR mask, beginning at octet `at` of the payload. out may equal in. */
void wire_mask(uint8_t *out, const uint8_t *in, size_t size, const uint8_t mask[4], uint64_t at);

/* Sec-WebSocket-Accept of a 24 character key (RFC 6455 4.2.2), NUL-terminated. */
void wire_accept(const char *key, char ret_accept[29]);
/* The value of a header field of a request head, or NULL; name with colon, in the usual spelling or lower case. */
const char *wire_field(const char *head, const char *name);

/* Octets that wait for a socket. */
struct wire_out {
	uint8_t *data;
	size_t size, sent;
};
/* Sends what waits, then the bytes, as far as the socket takes them; keeps the rest. False: the peer is gone. */
bool wire_send(int fd, struct wire_out *out, const uint8_t *bytes, size_t size);
static inline bool wire_waiting(const struct wire_out *out)
{
	return out->size > out->sent;
}

int wire_listen(uint16_t port);	 /* non-blocking, on 127.0.0.1 */
int wire_connect(uint16_t port); /* blocking until connected, then TCP_NODELAY and still blocking */
void wire_nonblock(int fd);
void wire_nodelay(int fd);
void wire_raise_files(void); /* RLIMIT_NOFILE to its hard limit */
void wire_watch(int epoll, int fd, bool add, uint32_t events, void *pointer);
_Noreturn void wire_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint16_t wire_port(const char *text);
#endif
