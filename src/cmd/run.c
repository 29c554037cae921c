#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <framewall/manager.h>

#include "cmd/command.h"
#include "cmd/log_out.h"
#include "cmd/notify.h"
#include "cmd/options.h"
#include "cmd/sandbox.h"
#include "shell/processes.h"
#include "shell/resolve.h"

enum { SETTINGS = 9, DRAIN_SECONDS = 10 };
static const char default_config[] = "framewall.yaml", default_data[] = "./framewall-data";

struct run {
	const char *config, *listen, *upstream, *mode, *data, *admin, *workers, *environment, *certificate, *key,
		*log_level;
	bool demo, single, named; /* named: --config was given */
};

static size_t collect(const struct run *run, struct fw_setting settings[SETTINGS])
{
	const struct fw_setting all[SETTINGS] = {
		{ "listen", run->listen, "--listen" },
		{ "upstream.url", run->upstream, "--upstream" },
		{ "mode", run->mode, "--mode" },
		{ "admin.listen", run->admin, "--admin" },
		{ "workers", run->workers, "--workers" },
		{ "log.level", run->log_level, "--log-level" },
		{ "tls.certificate", run->certificate, "--tls-cert" },
		{ "tls.key", run->key, "--tls-key" },
		{ "environment", run->environment, "--environment" },
	};
	size_t count = 0;

	for (size_t i = 0; i < SETTINGS; i++)
		if (all[i].value != NULL)
			settings[count++] = all[i];
	return count;
}

/* The file named, or framewall.yaml when there is one, or none: the defaults are safe. */
static void find_config(struct run *run)
{
	run->named = run->config != NULL;
	if (!run->named && access(default_config, F_OK) == 0)
		run->config = default_config;
}

static int failed(const struct run *run, const struct fw_error *error)
{
	bool unread = error->code == FW_ERR_IO && run->named && strncmp(error->text, "cannot read", 11) == 0;

	if (error->code == FW_ERR_INVALID)
		return COMMAND_NOT_HELD; /* each problem was said */
	return options_could_not("run", "%s%s", error->text,
				 unread ? "; \"framewall run\" without --config uses safe defaults" : "");
}

/* As many descriptors as this user may have: each proxied connection takes two. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

struct stopping {
	struct fw_manager *manager;
	pthread_t waiter, thread;
};

/* SIGUSR2 to the waiter, and to it alone, says that it is done. */
static void *stop(void *user)
{
	struct stopping *stopping = user;

	notify("STOPPING=1");
	fw_manager_stop(stopping->manager, DRAIN_SECONDS);
	pthread_kill(stopping->waiter, SIGUSR2);
	return NULL;
}

/* SIGHUP reads the configuration anew, in a thread of its own: a file that is slow to read must not keep the program
 * from being stopped. Signals that come meanwhile are one when it is done. SIGUSR1 from here ends the thread. */
struct reloading {
	struct fw_manager *manager;
	pthread_t thread;
	_Atomic bool ends;
};

static void *reload(void *user)
{
	struct reloading *reloading = user;
	siginfo_t from;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	while (!atomic_load(&reloading->ends)) {
		if (sigwaitinfo(&signals, &from) != SIGHUP)
			continue;
		if (from.si_code == SI_KERNEL) { /* nobody asked: the terminal is gone, and who started this with it */
			kill(getpid(), SIGTERM);
			continue;
		}
		notify_reloading();
		fw_manager_reload(reloading->manager, NULL); /* what came of it is said in the log and in the record */
		notify("READY=1");
	}
	return NULL;
}

static void stop_reloading(struct reloading *reloading)
{
	atomic_store(&reloading->ends, true);
	pthread_kill(reloading->thread, SIGUSR1);
	pthread_join(reloading->thread, NULL);
}

/* The first SIGTERM or SIGINT lets connections end in an orderly way, the second does not wait for them. */
static void serve(struct fw_manager *manager, const sigset_t *signals)
{
	struct stopping stopping = { .manager = manager, .waiter = pthread_self() };
	bool stops = false, drains = false;
	int number;

	while (!stops) {
		if (sigwait(signals, &number) != 0)
			continue;
		if (number == SIGUSR2)
			stops = drains; /* else it came from outside */
		else if (!drains)
			drains = pthread_create(&stopping.thread, NULL, stop, &stopping) == 0;
		else
			fw_manager_stop(manager, 0);
	}
	pthread_join(stopping.thread, NULL);
}

