/* threat_job.c: one list: what was kept of it is read again, or it is fetched anew, judged and put in place of the one
 * in use; or it is told why not. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/detail.h"
#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/log.h"
#include "shell/threat_parts.h"
#include "state/threats.h"

/* WHOLE_S: what a TAXII server has no more it does not say, so that all of it is asked for once a day. */
enum { RETRY_S = 60, RETRY_MOST_S = 86400, WHOLE_S = 86400 };

void threat_job_tell(struct threat_feeds *feeds, const struct threat_feed *feed, const char *change)
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

/* When it is tried again: later each time, but as often as it is refreshed; not sooner than the server asks for. */
static uint64_t wait_of(const struct threat_feed *feed, uint64_t retry_s)
{
	uint64_t wait_s = RETRY_S, refresh = (uint64_t)feed->rules->refresh;

	for (unsigned i = 0; i < feed->failures && wait_s < refresh; i++)
		wait_s *= 2;
	wait_s = wait_s < refresh ? wait_s : refresh;
	retry_s = retry_s < RETRY_MOST_S ? retry_s : RETRY_MOST_S;
	return wait_s > retry_s ? wait_s : retry_s;
}

/* Once for each cause in a row. */
static void fail(struct threat_feeds *feeds, struct threat_feed *feed, const char *why, uint64_t retry_s)
{
	const struct fw_detail details[] = { detail_text("list", slice_text(feed->rules->name)),
					     detail_text("cause", slice_text(why)),
					     detail_boolean("in_use", feed->loaded.fd >= 0) };

	feed->due_s = threat_feeds_clock_s() + wait_of(feed, retry_s);
	feed->failures++;
	if (strcmp(feed->why, why) == 0)
		return;
	snprintf(feed->why, sizeof(feed->why), "%s", why);
	log_warn(feeds->options.log, threat, "%s: %s", feed->rules->name, why);
	feeds->options.record(feeds->options.user, EVENT_threat_list_failure, details,
			      sizeof(details) / sizeof(*details));
}

/* A list that was read takes the place of the one in use; fd is the feed's from then on. */
static void take(struct threat_feeds *feeds, struct threat_feed *feed, const struct threat_loaded *loaded,
		 const char *change)
{
	bool is_other = feed->loaded.fd < 0 || strcmp(feed->loaded.digest, loaded->digest) != 0 ||
			feed->loaded.networks != loaded->networks;
	int before = feed->loaded.fd;

	feed->loaded = *loaded;
	threat_place_install(feeds, feed->place, feed);
	if (before >= 0)
		close(before);
	if (is_other)
		threat_job_tell(feeds, feed, change);
}

/* The feed of a job, when it is still asked for as it was. */
static struct threat_feed *find(struct threat_feeds *feeds, const struct threat_job *job)
{
	for (unsigned i = 0; i < feeds->count; i++)
		if (memcmp(feeds->list[i].rules->digest, job->rules->digest, sizeof(job->rules->digest)) == 0)
			return &feeds->list[i];
	return NULL;
}

/* What was good once is not by the rules of now: that it would block whom the server trusts, say. */
static void leave(struct threat_feeds *feeds, struct threat_feed *feed)
{
	if (feed->loaded.fd < 0)
		return;
	threat_place_install(feeds, feed->place, NULL);
	threat_job_tell(feeds, feed, "not in use any more");
	close(feed->loaded.fd);
	feed->loaded = (struct threat_loaded){ .fd = -1, .changes_us = UINT64_MAX };
}

static void read_kept(struct threat_feeds *feeds, const struct threat_job *job)
{
	struct threat_loaded loaded = { .fd = -1 };
	uint64_t wall_us = 0, now_us = clock_wall_us(), age_s;
	uint8_t *octets = NULL;
	struct threat_feed *feed;
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
				feed->due_s = threat_feeds_clock_s() + (uint64_t)job->rules->refresh - age_s;
			loaded.fd = -1;
		} else if (has) {
			fail(feeds, feed, loaded.why, 0);
			feed->due_s = 0;
			leave(feeds, feed);
		}
	}
	pthread_mutex_unlock(&feeds->lock);
	if (loaded.fd >= 0)
		close(loaded.fd);
}

static void good(struct threat_feed *feed, const struct threat_text *text)
{
	uint64_t now_s = threat_feeds_clock_s();

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
static void fail_job(struct threat_feeds *feeds, const struct threat_job *job, const char *why, uint64_t retry_s)
{
	struct threat_feed *feed;

	pthread_mutex_lock(&feeds->lock);
	feed = find(feeds, job);
	if (feed != NULL)
		fail(feeds, feed, why, retry_s);
	if (feed != NULL)
		feed->since[0] = '\0'; /* whatever it was, all of it is asked for next */
	pthread_mutex_unlock(&feeds->lock);
}

/* Kept before it is used: what is in use has been on the disk. That it cannot be is no reason not to use it. */
static void use(struct threat_feeds *feeds, const struct threat_job *job, const struct threat_text *text)
{
	struct threat_loaded loaded;
	struct threat_feed *feed;

	threat_load(job->policy, job->rules, slice(text->octets, text->size),
		    job->in_use.fd >= 0 ? job->in_use.networks : 0, clock_wall_us(), &loaded);
	if (loaded.fd < 0) {
		fail_job(feeds, job, loaded.why, 0);
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

static void fetch(struct threat_feeds *feeds, const struct threat_job *job)
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
		fail_job(feeds, job, text.why, text.retry_s);
	mem_free(text.octets);
	mem_free(before);
}

void threat_job_do(struct threat_feeds *feeds, struct threat_job *job)
{
	if (job->keeps)
		read_kept(feeds, job);
	else
		fetch(feeds, job);
	fw_policy_unref(job->policy);
}
