/* framewall/manager.h: the whole firewall inside another program: listeners, workers, record, admin side, and the
 * upstream or the built-in hub behind them. `framewall run` is a thin user of this header.
 *
 *     manager = fw_manager_new(&options, &error);
 *     fw_manager_on_message(manager, message, user);
 *     fw_manager_start(manager, &error);                    // does not block: the manager has threads of its own
 *     ... wait for whatever ends the program ...
 *     fw_manager_stop(manager, 10);                         // drains for at most 10 s, then all threads are gone
 *     fw_manager_free(manager);
 *
 * Threads: new, on_event, on_message, start and free: one thread at a time. The others: any thread, also in handlers,
 * except stop and reload, which wait for the threads that call the handlers. The threads of a manager have every signal
 * blocked. It never prints, never exits, and changes nothing of the process: no signal handler, no limit, no working
 * directory. What is to be said goes to options.log. Several managers in one process are fine, each with its own data
 * directory.
 *
 * Ownership: texts and slices given to a handler are borrowed for that call; those given by the caller are copied. */
#ifndef FRAMEWALL_MANAGER_H
#define FRAMEWALL_MANAGER_H

#include <framewall/conn.h>
#include <framewall/event.h>
#include <framewall/policy.h>
#include <framewall/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fw_manager;

enum fw_log_level { FW_LOG_ERROR, FW_LOG_WARNING, FW_LOG_NOTICE, FW_LOG_INFO, FW_LOG_DEBUG, FW_LOG_TRACE };

/* Something to say to people. module: "config" (text is "file:line:column: error: …" with the line and a caret below),
 * "manager", "tls", or one of the modules of the running server ("connection", "record", …: one line each, as much as
 * log.level of the configuration and the admin side ask for; what comes from a peer is escaped). Called from any thread
 * of the manager and from the callers of its functions, possibly from several at once; it calls no function of the
 * manager. Never a secret, except the login links of options.demo. */
typedef void fw_log_function(void *user, enum fw_log_level level, const char *module, const char *text);

/* One value of the configuration from outside of it, stronger than the file. origin: shown in messages about it. */
struct fw_setting {
	const char *path;  /* "rate_limiting.messages_per_minute" */
	const char *value; /* as text */
	const char *origin;
};

enum { FW_PORT_ANY = -1 };

/* All zero is a configuration: the safe defaults, the built-in hub on localhost:8765. */
struct fw_manager_options {
	const char *host; /* where clients connect; NULL: what the configuration says, or localhost */
	int port; /* 0: what the configuration says, or 8765; FW_PORT_ANY: any that is free, see fw_manager_port */

	const char *config_file; /* a path; NULL: none */
	const char *config_text; /* YAML, instead of a file; NULL: none */
	const char *environment; /* overlay of the configuration ("production"); NULL: what it says, or none */
	const char *mode;	 /* "enforce" or "monitor"; NULL: what the configuration says, or enforce */
	const char *upstream;	 /* "ws://host:port" or "wss://…": the server to protect; NULL: what the configuration
				    says, or none */
	const char *admin;	 /* "host:port", or "off"; NULL: what the configuration says, or localhost:8766 */
	unsigned workers;	 /* threads that meet clients; 0: what the configuration says, or one a processor */
	const struct fw_setting *settings; /* further values */
	size_t setting_count;
	const struct fw_role *roles; /* besides those of the configuration; they stay until fw_manager_free */
	size_t role_count;

	const char *data_directory; /* keys, record, control socket; made when absent; NULL: framewall-data */
	bool variables;	  /* FRAMEWALL_… variables of this process stand above the configuration, below settings */
	bool without_hub; /* routes without an upstream are served by on_message alone; without it nobody answers */
	bool demo;	  /* to try out: two users, alice and bob, with login links for the page /demo */

	fw_log_function *log; /* NULL: nothing is said */
	void *log_user;
};

/* Reads and compiles the configuration, makes the data directory and its keys. NULL: *reterr_error says why, by code:
 * FW_ERR_INVALID, the configuration does not hold (each problem went to log; text has the first one); FW_ERR_IO; or
 * FW_ERR_MEMORY. */
FW_API struct fw_manager *fw_manager_new(const struct fw_manager_options *options, struct fw_error *reterr_error);

/* Each record of what happened, in order, after it was written (or, when the disk refuses, kept to be written again);
 * what a source left beyond its budget as one, see docs/reference/events.md.
 * Called in the recorder's thread: while it works, records wait, and when LIMIT_RECORD_QUEUE is full, clients. One
 * function; another call replaces it, NULL takes it away. FW_OK, or FW_ERR_STATE after start. */
