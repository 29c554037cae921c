#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "shell/load.h"
#include "shell/server.h"

enum { OVERRIDES = 6, KEY_SIZE = 32, DRAIN_SECONDS = 10 };
static const char default_config[] = "framewall.yaml", default_data[] = "./framewall-data";

struct run {
	const char *config, *listen, *upstream, *mode, *data, *admin, *workers, *environment;
	bool demo, named; /* named: --config was given */
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
		{ "listen", run->listen, "--listen" },	  { "upstream.url", run->upstream, "--upstream" },
		{ "mode", run->mode, "--mode" },	  { "admin.listen", run->admin, "--admin" },
		{ "workers", run->workers, "--workers" }, { "environment", run->environment, "--environment" },
	};
	size_t count = 0;

	for (size_t i = 0; i < OVERRIDES; i++)
		if (all[i].value != NULL)
			overrides[count++] = all[i];
	return count;
}

static int could_not_read(const struct run *run)
{
	return options_could_not("run", "cannot read \"%s\": %s%s", run->config, strerror(errno),
				 run->named ? "; \"framewall run\" without --config uses safe defaults" : "");
}

static int serve(struct run *run)
{
	struct config_override overrides[OVERRIDES];
	struct load_options load = {
		.path = run->config,
		.overrides = overrides,
		.override_count = collect(run, overrides),
		.default_jwt_secret = slice(run->key, sizeof(run->key)),
		.report = report,
	};
	struct server_options server = {
		.data_directory = run->data, .demo = run->demo, .drain_seconds = DRAIN_SECONDS, .say = stdout
	};
	int result = load_policy(&load, &server.policy);

	mem_wipe(run->key, sizeof(run->key));
	if (result == FW_ERR_IO)
		return could_not_read(run);
	if (result == FW_ERR_MEMORY)
		return options_could_not("run", "out of memory");
	if (result != FW_OK)
		return COMMAND_NOT_HELD;
	if (run->config != NULL)
		printf("configuration %s\n", run->config);
	if (*server.policy->settings.environment != '\0')
		printf("environment %s\n", server.policy->settings.environment);
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
		{ "--upstream", "URL", &run.upstream, NULL, "the ws:// server to protect; default: the built-in hub" },
		{ "--mode", "MODE", &run.mode, NULL,
		  "enforce, or monitor: change nothing, record what enforce would do" },
		{ "--data", "DIR", &run.data, NULL, "the state of this server; default ./framewall-data" },
		{ "--admin", "HOST:PORT", &run.admin, NULL, "the admin side; default localhost:8766; off: none" },
		{ "--workers", "N", &run.workers, NULL, "threads that meet clients; 0: one a processor" },
		{ "--environment", "NAME", &run.environment, NULL,
		  "environment: what is default, and which overlay of the file counts" },
		{ "--demo", NULL, NULL, &run.demo, "two demo users and links that log them in" },
	};
	struct options options = { "run", rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	/* The file named, or framewall.yaml when there is one, or none: the defaults are safe. */
	run.named = run.config != NULL;
	if (!run.named && access(default_config, F_OK) == 0)
		run.config = default_config;
	if (server_jwt_key(run.data, run.key) != 0)
		result = options_could_not("run", "cannot use \"%s/keys/jwt.key\": %s%s", run.data, strerror(errno),
					   errno == EINVAL
						   ? "; it must hold 32 octets"
						   : "; choose a folder that this user may write with --data DIR");
	else
		result = serve(&run);
	return result;
}
