/* capture_redact.h: a message as a capture may have it: secrets, and by capture.keep other texts, are replaced by ones
 * of the same length and kinds of characters. The same text becomes the same one under the same key. One thread. */
#ifndef SHELL_CAPTURE_REDACT_H
#define SHELL_CAPTURE_REDACT_H
#include "base/arena.h"
#include "base/pool.h"
#include "policy/policy.h"

enum capture_keep { CAPTURE_KEEP_SHAPES, CAPTURE_KEEP_WORDS, CAPTURE_KEEP_ALL };
struct capture_rules {
	enum capture_keep keep;
	const struct texts *keep_fields, *redact_fields; /* NULL: none */
	const struct policy_message *message;		 /* its type; NULL: not known */
};
enum { CAPTURE_KEY = 32 };

/* In place. False: it can not be redacted (memory), and must not be kept. */
bool capture_redact(const uint8_t key[CAPTURE_KEY], const struct capture_rules *rules, struct arena *arena,
		    uint8_t *text, size_t size);
/* "u-" and 16 digits, for a name of a user. */
enum { CAPTURE_USER = 18 };
void capture_redact_user(const uint8_t key[CAPTURE_KEY], struct fw_slice user, char ret_text[CAPTURE_USER]);
#endif
