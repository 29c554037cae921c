/* manager_parts.h: the inside of fw_manager, for its own files. What start makes belongs to whoever holds the state
 * STARTING or STOPPING, and to the loop's thread in between; gate is also read by fw_manager_send, under gate_lock. */
#ifndef SHELL_MANAGER_PARTS_H
#define SHELL_MANAGER_PARTS_H
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include <framewall/manager.h>

#include "policy/config.h"
#include "shell/gate.h"
#include "shell/hub.h"
#include "shell/issuer_keys.h"
#include "shell/keeper.h"
#include "shell/log.h"
#include "shell/reload.h"
#include "shell/tls.h"
#include "shell/watchdog.h"

enum manager_state { MANAGER_IDLE, MANAGER_STARTING, MANAGER_RUNS, MANAGER_STOPPING };

/* Copies of what the options say about the configuration: read again for each policy. */
struct manager_config {
	char *file, *text;
	struct config_override *overrides;
	size_t override_count;
};

struct fw_manager {
	struct manager_config config;
	char *data_directory;
	const struct fw_role *roles;
	size_t role_count;
	bool variables, without_hub, demo;
	fw_log_function *log;
	void *log_user;
	struct log lines; /* of the running parts, to log */
	fw_event_function *on_event;
	void *event_user;
	fw_message_function *on_message;
	void *message_user;

	pthread_mutex_t lock;
	pthread_cond_t changed;	  /* state */
	enum manager_state state; /* under lock */
	/* Held while the configuration is read anew, and by start: what they use of this struct stays as it is. Taken
	 * before every other lock. */
	pthread_mutex_t reload_lock;
	bool stopping;				 /* under reload_lock: the parts are being taken apart */
	struct reload_result *hears;		 /* under reload_lock: problems go there, too; NULL: to the log alone */
	struct fingerprint fingerprint, started; /* under reload_lock: of the policy, and of the one at the start */
	/* Written under reload_lock and gate_lock, read under one of them. */
	struct fw_policy *policy;
	struct reload_state configuration;
	_Atomic bool renewed; /* the loop's thread has looked at the two */
	_Atomic unsigned drain_seconds;
	_Atomic bool at_once;		 /* stops without waiting for the clients */
	struct issuer_keys *issuer_keys; /* as long as the manager */
	struct tls *tls;		 /* as long as the manager; see tls.h for how it follows the policy */

	uv_loop_t loop;
	bool has_loop;
	uv_thread_t thread;
	uv_async_t wake;  /* stop was asked for */
	uv_async_t renew; /* another policy */
	uv_timer_t sweep;
	struct store *store;
	struct hub *hub;
	struct keeper *keeper;
	struct keeper_demo demo_users;
	pthread_rwlock_t gate_lock; /* of the pointer and the policy: whoever sends holds it for reading */
	struct gate *gate;
	struct watchdog watchdog; /* of the gate's workers; without beats: nobody looks, or another process */
	uint16_t client_port;
	char client_host[256], admin_host[256];
	uint16_t admin_port; /* that was asked for */
	bool admin_on;
	bool apart;	  /* this is the monitor: keeper and gate are processes */
	bool draining;	  /* of the loop's thread */
	unsigned drained; /* workers */
};

/* manager_config.c: the options' part of the configuration. False: memory is short. */
bool manager_config_copy(struct manager_config *config, const struct fw_manager_options *options);
void manager_config_free(struct manager_config *config);
/* A policy from the configuration as it is now. FW_OK, or a code with its text in reterr_error; problems go to log. */
struct manager_loaded {
	struct fw_policy *policy;
	struct fingerprint fingerprint;
};
int manager_config_load(struct fw_manager *manager, struct manager_loaded *ret_loaded, struct fw_error *reterr_error);

/* Certificates and keys that a policy names are read; they are in use from now on. FW_OK, or a code as above: nothing
 * changed. */
int manager_config_tls(struct fw_manager *manager, const struct fw_policy *policy, struct fw_error *reterr_error);

/* manager_parts.c: what start makes and stop takes apart. */
/* What comes before the parts: addresses, keys of issuers, log levels. */
int manager_parts_prepare(struct fw_manager *manager, uint16_t *ret_port, struct fw_error *reterr_error);
unsigned manager_parts_workers(const struct fw_policy *policy);
/* The store and the hub of a gate. Codes as above. */
int manager_parts_state(struct fw_manager *manager, struct fw_error *reterr_error);
/* channels: those of a gate in another process, and how it is reached; NULL: it is in this one. */
int manager_parts_keeper(struct fw_manager *manager, const struct keeper_options *channels,
			 struct fw_error *reterr_error);
int manager_parts_start(struct fw_manager *manager, struct fw_error *reterr_error);
void manager_parts_end(struct fw_manager *manager);  /* its loop's handles are closing: loop, hub and store */
void manager_parts_stop(struct fw_manager *manager); /* also after a start that failed; the loop's thread is gone */
void manager_parts_record(struct fw_manager *manager, const char *change, const char *digest);

/* manager_watch.c: whether the gate's workers turn. */
void manager_watch_begin(struct fw_manager *manager); /* before the gate */
void manager_watch_end(struct fw_manager *manager);   /* after it */
void manager_watch(struct fw_manager *manager);	      /* once a second, in the loop's thread */

/* manager_reload.c */
uint8_t manager_reload_level(struct fw_manager *manager); /* of a system_changes record */
void manager_reload_state(struct fw_manager *manager,
			  const struct manager_loaded *loaded);	       /* it is the one in use now */
void manager_reload_renew(struct fw_manager *manager);		       /* in the loop's thread */
void manager_reload_ask(void *user, struct reload_result *ret_result); /* for the admin side; user: the manager */

/* manager_keys.c: keys of issuers that are fetched. Puts those that there are into a policy that was loaded. FW_OK or a
 * code with its text. */
int manager_keys_add(struct fw_manager *manager, struct fw_policy **policy, struct fw_error *reterr_error);
bool manager_keys_use(void *user); /* in the loop's thread; user: the manager. False: not now */

/* manager_say.c: what people are told. */
void manager_say(const struct fw_manager *manager, enum fw_log_level level, const char *module, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int manager_say_error(struct fw_error *reterr_error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4))); /* returns code; reterr_error may be NULL */
void manager_say_where(struct fw_manager *manager);
#endif
