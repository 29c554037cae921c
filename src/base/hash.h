/* hash.h: SipHash-1-3, keyed, for tables whose keys an attacker chooses. No allocation; any thread. */
#ifndef BASE_HASH_H
#define BASE_HASH_H
#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t a, b;
};
uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t size);
#endif
