/* capture.h: a line of a capture: one message of recorded traffic as a JSON object, ours or that of somebody else's
 * recorder (docs/guide/learn.md has the format). No state; memory from the caller's arena. */
#ifndef CODEC_CAPTURE_H
#define CODEC_CAPTURE_H
#include <framewall/types.h>

#include "base/arena.h"

enum capture_verdict { CAPTURE_PASS, CAPTURE_REFUSE, CAPTURE_CLOSE, CAPTURE_VERDICTS };
extern const char *const capture_verdict_names[CAPTURE_VERDICTS];

/* Slices point into the line or the arena; data NULL: not said. */
struct capture_line {
	bool has_time, outbound, binary;
	bool has_verdict; /* what became of it was recorded */
	bool rewritten;	  /* what went on were other octets */
	bool is_note;	  /* it tells of messages that were not recorded, and is none */
	bool is_cut;	  /* the message was too large to be kept: payload is empty */
	enum capture_verdict verdict;
	uint64_t wall_us;
	uint64_t size; /* of a message that is not kept */
	struct fw_slice connection, user, role, path, subprotocol, type, code, stage;
	struct fw_slice payload;
};

/* True, or reterr_what (static) says what is wrong with it. Unknown members are passed over. */
bool capture_read(struct arena *arena, struct fw_slice text, struct capture_line *ret_line, const char **reterr_what);
#endif
