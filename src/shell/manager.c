#include <framewall/manager.h>

#include <string.h>

#include "base/mem.h"
#include "shell/manager_parts.h"

static const char default_data[] = "framewall-data";

static int make(struct fw_manager *manager, const struct fw_manager_options *options, struct fw_error *reterr_error)
{
	const char *data = options->data_directory != NULL ? options->data_directory : default_data;
	struct manager_loaded loaded;
	int result;

	manager->roles = options->roles;
	manager->role_count = options->role_count;
	manager->variables = options->variables;
	manager->without_hub = options->without_hub;
	manager->demo = options->demo;
	manager->log = options->log;
	manager->log_user = options->log_user;
	manager->data_directory = mem_text(data, strlen(data));
	if (manager->data_directory == NULL || !manager_config_copy(&manager->config, options))
		return manager_say_error(reterr_error, FW_ERR_MEMORY, "out of memory");
	result = manager_config_load(manager, &loaded, reterr_error);
	if (result != FW_OK)
		return result;
	manager->policy = loaded.policy;
	manager->issuer_keys = issuer_keys_new();
	if (manager->issuer_keys == NULL)
		return manager_say_error(reterr_error, FW_ERR_MEMORY, "out of memory");
	manager_reload_state(manager, &loaded);
	return manager_config_tls(manager, manager->policy, reterr_error);
}

struct fw_manager *fw_manager_new(const struct fw_manager_options *options, struct fw_error *reterr_error)
{
	struct fw_manager *manager = mem_zero(1, sizeof(*manager));

	if (manager == NULL) {
		manager_say_error(reterr_error, FW_ERR_MEMORY, "out of memory");
		return NULL;
	}
	log_init(&manager->lines, options->log, options->log_user);
	pthread_mutex_init(&manager->lock, NULL);
	pthread_mutex_init(&manager->reload_lock, NULL);
	pthread_cond_init(&manager->changed, NULL);
	pthread_rwlock_init(&manager->gate_lock, NULL);
	if (make(manager, options, reterr_error) != FW_OK)
		return fw_manager_free(manager);
	return manager;
}

/* Takes the state from one to another; false when it is a different one. */
static bool change(struct fw_manager *manager, enum manager_state from, enum manager_state to)
{
	bool was;

	pthread_mutex_lock(&manager->lock);
	was = manager->state == from;
	if (was)
		manager->state = to;
	pthread_cond_broadcast(&manager->changed);
	pthread_mutex_unlock(&manager->lock);
	return was;
}

static bool is_idle(struct fw_manager *manager)
{
	bool idle;

	pthread_mutex_lock(&manager->lock);
	idle = manager->state == MANAGER_IDLE;
	pthread_mutex_unlock(&manager->lock);
	return idle;
}

int fw_manager_on_event(struct fw_manager *manager, fw_event_function *function, void *user)
{
	if (!is_idle(manager))
		return FW_ERR_STATE;
	manager->on_event = function;
	manager->event_user = user;
	return FW_OK;
}

int fw_manager_on_message(struct fw_manager *manager, fw_message_function *function, void *user)
{
	if (!is_idle(manager))
		return FW_ERR_STATE;
	manager->on_message = function;
	manager->message_user = user;
	return FW_OK;
}

int fw_manager_start(struct fw_manager *manager, struct fw_error *reterr_error)
{
	int result;

	if (!change(manager, MANAGER_IDLE, MANAGER_STARTING))
		return manager_say_error(reterr_error, FW_ERR_STATE, "cannot start: it runs already");
	pthread_mutex_lock(&manager->reload_lock);
	result = manager_parts_start(manager, reterr_error);
	pthread_mutex_unlock(&manager->reload_lock);
	change(manager, MANAGER_STARTING, result == FW_OK ? MANAGER_RUNS : MANAGER_IDLE);
	return result;
}

static void await_idle(struct fw_manager *manager)
{
	pthread_mutex_lock(&manager->lock);
	while (manager->state == MANAGER_STOPPING)
		pthread_cond_wait(&manager->changed, &manager->lock);
	pthread_mutex_unlock(&manager->lock);
}

/* Tells the loop, unless whoever stops has taken it apart by now. */
static void hurry(struct fw_manager *manager)
{
	pthread_rwlock_rdlock(&manager->gate_lock);
	if (manager->gate != NULL)
		uv_async_send(&manager->wake);
	pthread_rwlock_unlock(&manager->gate_lock);
}

/* A reload that goes on is waited for; one that is asked for meanwhile finds that it cannot be. The lock itself is not
 * held while the parts are taken apart: the keeper waits for the thread that asks on behalf of the admin side. */
static void set_stopping(struct fw_manager *manager, bool stopping)
{
	pthread_mutex_lock(&manager->reload_lock);
	manager->stopping = stopping;
	pthread_mutex_unlock(&manager->reload_lock);
}

void fw_manager_stop(struct fw_manager *manager, unsigned drain_seconds)
{
	bool first = change(manager, MANAGER_RUNS, MANAGER_STOPPING);

	if (first)
		atomic_store(&manager->drain_seconds, drain_seconds);
	if (drain_seconds == 0)
		atomic_store(&manager->at_once, true);
	hurry(manager);
	if (!first) {
		await_idle(manager);
		return;
	}
	uv_thread_join(&manager->thread);
	set_stopping(manager, true);
	manager_parts_stop(manager);
	set_stopping(manager, false);
	change(manager, MANAGER_STOPPING, MANAGER_IDLE);
}

struct fw_manager *fw_manager_free(struct fw_manager *manager)
{
	if (manager == NULL)
		return NULL;
	fw_manager_stop(manager, 0);
	tls_free(manager->tls);
	issuer_keys_free(manager->issuer_keys);
	fw_policy_unref(manager->policy);
	manager_config_free(&manager->config);
	mem_free(manager->data_directory);
	log_fini(&manager->lines);
	pthread_rwlock_destroy(&manager->gate_lock);
	pthread_cond_destroy(&manager->changed);
	pthread_mutex_destroy(&manager->reload_lock);
	pthread_mutex_destroy(&manager->lock);
	mem_free(manager);
	return NULL;
}

uint16_t fw_manager_port(struct fw_manager *manager)
{
	uint16_t port;

	pthread_rwlock_rdlock(&manager->gate_lock);
	port = manager->gate != NULL ? gate_port(manager->gate) : 0;
	pthread_rwlock_unlock(&manager->gate_lock);
	return port;
}

uint16_t fw_manager_admin_port(struct fw_manager *manager)
{
	uint16_t port;

	pthread_rwlock_rdlock(&manager->gate_lock);
	port = manager->gate != NULL && manager->admin_on ? keeper_port(manager->keeper) : 0;
	pthread_rwlock_unlock(&manager->gate_lock);
	return port;
}

struct fw_policy *fw_manager_policy(struct fw_manager *manager)
{
	struct fw_policy *policy;

	pthread_rwlock_rdlock(&manager->gate_lock);
	policy = fw_policy_ref(manager->policy);
	pthread_rwlock_unlock(&manager->gate_lock);
	return policy;
}
