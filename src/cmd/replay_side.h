/* replay_side.h: a policy that a capture is run against: its connections, many at once, and what it says of each
 * message. */
#ifndef CMD_REPLAY_SIDE_H
#define CMD_REPLAY_SIDE_H
#include "base/hash.h"
#include "codec/capture.h"
#include "policy/policy.h"
#include "shell/rehearsal.h"

struct replay_seat;
struct replay_side {
	struct rehearsal *rehearsal;
	struct fw_policy *policy;
	struct replay_seat *seats;
	struct hash_key key;
	uint64_t turn;
	const char *role, *path; /* of lines that name none; NULL: none */
};

/* The policy is borrowed. wall_us: when the capture begins. FW_OK or FW_ERR_MEMORY. */
int replay_side_init(struct replay_side *side, struct fw_policy *policy, uint64_t wall_us);
void replay_side_fini(struct replay_side *side);
/* What becomes of the message; texts live until the next call. FW_OK or FW_ERR_MEMORY. */
int replay_side_judge(struct replay_side *side, const struct capture_line *line, struct rehearsal_result *ret_result);
#endif
