#include "learn/learn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/capture_file.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "shell/file.h"

static int read_all(struct learn *learn, const char *path)
{
	struct capture_file file;
	struct capture_line line;
	int result = capture_file_open(&file, "learn", path), added = FW_OK;

	if (result != OPTIONS_GO_ON)
		return result;
	while (added == FW_OK && capture_file_next(&file, &line))
		added = learn_add(learn, &line);
	result = capture_file_close(&file);
	return added == FW_OK ? result : options_could_not("learn", "out of memory");
}

static int give(struct fw_slice policy, const char *path)
{
	if (path != NULL && file_replace(path, policy) != 0)
		return options_could_not("learn", "cannot write \"%s\": %s", path, strerror(errno));
	if (path == NULL && (fwrite(policy.data, 1, policy.size, stdout) != policy.size || fflush(stdout) != 0))
		return options_could_not("learn", "cannot write: %s", strerror(errno));
	return COMMAND_DONE;
}

/* Whole, or not at all. */
static int write_all(struct learn *learn, const char *path, const char *upstream)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool learned, written;
	int result;

	if (out == NULL)
		return options_could_not("learn", "out of memory");
	learned = learn_write(learn, out, upstream);
	written = ferror(out) == 0;
	written = fclose(out) == 0 && written;
	if (!learned)
		result = options_could_not("learn", "no message is a JSON object: nothing can be learned");
	else if (!written)
		result = options_could_not("learn", "out of memory");
	else
		result = give(slice(text, size), path);
	free(text);
	return result;
}

int command_learn(int argc, char **argv)
{
	const char *path = NULL, *output = NULL, *upstream = "ws://127.0.0.1:9000";
	const struct option_row rows[] = {
		{ "--output", "FILE", &output, NULL, "where the policy goes; default standard output" },
		{ "-o", "FILE", &output, NULL, "the same" },
		{ "--upstream", "URL", &upstream, NULL,
		  "address of your server, for the policy; default ws://127.0.0.1:9000" },
	};
	struct options options = { "learn", rows, sizeof(rows) / sizeof(*rows), &path, 1, 0 };
	int result = options_read(&options, argc, argv);
	struct learn *learn;

	if (result != OPTIONS_GO_ON)
		return result;
	if (path == NULL)
		return options_usage("learn", "from which capture? \"-\" is standard input");
	learn = learn_new();
	result = learn != NULL ? read_all(learn, path) : options_could_not("learn", "out of memory");
	if (result == OPTIONS_GO_ON)
		result = write_all(learn, output, upstream);
	learn_free(learn);
	return result;
}