static const char *confine_gate(void)
{
	return sandbox_gate("framewall-gate");
}

static const char *confine_keeper(const struct keeper_needs *needs)
{
	return sandbox_keeper("framewall-keeper", needs);
}

/* The first one of the three to come back here is whichever ends first: each goes its way to the exit. */
static int run_processes(struct fw_manager *manager)
{
	const struct processes_options options = { .notify = notify,
						   .notify_reloading = notify_reloading,
						   .drain_seconds = DRAIN_SECONDS,
						   .confine_gate = confine_gate,
						   .confine_keeper = confine_keeper };
	struct fw_error error;
	int result;

	raise_descriptors();
	result = processes_run(manager, &options, &error);
	fw_manager_free(manager);
	if (result < 0)
		return options_could_not("run", "%s", error.text);
	if (resolve_left()) {
		fflush(stdout);
		_exit(result);
	}
	return result;
}

static int run(struct run *run)
{
	struct fw_setting settings[SETTINGS];
	struct fw_manager_options options = {
		.config_file = run->config,
		.settings = settings,
		.setting_count = collect(run, settings),
		.data_directory = run->data,
		.variables = true,
		.demo = run->demo,
		.log = log_out,
	};
	struct fw_manager *manager;
	struct fw_error error;
	struct reloading reloading;
	sigset_t signals;

	manager = fw_manager_new(&options, &error);
	if (manager == NULL)
		return failed(run, &error);
	if (run->config != NULL)
		printf("configuration %s\n", run->config);
	if (!run->single)
		return run_processes(manager);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR2);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	sigdelset(&signals, SIGHUP); /* the other thread's */
	sigdelset(&signals, SIGUSR1);
	raise_descriptors();
	if (fw_manager_start(manager, &error) != FW_OK) {
		fw_manager_free(manager);
		return options_could_not("run", "%s", error.text);
	}
	reloading = (struct reloading){ .manager = manager };
	if (pthread_create(&reloading.thread, NULL, reload, &reloading) != 0) {
		fw_manager_free(manager);
		return options_could_not("run", "cannot start: no thread");
	}
	notify("READY=1");
	serve(manager, &signals);
	stop_reloading(&reloading);
	fw_manager_free(manager);
	if (resolve_left()) { /* everything is written; only the lookup would be waited for */
		fflush(stdout);
		_exit(COMMAND_DONE);
	}
	return COMMAND_DONE;
}

int command_run(int argc, char **argv)
{
	struct run settings = { .data = default_data };
	const struct option_row rows[] = {
		{ "--config", "FILE", &settings.config, NULL,
		  "the configuration; default framewall.yaml when it is there" },
		{ "--listen", "HOST:PORT", &settings.listen, NULL, "where clients connect; default localhost:8765" },
		{ "--upstream", "URL", &settings.upstream, NULL,
		  "the ws:// or wss:// server to protect; default: the built-in hub" },
		{ "--mode", "MODE", &settings.mode, NULL,
		  "enforce, or monitor: change nothing, record what enforce would do" },
		{ "--data", "DIR", &settings.data, NULL, "the state of this server; default ./framewall-data" },
		{ "--admin", "HOST:PORT", &settings.admin, NULL, "the admin side; default localhost:8766; off: none" },
		{ "--tls-cert", "FILE", &settings.certificate, NULL,
		  "PEM certificate: clients connect by wss:// alone" },
		{ "--tls-key", "FILE", &settings.key, NULL, "its key, PEM; default: the same file" },
		{ "--workers", "N", &settings.workers, NULL, "threads that meet clients; 0: one a processor" },
		{ "--environment", "NAME", &settings.environment, NULL,
		  "environment: what is default, and which overlay of the file counts" },
		{ "--log-level", "LEVEL", &settings.log_level, NULL,
		  "error, warn, info (default), debug, trace, or MODULE=LEVEL,…" },
		{ "--single", NULL, NULL, &settings.single,
		  "as one process; default: three, of which the one that meets the network reaches neither record nor "
		  "database" },
		{ "--demo", NULL, NULL, &settings.demo, "two demo users and links that log them in" },
	};
	struct options options = { "run", rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	find_config(&settings);
	return run(&settings);
}
