/* framewall/event.h: one record of what happened: the audit event.
 * The engine fills it, the record layer and handlers read it. All slices are borrowed: they live until the
 * call that delivered the record returns. Event names and levels are rows of src/tables/events.def. */
#ifndef FRAMEWALL_EVENT_H
#define FRAMEWALL_EVENT_H

#include <framewall/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum fw_level { FW_LEVEL_INFO, FW_LEVEL_WARNING, FW_LEVEL_CRITICAL, FW_LEVEL_EMERGENCY };

enum fw_detail_kind { FW_DETAIL_TEXT, FW_DETAIL_INTEGER, FW_DETAIL_BOOLEAN };

/* One entry of "details". key is a static string. Never a body, a token, a password or a key. */
struct fw_detail {
	const char *key;
	enum fw_detail_kind kind;
	struct fw_slice text;
	int64_t number;
};

enum { FW_RECORD_DETAILS = 12, FW_EVENT_ID_SIZE = 16 };

struct fw_record {
	uint64_t wall_us; /* microseconds since 1970, UTC */
	uint16_t type;	  /* enum event_type, a row of events.def */
	uint8_t level;	  /* enum fw_level */
	uint8_t detail_count;
	char event_id[FW_EVENT_ID_SIZE]; /* 16 lower-case hex digits */
	uint64_t connection_id;
	struct fw_addr source;
	struct fw_slice user_id;    /* empty before login */
	struct fw_slice session_id; /* empty where there is none; public id, never the token */
	struct fw_detail details[FW_RECORD_DETAILS];
};

/* Canonical name of an event type ("auth_failure"), or NULL. */
FW_API const char *fw_event_name(uint16_t type);
/* "info", "warning", "critical" or "emergency". */
FW_API const char *fw_level_name(uint8_t level);

#ifdef __cplusplus
}
#endif
#endif
