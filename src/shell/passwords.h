/* passwords.h: hashes of passwords are made and compared by threads of their own, so that neither the loop nor a worker
 * waits for one: argon2id takes as long as it is made to take. A bounded number of threads, each with the memory of one
 * hash; a bounded queue before them. Used on one loop's thread. */
#ifndef SHELL_PASSWORDS_H
#define SHELL_PASSWORDS_H
#include <uv.h>

#include "crypto/password.h"
#include "shell/breached.h"

struct password_job {
	struct password_job *next;
	void (*done)(struct password_job *job); /* on the loop, once; frees it */
	void *user;
	struct password_cost cost;
	uint64_t mark; /* the caller's */
	bool check;    /* hash is compared with; empty: with nobody's, which takes as long. Else one is made */
	char *list;    /* of passwords that are known (breached.h): a hash is made of no such one; NULL: of each. Freed
			  with it */
	/* What came of it. */
	enum breached breached; /* FOUND, UNREADABLE: no hash was made */
	bool stopped;		/* nothing: the server ends */
	bool made;		/* hash is a new one: the first, or the same password at this cost */
	enum password_verdict verdict;
	char hash[PASSWORD_HASH];
	size_t size;
	uint8_t password[];
};
/* With a copy of the password; NULL: memory is short. */
struct password_job *password_job_new(struct fw_slice password, const struct password_cost *cost,
				      void (*done)(struct password_job *job), void *user);
struct password_job *password_job_free(struct password_job *job); /* wipes; NULL-safe */

struct passwords;
/* NULL: memory is short. Threads begin with the first job. */
struct passwords *passwords_new(uv_loop_t *loop, unsigned threads);
/* False: so many wait already, or there is no thread; the job stays the caller's. */
bool passwords_submit(struct passwords *passwords, struct password_job *job, unsigned most_waiting);
/* Waits for what is being hashed; every job is done when it returns. What is left is a handle for the caller to close.
 */
uv_handle_t *passwords_stop(struct passwords *passwords);
void passwords_free(struct passwords *passwords); /* after it is closed; NULL-safe */
#endif
