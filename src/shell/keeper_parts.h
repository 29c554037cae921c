/* keeper_parts.h: the inside of the keeper, for its own files: the recorder (a thread of its own), the figures of the
 * workers and the files in the data directory. All but the recorder's thread runs on the loop of the main thread. */
#ifndef SHELL_KEEPER_PARTS_H
#define SHELL_KEEPER_PARTS_H
#include <stdatomic.h>
#include <sys/un.h>

#include "alert/alert.h"
#include "base/event_type.h"
#include "base/gcra.h"
#include "base/limits.h"
#include "base/pool.h"
#include "engine/counters.h"
#include "shell/keeper_tallies.h"
#include "shell/keeper_failures.h"
#include "shell/keeper_top.h"
#include "record/budget.h"
#include "record/budget_file.h"
#include "record/ledger.h"
#include "record/retention.h"
#include "report/report_place.h"
#include "shell/fetch.h"
#include "shell/keeper.h"
#include "shell/keeper_capture.h"
#include "shell/keeper_responses.h"
#include "shell/keeper_scenarios.h"
#include "shell/keeper_store.h"
#include "shell/keeper_watch.h"
#include "shell/passwords.h"
#include "shell/sender.h"
#include "shell/threat_feeds.h"
#include "state/database.h"

enum { KEEPER_MINUTES = 61, KEEPER_TOKEN = 43, KEEPER_TEXTS = 3, KEEPER_CAUSE = 640, KEEPER_WAITING = 256 };

/* keeper_recorder.c: takes records from the channel, numbers them, writes them, keeps the last ones for operators. */
struct keeper_line {
	char *text; /* without LF */
	size_t size;
	uint64_t sequence;
};
struct keeper_sequence {
	uint64_t sequence;
	uint32_t generation;
};
/* keeper_sums.c: records of a source that are beyond its budget, see record/budget.h. What is summed up is in no ring
 * and in no ledger: it is in a file before the ring gives it away. Of the recorder's thread, but for what a policy
 * says. */
struct keeper_sums {
	_Atomic uint64_t wanted; /* by the policy: see keeper_sums_set */
	struct budget *budget;
	struct budget_file file;
	uint64_t saved; /* budget_changes */
	unsigned saved_count;
	uint8_t *image;
	bool sync;
	bool failing;				    /* it was said */
	bool taken;				    /* something since it was saved */
	struct keeper_sequence done[LIMIT_WORKERS]; /* what is written or summed up */
	/* What a keeper before this one had of the same channel comes again, and is not taken twice: what it saved, and
	 * what it wrote behind that. */
	bool comes_again;
	struct keeper_sequence before[LIMIT_WORKERS];
	uint64_t *ids;	    /* event ids of the last records, a table of KEEPER_TAIL * 2; 0: free */
	unsigned ids_asked; /* it is not asked for ever */
};
enum { KEEPER_TAIL = 4096, KEEPER_WORKER = UINT16_MAX /* of the keeper's own records */ };
struct keeper_alerts;
struct keeper_recorder {
	struct ipc_channel *channel; /* the gate's */
	bool owns_channel;
	struct ipc_channel *own;	    /* the keeper's */
	struct keeper_scenarios *scenarios; /* NULL: there are none */
	struct keeper_responses *responses; /* the same */
	struct ledger *ledger;
	uint8_t levels[EVENT_TYPES]; /* for the ledger */
	const char *directory;
	const struct keeper_options *options; /* NULL: nobody is told */
	bool each;			      /* a sync for each record */
	struct keeper_alerts *alerts;	      /* NULL: there are none */
	uv_thread_t thread;
	bool runs;
	_Atomic bool stop;
	_Atomic bool take_all;	  /* whatever is kept already: see keeper_set_draining */
	_Atomic bool failing;	  /* the last write did not go through */
	_Atomic size_t waiting;	  /* octets that could not be written yet */
	_Atomic uint64_t durable; /* the last record that is acknowledged */
	/* of the thread alone */
	struct keeper_sequence sequences[LIMIT_WORKERS + 1];
	struct ipc_record next; /* the keeper's oldest, when has_next */
	struct fw_slice next_tail;
	bool has_next;
	bool is_unsigned; /* the last checkpoint that was due could not be made */
	struct keeper_sums sums;
	struct keeper_watch watching;
	struct pool pool;
	struct buf told; /* records of the batch for options->on_event */
	/* shared, under the lock */
	uv_mutex_t lock;
	struct keeper_line ring[LIMIT_RECORD_RING];
	unsigned ring_next, ring_count;
	uint64_t forgotten; /* sequence of the last line that the ring gave up */
	size_t ring_bytes;
	void (*written)(void *user); /* keeper_recorder_watch */
	void *written_user;
	uint64_t totals[EVENT_TYPES];
	struct keeper_top top;
	struct keeper_failures failures;
	uint64_t own_events[EVENT_TYPES];	       /* of those, the ledger's own */
	uint32_t minutes[KEEPER_MINUTES][EVENT_TYPES]; /* by minute modulo KEEPER_MINUTES */
	uint64_t minute;			       /* the newest one */
};
/* NULL, or what failed. */
const char *keeper_recorder_start(struct keeper_recorder *recorder, const struct keeper_options *options,
				  unsigned workers);
