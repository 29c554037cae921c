/* rows.h: a list of JSON objects of the server's as a table for people, one line each. Standard output only. */
#ifndef CMD_ROWS_H
#define CMD_ROWS_H
#include <framewall/types.h>

/* members: of each object of the list of that name, in the order of the columns, ended by NULL; their names with blanks
 * for underscores are the head of the table. Control characters are shown as "?". COMMAND_DONE, or COMMAND_COULD_NOT
 * and said so. */
int rows_print(const char *verb, struct fw_slice body, const char *list, const char *const *members);
/* Of one object those members that it has, a line each. */
int rows_print_one(const char *verb, struct fw_slice body, const char *const *members);
#endif
