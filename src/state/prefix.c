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
	uint8_t octets[sizeof(prefix.head)];

	memcpy(octets, &prefix.head, sizeof(octets));
	for (unsigned i = 0; i < sizeof(octets); i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

		octets[i] &= (uint8_t)(kept >= 8 ? 0xff : 0xff00 >> kept);
	}
	memcpy(&prefix.head, octets, sizeof(octets));
	return prefix;
}

struct fw_addr prefix_address(const struct prefix *prefix)
{
	struct fw_addr address = { .family = (uint8_t)prefix->family };

	memcpy(address.bytes, &prefix->head, sizeof(prefix->head));
	return address;
}
