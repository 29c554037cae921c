#include "base/close_reason.h"

#include <string.h>

#include <framewall/conn.h>

static const struct close_row rows[CLOSE_REASONS] = {
#define CLOSE(name_, code_, error_, event_, text_, reconnect_)                                                         \
	[CLOSE_##name_] = { #name_, code_, ERROR_##error_, EVENT_##event_, text_ },
#include "tables/closes.def"
#undef CLOSE
};

#define CLOSE(name, code, error, event, text, reconnect)                                                               \
	_Static_assert(sizeof(text) - 1 <= 123, #name ": a close reason has at most 123 octets (RFC 6455 5.5)");
#include "tables/closes.def"
#undef CLOSE

unsigned fw_close_reason(const char *name)
{
	for (unsigned reason = 0; reason < CLOSE_REASONS; reason++)
		if (strcmp(rows[reason].name, name) == 0)
			return reason;
	return CLOSE_POLICY;
}

const struct close_row *close_reason_row(unsigned reason)
{
	return &rows[reason < CLOSE_REASONS ? reason : CLOSE_FAULT];
}
