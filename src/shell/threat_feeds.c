/* threat_feeds.c: the thread of the lists, and which of them is due. */
#include "shell/threat_feeds.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/threat_parts.h"
#include "state/threats.h"

enum { RESEND_S = 1 };

/* Under the lock. False: nothing is to be done now; *ret_s: for how long. */
static bool choose(struct threat_feeds *feeds, bool at_start, struct threat_job *ret_job, uint64_t *ret_s)
{
	uint64_t now_s = threat_feeds_clock_s(), now_us = clock_wall_us(), least = UINT64_MAX;

	for (unsigned i = 0; i < feeds->count; i++) {
		struct threat_feed *feed = &feeds->list[i];
		bool changes = feed->loaded.fd >= 0 && feed->loaded.changes_us <= now_us;
		bool due = feed->due_s <= now_s && (!at_start || (feed->rules->path != NULL && feed->failures == 0));
		uint64_t wait_s = feed->due_s > now_s ? feed->due_s - now_s : 0;

		if (!feed->looked || changes || due) {
			*ret_job = (struct threat_job){ .policy = fw_policy_ref(feeds->policy),
							.rules = feed->rules,
							.in_use = feed->loaded,
							.keeps = !feed->looked || (changes && !due) };
			snprintf(ret_job->since, sizeof(ret_job->since), "%s", feed->since);
			return true;
		}
		/* A wall clock that is set is seen within a minute. */
		if (feed->loaded.fd >= 0 && feed->loaded.changes_us != UINT64_MAX && wait_s > 60)
			wait_s = 60;
		if (feed->loaded.fd >= 0 && feed->loaded.changes_us > now_us &&
		    (feed->loaded.changes_us - now_us) / 1000000 + 1 < wait_s)
			wait_s = (feed->loaded.changes_us - now_us) / 1000000 + 1;
		least = wait_s < least ? wait_s : least;
	}
	*ret_s = least;
	return false;
}

static void wait_for(struct threat_feeds *feeds, uint64_t seconds)
{
	struct timespec until;

	if (feeds->unsent && seconds > RESEND_S)
		seconds = RESEND_S;
	if (seconds > 86400)
		seconds = 86400;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(seconds != 0 ? seconds : 1);
	pthread_cond_timedwait(&feeds->wake, &feeds->lock, &until);
}

static void *run(void *user)
{
	struct threat_feeds *feeds = user;
	uint64_t seconds = 0;
	struct threat_job job;

	pthread_mutex_lock(&feeds->lock);
	while (!atomic_load(&feeds->stop)) {
		if (feeds->unsent)
			threat_place_send_each(feeds);
		if (choose(feeds, false, &job, &seconds)) {
			pthread_mutex_unlock(&feeds->lock);
			threat_job_do(feeds, &job);
			pthread_mutex_lock(&feeds->lock);
		} else {
			wait_for(feeds, seconds);
		}
	}
	pthread_mutex_unlock(&feeds->lock);
	return NULL;
}

static bool is_used(const struct threat_feed *list, unsigned count, unsigned place)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i].place == place)
			return true;
	return false;
}

static unsigned free_place(const struct threat_feeds *feeds, const struct threat_feed *made, unsigned count)
{
	unsigned place = 0;

	while (place + 1 < LIMIT_THREAT_LISTS &&
	       (is_used(made, count, place) || is_used(feeds->list, feeds->count, place)))
		place++;
	if (is_used(made, count, place)) /* all are; what is gone gives way */
		for (place = 0; is_used(made, count, place);)
			place++;
	return place;
}

static void remove_gone(struct threat_feeds *feeds, struct threat_feed *made, unsigned count)
{
	for (unsigned i = 0; i < feeds->count; i++) {
		struct threat_feed *feed = &feeds->list[i];
		bool stays = false;

		for (unsigned k = 0; k < count; k++)
			stays = stays || threat_same_source(made[k].rules, feed->rules);
		if (stays)
			continue;
		if (!is_used(made, count, feed->place))
			threat_place_install(feeds, feed->place, NULL);
		if (feed->loaded.fd >= 0) {
			threat_job_tell(feeds, feed, "not in use any more");
			close(feed->loaded.fd);
		}
	}
}

