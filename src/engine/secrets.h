/* secrets.h: keys, tokens, card numbers and the like in a text. No memory of its own, no state; any thread.
 * A clean text costs a look at each 13th to 20th octet: what is sought is a long word. Linear in the text, whatever it
 * is. */
#ifndef ENGINE_SECRETS_H
#define ENGINE_SECRETS_H
#include <framewall/types.h>

#include "policy/secret_kind.h"

enum secret_rule {
#define SECRET_RULE(id, kind, literal, confirm, help) SECRET_##id,
#define SECRET_PASS(id, kind, help) SECRET_##id,
#include "tables/secret_rules.def"
#undef SECRET_RULE
#undef SECRET_PASS
	SECRET_RULES
};
const char *secret_rule_id(unsigned rule);
enum secret_kind secret_rule_kind(unsigned rule);

struct secret_hit {
	unsigned rule;
	size_t offset, size;
};
/* Calls found for each; false from it ends the search. kinds: bit set. The text may change where it was found. */
typedef bool secret_found(void *user, const struct secret_hit *hit);
void secrets_find(struct fw_slice text, uint32_t kinds, secret_found *found, void *user);

/* For secrets.c and its tests. A text at hand of which `at` is looked at; the octets of the secret that begins there,
 * 0: it is none. */
struct secret_view {
	const uint8_t *begin, *at, *end;
};
typedef size_t secret_confirm_function(const struct secret_view *view);
#define SECRET_RULE(id, kind, literal, confirm, help) secret_confirm_function secret_confirm_##confirm;
#define SECRET_PASS(id, kind, help)
#include "tables/secret_rules.def"
#undef SECRET_RULE
#undef SECRET_PASS
secret_confirm_function secret_confirm_card, secret_confirm_iban;
#endif
