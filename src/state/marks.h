/* marks.h: who or what is remembered until then, and nothing else of it: a word each in a table of a fixed size. Where
 * there is no room one more is not remembered. A word has 48 bits of a tag made by SipHash under a random key: with 16
 * of them looked at, something else is taken for it once in 10^13. No lock; any thread. */
#ifndef STATE_MARKS_H
#define STATE_MARKS_H
#include <stdatomic.h>
#include <stdbool.h>

#include "base/hash.h"
#include "base/slice.h"

enum { MARKS_WAYS = 8 };
struct marks {
	struct hash_key key;
	_Atomic uint64_t *words; /* sets of MARKS_WAYS; 0: free */
	uint32_t mask;
};
/* cells: a power of two. 0, or -1: memory; either way marks_fini may be called. */
int marks_init(struct marks *marks, const struct hash_key *key, uint32_t cells);
void marks_fini(struct marks *marks);
/* Of two parts, such as a user and an address. */
uint64_t marks_tag(const struct marks *marks, struct fw_slice subject, struct fw_slice part);
/* Until then, and at most an hour longer. */
void marks_put(struct marks *marks, uint64_t tag, uint64_t until_ns, uint64_t now_ns);
bool marks_has(const struct marks *marks, uint64_t tag, uint64_t now_ns);
#endif
