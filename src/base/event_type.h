/* event_type.h: the events of tables/events.def as numbers: EVENT_auth_success … Names and levels: <framewall/event.h>.
 */
#ifndef BASE_EVENT_TYPE_H
#define BASE_EVENT_TYPE_H
#include <framewall/event.h>

enum event_type {
#define EVENT(name, level, alias, class, alone, help) EVENT_##name,
#include "tables/events.def"
#undef EVENT
	EVENT_TYPES
};
/* Policies keep sets of events in one 64-bit word. */
_Static_assert(EVENT_TYPES <= 64, "more events than bits of a word");

/* The level that the table gives an event: enum fw_level. */
static inline uint8_t event_type_level(unsigned type)
{
	static const uint8_t levels[EVENT_TYPES] = {
#define EVENT(name, level, alias, class, alone, help) FW_LEVEL_##level,
#include "tables/events.def"
#undef EVENT
	};

	return type < EVENT_TYPES ? levels[type] : FW_LEVEL_CRITICAL;
}

/* A client may provoke it at will: several may be summed up in one record. */
static inline bool event_type_is_summed(unsigned type)
{
	enum { ALONE, SUMMED };
	static const bool summed[EVENT_TYPES] = {
#define EVENT(name, level, alias, class, alone, help) alone == SUMMED,
#include "tables/events.def"
#undef EVENT
	};

	return type < EVENT_TYPES && summed[type];
}
#endif
