#include <string.h>

#include "state/store_parts.h"

struct prefix prefix_of(const struct fw_addr *address)
{
	struct fw_addr base = addr_prefix(address);
	struct prefix prefix = { 0, base.family };

	memcpy(&prefix.head, base.bytes, base.family == 4 ? 4 : sizeof(prefix.head));
	return prefix;
}

struct fw_addr prefix_address(const struct prefix *prefix)
{
	struct fw_addr address = { .family = (uint8_t)prefix->family };

	memcpy(address.bytes, &prefix->head, sizeof(prefix->head));
	return address;
}
