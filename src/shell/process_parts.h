/* process_parts.h: the three processes of a server, for their own files: what they share, and what each of them is.
 * Everything here is made by the monitor before it forks; the parts have copies, and share the memory of the channels
 * and of the note. */
#ifndef SHELL_PROCESS_PARTS_H
#define SHELL_PROCESS_PARTS_H
#include <sys/types.h>

#include "shell/fall_note.h"
#include "shell/files.h"
#include "shell/gate_listen.h"
#include "shell/ipc.h"
#include "shell/manager_parts.h"
#include "shell/process_link.h"
#include "shell/processes.h"
#include "shell/watchdog.h"
#include "state/threats.h"

enum { PROCESS_SEALED = 8 };
struct process_shared {
	struct fw_manager *manager;
	const struct processes_options *options;
	struct ipc_channel *records, *figures, *asks, *down, *replies;
	struct ipc_channel *capture; /* NULL: traffic is not recorded */
	struct fall_note *note;
	struct watchdog_beats *beats;
	/* Pairs of links between worker and keeper: dial.h. */
	int dials_gate[LIMIT_WORKERS], dials_keeper[LIMIT_WORKERS];
	/* Lists of addresses, from the keeper to the gate: state/threats.h. */
	int threats_gate, threats_keeper;
	struct threat_counts *threat_counts;
	struct fw_policy *started; /* restart.def: a part that begins anew opens what the first one did */
	/* Configurations before, whose keys the database may be sealed with until key-store rotate; newest first. */
	struct fw_policy *sealed[PROCESS_SEALED];
	unsigned sealed_count;
	struct gate_listen listening;
	int directory_fd; /* the lock of the data directory: held while there is a monitor, or a keeper */
	unsigned workers;
	uint16_t port;	     /* the clients' */
	int link;	     /* in a part: to the monitor */
	uint32_t generation; /* of the gate: the one that begins, or the last one */
	bool first;	     /* the part has not run before */
	uint16_t admin_port; /* that the keeper has had */
	struct files *files; /* in a part: of a configuration that comes */
};

/* process_shared.c. False: memory or descriptors are short. */
bool process_shared_make(struct process_shared *shared);
void process_shared_fini(struct process_shared *shared);
void process_close_lock(struct process_shared *shared);
void process_close_dials(int fds[LIMIT_WORKERS]);
void process_close_listeners(struct process_shared *shared);
/* A reload: the configuration of before is kept where it says what the database is sealed with. */
void process_keep_keys(struct process_shared *shared, struct fw_policy *before, const struct reload_result *result);

/* The main thread of a part, from the fork to the end of it. What it returns is the exit code. */
int process_keeper(struct process_shared *shared);
int process_gate(struct process_shared *shared);

/* process_part.c: in a part. */
void process_join(const struct process_shared *shared, uint32_t generation); /* all channels; 0: the keeper's */
void process_tell(const struct process_shared *shared, enum process_message_type type, int64_t number,
		  const char *text);
void process_tell_ready(const struct process_shared *shared, int64_t port); /* and as which user it runs */
/* Each message that is there; whoever keeps its descriptor puts -1 in its place. False: the monitor is gone. */
typedef void process_obey(void *user, const struct process_message *message, int *fd);
bool process_hear(const struct process_shared *shared, process_obey *obey, void *user);
/* PROCESS_FILE and PROCESS_RELOAD: gathers the files, uses them, and says what came of it. */
void process_follow(struct process_shared *shared, const struct process_message *message, int *fd);
/* The part's handles are closing: what else it has is freed. */
void process_end(struct process_shared *shared);

/* In a part: the configuration that the monitor has read, from the copies it sent. What was in use stays where it does
 * not hold. */
bool manager_reload_follow(struct fw_manager *manager, struct files *files);
/* In the monitor: as manager_reload_ask; files: gets what was read. What came of it is not in the log before
 * manager_reload_say: it is in use when both parts have it. */
void manager_reload_files(struct fw_manager *manager, struct files *files, struct reload_result *ret_result);
void manager_reload_say(struct fw_manager *manager, const struct reload_result *result);

/* process_result.c: what came of a reload, through memory that both have. A descriptor, or -1. */
int process_result_write(const struct reload_result *result);
bool process_result_read(int fd, struct reload_result *ret_result, char **ret_name);
#endif
