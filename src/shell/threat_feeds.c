#include "shell/threat_feeds.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/detail.h"
#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/log.h"
#include "shell/process_link.h"
#include "shell/threat_fetch.h"
#include "state/threats.h"

/* WHOLE_S: what a TAXII server has no more it does not say, so that all of it is asked for once a day. */
enum { RETRY_S = 60, RESEND_S = 1, WHOLE_S = 86400, CAUSE = THREAT_WHY + 128 };

struct feed {
	const struct threat_list *rules; /* in feeds->policy */
	struct threat_loaded loaded;	 /* what is in use; fd -1: nothing is */
	unsigned place;
	uint64_t due_s;		 /* clock_s when it is fetched */
	uint64_t fetched_us;	 /* by the wall clock: what is in use is from then */
	uint64_t whole_s;	 /* clock_s when all of a collection was fetched */
	char since[THREAT_TIME]; /* of a collection: what is newer is asked for */
	unsigned failures;	 /* in a row */
	bool looked;		 /* whether what is kept holds by the rules of now */
	char why[CAUSE];
};

struct threat_feeds {
	struct threat_feeds_options options;
	pthread_t thread;
	bool runs;
	_Atomic bool stop;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	struct fw_policy *policy;
	struct feed list[LIMIT_THREAT_LISTS];
	unsigned count;
	bool unsent; /* the link had no room */
};

static uint64_t clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

/* Where a place is to be empty the entry has no name. */
static struct threats_entry entry_of(unsigned place, const struct feed *feed)
{
	struct threats_entry entry = { .place = place };

	if (feed != NULL) {
		entry.action = feed->rules->does;
		snprintf(entry.name, sizeof(entry.name), "%s", feed->rules->name);
	}
	return entry;
}

static int fd_of(const struct feed *feed)
{
	return feed != NULL ? feed->loaded.fd : -1;
}

static void send(struct threat_feeds *feeds, unsigned place, const struct feed *feed)
{
	struct threats_entry entry = entry_of(place, feed);

	if (feeds->options.link != NULL && !process_link_put(*feeds->options.link, &entry, sizeof(entry), fd_of(feed)))
		feeds->unsent = true;
}

static void install(struct threat_feeds *feeds, unsigned place, const struct feed *feed)
{
	struct threats_entry entry = entry_of(place, feed);

	threats_put(feeds->options.threats, &entry, fd_of(feed));
	send(feeds, place, feed);
	if (feeds->options.link == NULL)
		feeds->options.changed(feeds->options.user);
}

/* Those in use first: a list that has another place than it had at this gate is never in none. */
static void send_each(struct threat_feeds *feeds)
{
	bool used[LIMIT_THREAT_LISTS] = { false };

	feeds->unsent = false;
	for (unsigned i = 0; i < feeds->count; i++) {
		used[feeds->list[i].place] = feeds->list[i].loaded.fd >= 0;
		if (feeds->list[i].loaded.fd >= 0)
			send(feeds, feeds->list[i].place, &feeds->list[i]);
	}
	for (unsigned place = 0; place < LIMIT_THREAT_LISTS; place++)
		if (!used[place])
			send(feeds, place, NULL);
}

void threat_feeds_send_all(struct threat_feeds *feeds)
{
	if (feeds == NULL)
		return;
	pthread_mutex_lock(&feeds->lock);
	send_each(feeds);
	pthread_mutex_unlock(&feeds->lock);
}

static void tell_loaded(struct threat_feeds *feeds, const struct feed *feed, const char *change)
{
	const struct threat_loaded *loaded = &feed->loaded;
	const struct fw_detail details[] = { detail_text("list", slice_text(feed->rules->name)),
					     detail_text("change", slice_text(change)),
					     detail_text("action", slice_text(feed->rules->action)),
					     detail_number("networks", loaded->networks),
					     detail_number("left_out", loaded->left_out),
					     detail_number("unsupported", loaded->unsupported),
					     detail_text("digest", slice_text(loaded->digest)) };

	log_info(feeds->options.log, threat, "%s: %s, %zu networks", feed->rules->name, change, loaded->networks);
	feeds->options.record(feeds->options.user, EVENT_threat_list, details, sizeof(details) / sizeof(*details));
}

