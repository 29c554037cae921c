/* audit.h: the words of "framewall audit": each a command of its own, argv[0] being that word. */
#ifndef CMD_AUDIT_H
#define CMD_AUDIT_H
#include <stdbool.h>
#include <stddef.h>

enum { AUDIT_PATH = 4096 };

/* The record's folder: that of --record, else the one below --data. False: the path is too long. */
bool audit_folder(const char *data, const char *record, char ret_path[AUDIT_PATH]);
/* What is said when it cannot be read (errno). Returns 3. */
int audit_unreadable(const char *verb, const char *folder);
int audit_verify(int argc, char **argv);
int audit_search(int argc, char **argv);
int audit_tail(int argc, char **argv);
#endif
