/* close_reason.h: why a connection is ended: the rows of tables/closes.def as numbers CLOSE_NORMAL … and what each
 * row says. The reason argument of fw_conn_end is one of these. No state; any thread. */
#ifndef BASE_CLOSE_REASON_H
#define BASE_CLOSE_REASON_H
#include <stdint.h>

#include "base/error_code.h"
#include "base/event_type.h"

enum close_reason {
#define CLOSE(name, code, error, event, text, reconnect) CLOSE_##name,
#include "tables/closes.def"
#undef CLOSE
	CLOSE_REASONS
};

struct close_row {
	const char *name; /* "SESSION_EXPIRED": for records */
	uint16_t code;	  /* close code sent to the client */
	uint16_t error;	  /* enum error_code of the error sent before it, or ERROR_NONE */
	uint16_t event;	  /* enum event_type that is recorded */
	const char *text; /* close reason on the wire */
};

/* The row of a reason; that of CLOSE_FAULT for a number that is none. Never NULL. */
const struct close_row *close_reason_row(unsigned reason);
#endif