/* Once for each cause in a row. */
static void fail(struct threat_feeds *feeds, struct feed *feed, const char *why)
{
	const struct fw_detail details[] = { detail_text("list", slice_text(feed->rules->name)),
					     detail_text("cause", slice_text(why)),
					     detail_boolean("in_use", feed->loaded.fd >= 0) };
	uint64_t wait_s = RETRY_S, refresh = (uint64_t)feed->rules->refresh;

	for (unsigned i = 0; i < feed->failures && wait_s < refresh; i++)
		wait_s *= 2;
	feed->failures++;
	feed->due_s = clock_s() + (wait_s < refresh ? wait_s : refresh);
	if (strcmp(feed->why, why) == 0)
		return;
	snprintf(feed->why, sizeof(feed->why), "%s", why);
	log_warn(feeds->options.log, threat, "%s: %s", feed->rules->name, why);
	feeds->options.record(feeds->options.user, EVENT_threat_list_failure, details,
			      sizeof(details) / sizeof(*details));
}

/* A list that was read takes the place of the one in use; fd is the feed's from then on. */
static void take(struct threat_feeds *feeds, struct feed *feed, const struct threat_loaded *loaded, const char *change)
{
	bool is_other = feed->loaded.fd < 0 || strcmp(feed->loaded.digest, loaded->digest) != 0 ||
			feed->loaded.networks != loaded->networks;
	int before = feed->loaded.fd;

	feed->loaded = *loaded;
	install(feeds, feed->place, feed);
	if (before >= 0)
		close(before);
	if (is_other)
		tell_loaded(feeds, feed, change);
}

/* What a job needs while the lock is not held. */
struct job {
	struct fw_policy *policy;
	const struct threat_list *rules;
	struct threat_loaded in_use;
	bool keeps; /* what is kept is read anew, nothing is fetched */
	char since[THREAT_TIME];
};

/* The feed of a job, when it is still asked for as it was. */
static struct feed *find(struct threat_feeds *feeds, const struct job *job)
{
	for (unsigned i = 0; i < feeds->count; i++)
		if (memcmp(feeds->list[i].rules->digest, job->rules->digest, sizeof(job->rules->digest)) == 0)
			return &feeds->list[i];
	return NULL;
}

/* What was good once is not by the rules of now: that it would block whom the server trusts, say. */
static void leave(struct threat_feeds *feeds, struct feed *feed)
{
	if (feed->loaded.fd < 0)
		return;
	install(feeds, feed->place, NULL);
	tell_loaded(feeds, feed, "not in use any more");
	close(feed->loaded.fd);
	feed->loaded = (struct threat_loaded){ .fd = -1, .changes_us = UINT64_MAX };
}

static void read_kept(struct threat_feeds *feeds, const struct job *job)
{
	struct threat_loaded loaded = { .fd = -1 };
	uint64_t wall_us = 0, now_us = clock_wall_us(), age_s;
	uint8_t *octets = NULL;
	struct feed *feed;
	size_t size;
	bool has = threat_kept(feeds->options.data_directory, job->rules, &octets, &size, &wall_us) == 0;

	if (has)
		threat_load(job->policy, job->rules, slice(octets, size), 0, now_us, &loaded);
	mem_free(octets);
	pthread_mutex_lock(&feeds->lock);
	feed = find(feeds, job);
	if (feed != NULL) {
		feed->looked = true;
		feed->loaded.changes_us = UINT64_MAX;
		age_s = has && wall_us <= now_us ? (now_us - wall_us) / 1000000 : UINT64_MAX;
		if (loaded.fd >= 0) {
			feed->fetched_us = wall_us;
			take(feeds, feed, &loaded, "loaded, as it was kept");
			/* It was fetched not long ago. */
			if (job->rules->path == NULL && age_s < (uint64_t)job->rules->refresh && feed->due_s == 0)
				feed->due_s = clock_s() + (uint64_t)job->rules->refresh - age_s;
			loaded.fd = -1;
		} else if (has) {
			fail(feeds, feed, loaded.why);
			feed->due_s = 0;
			leave(feeds, feed);
		}
	}
	pthread_mutex_unlock(&feeds->lock);
	if (loaded.fd >= 0)
		close(loaded.fd);
}

