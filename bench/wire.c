/* wire.c: see wire.h. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_die(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fprintf(stderr, "error: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	exit(3);
}

uint16_t wire_port(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);
	if (*end || port < 1 || port > 65535)
		wire_die("not a port: %s", text);
	return (uint16_t)port;
}

static size_t header_need(const struct wire_frame *frame)
{
	if (frame->have < 2)
		return 2;
	unsigned length = frame->header[1] & 0x7f;
	return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + (frame->header[1] & 0x80 ? 4u : 0u);
}

bool wire_take_header(struct wire_frame *frame, const uint8_t **bytes, size_t *size)
{
	while (frame->have < header_need(frame)) {
		if (!*size)
			return false;
		frame->header[frame->have++] = *(*bytes)++;
		--*size;
	}
	const uint8_t *header = frame->header;
	unsigned length = header[1] & 0x7f, at = 2;
	frame->size = length;
	if (length >= 126) {
		unsigned octets = length == 126 ? 2 : 8;
		frame->size = 0;
		for (unsigned i = 0; i < octets; i++)
			frame->size = frame->size << 8 | header[at++];
	}
	frame->masked = header[1] & 0x80;
	memset(frame->mask, 0, sizeof(frame->mask));
	if (frame->masked)
		memcpy(frame->mask, header + at, 4);
	frame->first = header[0];
	frame->opcode = header[0] & 0x0f;
	frame->left = frame->size;
	frame->inside = true;
	frame->have = 0;
	return true;
}

size_t wire_put_header(uint8_t *out, uint8_t first, uint64_t size, const uint8_t *mask)
{
	size_t at = 2;
	uint8_t bit = mask ? 0x80 : 0;
	out[0] = first;
	if (size < 126) {
		out[1] = (uint8_t)(bit | size);
	} else {
		unsigned octets = size < 65536 ? 2 : 8;
		out[1] = bit | (octets == 2 ? 126 : 127);
		for (unsigned i = octets; i-- > 0;)
			out[at++] = (uint8_t)(size >> (8 * i));
	}
	if (mask) {
		memcpy(out + at, mask, 4);
		at += 4;
	}
	return at;
}

void wire_mask(uint8_t *out, const uint8_t *in, size_t size, const uint8_t mask[4], uint64_t at)
{
	uint8_t turned[8];
	for (unsigned i = 0; i < 8; i++)
		turned[i] = mask[(at + i) & 3];
	uint64_t wide, word;
	memcpy(&wide, turned, 8);
	size_t i = 0;
	for (; i + 8 <= size; i += 8) {
		memcpy(&word, in + i, 8);
		word ^= wide;
		memcpy(out + i, &word, 8);
	}
	for (; i < size; i++)
		out[i] = in[i] ^ turned[i & 7];
}

static uint32_t rotate(uint32_t value, unsigned bits)
{
	return value << bits | value >> (32 - bits);
}

static void sha1_block(uint32_t state[5], const uint8_t *block)
{
	uint32_t w[80];
	for (unsigned i = 0; i < 16; i++)
		w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
		       (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (unsigned i = 16; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
	for (unsigned i = 0; i < 80; i++) {
		uint32_t f = i < 20		 ? ((b & c) | (~b & d))
			     : i < 40 || i >= 60 ? (b ^ c ^ d)
						 : ((b & c) | (b & d) | (c & d));
		uint32_t k = i < 20 ? 0x5a827999u : i < 40 ? 0x6ed9eba1u : i < 60 ? 0x8f1bbcdcu : 0xca62c1d6u;
		uint32_t next = rotate(a, 5) + f + e + k + w[i];
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

void wire_accept(const char *key, char ret_accept[29])
{
	/* 24 + 36 octets of text and the padding are two blocks. */
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t text[128] = { 0 }, digest[21] = { 0 };
	memcpy(text, key, 24);
	memcpy(text + 24, guid, 36);
	text[60] = 0x80;
	text[126] = (60 * 8) >> 8;
	text[127] = (60 * 8) & 0xff;
	uint32_t state[5] = { 0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u };
	sha1_block(state, text);
	sha1_block(state, text + 64);
	for (unsigned i = 0; i < 20; i++)
		digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
	for (unsigned i = 0; i < 7; i++) {
		uint32_t three = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
		for (unsigned k = 0; k < 4; k++)
			ret_accept[4 * i + k] = digits[three >> (18 - 6 * k) & 63];
	}
	ret_accept[27] = '=';
	ret_accept[28] = 0;
}

const char *wire_field(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);
	if (!at)
		return NULL;
	at += strlen(name);
	return at + strspn(at, " \t");
}

bool wire_send(int fd, struct wire_out *out, const uint8_t *bytes, size_t size)
{
	while (wire_waiting(out)) {
		ssize_t sent = send(fd, out->data + out->sent, out->size - out->sent, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent < 0)
			break;
		out->sent += (size_t)sent;
	}
	if (!wire_waiting(out)) {
		if (out->data) {
			free(out->data);
			*out = (struct wire_out){ 0 };
		}
		while (size) {
			ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
			if (sent < 0 && errno != EAGAIN)
				return false;
			if (sent < 0)
				break;
			bytes += sent;
			size -= (size_t)sent;
		}
	}
	if (!size)
		return true;
	uint8_t *data = realloc(out->data, out->size + size);
	if (!data)
		wire_die("memory");
	memcpy(data + out->size, bytes, size);
	out->data = data;
	out->size += size;
	return true;
}

void wire_nonblock(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		wire_die("fcntl: %s", strerror(errno));
}

void wire_nodelay(int fd)
{
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

int wire_listen(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in address = loopback(port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0)
		wire_die("cannot listen on port %u: %s", port, strerror(errno));
	return fd;
}

int wire_connect(uint16_t port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = loopback(port);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	wire_nodelay(fd);
	return fd;
}

void wire_raise_files(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void wire_watch(int epoll, int fd, bool add, uint32_t events, void *pointer)
{
	struct epoll_event event = { .events = events, .data.ptr = pointer };
	if (epoll_ctl(epoll, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) < 0)
		wire_die("epoll_ctl: %s", strerror(errno));
}
