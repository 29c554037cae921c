/* relay.h: lines taken by a thread of their own, in order, in batches: whoever gives them does something else
 * meanwhile. One thread gives; all calls are its. Where there is no thread to be had, the lines are taken at once. */
#ifndef REPORT_RELAY_H
#define REPORT_RELAY_H
#include <pthread.h>

#include <framewall/types.h>

typedef void relay_function(void *user, struct fw_slice line);

struct relay_batch {
	uint8_t *octets; /* size_t size, the line, and so on */
	size_t size;
};
struct relay {
	relay_function *take;
	void *user;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool threaded;
	/* under the lock */
	bool full, end;		   /* given is to be taken; nothing more comes */
	struct relay_batch given;  /* the thread's while full */
	struct relay_batch filled; /* the giver's */
};
/* threaded: false: there is to be no thread; the lines are taken at once. */
void relay_start(struct relay *relay, relay_function *take, void *user, bool threaded);
void relay_line(struct relay *relay, struct fw_slice line);
void relay_wait(struct relay *relay); /* until all lines were taken */
void relay_end(struct relay *relay);  /* the same, and the thread is gone */
#endif
