/* addr.h: IP addresses and prefixes as text and bytes. No allocation; any thread. */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H
#include <framewall/types.h>

enum { ADDR_TEXT = 46 };

/* Strict: dotted quad without leading zeros, or RFC 4291 text; IPv4-mapped becomes IPv4. False when it is neither. */
bool addr_parse(struct fw_slice text, struct fw_addr *ret_addr);
/* Of 16 octets in network order; an IPv4-mapped address is the IPv4 client's: the same client, the same limits. */
struct fw_addr addr_of_v6(const uint8_t bytes[16]);
/* RFC 5952 text with a NUL; "unknown" for family 0. Returns its length. */
size_t addr_format(const struct fw_addr *addr, char ret_text[ADDR_TEXT]);
bool addr_equal(const struct fw_addr *a, const struct fw_addr *b);
bool addr_is_loopback(const struct fw_addr *addr);
/* Whom an address can mean. SPECIAL: no single host on the Internet: link-local, multicast, documentation, those that
 * carry another address (6to4, Teredo, NAT64), and family 0. */
enum addr_scope { ADDR_PUBLIC, ADDR_LOOPBACK, ADDR_PRIVATE, ADDR_SPECIAL };
enum addr_scope addr_scope(const struct fw_addr *addr);
/* The prefix that limits and blocks count by: IPv4 /32, IPv6 /64. */
struct fw_addr addr_prefix(const struct fw_addr *addr);

struct addr_net {
	struct fw_addr base;
	uint8_t bits;
};
/* "10.0.0.0/8", or an address alone. Host bits must be zero. */
bool addr_net_parse(struct fw_slice text, struct addr_net *ret_net);
bool addr_net_has(const struct addr_net *net, const struct fw_addr *addr);
#endif
