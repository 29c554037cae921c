/* keeper.h: the part that keeps the record and meets operators: a recorder thread (channel of RECORD messages to JSON
 * lines) and the admin side (HTTP on a TCP port and on the control socket DATA/control.sock) on the loop of the main
 * thread. */
#ifndef SHELL_KEEPER_H
#define SHELL_KEEPER_H
#include <framewall/manager.h>
#include <uv.h>

#include "policy/policy.h"
#include "shell/issuer_keys.h"
#include "shell/ipc.h"
#include "shell/reload.h"
#include "state/store.h"

struct gate;
struct log;
struct tls;
struct keeper;
struct keeper_demo { /* quick start: null when not --demo */
	struct {
		const char *user, *role;
	} users[4];
	unsigned user_count;
	uint16_t client_port;
};
struct keeper_options {
	/* Of a gate that is another process; all NULL: they are made, and it is in this one. */
	struct ipc_channel *records, *figures, *asks;
	struct ipc_channel *capture; /* also NULL where traffic is not recorded */
	struct keeper_remote *remote;
	uv_loop_t *loop;
	struct fw_policy *policy;
	/* What the server was started with: what restart.def lists is of that one, but for the keys of the database.
	 * keeper_start alone looks at it; NULL: policy. */
	const struct fw_policy *started;
	/* Configurations before it, from a reload, whose keys the database may still be sealed with; newest first. */
	struct fw_policy *const *sealed;
	unsigned sealed_count;
	struct store *store;
	const char *data_directory;
	const int *directory_fd; /* of the data directory, locked, and the caller's; NULL: the keeper locks it */
	const char *record_directory;
	const char *admin_host; /* NULL: no TCP port, only the control socket */
	uint16_t admin_port;	/* 0: any, see keeper_port */
	struct fw_random random;
	const struct keeper_demo *demo;
	fw_event_function *on_event; /* each record, in the recorder's thread; NULL: nobody asks */
	void *event_user;
	struct log *log; /* NULL: nothing is said */
	struct tls *tls; /* NULL: operators connect without TLS */
	/* Reads the configuration anew, in the thread that calls it, and waits until it is in use. NULL: that cannot be
	 * asked for. */
	void (*reload)(void *user, struct reload_result *ret_result);
	void *reload_user;
	struct reload_state configuration;
	struct issuer_keys *keys; /* where the sets of keys of issuers go; NULL: none is asked */
	/* They changed: in the loop's thread. False: not now, ask again. */
	bool (*keys_changed)(void *user);
	void *keys_user;
};
struct keeper *keeper_start(const struct keeper_options *options, const char **reterr_text);
/* A gate that is another process: it has the store that decides, and the keeper's has what must outlive a gate. */
struct keeper_remote {
	struct ipc_channel *down, *replies;
	struct gate *gate;   /* gate_remote, while one runs */
	uint32_t generation; /* of the last one that began */
	bool up;
	uint32_t calls;
	struct gate *(*gate_remote)(struct ipc_channel *down, unsigned workers); /* of gate.h */
	struct gate *(*gate_stop)(struct gate *gate);
	const int *threats; /* the link that lists of addresses go to it by: state/threats.h */
	/* keys of issuers have come, and are to go to the gate. */
	void (*send_keys)(void *user);
	void *user;
};
struct ipc_channel *keeper_records(struct keeper *keeper); /* for gate_options */
struct ipc_channel *keeper_figures(struct keeper *keeper);
struct ipc_channel *keeper_asks(struct keeper *keeper);
struct ipc_channel *keeper_capture(struct keeper *keeper); /* NULL: traffic is not recorded */
void keeper_set_gate(struct keeper *keeper,
		     struct gate *gate); /* from now on figures can be asked for and sessions ended */
uint16_t keeper_port(const struct keeper *keeper);
const char *keeper_admin_token(const struct keeper *keeper); /* also in DATA/admin.token, mode 0600 */
/* One-time login code of a demo user, for a link: /demo#CODE. 0 when there is no such user. */
size_t keeper_demo_code(struct keeper *keeper, unsigned user, char ret_code[40]);
/* A record of the keeper itself (started, stopped, admin actions). */
void keeper_record(struct keeper *keeper, const struct fw_record *record);
/* From now on /readyz says no, and the record takes what comes however much has to be kept, so that stopping cannot
 * hang. */
void keeper_set_draining(struct keeper *keeper);
/* Before it is stopped for another keeper: operators who come from now on are that one's. Who has come is answered. */
void keeper_deafen(struct keeper *keeper);
bool keeper_answers(const struct keeper *keeper); /* somebody has asked, and has not all of the answer */
/* Another policy, and what is in use now: on the loop's thread. A reference is taken. */
void keeper_renew(struct keeper *keeper, struct fw_policy *policy, const struct reload_state *configuration);
void keeper_on_drained(struct keeper *keeper, void (*drained)(void *user, unsigned worker), void *user);
struct keeper *
keeper_stop(struct keeper *keeper); /* after gate_stop: writes every record that waits, closes; NULL-safe */
/* For commands: a blocking connection to the control socket of the server that runs on a data directory; -1 with errno.
 */
int keeper_control_connect(const char *data_directory);
bool keeper_is_locked(const char *data_directory); /* a server runs there, begins or ends */
#endif
