#include "policy/config_event.h"

#include "base/event_type.h"
#include "base/slice.h"

struct spelling {
	const char *name;
	unsigned type;
};

static const struct spelling spellings[] = {
#define EVENT(name, level, alias, class, alone, help) { #name, EVENT_##name }, { alias, EVENT_##name },
#include "tables/events.def"
#undef EVENT
	/* The specification's thresholds and blocking_events count in the plural. */
	{ "auth_failures", EVENT_auth_failure },
	{ "rate_limit_violations", EVENT_rate_limit_violation },
	{ "csrf_violations", EVENT_csrf_violation },
	{ "permission_violations", EVENT_permission_denied },
};

unsigned config_event_find(struct fw_slice name)
{
	for (size_t i = 0; name.size != 0 && i < sizeof(spellings) / sizeof(*spellings); i++)
		if (slice_is(name, spellings[i].name))
			return spellings[i].type;
	return EVENT_TYPES;
}
