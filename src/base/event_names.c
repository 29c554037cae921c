/* The public names of events and levels, from tables/events.def. */
#include <framewall/event.h>

#include "base/event_type.h"

static const char *const names[EVENT_TYPES] = {
#define EVENT(name, level, alias, class, alone, help) [EVENT_##name] = #name,
#include "tables/events.def"
#undef EVENT
};

static const char *const levels[] = {
	[FW_LEVEL_INFO] = "info",
	[FW_LEVEL_WARNING] = "warning",
	[FW_LEVEL_CRITICAL] = "critical",
	[FW_LEVEL_EMERGENCY] = "emergency",
};

const char *fw_event_name(uint16_t type)
{
	return type < EVENT_TYPES ? names[type] : NULL;
}

const char *fw_level_name(uint8_t level)
{
	return level < sizeof(levels) / sizeof(levels[0]) ? levels[level] : NULL;
}
