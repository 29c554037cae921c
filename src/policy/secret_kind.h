/* secret_kind.h: kinds of secrets in messages, and what a route does with them. */
#ifndef POLICY_SECRET_KIND_H
#define POLICY_SECRET_KIND_H
#include <stdint.h>

enum secret_kind {
#define SECRET_KIND(name, help) SECRET_KIND_##name,
#include "tables/secret_kinds.def"
#undef SECRET_KIND
	SECRET_KINDS
};

/* In the order of their weight. */
enum secret_action { SECRET_OFF, SECRET_FLAG, SECRET_MASK, SECRET_STOP, SECRET_ACTIONS };

struct policy_secrets {
	uint32_t kinds; /* bit set of enum secret_kind: those that are not off */
	uint8_t action[SECRET_KINDS];
};
#endif
