#include "shell/load.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/file.h"
#include "shell/files.h"

/* PATIENCE_MS: for a pipe to give something; who waits for ever could not even be stopped. */
enum { PATH_ROOM = 4096, PATIENCE_MS = 60000 };

extern char **environ;

/* A path in the configuration is seen from the folder of the configuration, as in an include of C. */
static bool beside(const char *config, const char *path, char ret_path[PATH_ROOM])
{
	const char *slash = config != NULL && path[0] != '/' ? strrchr(config, '/') : NULL;
	int size = slash != NULL ? snprintf(ret_path, PATH_ROOM, "%.*s/%s", (int)(slash - config), config, path)
				 : snprintf(ret_path, PATH_ROOM, "%s", path);

	return size >= 0 && size < PATH_ROOM;
}

/* 0, or errno. A pipe that nobody has opened for writing yet is no empty file. */
static int await(int file)
{
	struct pollfd waits = { .fd = file, .events = POLLIN };
	int count;

	do
		count = poll(&waits, 1, PATIENCE_MS);
	while (count < 0 && errno == EINTR);
	return count > 0 ? 0 : count == 0 ? ETIMEDOUT : errno;
}

static int read_up_to(int file, uint8_t *ret_bytes, size_t room, size_t *ret_size)
{
	uint8_t more;

	*ret_size = 0;
	for (;;) {
		bool full = *ret_size == room;
		int error = await(file);
		ssize_t got;

		if (error != 0)
			return error;
		got = read(file, full ? &more : ret_bytes + *ret_size, full ? 1 : room - *ret_size);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0)
			return errno;
		if (got == 0)
			return 0;
		if (full)
			return EFBIG;
		*ret_size += (size_t)got;
	}
}

static int read_secret(void *user, const char *path, uint8_t *ret_bytes, size_t room, size_t *ret_size, bool *ret_open)
{
	struct stat facts;
	char whole[PATH_ROOM];
	int file, error;

	if (!beside(user, path, whole))
		return ENAMETOOLONG;
	file = files_open(whole, O_NONBLOCK);
	if (file < 0)
		return errno;
	error = fstat(file, &facts) != 0 ? errno : read_up_to(file, ret_bytes, room, ret_size);
	if (error == 0 && !files_were(whole, facts.st_mode, ret_bytes, *ret_size))
		error = EIO;
	*ret_open = error == 0 && (facts.st_mode & S_IROTH) != 0;
	close(file);
	return error;
}

static const char *read_variable(void *user, const char *name)
{
	(void)user;
	return getenv(name);
}

static bool ours(const char *entry)
{
	return strncmp(entry, "FRAMEWALL_", 10) == 0 && strchr(entry, '=') != NULL;
}

/* The FRAMEWALL_… variables; names are copied in front of their "=". NULL: memory is short. */
static struct config_variable *collect_variables(size_t *ret_count)
{
	size_t count = 0, bytes = 0;
	struct config_variable *variables;
	char *names;

	for (char **entry = environ; *entry != NULL; entry++) {
		if (!ours(*entry))
			continue;
		count++;
		bytes += strlen(*entry) + 1;
	}
	*ret_count = 0;
	variables = mem_alloc((count + 1) * sizeof(*variables) + bytes);
	if (variables == NULL)
		return NULL;
	names = (char *)(variables + count + 1);
	for (char **entry = environ; *entry != NULL && *ret_count < count; entry++) {
		size_t size = strcspn(*entry, "=");

		if (!ours(*entry))
			continue;
		memcpy(names, *entry, size);
		names[size] = '\0';
		variables[(*ret_count)++] = (struct config_variable){ names, *entry + size + 1 };
		names += size + 1;
	}
	return variables;
}

int load_policy(const struct load_options *options, struct fw_policy **ret_policy)
{
	struct config_source source = { read_secret, read_variable, (void *)(uintptr_t)options->path };
	struct config_options config = {
		.name = options->path != NULL	? options->path
			: options->text != NULL ? "configuration"
						: "defaults",
		.overrides = options->overrides,
		.override_count = options->override_count,
		.default_jwt_secret = options->default_jwt_secret,
		.demo = options->demo,
		.without_hub = options->without_hub,
		.report = options->report,
		.show = options->show,
		.keeps_shown = options->keeps_shown,
		.user = options->user,
		.source = &source,
	};
	struct config_variable *variables = NULL;
	uint8_t *bytes = NULL;
	size_t size = 0;
	int result = FW_ERR_MEMORY;

	*ret_policy = NULL;
	if (options->path != NULL && file_read(options->path, LIMIT_CONFIG_BYTES * 2u, &bytes, &size) != 0)
		return FW_ERR_IO;
	if (options->variables)
		variables = collect_variables(&config.variable_count);
	config.variables = variables;
	config.text = options->path != NULL ? slice(bytes, size) : slice_text(options->text);
	if (variables != NULL || !options->variables)
		result = config_load(&config, ret_policy);
	mem_free(variables);
	if (bytes != NULL)
		mem_wipe(bytes, size);
	mem_free(bytes);
	return result;
}

int fw_policy_load_file(const char *path, const char *environment, fw_report_function *report, void *user,
			struct fw_policy **ret_policy)
{
	const struct config_override chosen = { "environment", environment, "environment" };
	struct load_options options = { .path = path,
					.overrides = &chosen,
					.override_count = environment != NULL,
					.report = report,
					.user = user };

	return load_policy(&options, ret_policy);
}
