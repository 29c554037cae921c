#include "learn/learn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/capture_file.h"
#include "cmd/command.h"
#include "cmd/options.h"

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

/* Whole, or not at all. */
static int write_all(struct learn *learn, const char *path, const char *upstream)
{
	int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : dup(STDOUT_FILENO);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool learned, written;

	if (out == NULL)
		return options_could_not("learn", "cannot write \"%s\": %s", path != NULL ? path : "-",
					 strerror(errno));
	learned = learn_write(learn, out, upstream);
	written = ferror(out) == 0;
	written = fclose(out) == 0 && written;
	if (!learned)
		return options_could_not("learn", "no message is a JSON object: nothing can be learned");
	return written ? COMMAND_DONE : options_could_not("learn", "cannot write: %s", strerror(errno));
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
