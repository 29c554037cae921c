/* score_traffic.c: src/watch on the made-up day: what it finds of each kind, how soon, and how often it cries wolf. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "other/other.h"
#include "score.h"
#include "traffic.h"
#include "watch/watch.h"

enum { GRACE_MS = 10 * 60 * 1000, LABELS = 12 * 64, DAY_MS = 24 * 3600 * 1000, MONDAY_MS = 0 };

struct found {
	bool hit;
	uint64_t at;
	enum watch_kind by;
};

struct tally {
	unsigned all[KINDS][TRAFFIC_STRENGTHS], hit[KINDS][TRAFFIC_STRENGTHS], false_alerts[WATCH_KINDS], days;
	double *delays; /* seconds */
	size_t delay_count;
	double kind_delays[KINDS][LABELS];
	unsigned kind_count[KINDS];
};

static bool has(const uint32_t *list, size_t count, uint32_t value, unsigned shift)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] >> shift == value)
			return true;
	return false;
}

static uint64_t user_of(uint32_t user)
{
	return user == TRAFFIC_NOBODY ? 0 : (uint64_t)user + 1;
}

/* Whether the attack is what the alert is about: it was in progress, and its account or network is named. */
static bool about(const struct traffic_label *label, const struct watch_alert *alert)
{
	if (!label->events || alert->at_ms < label->first || alert->at_ms > label->last + GRACE_MS)
		return false;
	if (alert->user)
		return has(label->users, label->user_count, (uint32_t)(alert->user - 1), 0);
	return has(label->addresses, label->address_count, (uint32_t)alert->network, 16);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y ? 1 : 0;
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return count ? values[count / 2] : 0;
}

static void tell(const struct watch_alert *alert, const char *whose)
{
	printf("    %02llu:%02llu %s %s user %llu network %llu", (unsigned long long)(alert->at_ms / 3600000 % 24),
	       (unsigned long long)(alert->at_ms / 60000 % 60), whose, watch_kind_names[alert->kind],
	       (unsigned long long)alert->user, (unsigned long long)alert->network);
	for (size_t i = 0; i < alert->feature_count; i++)
		printf(" %s %.1f (%.1f)", watch_feature_names[alert->features[i].feature], alert->features[i].found,
		       alert->features[i].usual);
	putchar('\n');
}

/* Two made-up services with one interface: what was tried on the one is asked of the other. */
struct service {
	const char *name;
	void *(*begin)(const struct traffic_options *options);
	void (*end)(void *service);
	bool (*next)(void *service, struct traffic_event *ret_event, int *ret_label);
	size_t (*labels)(void *service, const struct traffic_label **ret_labels);
};

#define SERVICE(name)                                                                                                  \
	static void *name##_begin(const struct traffic_options *options)                                               \
	{                                                                                                              \
		return name##_new(options);                                                                            \
	}                                                                                                              \
	static void name##_end(void *service)                                                                          \
	{                                                                                                              \
		name##_free(service);                                                                                  \
	}                                                                                                              \
	static bool name##_more(void *service, struct traffic_event *ret_event, int *ret_label)                        \
	{                                                                                                              \
		return name##_next(service, ret_event, ret_label);                                                     \
	}                                                                                                              \
	static size_t name##_truth(void *service, const struct traffic_label **ret_labels)                             \
	{                                                                                                              \
		return name##_labels(service, ret_labels);                                                             \
	}                                                                                                              \
	static const struct service name##_service = { #name, name##_begin, name##_end, name##_more, name##_truth };
SERVICE(traffic)
SERVICE(other)