void keeper_recorder_stop(struct keeper_recorder *recorder); /* writes all that waits */
/* Events of each type since the start, and within the last hour. */
void keeper_recorder_counts(struct keeper_recorder *recorder, uint64_t ret_totals[EVENT_TYPES],
			    uint64_t ret_hour[EVENT_TYPES]);
/* Of the last hour. */
struct keeper_hour {
	uint64_t events, auth_failures, rate_limit_violations;
};
struct keeper_hour keeper_recorder_hour(struct keeper_recorder *recorder);
/* Appends up to limit lines, newest first, with commas between them. 0, or -1 when memory is short. */
int keeper_recorder_list(struct keeper_recorder *recorder, unsigned limit, struct buf *out, struct pool *pool);

/* Those behind a record, oldest first; of more than limit the newest. missed: that are not given. */
struct keeper_lines {
	uint64_t last;
	unsigned count;
	uint64_t missed;
};
int keeper_recorder_after(struct keeper_recorder *recorder, uint64_t after, unsigned limit, struct buf *out,
			  struct pool *pool, struct keeper_lines *ret_lines);
/* From the recorder's thread, whenever records came to the disk; NULL: nobody is told, from the return on. */
void keeper_recorder_watch(struct keeper_recorder *recorder, void (*written)(void *user), void *user);

/* A sum, which is written as its records are not. */
void keeper_recorder_add(struct keeper_recorder *recorder, const struct fw_record *record);
void keeper_recorder_commit(struct keeper_recorder *recorder);
void keeper_recorder_tell(struct keeper_recorder *recorder, const struct fw_record *record); /* one of its own */
/* As keep_gap: how many are lost is not known where count is 0. */
void keeper_recorder_add_loss(struct keeper_recorder *recorder, uint64_t count, const char *key, int64_t number,
			      const char *cause);

bool keeper_sums_start(struct keeper_recorder *recorder, const struct keeper_options *options); /* false: no memory */
void keeper_sums_set(struct keeper_recorder *recorder, const struct fw_policy *policy);		/* any thread */
/* What the last program left is written; in the recorder's thread, first of all. */
void keeper_sums_begin(struct keeper_recorder *recorder);
/* True: it is written by itself. */
bool keeper_sums_take(struct keeper_recorder *recorder, const struct fw_record *record);
bool keeper_sums_knows(struct keeper_recorder *recorder, const struct ipc_record *message);
void keeper_sums_done(struct keeper_recorder *recorder,
		      const struct ipc_record *message);	    /* of the gate: it was taken */
void keeper_sums_write(struct keeper_recorder *recorder, bool all); /* those that are over */
/* What was taken is on the disk or in the file of sums: the ring may give it away. */
void keeper_sums_release(struct keeper_recorder *recorder);
void keeper_sums_stop(struct keeper_recorder *recorder, bool whole); /* whole: all is written */

/* keeper_index.c: the index of the record and its old files, in a thread of its own. Whatever goes wrong with them, the
 * record goes on. */
