#include "cmd/offline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "shell/keeper.h"
#include "shell/load.h"
#include "shell/random.h"

enum { PATH_ROOM = 4096 };

struct offline {
	struct fw_policy *policy;
	struct store *store;
	struct keeper *keeper;
	uv_loop_t loop;
	uv_async_t stop;
	uv_thread_t thread;
	bool has_loop, runs;
};

static void report(void *user, const char *text)
{
	(void)user;
	if (strstr(text, "error: ") != NULL)
		fprintf(stderr, "%s\n", text);
}

static void on_stop(uv_async_t *handle)
{
	uv_stop(handle->loop);
}

static void run(void *user)
{
	struct offline *offline = user;

	uv_run(&offline->loop, UV_RUN_DEFAULT);
}

/* Files made by somebody else would be in the way of the server's own user. */
static bool is_ours(const struct control_request *request)
{
	struct stat is;

	if (stat(request->data, &is) != 0) {
		if (errno == ENOENT && request->makes)
			return true;
		options_could_not(request->verb,
				  "no server runs on \"%s\"; start one with \"framewall run --data %s\", or name its "
				  "folder with --data DIR",
				  request->data, request->data);
		return false;
	}
	if (is.st_uid == geteuid())
		return true;
	options_could_not(request->verb,
			  "no server runs on \"%s\", and it is another user's: run this as the user that owns it",
			  request->data);
	return false;
}

static bool load(struct offline *offline, const struct control_request *request)
{
	static const char default_config[] = "framewall.yaml";
	bool found = request->config == NULL && access(default_config, F_OK) == 0;
	struct load_options options = { .path = found ? default_config : request->config,
					.variables = true,
					.report = report };
	int result = load_policy(&options, &offline->policy);

	if (result == FW_OK)
		return true;
	options_could_not(request->verb, "the configuration %s%s",
			  options.path != NULL ? options.path : "(defaults and variables)",
			  result == FW_ERR_INVALID ? " does not hold" : " cannot be read");
	return false;
}

static bool start_loop(struct offline *offline)
{
	if (uv_loop_init(&offline->loop) != 0)
		return false;
	if (uv_async_init(&offline->loop, &offline->stop, on_stop) == 0) {
		offline->has_loop = true;
		return true;
	}
	uv_loop_close(&offline->loop);
	return false;
}

static bool start_keeper(struct offline *offline, const struct control_request *request)
{
	const char *folder = offline->policy->settings.log_directory, *failed = "no event loop, or memory is short";
	struct fw_random random = random_system();
	char record[PATH_ROOM];
	struct keeper_options options = { .loop = &offline->loop,
					  .policy = offline->policy,
					  .data_directory = request->data,
					  .record_directory = record,
					  .random = random };

	snprintf(record, sizeof(record), "%s%s", *folder != '\0' ? folder : request->data,
		 *folder != '\0' ? "" : "/record");
	offline->store = store_new(&(struct store_options){ 0 }, &random);
	options.store = offline->store;
	if (offline->store != NULL && start_loop(offline))
		offline->keeper = keeper_start(&options, &failed);
	if (offline->keeper == NULL) {
		options_could_not(request->verb, "no server runs on \"%s\", and it cannot be changed: %s",
				  request->data, failed);
		return false;
	}
	offline->runs = uv_thread_create(&offline->thread, run, offline) == 0;
	return offline->runs;
}

struct offline *offline_start(const struct control_request *request)
{
	struct offline *offline;

	if (!is_ours(request))
		return NULL;
	offline = mem_zero(1, sizeof(*offline));
	if (offline == NULL) {
		options_could_not(request->verb, "out of memory");
		return NULL;
	}
	if (load(offline, request) && start_keeper(offline, request))
		return offline;
	offline_stop(offline);
	return NULL;
}

void offline_stop(struct offline *offline)
{
	if (offline == NULL)
		return;
	if (offline->runs) {
		uv_async_send(&offline->stop);
		uv_thread_join(&offline->thread);
	}
	keeper_stop(offline->keeper);
	if (offline->has_loop) {
		uv_close((uv_handle_t *)&offline->stop, NULL);
		uv_run(&offline->loop, UV_RUN_DEFAULT);
		uv_loop_close(&offline->loop);
	}
	store_free(offline->store);
	fw_policy_unref(offline->policy);
	mem_free(offline);
}
