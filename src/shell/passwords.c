#include "shell/passwords.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"

enum { THREADS = 64 };

struct passwords {
	uv_async_t wake;
	unsigned wanted, running; /* threads; of the loop's thread */
	uv_thread_t threads[THREADS];
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct password_job *first, **last; /* wait */
	unsigned waiting;
	struct password_job *ready, **ready_last; /* are done, and to be told of */
	bool stop;
};

struct password_job *password_job_new(struct fw_slice password, const struct password_cost *cost,
				      void (*done)(struct password_job *job), void *user)
{
	struct password_job *job = mem_zero(1, sizeof(*job) + password.size);

	if (job == NULL)
		return NULL;
	job->cost = *cost;
	job->done = done;
	job->user = user;
	job->size = password.size;
	if (password.size != 0)
		memcpy(job->password, password.data, password.size);
	return job;
}

struct password_job *password_job_free(struct password_job *job)
{
	if (job == NULL)
		return NULL;
	mem_free(job->list);
	mem_wipe(job, sizeof(*job) + job->size);
	mem_free(job);
	return NULL;
}

static void work(struct password_job *job)
{
	struct fw_slice password = slice(job->password, job->size);
	char hash[PASSWORD_HASH];

	if (job->check && job->hash[0] != '\0') {
		job->verdict = password_check(job->hash, password);
		if (job->verdict != PASSWORD_RIGHT || password_is_of(job->hash, &job->cost))
			return;
		job->made = password_hash(password, &job->cost, hash) == PASSWORD_RIGHT;
		if (job->made)
			memcpy(job->hash, hash, sizeof(hash));
		return;
	}
	if (job->list != NULL)
		job->breached = breached_find(job->list, password);
	if (job->breached != BREACHED_NOT)
		return;
	job->verdict = password_hash(password, &job->cost, job->hash);
	job->made = !job->check && job->verdict == PASSWORD_RIGHT;
	if (job->check && job->verdict == PASSWORD_RIGHT)
		job->verdict = PASSWORD_WRONG;
}

static struct password_job *take(struct passwords *passwords)
{
	struct password_job *job;

	pthread_mutex_lock(&passwords->lock);
	while (passwords->first == NULL && !passwords->stop)
		pthread_cond_wait(&passwords->work, &passwords->lock);
	job = passwords->stop ? NULL : passwords->first;
	if (job != NULL) {
		passwords->first = job->next;
		if (passwords->first == NULL)
			passwords->last = &passwords->first;
		passwords->waiting--;
	}
	pthread_mutex_unlock(&passwords->lock);
	return job;
}

static void give(struct passwords *passwords, struct password_job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&passwords->lock);
	*passwords->ready_last = job;
	passwords->ready_last = &job->next;
	pthread_mutex_unlock(&passwords->lock);
	uv_async_send(&passwords->wake);
}

static void run(void *user)
{
	struct passwords *passwords = user;
	struct password_job *job;

	pthread_setname_np(pthread_self(), "fw-password");
	while ((job = take(passwords)) != NULL) {
		work(job);
		give(passwords, job);
	}
}

static void tell(struct passwords *passwords)
{
	struct password_job *job, *next;

	pthread_mutex_lock(&passwords->lock);
	job = passwords->ready;
	passwords->ready = NULL;
	passwords->ready_last = &passwords->ready;
	pthread_mutex_unlock(&passwords->lock);
	for (; job != NULL; job = next) {
		next = job->next;
		job->done(job);
	}
}

static void on_wake(uv_async_t *async)
{
	tell(async->data);
}

struct passwords *passwords_new(uv_loop_t *loop, unsigned threads)
{
	struct passwords *passwords = mem_zero(1, sizeof(*passwords));

	if (passwords == NULL)
		return NULL;
	if (uv_async_init(loop, &passwords->wake, on_wake) != 0) {
		mem_free(passwords);
		return NULL;
	}
	uv_unref((uv_handle_t *)&passwords->wake); /* it alone must not keep the loop running */
	passwords->wake.data = passwords;
	passwords->wanted = threads < THREADS ? threads : THREADS;
	passwords->last = &passwords->first;
	passwords->ready_last = &passwords->ready;
	pthread_mutex_init(&passwords->lock, NULL);
	pthread_cond_init(&passwords->work, NULL);
	return passwords;
}

bool passwords_submit(struct passwords *passwords, struct password_job *job, unsigned most_waiting)
{
	bool room;

	while (passwords->running < passwords->wanted &&
	       uv_thread_create(&passwords->threads[passwords->running], run, passwords) == 0)
		passwords->running++;
	pthread_mutex_lock(&passwords->lock);
	room = passwords->running != 0 && !passwords->stop && passwords->waiting < most_waiting;
	if (room) {
		job->next = NULL;
		*passwords->last = job;
		passwords->last = &job->next;
		passwords->waiting++;
		pthread_cond_signal(&passwords->work);
	}
	pthread_mutex_unlock(&passwords->lock);
	return room;
}

uv_handle_t *passwords_stop(struct passwords *passwords)
{
	pthread_mutex_lock(&passwords->lock);
	passwords->stop = true;
	pthread_cond_broadcast(&passwords->work);
	pthread_mutex_unlock(&passwords->lock);
	while (passwords->running != 0)
		uv_thread_join(&passwords->threads[--passwords->running]);
	for (struct password_job *job = passwords->first; job != NULL; job = job->next)
		job->stopped = true;
	*passwords->ready_last = passwords->first;
	if (passwords->first != NULL)
		passwords->ready_last = passwords->last;
	passwords->first = NULL;
	passwords->last = &passwords->first;
	tell(passwords);
	return (uv_handle_t *)&passwords->wake;
}

void passwords_free(struct passwords *passwords)
{
	if (passwords == NULL)
		return;
	pthread_cond_destroy(&passwords->work);
	pthread_mutex_destroy(&passwords->lock);
	mem_free(passwords);
}
