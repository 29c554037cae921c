#include "cmd/load_enforced.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/options.h"
#include "shell/load.h"

static void report(void *user, const char *text)
{
	(void)user;
	fprintf(stderr, "%s\n", text);
}

int load_enforced(const char *verb, const char *path, struct fw_policy **ret_policy)
{
	/* Monitor refuses nothing: what it would do is asked. */
	const struct config_override mode = { "mode", "enforce", verb };
	struct load_options options = {
		.path = path, .overrides = &mode, .override_count = 1, .variables = true, .report = report
	};

	switch (load_policy(&options, ret_policy)) {
	case FW_OK:
		return OPTIONS_GO_ON;
	case FW_ERR_IO:
		return options_could_not(verb, "cannot read \"%s\": %s", path, strerror(errno));
	case FW_ERR_MEMORY:
		return options_could_not(verb, "out of memory");
	default:
		return COMMAND_NOT_HELD;
	}
}
