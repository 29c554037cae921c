/* What --type, --ip, --level, --from and --to say, as records have it. */
#include <string.h>

#include "base/event_type.h"
#include "base/slice.h"
#include "cmd/audit.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "policy/config_event.h"

/* "2026", "2026-11-24", "2026-11-24T10:15", … with or without "Z": the beginning of a timestamp. */
static bool is_time(const char *text, char ret_time[28])
{
	static const char form[] = "0000-00-00T00:00:00.000000";
	size_t size = strlen(text);

	if (size != 0 && text[size - 1] == 'Z')
		size--;
	if (size < 4 || size > sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < size; i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	memcpy(ret_time, text, size);
	ret_time[size] = '\0';
	return true;
}

int audit_filter(const char *verb, struct ledger_filter *filter, struct audit_filter_texts *texts)
{
	struct fw_addr address;
	unsigned type;

	if (filter->event_type != NULL) {
		type = config_event_find(slice_text(filter->event_type));
		if (type == EVENT_TYPES)
			return options_usage(verb, "there is no event \"%s\"; docs/reference/events.md lists them",
					     filter->event_type);
		filter->event_type = fw_event_name((uint16_t)type);
	}
	if (filter->source_ip != NULL) {
		if (!addr_parse(slice_text(filter->source_ip), &address))
			return options_usage(verb, "--ip is an address, not \"%s\"", filter->source_ip);
		addr_format(&address, texts->address);
		filter->source_ip = texts->address;
	}
	if (filter->level != NULL) {
		uint8_t level = 0;

		while (fw_level_name(level) != NULL && strcmp(fw_level_name(level), filter->level) != 0)
			level++;
		if (fw_level_name(level) == NULL)
			return options_usage(verb, "--level is info, warning, critical or emergency, not \"%s\"",
					     filter->level);
	}
	if ((filter->from != NULL && !is_time(filter->from, texts->from)) ||
	    (filter->to != NULL && !is_time(filter->to, texts->to)))
		return options_usage(verb, "a time is 2026-11-24 or 2026-11-24T10:15:00Z, in UTC");
	if (filter->from != NULL)
		filter->from = texts->from;
	if (filter->to != NULL)
		filter->to = texts->to;
	return OPTIONS_GO_ON;
}
