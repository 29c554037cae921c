/* link.h: a TCP connection, with TLS where the target asks for it, whose every call has a deadline and whose octets
 * are counted. Closed by link_close; one thread. */
#ifndef SCAN_LINK_H
#define SCAN_LINK_H
#include <framewall/types.h>

struct ssl_ctx_st;
struct ssl_st;

struct link_target {
	char host[256];	     /* as in the URL, without brackets */
	char authority[280]; /* as a Host field has it */
	uint16_t port;
	char path[1024]; /* with its query */
	bool tls;
	struct fw_addr address;
	struct ssl_ctx_st *context; /* NULL without tls */
};

/* What a check may use. Beyond it nothing is sent or read any more. */
struct link_budget {
	uint64_t sent, received, most; /* octets either way */
	unsigned connections, most_connections;
	uint64_t until; /* of link_now; 0: as long as it takes */
};

enum link_result {
	LINK_OK = 0,
	LINK_TIMEOUT = -1,
	LINK_CLOSED = -2, /* by the peer, in order */
	LINK_BROKEN = -3, /* reset, or nothing to connect to */
	LINK_BUDGET = -4, /* the check has used what it may */
	LINK_TLS = -5,	  /* no TLS connection, or a certificate that is not trusted */
	LINK_LOCAL = -6	  /* this machine refused: descriptors, memory, the source address */
};

struct sockaddr_storage;

struct link {
	int fd;
	struct ssl_st *tls;
	struct link_budget *budget;
};

/* Returns its size. */
unsigned link_sockaddr(const struct fw_addr *addr, uint16_t port, struct sockaddr_storage *ret_to);
/* Milliseconds, and microseconds, of a clock that nobody sets. */
uint64_t link_now(void);
uint64_t link_now_us(void);
/* ws://host[:port][/path] or wss://…. NULL, or a static text that says what is wrong. Resolves the name. */
const char *link_target_read(const char *url, struct link_target *ret_target);
/* source: family 0: the kernel chooses. */
enum link_result link_open(struct link *link, const struct link_target *target, const struct fw_addr *source,
			   struct link_budget *budget, unsigned ms);
enum link_result link_send(struct link *link, const void *octets, size_t size, unsigned ms);
/* At least one octet. */
enum link_result link_receive(struct link *link, uint8_t *ret_octets, size_t room, size_t *ret_size, unsigned ms);
void link_close(struct link *link);
const char *link_result_text(enum link_result result);
#endif
