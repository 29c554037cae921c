/* margins.c: what honest people reach at most in what an analyst would look at, and what attacks of each strength reach
 * at least: margins [seed [history [instances]]]. The table in README.md is from it. */
#include "other_world.h"

#include <stdio.h>
#include <stdlib.h>

const char *const traffic_kind_names[KINDS] = { "spray",	  "stuffing",	      "slow brute force",
						"stolen session", "scripted cadence", "exfiltration",
						"probing",	  "reconnect storm",  "type shift",
						"token sharing",  "insider",	      "low and slow" };
const char *const traffic_type_names[TYPES] = { 0 };

enum measure { OPENS, OCTETS, FORBIDDEN, FAILED, NIGHT_READS, SWAPS, UNUSED, MEASURES };
static const char *const measure_names[MEASURES] = { "opens in ten minutes",
						     "usual days' octets in an hour",
						     "forbidden in an hour",
						     "failed logins in a day",
						     "reads in own night (1:15 to 4:45)",
						     "goes on after its token was sent from elsewhere",
						     "messages of types without habit in an hour" };
static const enum measure measure_of[KINDS] = { MEASURES,  MEASURES, FAILED, SWAPS, MEASURES,	 OCTETS,
						FORBIDDEN, OPENS,    UNUSED, SWAPS, NIGHT_READS, MEASURES };

struct actor {
	double now[MEASURES], most[MEASURES];
	uint64_t bin[MEASURES];
};

/* Failures and successes from an address in a day, honest and of attacks apart. */
struct place {
	uint32_t address, network, connection, before;
	unsigned good, users;
	uint32_t last_user;
};

enum { PLACES = 1 << 20 };

static struct place *look_up(struct place *places, uint32_t key)
{
	uint32_t i = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (PLACES - 1);

	while (places[i].address && places[i].address != key)
		i = (i + 1) & (PLACES - 1);
	places[i].address = key;
	return places + i;
}

static void add(struct actor *actor, enum measure measure, uint64_t at, int64_t window, double what)
{
	uint64_t bin = at / (uint64_t)window;

	if (actor->bin[measure] != bin)
		actor->now[measure] = 0;
	actor->bin[measure] = bin;
	actor->now[measure] += what;
	if (actor->now[measure] > actor->most[measure])
		actor->most[measure] = actor->now[measure];
}

static void look(const struct other *world, struct actor *actor, const struct traffic_event *event)
{
	const struct other_person *person = world->people + event->user;
	int minute = other_local_minute(person, (int64_t)event->at), types[TYPES], count;
	double usual = person->day_octets < 8e5 ? 8e5 : person->day_octets;

	switch (event->what) {
	case TRAFFIC_LOGIN:
		add(actor, OPENS, event->at, 10 * OTHER_MINUTE, 1);
		break;
	case TRAFFIC_LOGIN_FAILED:
		add(actor, OPENS, event->at, 10 * OTHER_MINUTE, 1);
		add(actor, FAILED, event->at, OTHER_DAY, 1);
		break;
	case TRAFFIC_DELIVERED:
		if (other_reads(event->type))
			add(actor, OCTETS, event->at, OTHER_HOUR, event->size / usual);
		break;
	case TRAFFIC_REFUSED:
		if (event->cause == TRAFFIC_PERMISSION)
			add(actor, FORBIDDEN, event->at, OTHER_HOUR, 1);
		break;
	case TRAFFIC_MESSAGE:
		if (other_reads(event->type) && minute >= 75 && minute < 285 && person->office &&
		    person->persona != OTHER_SUPPORT &&
		    !other_travels(person, other_local_day(person, (int64_t)event->at)) &&
		    !other_travels(person, other_local_day(person, (int64_t)event->at) - 1) &&
		    !other_travels(person, other_local_day(person, (int64_t)event->at) + 1))
			add(actor, NIGHT_READS, event->at, OTHER_DAY, 1);
		count = other_unused_types(world, person, (int64_t)event->at, types);
		for (int i = 0; i < count; i++)
			if (types[i] == event->type)
				add(actor, UNUSED, event->at, OTHER_HOUR, 1);
		break;
	default:
		break;
	}
}

