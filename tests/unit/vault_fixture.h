/* vault_fixture.h: keys that a test seals a database with. */
#ifndef UNIT_VAULT_FIXTURE_H
#define UNIT_VAULT_FIXTURE_H
#include <string.h>

#include "shell/random.h"
#include "state/vault.h"

/* One source: a key of that octet. */
static inline const struct vault_options *sealed_with(uint8_t octet)
{
	static struct vault_options options;

	options = (struct vault_options){ .source_count = 1, .random = random_system() };
	options.sources[0].name = "the test";
	options.sources[0].size = 32;
	memset(options.sources[0].secret, octet, 32);
	return &options;
}
#endif