struct keeper_index {
	struct keeper *keeper;
	struct index *index; /* of the thread alone while it runs; NULL: there is none */
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;
	bool starts, runs;
	/* of the thread alone */
	unsigned failures; /* in a row */
	bool worked;	   /* since it rested */
	char keys[STORAGE_PATH];
	struct retention retention;
	uint64_t tidy_ns; /* uv_hrtime when old files are looked at again */
	bool tidying_fails;
	uint64_t removed_recorded; /* of the loop's thread */
	/* of both */
	_Atomic uint64_t removed; /* the last record that was removed; 0: none since the start */
	_Atomic bool stop;
	_Atomic bool failing;
	_Atomic uint64_t last;	 /* record that it has come to */
	_Atomic uint64_t lag_us; /* how long the oldest record of the latest step waited */
	_Atomic uint64_t rebuilds;
};
struct keeper_index_figures {
	uint64_t last, behind, lag_us, rebuilds; /* behind: records that are on the disk and not in the index */
	bool failing;
};
void keeper_index_start(struct keeper_index *index, struct keeper *keeper); /* after the recorder */
void keeper_index_stop(struct keeper_index *index);
void keeper_index_tick(struct keeper *keeper); /* every second: what was removed is recorded */
struct keeper_index_figures keeper_index_figures(const struct keeper_index *index);

/* There is more room beside the record, or in another folder, than it needs for itself. */
bool keeper_has_room(const char *directory);

/* keeper_rows.c: rows of the record's segments for reports, in a thread of its own. */
struct keeper_rows {
	struct keeper *keeper;
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;
	bool starts, runs;
	_Atomic bool stop;
	char kept[REPORT_PATH];
	uint8_t key[32];
	/* of the thread alone */
	uint8_t closed[32]; /* the files that were looked at: facts_files_closed */
	unsigned failures;  /* in a row */
	bool damage_told;
};
void keeper_rows_start(struct keeper_rows *rows, struct keeper *keeper); /* after the recorder */
void keeper_rows_stop(struct keeper_rows *rows);

/* keeper_figures.c: the latest counters of each worker, asked for every second and whenever somebody wants fresh ones.
 */
struct keeper_ask {
	struct keeper_ask *next;
	uint64_t target;
	uint64_t until_ms;
	void (*ready)(struct keeper_ask *ask); /* once, in a later turn or at once */
};
struct keeper_figures {
	struct keeper *keeper;
	struct ipc_channel *channel;
	bool owns_channel;
	struct gate *gate;
	unsigned workers;
	uv_poll_t wake;
	uv_timer_t second, patience;
	uint64_t asked; /* rounds */
	uint64_t answered[LIMIT_WORKERS];
	uint64_t latest[LIMIT_WORKERS][COUNTERS];
	uint64_t begun_us;	       /* they count since then: the start of the gate, */
	uint64_t own_begun_us;	       /* and what the keeper counts since its own */
	struct keeper_tallies tallies; /* since the start of the keeper */
	struct keeper_ask *asks, **asks_end;
	void (*drained)(void *user, unsigned worker);
	void *drained_user;
};
int keeper_figures_start(struct keeper_figures *figures, struct keeper *keeper, uv_loop_t *loop);
void keeper_figures_stop(struct keeper_figures *figures); /* closes the handles */
void keeper_figures_free(struct keeper_figures *figures); /* after they are closed */
void keeper_figures_set_gate(struct keeper_figures *figures, struct gate *gate);
/* To all workers, where there are any yet. False: not all could take it. */
bool keeper_figures_tell(struct keeper_figures *figures, enum ipc_type type, const void *payload, size_t size);
/* Connections of a user, at most STORE_NAME octets, end; sessions of a login that is just being let in, too. False: a
 * worker does not even read what it is told to do. */
bool keeper_figures_end_user(struct keeper_figures *figures, struct fw_slice user);
void keeper_figures_ask(struct keeper_figures *figures,
			struct keeper_ask *ask); /* ready is called with fresh figures or after 500 ms */
void keeper_figures_forget(struct keeper_figures *figures, struct keeper_ask *ask);
void keeper_figures_sum(const struct keeper_figures *figures, uint64_t ret_sum[COUNTERS]);