/* Under the lock. What is fetched from where it was stays in use, and is judged by the rules of now. */
static void follow(struct threat_feeds *feeds, struct fw_policy *policy)
{
	struct threat_feed made[LIMIT_THREAT_LISTS];
	bool renewed[LIMIT_THREAT_LISTS] = { false };
	unsigned count = 0;

	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < policy->threat_list_count; i++) {
			const struct threat_list *rules = &policy->threat_lists[i];
			const struct threat_feed *known = NULL;

			for (unsigned k = 0; k < feeds->count; k++)
				if (threat_same_source(feeds->list[k].rules, rules))
					known = &feeds->list[k];
			if ((known != NULL) != (pass == 0)) /* those that have a place first */
				continue;
			if (known != NULL) {
				made[count] = *known;
				renewed[count] = memcmp(known->rules->digest, rules->digest, 32) != 0;
			} else {
				made[count] = (struct threat_feed){ .loaded = { .fd = -1, .changes_us = UINT64_MAX } };
				made[count].place = free_place(feeds, made, count);
			}
			made[count].looked = false;
			if (renewed[count])
				made[count].due_s = 0;
			made[count++].rules = rules;
		}
	remove_gone(feeds, made, count);
	memcpy(feeds->list, made, count * sizeof(*made));
	feeds->count = count;
	fw_policy_unref(feeds->policy);
	feeds->policy = fw_policy_ref(policy);
	for (unsigned i = 0; i < count; i++)
		if (renewed[i] && feeds->list[i].loaded.fd >= 0) /* what it does may be another */
			threat_place_install(feeds, feeds->list[i].place, &feeds->list[i]);
}

void threat_feeds_renew(struct threat_feeds *feeds, struct fw_policy *policy)
{
	struct fw_policy *root = policy->root != NULL ? policy->root : policy;

	if (feeds == NULL || feeds->policy == root)
		return;
	pthread_mutex_lock(&feeds->lock);
	follow(feeds, root);
	pthread_cond_signal(&feeds->wake);
	pthread_mutex_unlock(&feeds->lock);
}

unsigned threat_feeds_hurry(struct threat_feeds *feeds, struct fw_slice name)
{
	unsigned count = 0;

	if (feeds == NULL)
		return 0;
	pthread_mutex_lock(&feeds->lock);
	for (unsigned i = 0; i < feeds->count; i++)
		if (name.size == 0 || slice_is(name, feeds->list[i].rules->name)) {
			feeds->list[i].due_s = 0;
			feeds->list[i].why[0] = '\0'; /* who asks is told anew */
			count++;
		}
	pthread_cond_signal(&feeds->wake);
	pthread_mutex_unlock(&feeds->lock);
	return count;
}

void threat_feeds_send_all(struct threat_feeds *feeds)
{
	if (feeds == NULL)
		return;
	pthread_mutex_lock(&feeds->lock);
	threat_place_send_each(feeds);
	pthread_mutex_unlock(&feeds->lock);
}

void threat_feeds_each(struct threat_feeds *feeds, void (*each)(void *user, const struct threat_status *status),
		       void *user)
{
	if (feeds == NULL)
		return;
	pthread_mutex_lock(&feeds->lock);
	for (unsigned i = 0; i < feeds->count; i++) {
		const struct threat_feed *feed = &feeds->list[i];

		each(user, &(struct threat_status){ .name = feed->rules->name,
						    .url = feed->rules->url,
						    .action = feed->rules->action,
						    .format = feed->rules->format,
						    .in_use = feed->loaded.fd >= 0,
						    .failing = feed->failures != 0,
						    .loaded = feed->loaded,
						    .why = feed->why,
						    .fetched_us = feed->fetched_us,
						    .hits = threats_hits(feeds->options.threats, feed->place) });
	}
	pthread_mutex_unlock(&feeds->lock);
}

/* What is kept, and what is a file, before clients come: nobody is let in who was shut out. */
static void begin(struct threat_feeds *feeds, struct fw_policy *policy)
{
	uint64_t ignored;
	struct threat_job job;

	pthread_mutex_lock(&feeds->lock);
	follow(feeds, policy);
	while (choose(feeds, true, &job, &ignored)) {
		pthread_mutex_unlock(&feeds->lock);
		threat_job_do(feeds, &job);
		pthread_mutex_lock(&feeds->lock);
	}
	pthread_mutex_unlock(&feeds->lock);
}

struct threat_feeds *threat_feeds_start(const struct threat_feeds_options *options, struct fw_policy *policy)
{
	struct threat_feeds *feeds = mem_zero(1, sizeof(*feeds));
	pthread_condattr_t attributes;

	if (feeds == NULL)
		return NULL;
	feeds->options = *options;
	pthread_mutex_init(&feeds->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&feeds->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	begin(feeds, policy->root != NULL ? policy->root : policy);
	feeds->runs = pthread_create(&feeds->thread, NULL, run, feeds) == 0;
	if (feeds->runs)
		return feeds;
	threat_feeds_stop(feeds);
	return NULL;
}

void threat_feeds_stop(struct threat_feeds *feeds)
{
	if (feeds == NULL)
		return;
	pthread_mutex_lock(&feeds->lock);
	atomic_store(&feeds->stop, true);
	pthread_cond_signal(&feeds->wake);
	pthread_mutex_unlock(&feeds->lock);
	if (feeds->runs)
		pthread_join(feeds->thread, NULL);
	for (unsigned i = 0; i < feeds->count; i++)
		if (feeds->list[i].loaded.fd >= 0)
			close(feeds->list[i].loaded.fd);
	fw_policy_unref(feeds->policy);
	pthread_cond_destroy(&feeds->wake);
	pthread_mutex_destroy(&feeds->lock);
	mem_free(feeds);
}
