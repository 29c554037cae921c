#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/audit.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "record/index.h"

static const char verb[] = "audit index";

enum { RECORDS = 16384, ATTEMPTS = 8 };

/* A server that runs makes it: removing it is what makes it begin anew. */
static int leave_to_server(const char *folder, bool rebuild)
{
	if (rebuild)
		index_db_remove(folder);
	printf(rebuild ? "the index was removed; the server that runs makes it anew\n"
		       : "the server that runs keeps the index up to date; --rebuild makes it begin anew\n");
	return COMMAND_DONE;
}

/* All that is in the segments. */
static int bring_up(struct index *index, const char *folder)
{
	char why[INDEX_ERROR];
	enum index_step step;
	unsigned attempts = 0;

	do {
		step = index_advance(index, UINT64_MAX, RECORDS, why);
		if (step == INDEX_STEP_ANEW) {
			printf("the index is made anew: %s\n", why);
			attempts++;
		}
	} while (step == INDEX_STEP_MORE || (step == INDEX_STEP_ANEW && attempts < ATTEMPTS));
	if (step == INDEX_STEP_STUCK) {
		printf("the index has come to record %" PRIu64 "; %s: see framewall audit verify\n", index_last(index),
		       why);
		return COMMAND_NOT_HELD;
	}
	if (step != INDEX_STEP_CURRENT)
		return options_could_not(verb, "the index of the record in \"%s\" cannot be made: %s", folder, why);
	printf("the index has come to record %" PRIu64 "\n", index_last(index));
	return COMMAND_DONE;
}

int audit_index(int argc, char **argv)
{
	const char *data = "./framewall-data", *record = NULL;
	bool rebuild = false;
	const struct option_row rows[] = {
		{ "--rebuild", NULL, NULL, &rebuild, "makes it anew, from the first record on" },
		{ "--data", "DIR", &data, NULL, "the server's state; default ./framewall-data" },
		{ "--record", "DIR", &record, NULL, "the record's folder; default DATA/record" },
	};
	struct options options = { verb, rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv);
	char folder[AUDIT_PATH];
	struct index *index;

	if (result != OPTIONS_GO_ON)
		return result;
	if (!audit_folder(data, record, folder))
		return options_usage(verb, "the path is too long");
	index = index_open(folder, 0);
	if (index == NULL)
		return errno == EWOULDBLOCK ? leave_to_server(folder, rebuild) : audit_unreadable(verb, folder);
	if (rebuild)
		index_remove(index);
	result = bring_up(index, folder);
	index_close(index);
	return result;
}
