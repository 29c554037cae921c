/* filter.h: which records a search is about: all that it names must hold. Any thread; no state. */
#ifndef RECORD_FILTER_H
#define RECORD_FILTER_H
#include <framewall/event.h>

#include "base/addr.h"
#include "base/arena.h"
#include "codec/json.h"

enum { FILTER_WORDS = 32 };

struct ledger_filter { /* NULL, 0: any. Texts as they stand in a record. */
	const char *event_type;
	const char *level;
	const char *user_id;
	const char *session_id;
	const char *from;	/* the beginning of a timestamp, "2026-11-24T10": records of it and later */
	const char *to;		/* records of it and earlier */
	const char *text;	/* words that all stand in the texts of a record, see filter_texts */
	struct addr_net source; /* of family 0: any */
	uint64_t connection;
};
bool filter_is_empty(const struct ledger_filter *filter);
/* The line without its LF. The arena is reset. */
bool filter_matches(const struct ledger_filter *filter, struct arena *arena, struct fw_slice line);

/* The same of a record that is no line yet; without from and to. */
bool filter_matches_record(const struct ledger_filter *filter, const struct fw_record *record);

/* The next word of a text: a run of letters and digits of ASCII and of octets above; it is compared without regard to
 * the case of ASCII letters. False: there is none any more. */
bool filter_word(struct fw_slice *text, struct fw_slice *ret_word);
/* What words are looked for in: user_id, session_id, event_id, and the texts of details. Calls for each of them. False:
 * memory is short. */
typedef void filter_text_function(void *user, struct fw_slice text);
bool filter_texts(const struct json *json, struct arena *arena, filter_text_function *function, void *user);
/* A member that is a text, decoded; empty where there is none. False: memory is short. */
bool filter_member(const struct json *json, struct arena *arena, const char *name, struct fw_slice *ret_text);
#endif