typedef void fw_event_function(void *user, const struct fw_record *record);
FW_API int fw_manager_on_event(struct fw_manager *manager, fw_event_function *function, void *user);

/* A judged message of a logged-in (or anonymous) client on a route without upstream. */
struct fw_message {
	const char *type;	 /* name of the message type; NULL on an opaque route */
	bool binary;		 /* opaque routes only */
	struct fw_slice payload; /* strict JSON as it may go on (opaque: whatever came); a NUL stands behind it */
	struct fw_principal who; /* who.connection_id: for fw_manager_send */
	struct fw_conn *conn;	 /* for fw_conn_allows; nothing else is to be done with it */
	struct fw_manager *manager;
};
enum fw_message_result {
	FW_MESSAGE_HANDLED = 0,
	FW_MESSAGE_TO_HUB, /* the built-in hub may have it, as if there were no function */
	FW_MESSAGE_CLOSE   /* ends the connection: 1011, internal error */
};
/* Called in the thread of the client's worker: for several clients at once, for one client in order. While it works no
 * client of that worker is served: what takes long belongs elsewhere, and is answered later by fw_manager_send. */
typedef enum fw_message_result fw_message_function(void *user, const struct fw_message *message);
FW_API int fw_manager_on_message(struct fw_manager *manager, fw_message_function *function, void *user);

/* Answers within the message function, and only there: to the client that sent it, before anything of fw_manager_send.
 * type: name of an outbound message type, whose delivery rule (may this role see it?) is applied; NULL: none. A text
 * (binary false) must be UTF-8. FW_OK, FW_ERR_INVALID (unknown type, not UTF-8, or the rule keeps it back),
 * FW_ERR_STATE (the connection is ending) or FW_ERR_MEMORY. */
FW_API int fw_manager_reply(const struct fw_message *message, const char *type, bool binary, struct fw_slice payload);

/* Sends to the client of a connection, on a route without upstream, from any thread; FW_EVERYBODY: to all of them.
 * Who is gone, or may not see the type, does not get it. FW_OK: it was handed to the workers, in the order of calls;
 * FW_ERR_INVALID as above, FW_ERR_STATE: the manager does not run; FW_ERR_MEMORY: a worker has too much waiting. */
enum { FW_EVERYBODY = 0 };
FW_API int fw_manager_send(struct fw_manager *manager, uint64_t connection_id, const char *type, bool binary,
			   struct fw_slice payload);

/* Opens the listeners and starts the threads. When it returns FW_OK clients can connect. FW_ERR_INVALID, FW_ERR_IO (a
 * port is taken, the data directory is in use), FW_ERR_MEMORY, FW_ERR_STATE (it runs): nothing was started. A manager
 * that was stopped may be started again. */
FW_API int fw_manager_start(struct fw_manager *manager, struct fw_error *reterr_error);

/* Reads the configuration anew: its file (or options.config_text again), the overlay of the environment, FRAMEWALL_…
 * variables, the files that ${file:…} and tls name; options.roles and options.settings stay. When it returns FW_OK
 * every worker has it. Live connections go on under it, but for those that it would not have let in (whose key, role,
 * Origin, Host or path does not count any more): they are told and closed. What cannot change while it runs (listen,
 * workers, admin.listen, where and how the record is kept) is named in the log as in need of a restart. FW_ERR_INVALID,
 * FW_ERR_IO or FW_ERR_MEMORY, as fw_manager_new has them: nothing changed. FW_ERR_STATE: it is stopping. A manager that
 * does not run has it from its next start on. Either way a record tells of it. Reads files, and waits for other reloads
 * and for the workers: not to be called in a handler. */
FW_API int fw_manager_reload(struct fw_manager *manager, struct fw_error *reterr_error);

/* Takes no new connection, closes those there are with 1001, waits for them for at most drain_seconds, cuts the rest,
 * writes what is to be recorded, and returns when all threads are gone. A second call while the first waits waits as
 * well; with 0 it cuts at once what is left. Does nothing when it does not run. */
FW_API void fw_manager_stop(struct fw_manager *manager, unsigned drain_seconds);

/* Stops at once if it runs. NULL-safe, returns NULL. */
FW_API struct fw_manager *fw_manager_free(struct fw_manager *manager);

/* The ports that are listened on; 0: none. */
FW_API uint16_t fw_manager_port(struct fw_manager *manager);
FW_API uint16_t fw_manager_admin_port(struct fw_manager *manager);

/* The policy in use, with a reference of the caller's own: fw_policy_unref. */
FW_API struct fw_policy *fw_manager_policy(struct fw_manager *manager);

#ifdef __cplusplus
}
#endif
#endif
