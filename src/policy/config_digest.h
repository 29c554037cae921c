/* config_digest.h: the digest of a rule, part by part: equal means that nothing of it changed. */
#ifndef POLICY_CONFIG_DIGEST_H
#define POLICY_CONFIG_DIGEST_H
#include <string.h>

#include "base/slice.h"
#include "crypto/digest.h"
#include "policy/policy.h"

static inline void config_digest(uint8_t digest[32], struct fw_slice value)
{
	digest_sha256_pair(slice(digest, 32), value, digest);
}

static inline void config_digest_text(uint8_t digest[32], const char *text)
{
	config_digest(digest, text != NULL ? slice(text, strlen(text) + 1) : slice("", 0));
}

static inline void config_digest_texts(uint8_t digest[32], const struct texts *texts)
{
	config_digest(digest, slice(&texts->count, sizeof(texts->count)));
	for (size_t i = 0; i < texts->count; i++)
		config_digest_text(digest, texts->items[i]);
}
#endif