/* keeper_connections.c: the connections of all workers, once for whoever asks. One list at a time. */
struct keeper_connections {
	uint32_t call;
	bool open; /* somebody waits for rows of this call */
	struct buf rows;
	struct pool pool;
	uint32_t matched;
	unsigned ended; /* workers that sent all */
};
struct keeper_connection { /* texts live as long as the list */
	const struct ipc_connection *row;
	struct fw_slice user_id, role, session_id, route;
};
/* Then keeper_figures_ask: what a worker sends for that comes behind its rows. False: a list is being made. */
bool keeper_connections_ask(struct keeper *keeper, struct ipc_ask_connections *asked);
void keeper_connections_take(struct keeper_connections *connections, const struct ipc_connection *row,
			     struct fw_slice tail);
void keeper_connections_end(struct keeper_connections *connections, const struct ipc_connections *end);
void keeper_connections_each(const struct keeper_connections *connections,
			     void (*each)(void *user, const struct keeper_connection *connection), void *user);
void keeper_connections_close(struct keeper_connections *connections); /* nobody waits any more */
void keeper_connections_fini(struct keeper_connections *connections);

/* keeper_asks.c: needs of connections that take time. What answers a kind of them is named once, at the start; it gets
 * a question on the loop, and answers it there exactly once, at once or later: however the server is stopped, and
 * within a bounded time, for which stopping waits. */
struct keeper_asks;
struct keeper_question {
	struct keeper_asks *asks;
	struct keeper_question *next, **link; /* of asks->open */
	struct fw_need need;		      /* its texts lie behind it, wiped when it was answered */
	uint64_t connection;
	uint32_t generation;
	uint16_t worker;
	void *work; /* of whoever answers */
	size_t size;
	uint8_t texts[];
};
typedef void keeper_ask_function(void *user, struct keeper_question *question);
enum { KEEPER_KINDS = FW_NEED_LOGOUT + 1 };
struct keeper_asks {
	struct keeper *keeper;
	struct ipc_channel *channel;
	bool owns_channel;
	struct gate *gate; /* NULL: nobody waits for answers */
	uv_poll_t wake;
	bool stopping;
	struct keeper_question *open;
	unsigned count;
	struct {
		keeper_ask_function *function;
		void *user;
	} handlers[KEEPER_KINDS];
};
int keeper_asks_start(struct keeper_asks *asks, struct keeper *keeper, uv_loop_t *loop);
/* Who answers questions of this kind. Without anybody they are answered FAILED. */
void keeper_asks_handle(struct keeper_asks *asks, enum fw_need_kind kind, keeper_ask_function *function, void *user);
/* The question is gone afterwards. Texts of the answer may be the question's own. */
void keeper_question_answer(struct keeper_question *question, const struct fw_answer *answer);
void keeper_asks_stop(struct keeper_asks *asks); /* takes no more questions; closes its handle when all are answered */
void keeper_asks_free(struct keeper_asks *asks); /* after it is closed */

/* keeper_users.c: users with passwords. */
int keeper_users_start(struct keeper *keeper);
void keeper_users_stop(struct keeper *keeper); /* every question is answered, every job done when it returns */
struct password_cost keeper_users_cost(const struct keeper *keeper);
bool keeper_users_submit(struct keeper *keeper, struct password_job *job); /* false: see passwords_submit */

/* keeper_issuers.c: keys of issuers that are fetched. */
struct keeper_issuer {
	struct keeper_issuers *issuers;
	const struct policy_issuer *rules; /* in issuers->policy */
	struct fetch *fetch;		   /* NULL: nothing is asked just now */
	char jwks_url[PROVIDER_URL_MOST];
	uint64_t next_ms; /* uv_now when it is asked; UINT64_MAX: when what is asked is answered */
	bool failing;
	unsigned failures;	 /* in a row */
	char told[KEEPER_CAUSE]; /* what was recorded last */
	uint64_t refetched_ms;	 /* uv_now of the last fetch for the sake of a token */
	bool refetched;
	struct keeper_question *waiting[KEEPER_WAITING]; /* for the end of the fetch */
	unsigned waiting_count;
};
struct keeper_issuers {
	struct keeper *keeper;
	struct fw_policy *policy; /* as compiled from the configuration */
	struct keeper_issuer *list;
	unsigned count;
	struct fetcher *fetcher; /* NULL: nobody is to be asked */
	uv_timer_t timer;
	bool due;     /* sets have changed, and are not in use yet */
	bool started; /* the timer is open */
};
bool keeper_issuers_start(struct keeper_issuers *issuers, struct keeper *keeper); /* false: memory is short */
bool keeper_issuers_renew(struct keeper_issuers *issuers, struct fw_policy *policy);
void keeper_issuers_stop(struct keeper_issuers *issuers); /* closes the handles */
void keeper_issuers_free(struct keeper_issuers *issuers); /* after they are closed */