static bool one_day(const struct service *service, const struct traffic_options *options, double sensitivity, bool loud,
		    struct tally *tally)
{
	void *traffic = service->begin(options);
	const struct watch_options room = { .users = 16384,
					    .connections = 16384,
					    .sensitivity = sensitivity,
					    .cooldown_s = 300,
					    .learning_s = 2 * 86400 };
	struct watch *watch = watch_new(&room);
	static struct found found[LABELS];
	memset(found, 0, sizeof(found));
	if (!traffic || !watch)
		return false;
	const struct traffic_label *labels;
	size_t count = service->labels(traffic, &labels);
	struct traffic_event event;
	static const enum watch_what whats[] = { WATCH_OPEN,	WATCH_CLOSE,	 WATCH_LOGIN,  WATCH_LOGIN_FAILED,
						 WATCH_MESSAGE, WATCH_DELIVERED, WATCH_REFUSED };
	for (int label; service->next(traffic, &event, &label);) {
		const struct watch_event seen = { .at_ms = event.at,
						  .connection = event.connection,
						  .user = user_of(event.user),
						  .session = event.session,
						  .network = event.address >> 16,
						  .bytes = event.size,
						  .count = 1,
						  .type = event.type,
						  .what = whats[event.what],
						  .expired = event.what == TRAFFIC_LOGIN_FAILED && event.session != 0 };
		struct watch_alert alert;
		if (event.what == TRAFFIC_REFUSED && event.cause != TRAFFIC_PERMISSION)
			continue;
		if (!watch_take(watch, &seen, &alert) || event.at < options->history * (uint64_t)DAY_MS)
			continue;
		bool right = label >= 0;
		for (size_t i = 0; i < count; i++) {
			if ((int)i != label && !about(&labels[i], &alert))
				continue;
			right = true;
			if (!found[i].hit)
				found[i] = (struct found){ true, event.at, alert.kind };
		}
		if (!right)
			tally->false_alerts[alert.kind]++;
		if (!right && loud)
			tell(&alert, "false:");
	}
	for (size_t i = 0; i < count; i++) {
		const struct traffic_label *label = &labels[i];
		if (!label->events)
			continue;
		tally->all[label->kind][label->strength - 1]++;
		tally->hit[label->kind][label->strength - 1] += found[i].hit;
		if (!found[i].hit)
			continue;
		double delay = (double)(found[i].at - label->first) / 1000;
		tally->delays[tally->delay_count++] = delay;
		if (tally->kind_count[label->kind] < LABELS)
			tally->kind_delays[label->kind][tally->kind_count[label->kind]++] = delay;
	}
	tally->days++;
	if (tally->days == 1 && loud)
		printf("    %.1f MiB\n", (double)watch_memory(watch) / (1 << 20));
	watch_free(watch);
	service->end(traffic);
	return true;
}

static double recall(const unsigned hit[TRAFFIC_STRENGTHS], const unsigned all[TRAFFIC_STRENGTHS])
{
	unsigned hits = hit[0] + hit[1] + hit[2], of = all[0] + all[1] + all[2];
	return of ? (double)hits / of : 0;
}

int score_traffic(const char *name, int argc, char **argv)
{
	const struct service *service = strcmp(name, "other") ? &traffic_service : &other_service;
	/* Seeds first to last; --curve: several sensitivities, one line each. */
	uint64_t first = argc > 0 ? strtoull(argv[0], NULL, 10) : 101,
		 last = argc > 1 ? strtoull(argv[1], NULL, 10) : first;
	bool curve = argc > 2 && !strcmp(argv[2], "curve"), loud = argc > 2 && !strcmp(argv[2], "loud");
	static const double sensitivities[] = { 0.6, 0.8, 1, 1.25, 1.6, 2 };
	for (size_t s = 0; s < (curve ? sizeof(sensitivities) / sizeof(*sensitivities) : 1); s++) {
		static struct tally tally;
		memset(&tally, 0, sizeof(tally));
		tally.delays = malloc((last - first + 1) * LABELS * sizeof(double));
		if (!tally.delays)
			return 1;
		for (uint64_t seed = first; seed <= last; seed++) {
			const struct traffic_options options = {
				.seed = seed, .users = 10000, .history = 7, .instances = 21
			};
			if (!one_day(service, &options, curve ? sensitivities[s] : 1, loud, &tally))
				return 1;
		}
		unsigned hits = 0, all = 0, wrong = 0;
		double kinds = 0;
		for (unsigned k = 0; k < KINDS; k++) {
			hits += tally.hit[k][0] + tally.hit[k][1] + tally.hit[k][2];
			all += tally.all[k][0] + tally.all[k][1] + tally.all[k][2];
			kinds += recall(tally.hit[k], tally.all[k]) / KINDS;
			if (curve)
				continue;
			printf("%-20s recall %.2f (fine %u of %u, middle %u of %u, coarse %u of %u), median delay %.0f "
			       "s\n",
			       traffic_kind_names[k], recall(tally.hit[k], tally.all[k]), tally.hit[k][0],
			       tally.all[k][0], tally.hit[k][1], tally.all[k][1], tally.hit[k][2], tally.all[k][2],
			       median(tally.kind_delays[k], tally.kind_count[k]));
		}
		for (unsigned i = 0; i < WATCH_KINDS; i++) {
			wrong += tally.false_alerts[i];
			if (!curve && tally.false_alerts[i])
				printf("false: %s %u\n", watch_kind_names[i], tally.false_alerts[i]);
		}
		printf("seeds %llu to %llu, sensitivity %.2f: recall %.3f (%u of %u; mean of the kinds %.3f), %.2f "
		       "false alerts a day, median delay %.0f s\n",
		       (unsigned long long)first, (unsigned long long)last, curve ? sensitivities[s] : 1,
		       (double)hits / all, hits, all, kinds, (double)wrong / tally.days,
		       median(tally.delays, tally.delay_count));
		free(tally.delays);
	}
	return 0;
}
