/* audit.h: the words of "framewall audit": each a command of its own, argv[0] being that word. */
#ifndef CMD_AUDIT_H
#define CMD_AUDIT_H
#include <stdbool.h>
#include <stddef.h>

#include "record/ledger_search.h"
#include "shell/search_filter.h"

enum { AUDIT_PATH = 4096 };

/* The record's folder: that of --record, else the one below --data. False: the path is too long. */
bool audit_folder(const char *data, const char *record, char ret_path[AUDIT_PATH]);
/* What is said when it cannot be read (errno). Returns 3. */
int audit_unreadable(const char *verb, const char *folder);
/* Option rows of a struct search_texts. */
#define AUDIT_FILTER_OPTIONS(texts)                                                                                    \
	{ "--type", "EVENT", &(texts).type, NULL, "name or alias of an event" },                                       \
		{ "--ip", "ADDRESS", &(texts).ip, NULL, "of the client or operator; a network: 192.0.2.0/24" },        \
		{ "--user", "USER", &(texts).user, NULL, "the user's id, whole" },                                     \
		{ "--level", "LEVEL", &(texts).level, NULL, "info, warning, critical or emergency" },                  \
		{ "--session", "ID", &(texts).session, NULL, "the session's id" },                                     \
		{ "--connection", "ID", &(texts).connection, NULL, "the connection's number" },                        \
		{ "--text", "WORDS", &(texts).text, NULL, "words in user, session, event_id and details" },            \
		{ "--from", "TIME", &(texts).from, NULL, "that time (UTC) and later: 2026-11-24, 2026-11-24T10:15" },  \
	{                                                                                                              \
		"--to", "TIME", &(texts).to, NULL, "that time and earlier: 2026-11-24 is the whole day"                \
	}
/* OPTIONS_GO_ON, or 2 after it was said what is wrong. */
int audit_filter(const char *verb, const struct search_texts *texts, struct search_filter *ret_filter);
int audit_verify(int argc, char **argv);
int audit_search(int argc, char **argv);
int audit_tail(int argc, char **argv);
int audit_export(int argc, char **argv);
int audit_index(int argc, char **argv);
#endif
