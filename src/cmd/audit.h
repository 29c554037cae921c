/* audit.h: the words of "framewall audit": each a command of its own, argv[0] being that word. */
#ifndef CMD_AUDIT_H
#define CMD_AUDIT_H
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "record/ledger_search.h"

enum { AUDIT_PATH = 4096 };

/* The record's folder: that of --record, else the one below --data. False: the path is too long. */
bool audit_folder(const char *data, const char *record, char ret_path[AUDIT_PATH]);
/* What is said when it cannot be read (errno). Returns 3. */
int audit_unreadable(const char *verb, const char *folder);
/* Option rows of a struct ledger_filter. */
#define AUDIT_FILTER_OPTIONS(filter)                                                                                   \
	{ "--type", "EVENT", &(filter).event_type, NULL, "name or alias of an event" },                                \
		{ "--ip", "ADDRESS", &(filter).source_ip, NULL, "of the client or operator" },                         \
		{ "--user", "USER", &(filter).user_id, NULL, "the user's id, whole" },                                 \
		{ "--level", "LEVEL", &(filter).level, NULL, "info, warning, critical or emergency" },                 \
		{ "--from", "TIME", &(filter).from, NULL, "that time (UTC) and later: 2026-11-24, 2026-11-24T10:15" }, \
	{                                                                                                              \
		"--to", "TIME", &(filter).to, NULL, "that time and earlier: 2026-11-24 is the whole day"               \
	}
/* Brings what the options say into the form that records have; texts is where that is kept. OPTIONS_GO_ON, or 2 after
 * it was said what is wrong. */
struct audit_filter_texts {
	char from[28], to[28], address[ADDR_TEXT];
};
int audit_filter(const char *verb, struct ledger_filter *filter, struct audit_filter_texts *texts);
int audit_verify(int argc, char **argv);
int audit_search(int argc, char **argv);
int audit_tail(int argc, char **argv);
int audit_export(int argc, char **argv);
#endif
