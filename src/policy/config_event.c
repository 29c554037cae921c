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

unsigned config_event_points(struct fw_slice text, uint32_t *ret_points)
{
	struct fw_slice name = text;
	uint32_t points = 0;

	while (name.size != 0 && name.data[name.size - 1] != ' ')
		name.size--;
	if (name.size == 0) {
		*ret_points = 1;
		return config_event_find(text);
	}
	for (size_t i = name.size; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || points > EVENT_POINTS_MOST)
			return EVENT_TYPES;
		points = points * 10 + (uint32_t)(text.data[i] - '0');
	}
	*ret_points = points;
	name.size--;
	return points != 0 && points <= EVENT_POINTS_MOST ? config_event_find(name) : EVENT_TYPES;
}
