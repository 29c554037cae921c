/* scenario_play.h: records of a file, counted by the scenarios of a policy as a server would have counted them, by the
 * times that they have. */
#ifndef CMD_SCENARIO_PLAY_H
#define CMD_SCENARIO_PLAY_H
#include "policy/policy.h"
#include "scenario/scenario.h"

enum { SCENARIO_PLAY_WHOM = 160 };
/* Of each that fires. whom: "198.51.100.7", "user:alice"; else by what it is grouped, or "" where it is by nothing. */
typedef void scenario_play_function(void *user, const struct scenario_rule *rule, const struct scenario_firing *firing,
				    const char *whom);
struct scenario_play {
	const struct fw_policy *policy;
	scenario_play_function *fired;
	void *user;
	uint64_t records; /* that were read */
	unsigned line;	  /* of the last one, from 1 */
};
/* FW_OK; FW_ERR_IO: errno says why; FW_ERR_INVALID: line is no record, or older than the one before by more than a
 * minute; FW_ERR_MEMORY. "-": standard input. */
int scenario_play(struct scenario_play *play, const char *path);
#endif
