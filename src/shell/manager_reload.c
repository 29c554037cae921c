/* Reading the configuration anew while the manager runs. Whoever asks reads and compiles in its own thread; what comes
 * of it is an immutable policy that is handed to the workers and to the keeper's loop. Until then nothing is changed,
 * so that a configuration that does not hold leaves no trace but a record. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/encode.h"
#include "base/event_type.h"
#include "base/limits.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/files.h"
#include "shell/manager_parts.h"
#include "shell/process_parts.h"
#include "shell/server_files.h"
#include "shell/store_settings.h"

enum { LIST_ROOM = 2048, WAIT_STEP_MS = 1, WAIT_STEPS = 5000 };

/* A pipe or standard input has been read already, and reading it again might wait for ever. */
static int check_source(const char *file, struct fw_error *reterr_error)
{
	struct stat status;

	if (file == NULL)
		return FW_OK;
	if (strcmp(file, "-") == 0)
		return manager_say_error(reterr_error, FW_ERR_IO,
					 "the configuration came from standard input, which cannot be read again; "
					 "start with --config FILE");
	if (stat(file, &status) != 0)
		return manager_say_error(reterr_error, FW_ERR_IO, "cannot read \"%s\": %s", file, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return manager_say_error(reterr_error, FW_ERR_IO, "\"%s\" is not a file, and cannot be read again",
					 file);
	return FW_OK;
}

/* They are not used before the next start, when a mistake in them would be a surprise. */
static int check_addresses(const struct fw_policy *policy, struct fw_error *reterr_error)
{
	const struct settings *settings = &policy->settings;
	char host[256];
	uint16_t port;

	if (!server_listen_parse(settings->listen, host, &port))
		return manager_say_error(reterr_error, FW_ERR_INVALID, "listen: \"%s\" is not HOST:PORT",
					 settings->listen);
	if (strcmp(settings->admin_listen, "off") != 0 && !server_listen_parse(settings->admin_listen, host, &port))
		return manager_say_error(reterr_error, FW_ERR_INVALID,
					 "admin.listen: \"%s\" is neither HOST:PORT nor off", settings->admin_listen);
	return FW_OK;
}

static int prepare(struct fw_manager *manager, struct manager_loaded *ret_loaded, struct fw_error *reterr_error)
{
	int result = files_used() ? FW_OK : check_source(manager->config.file, reterr_error);

	if (result == FW_OK)
		result = manager_config_load(manager, ret_loaded, reterr_error);
	if (result != FW_OK)
		return result;
	result = check_addresses(ret_loaded->policy, reterr_error);
	if (result == FW_OK)
		result = manager_keys_add(manager, &ret_loaded->policy, reterr_error);
	if (result == FW_OK)
		result = manager_config_tls(manager, ret_loaded->policy, reterr_error); /* the last that can fail */
	if (result != FW_OK)
		ret_loaded->policy = fw_policy_unref(ret_loaded->policy);
	return result;
}

void manager_reload_state(struct fw_manager *manager, const struct manager_loaded *loaded)
{
	manager->configuration.generation++;
	manager->configuration.wall_us = clock_wall_us();
	encode_hex(loaded->fingerprint.whole, sizeof(loaded->fingerprint.whole), manager->configuration.digest);
	manager->fingerprint = loaded->fingerprint;
}

/* In the loop's thread: the keeper's and the admin side's turn. */
void manager_reload_renew(struct fw_manager *manager)
{
	struct reload_state state;
	struct fw_policy *policy;

	pthread_rwlock_rdlock(&manager->gate_lock);
	policy = fw_policy_ref(manager->policy);
	state = manager->configuration;
	pthread_rwlock_unlock(&manager->gate_lock);
	keeper_renew(manager->keeper, policy, &state);
	fw_policy_unref(policy);
	atomic_store(&manager->renewed, true);
}

static bool stops(struct fw_manager *manager)
{
	bool stops;

	pthread_mutex_lock(&manager->lock);
	stops = manager->state == MANAGER_STOPPING;
	pthread_mutex_unlock(&manager->lock);
	return stops;
}

/* Until every thread has it, but not for ever: a worker may be waiting for the record, and that for its disk. */
static bool await_all(struct fw_manager *manager)
{
	const struct timespec step = { 0, WAIT_STEP_MS * 1000000 };

	for (unsigned i = 0; i < WAIT_STEPS && !stops(manager); i++) {
		if (gate_reloaded(manager->gate) && atomic_load(&manager->renewed))
			return true;
		nanosleep(&step, NULL);
	}
	return gate_reloaded(manager->gate) || stops(manager);
}

static void tell_loop(struct fw_manager *manager)
{
	atomic_store(&manager->renewed, false);
	uv_async_send(&manager->renew);
}

static void use(struct fw_manager *manager, const struct manager_loaded *loaded, struct reload_result *result)
{
	struct store_options store = store_settings(loaded->policy);
	struct fw_policy *last = manager->policy;
	struct fw_slice wrong; /* nothing: it was checked */

	for (unsigned row = 0; row < FINGERPRINT_ROWS; row++) {
		result->changed[row] = fingerprint_differs(&manager->fingerprint, &loaded->fingerprint, row);
		result->restart[row] = (manager->gate != NULL || manager->apart) && fingerprint_restart(row) != NULL &&
				       fingerprint_differs(&manager->started, &loaded->fingerprint, row);
	}
	/* What an operator has changed since stays, unless the configuration says something new. */
	if (result->changed[FINGERPRINT_log_level])
		log_set(&manager->lines, slice_text(loaded->policy->settings.log_level), &wrong);
	pthread_rwlock_wrlock(&manager->gate_lock);
	manager->policy = loaded->policy;
	manager_reload_state(manager, loaded);
	manager->configuration.taken++;
	manager->configuration.last_refused = false;
	pthread_rwlock_unlock(&manager->gate_lock);
	if (manager->gate != NULL) {
		store_configure(manager->store, &store);
		gate_reload(manager->gate, loaded->policy);
		tell_loop(manager);
		result->late = !await_all(manager);
	}
	fw_policy_unref(last);
}

static void refuse(struct fw_manager *manager)
{
	pthread_rwlock_wrlock(&manager->gate_lock);
	manager->configuration.refused++;
	manager->configuration.last_refused = true;
	pthread_rwlock_unlock(&manager->gate_lock);
	if (manager->gate != NULL) {
		tell_loop(manager);
		await_all(manager);
	}
}

void manager_reload_say(struct fw_manager *manager, const struct reload_result *result)
{
	char list[LIST_ROOM];
	unsigned count;

	if (result->error.code != FW_OK) {
		manager_say(manager, FW_LOG_ERROR, "manager",
			    "the configuration was not reloaded: %s; the one before (generation %llu) stays in use",
			    result->error.text, (unsigned long long)result->after.generation);
		return;
	}
	count = reload_list(result->changed, list, sizeof(list));
	manager_say(manager, FW_LOG_NOTICE, "manager", "configuration reloaded: generation %llu, digest %.16s…, %s%s",
		    (unsigned long long)result->after.generation, result->after.digest,
		    count != 0 ? "changed: " : "nothing changed", list);
	for (unsigned row = 0; row < FINGERPRINT_ROWS; row++)
		if (result->restart[row])
			manager_say(manager, FW_LOG_WARNING, "manager", "%s needs a restart: %s", fingerprint_path(row),
				    fingerprint_restart(row));
	if (result->late)
		manager_say(manager, FW_LOG_WARNING, "manager",
			    "a worker is busy: it takes the new configuration as soon as it can");
}

/* Under the lock. */
static void reload(struct fw_manager *manager, struct reload_result *result)
{
	struct manager_loaded loaded = { 0 };

	result->before = manager->configuration;
	result->name = manager->config.file != NULL ? manager->config.file : "configuration";
	if (manager->stopping || stops(manager)) {
		manager_say_error(&result->error, FW_ERR_STATE, "the server is stopping");
		return;
	}
	manager->hears = result;
	result->error.code = prepare(manager, &loaded, &result->error);
	manager->hears = NULL;
	if (result->error.code == FW_OK)
		use(manager, &loaded, result);
	else
		refuse(manager);
	result->after = manager->configuration;
}

void manager_reload_ask(void *user, struct reload_result *ret_result)
{
	struct fw_manager *manager = user;

	pthread_mutex_lock(&manager->reload_lock);
	reload(manager, ret_result);
	manager_reload_say(manager, ret_result);
	pthread_mutex_unlock(&manager->reload_lock);
}

void manager_reload_files(struct fw_manager *manager, struct files *files, struct reload_result *ret_result)
{
	files_keep(files);
	pthread_mutex_lock(&manager->reload_lock);
	reload(manager, ret_result);
	pthread_mutex_unlock(&manager->reload_lock);
	files_keep(NULL);
}

bool manager_reload_follow(struct fw_manager *manager, struct files *files)
{
	struct store_options store;
	struct manager_loaded loaded = { 0 };
	struct fw_policy *last = manager->policy;
	struct fw_slice wrong; /* nothing: it was checked */
	fw_log_function *log = manager->log;
	int result;

	manager->log = NULL; /* the monitor has said it all */
	files_use(files);
	result = prepare(manager, &loaded, NULL);
	files_use(NULL);
	manager->log = log;
	if (result != FW_OK)
		return false;
	if (fingerprint_differs(&manager->fingerprint, &loaded.fingerprint, FINGERPRINT_log_level))
		log_set(&manager->lines, slice_text(loaded.policy->settings.log_level), &wrong);
	pthread_rwlock_wrlock(&manager->gate_lock);
	manager->policy = loaded.policy;
	manager_reload_state(manager, &loaded);
	pthread_rwlock_unlock(&manager->gate_lock);
	if (manager->gate != NULL) {
		store = store_settings(loaded.policy);
		store_configure(manager->store, &store);
		gate_reload(manager->gate, loaded.policy);
		for (unsigned i = 0; i < WAIT_STEPS && !gate_reloaded(manager->gate); i++)
			nanosleep(&(const struct timespec){ 0, WAIT_STEP_MS * 1000000 }, NULL);
	}
	fw_policy_unref(last);
	return manager->gate == NULL || gate_reloaded(manager->gate);
}

uint8_t manager_reload_level(struct fw_manager *manager)
{
	uint8_t level;

	pthread_rwlock_rdlock(&manager->gate_lock);
	level = manager->policy->event_levels[EVENT_system_changes];
	pthread_rwlock_unlock(&manager->gate_lock);
	return level;
}

int fw_manager_reload(struct fw_manager *manager, struct fw_error *reterr_error)
{
	struct fw_record record = { .type = EVENT_system_changes };
	struct reload_result result = { .error = { .code = FW_OK } };
	int code;

	pthread_mutex_lock(&manager->reload_lock);
	reload(manager, &result);
	manager_reload_say(manager, &result);
	code = result.error.code;
	record.level = manager_reload_level(manager);
	record.details[record.detail_count++] =
		(struct fw_detail){ .key = "change",
				    .text = slice_text(code == FW_OK ? "reloaded" : "reload refused") };
	if (manager->gate != NULL && code != FW_ERR_STATE)
		reload_record(manager->keeper, &record, &result);
	pthread_mutex_unlock(&manager->reload_lock);
	if (reterr_error != NULL)
		*reterr_error = result.error;
	reload_fini(&result);
	return code;
}
