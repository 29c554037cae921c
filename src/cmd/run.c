#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/file.h"
#include "cmd/options.h"
#include "policy/config.h"
#include "shell/server.h"

enum { OVERRIDES = 7, KEY_SIZE = 32, DRAIN_SECONDS = 10 };
static const char default_config[] = "framewall.yaml", default_data[] = "./framewall-data";

struct run {
	const char *config, *listen, *upstream, *mode, *data, *admin, *workers, *environment, *certificate, *key_file;
	bool demo;
	uint8_t *text; /* of the configuration */
	size_t text_size;
	uint8_t key[KEY_SIZE];
};

static void report(void *user, const char *text)
{
	(void)user;
	fprintf(stderr, "%s\n", text);
}

static size_t collect(const struct run *run, struct config_override overrides[OVERRIDES])
{
	const struct config_override all[OVERRIDES] = {
		{ "listen", run->listen, "--listen" },	   { "upstream.url", run->upstream, "--upstream" },
		{ "mode", run->mode, "--mode" },	   { "admin.listen", run->admin, "--admin" },
		{ "workers", run->workers, "--workers" },  { "tls.certificate", run->certificate, "--tls-cert" },
		{ "tls.key", run->key_file, "--tls-key" },
	};
	size_t count = 0;

	for (size_t i = 0; i < OVERRIDES; i++)
		if (all[i].value != NULL)
			overrides[count++] = all[i];
	return count;
}

/* The file named, or framewall.yaml when there is one, or none: the defaults are safe. */
static int read_config(struct run *run)
{
	bool named = run->config != NULL;

	if (!named) {
		if (access(default_config, F_OK) != 0)
			return OPTIONS_GO_ON;
		run->config = default_config;
	}
	if (file_read(run->config, LIMIT_CONFIG_BYTES * 2u, &run->text, &run->text_size) == 0)
		return OPTIONS_GO_ON;
	return options_could_not("run", "cannot read \"%s\": %s%s", run->config, strerror(errno),
				 named ? "; \"framewall run\" without --config uses safe defaults" : "");
}

static int serve(struct run *run)
{
	struct config_override overrides[OVERRIDES];
	struct config_options config = {
		.name = run->config != NULL ? run->config : "defaults",
		.text = slice(run->text, run->text_size),
		.overrides = overrides,
		.override_count = collect(run, overrides),
		.default_jwt_secret = slice(run->key, sizeof(run->key)),
		.report = report,
	};
	struct server_options server = {
		.data_directory = run->data, .demo = run->demo, .drain_seconds = DRAIN_SECONDS, .say = stdout
	};
	int result = config_load(&config, &server.policy);

	mem_wipe(run->key, sizeof(run->key));
	if (result == FW_ERR_MEMORY)
		return options_could_not("run", "out of memory");
	if (result != FW_OK)
		return COMMAND_NOT_HELD;
	if (run->config != NULL)
		printf("configuration %s\n", run->config);
	result = server_run(&server);
	fw_policy_unref(server.policy);
	return result;
}

int command_run(int argc, char **argv)
{
	struct run run = { .data = default_data };
	const struct option_row rows[] = {
		{ "--config", "FILE", &run.config, NULL, "the configuration; default framewall.yaml when it is there" },
		{ "--listen", "HOST:PORT", &run.listen, NULL, "where clients connect; default localhost:8765" },
		{ "--upstream", "URL", &run.upstream, NULL,
		  "the ws:// or wss:// server to protect; default: the built-in hub" },
		{ "--mode", "MODE", &run.mode, NULL,
		  "enforce, or monitor: change nothing, record what enforce would do" },
		{ "--data", "DIR", &run.data, NULL, "the state of this server; default ./framewall-data" },
		{ "--admin", "HOST:PORT", &run.admin, NULL, "the admin side; default localhost:8766; off: none" },
		{ "--tls-cert", "FILE", &run.certificate, NULL, "PEM certificate: clients connect by wss:// alone" },
		{ "--tls-key", "FILE", &run.key_file, NULL, "its key; default: the same file" },
		{ "--workers", "N", &run.workers, NULL, "threads that meet clients; 0: one a processor" },
		{ "--environment", "NAME", &run.environment, NULL, "overlay of the configuration" },
		{ "--demo", NULL, NULL, &run.demo, "two demo users and links that log them in" },
	};
	struct options options = { "run", rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	if (run.environment != NULL)
		return options_usage(
			"run", "--environment is not available in this version: put the values into the configuration");
	result = read_config(&run);
	if (result != OPTIONS_GO_ON)
		return result;
	if (server_jwt_key(run.data, run.key) != 0)
		result = options_could_not("run", "cannot use \"%s/keys/jwt.key\": %s%s", run.data, strerror(errno),
					   errno == EINVAL
						   ? "; it must hold 32 octets"
						   : "; choose a folder that this user may write with --data DIR");
	else
		result = serve(&run);
	if (run.text != NULL)
		mem_wipe(run.text, run.text_size);
	mem_free(run.text);
	return result;
}