struct fetcher *keeper_issuers_fetcher(struct keeper_issuers *issuers); /* made when it is first asked for; NULL */

/* keeper_introspect.c: what an issuer says of tokens. */
struct keeper_introspection {
	struct keeper *keeper;
	struct keeper_answer *answers; /* LIMIT_INTROSPECTIONS */
	struct asking *asking;
};
bool keeper_introspect_start(struct keeper_introspection *all, struct keeper *keeper); /* false: memory is short */
void keeper_introspect_stop(struct keeper_introspection *all); /* before the fetcher; answers all */

/* keeper_logout.c: what issuers tell of logouts. */
enum { KEEPER_LOGOUT_KEY = 48 };
struct keeper_logouts {
	struct keeper *keeper;
	struct keeper_logout_id *ids; /* LIMIT_LOGOUT_IDS */
};
bool keeper_logout_start(struct keeper_logouts *logouts, struct keeper *keeper); /* false: memory is short */
void keeper_logout_free(struct keeper_logouts *logouts);

/* keeper_threats.c: lists of addresses that others publish. */
struct keeper_threats {
	struct keeper *keeper;
	struct threat_feeds *feeds;
	uv_async_t wake; /* from its thread: connections are to be looked at */
	bool open;
	_Atomic uint8_t levels[EVENT_TYPES]; /* of records, for its thread */
};
bool keeper_threats_start(struct keeper_threats *threats, struct keeper *keeper); /* false: memory is short */
void keeper_threats_renew(struct keeper_threats *threats, struct fw_policy *policy);
void keeper_threats_stop(struct keeper_threats *threats); /* closes the handle */

/* keeper_alerts.c: alerts, seen and told by the recorder's thread. */
struct keeper_alerts {
	struct keeper *keeper; /* NULL: it did not start */
	char path[STORAGE_PATH];
	uint64_t ticked_ns, saved_ns; /* of the recorder's thread */
	uv_mutex_t lock;	      /* of all below */
	struct alerts *alerts;
	struct fw_policy *policy; /* whose rules they have */
	struct fw_policy *next;	  /* of a reload; NULL: there was none */
	uint64_t figures[COUNTERS];
	bool has_figures, unsaved;
	bool failing; /* it was said */
	struct pool pool;
	struct buf image;
};
bool keeper_alerts_start(struct keeper_alerts *alerts,
			 struct keeper *keeper);       /* before the recorder; false: memory is short */
void keeper_alerts_stop(struct keeper_alerts *alerts); /* after the recorder */
void keeper_alerts_renew(struct keeper_alerts *alerts, struct fw_policy *policy);
void keeper_alerts_figures(struct keeper_alerts *alerts); /* every second */
void keeper_alerts_see(struct keeper_alerts *alerts,
		       const struct fw_record *record); /* the recorder's thread; NULL-safe */
void keeper_alerts_tick(struct keeper_alerts *alerts);	/* the same */
/* errno of what did not keep it. *ret_id 0: there are too many. */
int keeper_alerts_silence(struct keeper_alerts *alerts, struct alert_silence *silence, uint64_t seconds,
			  uint64_t *ret_id);
bool keeper_alerts_unsilence(struct keeper_alerts *alerts, uint64_t id, int *ret_reason);
void keeper_alerts_each(struct keeper_alerts *alerts, alert_each *each, alert_silence_each *each_silence, void *user);
uint64_t keeper_alerts_wall_us(uint64_t at_ns); /* a time of theirs */
struct alert_figures keeper_alerts_counts(struct keeper_alerts *alerts);

/* keeper_clock.c: a jump of the wall clock is recorded. */
void keeper_clock_begin(struct keeper *keeper);
void keeper_clock_check(struct keeper *keeper); /* every second */

/* What restart.def lists, at the start. */
static inline const struct settings *keeper_started(const struct keeper_options *options)
{
	return options->started != NULL ? &options->started->settings : &options->policy->settings;
}