static void good(struct feed *feed, const struct threat_text *text)
{
	uint64_t now_s = clock_s();

	feed->failures = 0;
	feed->why[0] = '\0';
	feed->fetched_us = clock_wall_us();
	feed->due_s = now_s + (uint64_t)feed->rules->refresh;
	if (feed->since[0] == '\0')
		feed->whole_s = now_s;
	snprintf(feed->since, sizeof(feed->since), "%s", text->since);
	if (now_s - feed->whole_s >= WHOLE_S)
		feed->since[0] = '\0';
}

/* The reason with where it is from, as an operator looks for it. */
static void fail_job(struct threat_feeds *feeds, const struct job *job, const char *why)
{
	struct feed *feed;

	pthread_mutex_lock(&feeds->lock);
	feed = find(feeds, job);
	if (feed != NULL)
		fail(feeds, feed, why);
	if (feed != NULL)
		feed->since[0] = '\0'; /* whatever it was, all of it is asked for next */
	pthread_mutex_unlock(&feeds->lock);
}

/* Kept before it is used: what is in use has been on the disk. That it cannot be is no reason not to use it. */
static void use(struct threat_feeds *feeds, const struct job *job, const struct threat_text *text)
{
	struct threat_loaded loaded;
	struct feed *feed;

	threat_load(job->policy, job->rules, slice(text->octets, text->size),
		    job->in_use.fd >= 0 ? job->in_use.networks : 0, clock_wall_us(), &loaded);
	if (loaded.fd < 0) {
		fail_job(feeds, job, loaded.why);
		return;
	}
	if (threat_keep(feeds->options.data_directory, job->rules, slice(text->octets, text->size)) != 0)
		log_warn(feeds->options.log, threat, "cannot keep the list %s for the next start: %m",
			 job->rules->name);
	pthread_mutex_lock(&feeds->lock);
	feed = find(feeds, job);
	if (feed != NULL) {
		take(feeds, feed, &loaded, "loaded");
		good(feed, text);
		loaded.fd = -1;
	}
	pthread_mutex_unlock(&feeds->lock);
	if (loaded.fd >= 0)
		close(loaded.fd);
}

static void fetch(struct threat_feeds *feeds, const struct job *job)
{
	struct threat_text text = { 0 };
	uint8_t *before = NULL;
	uint64_t ignored;
	size_t size;

	if (job->since[0] != '\0' &&
	    threat_kept(feeds->options.data_directory, job->rules, &before, &size, &ignored) == 0) {
		snprintf(text.since, sizeof(text.since), "%s", job->since);
		text.before = slice(before, size);
	}
	threat_fetch(job->rules, &feeds->stop, &text);
	if (text.octets != NULL)
		use(feeds, job, &text);
	else if (!atomic_load(&feeds->stop))
		fail_job(feeds, job, text.why);
	mem_free(text.octets);
	mem_free(before);
}

static void do_job(struct threat_feeds *feeds, struct job *job)
{
	if (job->keeps)
		read_kept(feeds, job);
	else
		fetch(feeds, job);
	fw_policy_unref(job->policy);
}

