/* config_suggest.h: "did you mean": the offered name that is nearest to a misspelt one. No allocation; any thread. */
#ifndef POLICY_CONFIG_SUGGEST_H
#define POLICY_CONFIG_SUGGEST_H
#include <framewall/types.h>

struct config_suggest {
	struct fw_slice wanted;
	const char *best;
	size_t best_size;
	unsigned distance;
};
void config_suggest_start(struct config_suggest *suggest, struct fw_slice wanted);
void config_suggest_offer(struct config_suggest *suggest, const char *name, size_t size);
/* "; did you mean \"x\"?" or "". room 128. */
const char *config_suggest_text(const struct config_suggest *suggest, char ret_text[128]);
#endif