/* keeper_files.c: what the keeper has in the data directory. Texts of failures are in a static buffer. */
/* A descriptor to keep open; -1: another server has it, also after a while. log: is told of waiting. */
int keeper_files_lock(const char *directory, struct log *log, const char **reterr_text);
const char *keeper_files_token(const char *directory, const struct fw_random *random, char ret_token[KEEPER_TOKEN + 1]);
/* DATA/framewall.db, and what it has of the store's. NULL, or what failed. */
const char *keeper_files_database(const char *directory, const struct vault_options *keys, struct store *store,
				  struct database **ret_database);
/* The address of the control socket; directory_fd shortens a path that is too long for one. False: even so. */
bool keeper_files_socket(const char *directory, int directory_fd, struct sockaddr_un *ret_address);

/* keeper_keys.c: API keys that the server keeps. What is kept is on the disk before anybody is told. */
enum keeper_kept { KEEPER_KEPT, KEEPER_KEPT_FULL, KEEPER_KEPT_MEMORY, KEEPER_KEPT_DISK };
/* A new key, or that one changed. DISK: ret_error says why, and nothing was changed. */
enum keeper_kept keeper_keys_add(struct keeper *keeper, const struct store_api_key *key,
				 char ret_error[DATABASE_ERROR]);
/* It ends at that moment, or sooner as it was to; 0: it is revoked now. The change is in force whatever comes of the
 * disk. ret_told: false when a worker could not be told whose connections end. */
enum keeper_kept keeper_keys_end(struct keeper *keeper, struct store_api_key *key, uint64_t wall_us, bool *ret_told,
				 char ret_error[DATABASE_ERROR]);
void keeper_keys_tick(struct keeper *keeper); /* every second: when keys were used is written once a minute */
void keeper_keys_write_used(struct keeper *keeper);

/* keeper_blocks.c */
/* Those that changed. False: ret_error says why; they are tried again every second. */
bool keeper_blocks_write(struct keeper *keeper, char ret_error[DATABASE_ERROR]);
void keeper_blocks_tick(struct keeper *keeper);
void keeper_blocks_take(struct keeper *keeper, const struct store_block *said); /* by the gate */

/* keeper_vault.c: what the database is sealed with. */
/* Opens the database and begins to seal anew what an old key sealed. NULL, or what failed. */
const char *keeper_vault_start(struct keeper *keeper);
void keeper_vault_stop(struct keeper *keeper);		/* closes its handle */
bool keeper_vault_reseals(const struct keeper *keeper); /* it is at it */
/* Takes a new key, and seals everything with it, in slices between other work (at once where no gate runs). NULL, or
 * why not; ret_status: what an operator is told. */
const char *keeper_vault_rotate(struct keeper *keeper, unsigned *ret_status);

struct admin;
struct keeper_code { /* a login code of the quick start */
	char text[24];
	unsigned user;
	uint64_t until_ns;
};
struct keeper {
	struct keeper_options options;
	char *texts[KEEPER_TEXTS]; /* of options */
	int directory_fd;
	char token[KEEPER_TOKEN + 1];
	struct keeper_recorder recorder;
	struct keeper_capture capture;
	struct keeper_index index;
	struct keeper_rows rows;
	struct senders *senders; /* of the record to its receivers */
	struct keeper_figures figures;
	struct keeper_asks asks;
	struct keeper_connections connections;
	struct passwords *passwords;
	struct keeper_issuers issuers;
	struct keeper_introspection introspection;
	struct keeper_logouts logouts;
	struct keeper_threats threats;
	struct keeper_scenarios scenarios;
	struct keeper_responses responses;
	struct keeper_alerts alerts;
	struct database *database;
	uv_timer_t reseal; /* while values of an old key are sealed anew */
	bool has_reseal;
	bool reseal_failed;    /* it was said */
	unsigned used_seconds; /* since uses of keys were written */
	unsigned blocks_seconds;
	bool blocks_failed; /* to be kept, and that was said */
	struct admin *admin;
	unsigned handles; /* open on the loop */
	uint64_t started_ns;
	int64_t clock_offset_us; /* of the wall clock from the one that nothing sets */
	bool draining;
	struct keeper_code codes[LIMIT_DEMO_CODES];
	unsigned next_code;
};
void keeper_handle_close(struct keeper *keeper,
			 uv_handle_t *handle); /* of one counted in handles; its data is overwritten */
#endif