/* Under the lock. False: nothing is to be done now; *ret_s: for how long. */
static bool choose(struct threat_feeds *feeds, bool at_start, struct job *ret_job, uint64_t *ret_s)
{
	uint64_t now_s = clock_s(), now_us = clock_wall_us(), least = UINT64_MAX;

	for (unsigned i = 0; i < feeds->count; i++) {
		struct feed *feed = &feeds->list[i];
		bool changes = feed->loaded.fd >= 0 && feed->loaded.changes_us <= now_us;
		bool due = feed->due_s <= now_s && (!at_start || (feed->rules->path != NULL && feed->failures == 0));
		uint64_t wait_s = feed->due_s > now_s ? feed->due_s - now_s : 0;

		if (!feed->looked || changes || due) {
			*ret_job = (struct job){ .policy = fw_policy_ref(feeds->policy),
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
	struct job job;

	pthread_mutex_lock(&feeds->lock);
	while (!atomic_load(&feeds->stop)) {
		if (feeds->unsent)
			send_each(feeds);
		if (choose(feeds, false, &job, &seconds)) {
			pthread_mutex_unlock(&feeds->lock);
			do_job(feeds, &job);
			pthread_mutex_lock(&feeds->lock);
		} else {
			wait_for(feeds, seconds);
		}
	}
	pthread_mutex_unlock(&feeds->lock);
	return NULL;
}

static bool is_used(const struct feed *list, unsigned count, unsigned place)
{
	for (unsigned i = 0; i < count; i++)
		if (list[i].place == place)
			return true;
	return false;
}

static unsigned free_place(const struct threat_feeds *feeds, const struct feed *made, unsigned count)
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

static void remove_gone(struct threat_feeds *feeds, struct feed *made, unsigned count)
{
	for (unsigned i = 0; i < feeds->count; i++) {
		struct feed *feed = &feeds->list[i];
		bool stays = false;

		for (unsigned k = 0; k < count; k++)
			stays = stays || threat_same_source(made[k].rules, feed->rules);
		if (stays)
			continue;
		if (!is_used(made, count, feed->place))
			install(feeds, feed->place, NULL);
		if (feed->loaded.fd >= 0) {
			tell_loaded(feeds, feed, "not in use any more");
			close(feed->loaded.fd);
		}
	}
}

/* Under the lock. What is fetched from where it was stays in use, and is judged by the rules of now. */
static void follow(struct threat_feeds *feeds, struct fw_policy *policy)
{
	struct feed made[LIMIT_THREAT_LISTS];
	bool renewed[LIMIT_THREAT_LISTS] = { false };
	unsigned count = 0;

	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < policy->threat_list_count; i++) {
			const struct threat_list *rules = &policy->threat_lists[i];
			const struct feed *known = NULL;

			for (unsigned k = 0; k < feeds->count; k++)
				if (threat_same_source(feeds->list[k].rules, rules))
					known = &feeds->list[k];
			if ((known != NULL) != (pass == 0)) /* those that have a place first */
				continue;
			if (known != NULL) {
				made[count] = *known;
				renewed[count] = memcmp(known->rules->digest, rules->digest, 32) != 0;
			} else {
				made[count] = (struct feed){ .loaded = { .fd = -1, .changes_us = UINT64_MAX } };
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
			install(feeds, feeds->list[i].place, &feeds->list[i]);
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

void threat_feeds_each(struct threat_feeds *feeds, void (*each)(void *user, const struct threat_status *status),
		       void *user)
{
	if (feeds == NULL)
		return;
	pthread_mutex_lock(&feeds->lock);
	for (unsigned i = 0; i < feeds->count; i++) {
		const struct feed *feed = &feeds->list[i];

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
	struct job job;

	pthread_mutex_lock(&feeds->lock);
	follow(feeds, policy);
	while (choose(feeds, true, &job, &ignored)) {
		pthread_mutex_unlock(&feeds->lock);
		do_job(feeds, &job);
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
