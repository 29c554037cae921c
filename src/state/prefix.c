#include <endian.h>
#include <string.h>

#include "state/store_parts.h"

struct prefix prefix_of(const struct fw_addr *address)
{
	struct fw_addr base = addr_prefix(address);
	struct prefix prefix = { 0, base.family };

	memcpy(&prefix.head, base.bytes, base.family == 4 ? 4 : sizeof(prefix.head));
	return prefix;
}

struct prefix prefix_within(const struct fw_addr *address, unsigned ipv4_bits, unsigned ipv6_bits)
{
	struct prefix prefix = prefix_of(address);
	unsigned bits = prefix.family == 4 ? ipv4_bits : ipv6_bits;

	if (bits < 64)
		prefix.head &= htobe64(~(UINT64_MAX >> bits));
	return prefix;
}

struct fw_addr prefix_address(const struct prefix *prefix)
{
	struct fw_addr address = { .family = (uint8_t)prefix->family };

	memcpy(address.bytes, &prefix->head, sizeof(prefix->head));
	return address;
}