static int up(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_honest(const struct other *world, const struct actor *actors, enum measure measure)
{
	unsigned users = world->options.users, count = 0;
	double *sorted = calloc(users, sizeof *sorted);

	if (!sorted)
		exit(1);
	for (unsigned i = 0; i < users; i++)
		if (world->people[i].persona != OTHER_BOT && world->people[i].persona != OTHER_AGENT)
			sorted[count++] = actors[i].most[measure];
	qsort(sorted, count, sizeof *sorted, up);
	printf("%-46s honest: 99%% %.1f 99.9%% %.1f most %.1f %.1f %.1f\n", measure_names[measure],
	       sorted[count * 99 / 100], sorted[count * 999ul / 1000], sorted[count - 3], sorted[count - 2],
	       sorted[count - 1]);
	free(sorted);
}

static void print_attacks(const struct other *world, const struct actor *actors, enum measure measure)
{
	for (unsigned kind = 0; kind < KINDS; kind++) {
		if (measure_of[kind] != measure)
			continue;
		for (unsigned strength = 1; strength <= TRAFFIC_STRENGTHS; strength++) {
			double values[100];
			unsigned count = 0;

			for (uint32_t i = 0; i < world->attack_count && count < 100; i++)
				if (world->labels[i].kind == kind && world->labels[i].strength == strength &&
				    world->labels[i].events)
					values[count++] = actors[i].most[measure];
			qsort(values, count, sizeof *values, up);
			if (count)
				printf("%28s %u: least %.1f median %.1f\n", traffic_kind_names[kind], strength,
				       values[0], values[count / 2]);
		}
	}
}

int main(int argc, char **argv)
{
	struct traffic_options options = { argc > 1 ? strtoull(argv[1], NULL, 10) : 1, 10000,
					   argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5,
					   argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 60 };
	struct other *world = other_new(&options);
	struct actor *honest = calloc(options.users, sizeof *honest), *attacks;
	struct place *failures = calloc(PLACES, sizeof *failures), *tokens = calloc(PLACES, sizeof *tokens);
	struct traffic_event event;
	unsigned most = 0;
	int label;

	attacks = calloc(options.instances * KINDS + 1u, sizeof *attacks);
	if (!world || !honest || !attacks || !failures || !tokens)
		return 1;
	while (other_next(world, &event, &label)) {
		struct place *place;

		if (event.user == TRAFFIC_NOBODY)
			continue;
		look(world, label < 0 ? honest + event.user : attacks + label, &event);
		if (event.what == TRAFFIC_LOGIN_FAILED || event.what == TRAFFIC_LOGIN) {
			place = look_up(failures, event.address);
			if (label < 0 && event.what == TRAFFIC_LOGIN)
				place->good++;
			if (label < 0 && event.what == TRAFFIC_LOGIN_FAILED && place->last_user != event.user + 1) {
				place->users++;
				place->last_user = event.user + 1;
			}
		}
		/* The connection sends again, after another with the same token sent from another network. */
		if (event.what == TRAFFIC_MESSAGE && event.session) {
			place = look_up(tokens, event.session);
			if (place->network != event.address >> 16) {
				if (place->before == event.connection)
					add(label < 0 ? honest + event.user : attacks + label, SWAPS, event.at,
					    OTHER_HOUR, 1);
				place->before = place->connection;
				place->network = event.address >> 16;
			}
			place->connection = event.connection;
		}
	}
	for (int i = 0; i < PLACES; i++)
		if (failures[i].users > 2 && failures[i].users > failures[i].good / 2)
			most++;
	printf("addresses with more than two failing honest names in a row and few successes: %u\n", most);
	for (int i = 0; i < MEASURES; i++) {
		print_honest(world, honest, (enum measure)i);
		print_attacks(world, attacks, (enum measure)i);
	}
	free(honest);
	free(attacks);
	free(failures);
	free(tokens);
	other_free(world);
	return 0;
}
