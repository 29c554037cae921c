/* keeper_scenarios.h: scenarios of a running server: events are counted in the recorder's thread, what is done about
 * them is done on the loop. */
#ifndef SHELL_KEEPER_SCENARIOS_H
#define SHELL_KEEPER_SCENARIOS_H
#include <framewall/event.h>
#include <uv.h>

#include "base/pool.h"
#include "policy/policy.h"

struct keeper;
struct keeper_scenarios {
	struct keeper *keeper;
	uv_async_t wake;
	uv_mutex_t lock;
	bool locks; /* there is one */
	/* under the lock */
	bool open;
	struct fw_policy *policy; /* whose rules they are */
	struct scenarios *buckets;
	struct keeper_fired *queue; /* LIMIT_SCENARIO_QUEUE */
	unsigned first, count;
};
bool keeper_scenarios_start(struct keeper_scenarios *scenarios, struct keeper *keeper); /* false: memory is short */
/* In the recorder's thread; NULL: there are none. */
void keeper_scenarios_see(struct keeper_scenarios *scenarios, const struct fw_record *record);
void keeper_scenarios_renew(struct keeper_scenarios *scenarios, struct fw_policy *policy);
void keeper_scenarios_stop(struct keeper_scenarios *scenarios); /* closes the handle: nothing fires any more */
void keeper_scenarios_free(struct keeper_scenarios *scenarios); /* when the recorder has stopped */
struct scenario_figures keeper_scenarios_figures(struct keeper_scenarios *scenarios, unsigned row);
#endif
