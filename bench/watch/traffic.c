/* traffic.c: all who act, in the order of time: a heap of who is next. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

const char *const traffic_kind_names[KINDS] = { "spray",
						"stuffing",
						"slow brute force",
						"stolen session",
						"scripted cadence",
						"exfiltration volume",
						"permission probing",
						"reconnect storm",
						"type shift",
						"token sharing",
						"off-hours insider",
						"low and slow" };
const char *const traffic_type_names[TYPES] = { "ping",	     "chat",   "join",	     "leave",	    "typing", "history",
						"search",    "fetch",  "upload",     "edit",	    "delete", "profile",
						"subscribe", "export", "admin_list", "admin_change" };

struct turn {
	uint64_t at;
	uint32_t who; /* people first, then attacks */
};

struct traffic {
	struct world world;
	struct attack **attacks;
	struct traffic_label *labels;
	unsigned attack_count;
	struct turn *heap;
	uint32_t count;
};

static bool before(struct turn a, struct turn b)
{
	return a.at < b.at || (a.at == b.at && a.who < b.who);
}

/* Puts a turn where the first one was. */
static void sink(struct traffic *traffic, struct turn turn)
{
	uint32_t at = 0;
	for (;;) {
		uint32_t child = 2 * at + 1;
		if (child >= traffic->count)
			break;
		if (child + 1 < traffic->count && before(traffic->heap[child + 1], traffic->heap[child]))
			child++;
		if (!before(traffic->heap[child], turn))
			break;
		traffic->heap[at] = traffic->heap[child];
		at = child;
	}
	traffic->heap[at] = turn;
}

static void add(struct traffic *traffic, struct turn turn)
{
	uint32_t at = traffic->count++;
	while (at && before(turn, traffic->heap[(at - 1) / 2])) {
		traffic->heap[at] = traffic->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	traffic->heap[at] = turn;
}

struct traffic *traffic_free(struct traffic *traffic)
{
	if (!traffic)
		return NULL;
	for (unsigned i = 0; traffic->attacks && i < traffic->attack_count; i++)
		attack_free(traffic->attacks[i]);
	free(traffic->attacks);
	free(traffic->labels);
	free(traffic->heap);
	free(traffic->world.people);
	free(traffic);
	return NULL;
}

struct traffic *traffic_new(const struct traffic_options *options)
{
	if (!options->users || options->history >= DAYS_MOST)
		return NULL;
	struct traffic *traffic = calloc(1, sizeof(*traffic));
	if (!traffic)
		return NULL;
	struct world *world = &traffic->world;
	world->options = *options;
	world->dice = options->seed ^ 0xd1b54a32d192ed03;
	world->end = (options->history + 1) * (uint64_t)DAY;
	traffic->attack_count = options->instances * KINDS;
	world->people = calloc(options->users, sizeof(*world->people));
	traffic->attacks = calloc(traffic->attack_count + 1, sizeof(*traffic->attacks));
	traffic->labels = calloc(traffic->attack_count + 1, sizeof(*traffic->labels));
	traffic->heap = calloc(options->users + traffic->attack_count, sizeof(*traffic->heap));
	if (!world->people || !traffic->attacks || !traffic->labels || !traffic->heap)
		return traffic_free(traffic);
	world_people(world);
	for (uint32_t i = 0; i < options->users; i++)
		add(traffic, (struct turn){ world->people[i].visit.at, i });
	for (unsigned i = 0; i < traffic->attack_count; i++) {
		traffic->labels[i].kind = (uint8_t)(i % KINDS);
		traffic->labels[i].strength = (uint8_t)(1 + i / KINDS % TRAFFIC_STRENGTHS);
		traffic->attacks[i] = attack_new(world, &traffic->labels[i], i);
		if (!traffic->attacks[i])
			return traffic_free(traffic);
		add(traffic, (struct turn){ attack_at(traffic->attacks[i]), options->users + i });
	}
	return traffic;
}

static void note(struct traffic_label *label, const struct traffic_event *event, bool own_address)
{
	if (!label->events++)
		label->first = event->at;
	label->last = event->at;
	if (own_address)
		return;
	for (size_t i = 0; i < label->address_count; i++)
		if (label->addresses[i] == event->address)
			return;
	if (label->address_count < TRAFFIC_USERS_OF_LABEL)
		label->addresses[label->address_count++] = event->address;
}

bool traffic_next(struct traffic *traffic, struct traffic_event *event, int *ret_label)
{
	struct world *world = &traffic->world;
	for (;;) {
		struct turn turn = traffic->heap[0];
		if (!traffic->count || turn.at >= world->end)
			return false;
		if (turn.who < world->options.users) {
			struct person *person = &world->people[turn.who];
			bool other = person->visit.other_mix;
			person_step(world, person, event);
			sink(traffic, (struct turn){ person->visit.at, turn.who });
			*ret_label = -1;
			for (unsigned i = 0; other && event->what == TRAFFIC_MESSAGE && i < traffic->attack_count; i++)
				if (attack_claims(traffic->attacks[i], turn.who, event->at)) {
					*ret_label = (int)i;
					note(&traffic->labels[i], event, true);
				}
			return true;
		}
		unsigned number = turn.who - world->options.users;
		event->at = turn.at;
		bool is_event = attack_step(world, traffic->attacks[number], event);
		sink(traffic, (struct turn){ attack_at(traffic->attacks[number]), turn.who });
		if (is_event) {
			*ret_label = (int)number;
			note(&traffic->labels[number], event, false);
			return true;
		}
	}
}

size_t traffic_labels(const struct traffic *traffic, const struct traffic_label **ret_labels)
{
	*ret_labels = traffic->labels;
	return traffic->attack_count;
}
