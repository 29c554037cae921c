/* command.h: the verbs of the program, rows of tables/commands.def, and how they end. argv[0] is the verb. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

enum command_exit {
	COMMAND_DONE = 0,     /* done and clean */
	COMMAND_NOT_HELD = 1, /* what was checked does not hold */
	COMMAND_USAGE = 2,    /* wrong usage */
	COMMAND_COULD_NOT = 3 /* no connection, no permission, I/O */
};

#define COMMAND(name, function, synopsis, help) int function(int argc, char **argv);
#include "tables/commands.def"
#undef COMMAND

/* The rows by name, or by a name with a word behind it ("audit verify"): NULL when there is no such verb. */
const char *command_synopsis(const char *name);
const char *command_help(const char *name);
#endif
