/* The program: finds the verb in tables/commands.def. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "policy/config_suggest.h"
#include "base/slice.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *synopsis, *help;
} commands[] = {
#define COMMAND(name, function, synopsis, help) { name, function, synopsis, help },
#include "tables/commands.def"
#undef COMMAND
};
enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static bool is_of(const char *name, const char *row)
{
	size_t size = strlen(row);

	return strncmp(name, row, size) == 0 && (name[size] == '\0' || name[size] == ' ');
}

const char *command_synopsis(const char *name)
{
	for (unsigned i = 0; i < COMMANDS; i++)
		if (is_of(name, commands[i].name))
			return commands[i].synopsis;
	return NULL;
}

const char *command_help(const char *name)
{
	for (unsigned i = 0; i < COMMANDS; i++)
		if (is_of(name, commands[i].name))
			return commands[i].help;
	return NULL;
}

static void list(FILE *out)
{
	fputs("Framewall, the firewall for WebSocket messages.\n\nUsage: framewall COMMAND [OPTION …]\n\n", out);
	for (unsigned i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n\"framewall COMMAND --help\" says more of one.\n"
	      "Exit codes: 0 done, 1 what was checked does not hold, 2 wrong usage, 3 could not do it.\n",
	      out);
}

static int unknown(const char *name)
{
	struct config_suggest suggest;
	char hint[128];

	config_suggest_start(&suggest, slice_text(name));
	for (unsigned i = 0; i < COMMANDS; i++)
		config_suggest_offer(&suggest, commands[i].name, strlen(commands[i].name));
	fprintf(stderr, "framewall: there is no command \"%s\"%s \"framewall --help\" lists them.\n", name,
		suggest.best != NULL ? config_suggest_text(&suggest, hint) : ".");
	return COMMAND_USAGE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	/* A reader that went away is an error of write, not the end of the process. */
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(name, "") == 0) {
		list(stderr);
		return COMMAND_USAGE;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		list(stdout);
		return COMMAND_DONE;
	}
	if (strcmp(name, "--version") == 0)
		name = "version";
	for (unsigned i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return unknown(name);
}
