/* receiver.h: who is sent the record while it is written: an entry of audit_logging.receivers. Part of a policy; no
 * state, any thread. */
#ifndef POLICY_RECEIVER_H
#define POLICY_RECEIVER_H
#include <framewall/types.h>

#include "base/event_type.h"
#include "base/texts.h"

enum receiver_kind {
	RECEIVER_UDP,
	RECEIVER_TCP,
	RECEIVER_TLS,
	RECEIVER_HTTPS,
	RECEIVER_FILE,
	RECEIVER_PROGRAM,
	RECEIVER_SMTP
};
enum {
	RECEIVER_NAME = 32,
	RECEIVER_APP = 48,
	RECEIVER_SECRET = 64,
	RECEIVER_URL = 1024,
	RECEIVER_FACILITY = 13,
	RECEIVER_ARGUMENTS = 64,
	RECEIVER_TO = 16,
	RECEIVER_ADDRESS = 254
};

struct receiver {
/* One member a row of receivers.def. */
#define RECEIVER_TEXT(name, help) const char *name; /* NULL: not given */
#define RECEIVER_TEXTS(name, help) struct texts name;
#define RECEIVER_BOOLEAN(name, value, help) bool name;
#define RECEIVER_INTEGER(name, value, min, max, unit, help) int64_t name;
#include "tables/receivers.def"
#undef RECEIVER_TEXT
#undef RECEIVER_TEXTS
#undef RECEIVER_BOOLEAN
#undef RECEIVER_INTEGER
	/* made of them */
	enum receiver_kind kind;
	const char *host; /* of udp, tcp, tls: without brackets */
	const char *port;
	const char *path; /* of a file or a program */
	bool alertmanager;
	uint8_t facility_number;
	uint8_t unwanted[EVENT_TYPES]; /* by type: it is not asked for */
	uint8_t least_level;	       /* enum fw_level */
	uint8_t secret_octets[RECEIVER_SECRET];
	size_t secret_size;
	uint8_t digest[32]; /* of all rows: equal means that nothing was changed */
};
#endif
