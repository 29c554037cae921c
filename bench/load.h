/* load.h: the load generator's parts: options, connections, and what is measured.
 * One thread, one epoll; the processor time of the peer is read here, at the first and the last measured message,
 * so that starting and warming up never count. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

struct options {
	const char *mode;	   /* echo, handshake, idle, broadcast */
	const char *kind;	   /* chat: chat_message padded with prose; ping: padded ping, answered by pong */
	const char *bearers;	   /* file of tokens for Authorization, one a line, taken in turn; or NULL */
	const char *login_message; /* sent first, answered by auth_success; or NULL */
	const char *path;
	uint16_t port;
	pid_t pids[8]; /* of the peer, whose processor time is read */
	unsigned pid_count;
	unsigned connections;
	unsigned depth;	    /* messages in flight a connection, written back to back */
	unsigned settle_ms; /* quiet time after connecting */
	size_t size;	    /* octets of the JSON text of a message */
	uint64_t messages;  /* measured */
	uint64_t warmup;    /* before */
	bool tls;	    /* 1.3, to the peer */
};
extern struct options options;

/* The measured part: processor time of all threads of the peer, ended ones too, and the time it took. */
struct meter {
	uint64_t cpu_ns, wall_ns;
};
void meter_start(struct meter *meter);
void meter_stop(struct meter *meter);
/* Prints the JSON line that run.py reads. */
void meter_print(const struct meter *meter, uint64_t messages, unsigned connections);

/* Opens one connection, blocking: handshake, and login by message where asked. Octets that came behind the head are
 * given back. -1 with a text in load_error when it was refused. */
int load_open(uint8_t *ret_rest, size_t room, size_t *ret_rest_size);
extern char load_error[512];
/* The next request head. */
size_t load_request(char *head, size_t room);

/* Writes the JSON text of connection `number` (exactly options.size octets, NUL behind). */
void load_text(char *text, unsigned number);
/* The complete masked frame of a payload; returns its size. out has room for size + 14. */
size_t load_frame(uint8_t *out, uint8_t first, const void *payload, size_t size, uint32_t mask);

int load_echo(void);
int load_handshake(void);
int load_idle(void);
int load_broadcast(void);
#endif
