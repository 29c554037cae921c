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
