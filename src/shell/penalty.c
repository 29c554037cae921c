#include "shell/penalty.h"

#include <string.h>

#include "base/addr.h"
#include "base/detail.h"
#include "base/slice.h"

#define SECOND_NS ((uint64_t)1000000000)
#define HOUR_NS (3600 * SECOND_NS)

/* So many users of an address blocked within an hour (user_blocked has no window of its own) are what its threshold is,
 * before that is raised. */
enum { USERS_OF_ADDRESS = 4 };

void penalty_options(const struct fw_policy *policy, struct store_options *ret_options)
{
	const struct settings *settings = &policy->settings;

	ret_options->violation_threshold = (uint32_t)settings->violation_threshold;
	ret_options->block_ns = (uint64_t)settings->block_duration * HOUR_NS;
	ret_options->block_first_ns = (uint64_t)settings->block_first * 60 * SECOND_NS;
	ret_options->block_factor = (uint32_t)settings->block_factor;
	ret_options->block_jitter = (uint32_t)settings->block_jitter;
	ret_options->forgive_ns = (uint64_t)settings->block_forgive * HOUR_NS;
	ret_options->shared_users = (uint32_t)settings->shared_from;
	ret_options->shared_most = (uint32_t)settings->shared_most;
#define WINDOW(name, event) ret_options->window_ns[STORE_WINDOW_##name] = (uint64_t)settings->window_##name * SECOND_NS;
#include "tables/windows.def"
#undef WINDOW
#define PENALTY(name, help) ret_options->step_percent[STORE_STEP_##name] = (uint8_t)settings->name##_at;
#include "tables/penalties.def"
#undef PENALTY
}

static bool is_exempt(const struct fw_policy *policy, const struct fw_addr *address, struct fw_slice user)
{
	static const char mark[] = "user:";
	const struct texts *texts = &policy->settings.block_exempt;
	struct fw_addr prefix = addr_prefix(address), of_net;

	/* What would be blocked is a whole /64: nobody there can have another one of it blocked who is exempt. */
	for (size_t i = 0; i < policy->exempt_net_count; i++) {
		of_net = addr_prefix(&policy->exempt_nets[i].base);
		if (addr_net_has(&policy->exempt_nets[i], address) || addr_equal(&of_net, &prefix))
			return true;
	}
	for (size_t i = 0; i < texts->count && user.size != 0; i++)
		if (strncmp(texts->items[i], mark, sizeof(mark) - 1) == 0 &&
		    slice_is(user, texts->items[i] + sizeof(mark) - 1))
			return true;
	return false;
}

struct store_offence penalty_offence(const struct fw_policy *policy, const struct fw_addr *address,
				     struct fw_slice user, unsigned event)
{
	return (struct store_offence){ .address = *address,
				       .user = user,
				       .event = event,
				       .points = event < EVENT_TYPES ? policy->event_points[event] : 0,
				       .exempt = is_exempt(policy, address, user) };
}

bool penalty_next(const struct fw_policy *policy, const struct store_penalty *penalty, struct store_offence *offence)
{
	uint32_t share = (uint32_t)(policy->settings.violation_threshold / USERS_OF_ADDRESS);

	if (!penalty->shared || penalty->step != STORE_STEP_block || penalty->exempt)
		return false;
	*offence = (struct store_offence){ .address = offence->address,
					   .event = EVENT_user_blocked,
					   .points = share != 0 ? share : 1 };
	return true;
}

bool penalty_record(const struct fw_policy *policy, const struct store_penalty *penalty, struct fw_record *record)
{
	static const char *const names[] = {
		[STORE_STEP_none] = "",
#define PENALTY(name, help) [STORE_STEP_##name] = #name,
#include "tables/penalties.def"
#undef PENALTY
		[STORE_STEP_block] = "block",
	};
	const struct store_block *block = &penalty->block;
	bool of_user = block->address.family == 0, blocked = penalty->step == STORE_STEP_block && !penalty->exempt;

	if (!penalty->crossed)
		return false;
	record->type = !blocked ? EVENT_penalty : of_user ? EVENT_user_blocked : EVENT_ip_blocked;
	record->level = policy->event_levels[record->type];
	if (of_user)
		record->user_id = slice(block->user, block->user_size);
	if (blocked) {
		detail_add(record, detail_text("cause", slice_text("violations")));
		detail_add(record, detail_number("seconds", block->left_ns / SECOND_NS));
		detail_add(record, detail_number("blocks", block->blocks));
		detail_add(record, detail_text("reason", slice_text(block->reason)));
	} else {
		detail_add(record, detail_text("step", slice_text(names[penalty->step])));
		detail_add(record, detail_text("of", slice_text(of_user ? "user" : "address")));
		if (penalty->exempt)
			detail_add(record, detail_boolean("exempt", true));
	}
	detail_add(record, detail_number("score", penalty->score));
	detail_add(record, detail_number("threshold", penalty->threshold));
	return true;
}
