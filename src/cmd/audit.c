#include "cmd/audit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/options.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} words[] = { { "verify", audit_verify },
	      { "search", audit_search },
	      { "tail", audit_tail },
	      { "export", audit_export },
	      { "index", audit_index } };

bool audit_folder(const char *data, const char *record, char ret_path[AUDIT_PATH])
{
	int size = record != NULL ? snprintf(ret_path, AUDIT_PATH, "%s", record)
				  : snprintf(ret_path, AUDIT_PATH, "%s/record", data);

	return size > 0 && size < AUDIT_PATH;
}

int audit_unreadable(const char *verb, const char *folder)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return options_could_not(
			verb,
			"there is no record in \"%s\"; name the server's folder with --data DIR, or the "
			"record's own with --record DIR",
			folder);
	return options_could_not(verb,
				 "cannot read the record in \"%s\": %s; run this as the user that runs the server",
				 folder, strerror(errno));
}

static int help(void)
{
	char option[] = "--help";

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char name[16], *argv[] = { name, option };

		snprintf(name, sizeof(name), "%s", words[i].name);
		if (i != 0)
			putchar('\n');
		words[i].run(2, argv);
	}
	return COMMAND_DONE;
}

int command_audit(int argc, char **argv)
{
	const struct option_row rows[] = {};
	struct options options = { "audit", rows, 0, NULL, 0, 0 };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (argc > 1 && strcmp(argv[1], words[i].name) == 0)
			return words[i].run(argc - 1, argv + 1);
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return help();
	if (argc > 1 && argv[1][0] == '-')
		return options_read(&options, argc, argv);
	return argc > 1 ? options_usage("audit", "there is no \"audit %s\": say verify, search, tail, export or index",
					argv[1])
			: options_usage("audit", "say what to do: verify, search, tail or export");
}
