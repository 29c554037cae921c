/* keeper_clock.c: notices when the wall clock is set, which limits, sessions and blocks do not go by, but whoever reads
 * the record has to know. */
#include <uv.h>

#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"

enum { JUMP_US = 500000 }; /* more than a clock that is being led to the right time moves within a second */

static int64_t offset_us(void)
{
	return (int64_t)(clock_wall_us() - uv_hrtime() / 1000);
}

void keeper_clock_begin(struct keeper *keeper)
{
	keeper->clock_offset_us = offset_us();
}

void keeper_clock_check(struct keeper *keeper)
{
	int64_t now = offset_us(), jump = now - keeper->clock_offset_us;
	struct fw_record record = { .type = EVENT_clock_jump,
				    .level = keeper->options.policy->event_levels[EVENT_clock_jump] };

	keeper->clock_offset_us = now;
	if (jump > -JUMP_US && jump < JUMP_US)
		return;
	record.details[record.detail_count++] =
		(struct fw_detail){ .key = "by_ms", .kind = FW_DETAIL_INTEGER, .number = jump / 1000 };
	keeper_record(keeper, &record);
}
