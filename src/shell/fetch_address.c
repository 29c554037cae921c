#include "shell/fetch_address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool fetch_address_holds(const struct fw_addr *address, bool allow_private, char ret_why[FETCH_ADDRESS_WHY])
{
	static const char *const kinds[] = { [ADDR_LOOPBACK] = "of this machine",
					     [ADDR_PRIVATE] = "of a private network",
					     [ADDR_SPECIAL] = "of no host on the Internet" };
	enum addr_scope scope = addr_scope(address);
	char text[ADDR_TEXT];

	if (scope == ADDR_PUBLIC || (allow_private && (scope == ADDR_PRIVATE || scope == ADDR_LOOPBACK)))
		return true;
	addr_format(address, text);
	snprintf(ret_why, FETCH_ADDRESS_WHY, "the address %s is one %s%s", text, kinds[scope],
		 allow_private ? "" : "; allow_private permits those of private networks and of this machine");
	return false;
}

struct fw_addr fetch_address_of(const void *sockaddr, int family)
{
	struct fw_addr address = { 0 };

	if (family == AF_INET) {
		address.family = 4;
		memcpy(address.bytes, &((const struct sockaddr_in *)sockaddr)->sin_addr, 4);
	} else if (family == AF_INET6) {
		address = addr_of_v6(((const struct sockaddr_in6 *)sockaddr)->sin6_addr.s6_addr);
	}
	return address;
}
