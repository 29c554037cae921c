/* sender_parts.h: the inside of the senders, for their own files. All but the status belongs to the thread of one
 * receiver. */
#ifndef SHELL_SENDER_PARTS_H
#define SHELL_SENDER_PARTS_H
#include <pthread.h>
#include <uv.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/pool.h"
#include "record/delivery.h"
#include "record/export.h"
#include "record/follow.h"
#include "shell/curl_guard.h"
#include "shell/sender.h"

#define SENDER_MS ((uint64_t)1000000)

struct sender;
/* Lines in the receiver's format, each with its LF; none of their records was sent in part. */
struct sender_batch {
	struct buf lines;
	unsigned count;			     /* lines of records */
	unsigned again;			     /* of them: were sent before */
	bool has_checkpoint;		     /* it is the last line */
	uint64_t checkpoint;		     /* records that it covers */
	uint64_t first;			     /* record */
	uint64_t first_wall_us;		     /* of that record */
	struct delivery_cursor last;	     /* the last record that was read, wanted or not */
	char first_id[FW_EVENT_ID_SIZE + 1]; /* event_id of the first line; "": there is none */
	bool tells_refusal;		     /* the first line is of a record that some receiver refused */
};

enum sender_result {
	SENDER_SENT,	/* and it need not be sent again */
	SENDER_UNSURE,	/* it was sent; whether it came is for the window to say */
	SENDER_FAILED,	/* nobody is there, or does not take it: why is in sender->why; try again, for ever */
	SENDER_REFUSED, /* he does not want this for what it is: why */
	SENDER_STOPPED
};

/* How one kind of receiver is sent to. */
struct sender_transport {
	enum sender_result (*send)(struct sender *sender, struct sender_batch *batch);
	/* While there is nothing to send, up to some milliseconds: FAILED when the connection ended meanwhile. NULL:
	 * there is nothing to look at. */
	enum sender_result (*wait)(struct sender *sender, int milliseconds);
	/* Ends the connection. In order: true when the receiver has read all that was sent. */
	bool (*close)(struct sender *sender, bool in_order);
};
extern const struct sender_transport sender_udp, sender_stream, sender_web, sender_file, sender_program, sender_mail;

struct sender {
	struct senders *senders;
	struct sender *next;
	struct sender *before; /* of the same name, which is waited for first */
	struct fw_policy *policy;
	const struct receiver *receiver; /* in policy */
	const struct sender_transport *transport;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic bool ended;
	_Atomic uint64_t stop_ns; /* when it must have ended */
	int wake;		  /* eventfd: look at stop */

	char cursor_path[STORAGE_PATH];
	struct delivery_cursor settled, written; /* the receiver has it; the disk has it */
	uint64_t written_ns;
	bool cursor_failed; /* it was said */
	struct follow follow;
	struct delivery_cursor read; /* the record that was read last */
	struct exporter exporter;
	struct export_head head;
	char host[EXPORT_HOST];
	struct arena arena;
	struct pool pool;
	struct buf line; /* scratch */
	struct sender_batch batch;
	bool pending;	     /* the batch is to be sent */
	unsigned most;	     /* records of a batch: fewer where one of them is refused */
	uint64_t highest;    /* record that was sent */
	uint64_t told_lost;  /* last record of which it was told that it was gone */
	uint64_t checkpoint; /* records that the checkpoint sent last covers */
	uint64_t checkpoint_ns;
	uint64_t last_ns;		/* something was sent */
	unsigned tries;			/* of one record that is refused */
	unsigned failures;		/* in a row */
	uint64_t failing_ns, failed_at; /* failed_at: settled then */
	bool stopped_once;		/* a turn was made after it was told to stop */
	bool is_down;			/* the last try came to nothing */
	bool told;			/* of the failures there is a record */
	uint64_t not_before_ns;		/* a webhook's Retry-After */
	bool stays_open;		/* it does not close when we do: see sender_stream.c */
	char why[SENDER_ERROR];

	/* sender_stream.c */
	struct sender_stream *stream;
	uint64_t opened_ns;
	struct delivery_window window;
	/* sender_web.c */
	struct sender_web *web;
	/* sender_mail.c */
	struct sender_mail *mail;
	/* sender_program.c */
	struct sender_program *program;
	/* sender_udp.c */
	int socket;

	pthread_mutex_t lock; /* of status alone */
	struct sender_status status;
};

/* sender.c */
const struct senders_options *sender_options(const struct sender *sender);
void sender_join(struct sender *sender); /* waits for its end, frees it; NULL-safe */
bool sender_stopping(const struct sender *sender);
/* Milliseconds until the thread must have ended; most where that is later. */
int sender_patience(const struct sender *sender, int most);
/* As poll does of one descriptor (-1: none); 0 also at once when it is told to stop. */
int sender_poll(const struct sender *sender, int fd, short events, int milliseconds, short *ret_events);
void sender_record(struct sender *sender, unsigned type, const struct fw_detail *details, unsigned count);

/* sender_thread.c */
void *sender_run(void *sender);

/* sender_curl.c: what connections to receivers have in common. */
void sender_curl_start(void); /* once */
struct sender_curl {
	void *easy; /* CURL */
	struct curl_guard guard;
	void *connect_to; /* struct curl_slist */
};
/* The host of the URL is at that address in truth. False: sender->why. */
bool sender_curl_connect_to(struct sender *sender, struct sender_curl *curl, const char *host, const char *port);
/* A handle with certificates, timeouts and no proxy. False: sender->why. */
bool sender_curl_open(struct sender *sender, struct sender_curl *curl, const char *url);
/* Performs it: SENT, FAILED with sender->why, STOPPED. */
enum sender_result sender_curl_perform(struct sender *sender, void *multi, struct sender_curl *curl);
/* Puts into sender->why what is wrong, by the code that libcurl gave (CURLcode). */
enum sender_result sender_curl_failed(struct sender *sender, const struct sender_curl *curl, int code);
void sender_curl_close(void *multi, struct sender_curl *curl);

/* sender_file.c: whole lines or nothing; false: sender->why. */
bool sender_file_append(struct sender *sender, const char *path, struct fw_slice lines);

/* sender_lines.c: a batch as others want it who do not read lines. */
enum sender_lines { SENDER_LINES_MADE, SENDER_LINES_NONE, SENDER_LINES_MEMORY };
enum sender_lines sender_lines_alertmanager(struct sender *sender, const struct sender_batch *batch, struct buf *out);
/* A whole mail of the batch; text: scratch. False: memory is short. */
bool sender_lines_mail(struct sender *sender, const struct sender_batch *batch, const char *date, const char *id,
		       struct buf *text, struct buf *out);

/* sender_resolve.c: addresses of a name; a name server that does not answer is not waited for by who is to stop. */
struct addrinfo;
/* To be freed by freeaddrinfo; NULL: sender->why. */
struct addrinfo *sender_resolve(struct sender *sender, int socket_type);
#endif
