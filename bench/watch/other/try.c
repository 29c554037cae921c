/* try.c: makes a record, counts what is in it and checks the rules: try [seed [users [history [instances]]]]. */
#include "other_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

const char *const traffic_kind_names[KINDS] = { "spray",	  "stuffing",	      "slow brute force",
						"stolen session", "scripted cadence", "exfiltration",
						"probing",	  "reconnect storm",  "type shift",
						"token sharing",  "insider",	      "low and slow" };
const char *const traffic_type_names[TYPES] = { "ping",	     "chat",   "join",	     "leave",	    "typing", "history",
						"search",    "fetch",  "upload",     "edit",	    "delete", "profile",
						"subscribe", "export", "admin_list", "admin_change" };
static const char *const persona_names[OTHER_PERSONAS] = { "office",  "trader",	    "gamer",	 "chatter",
							   "support", "admin",	    "analyst",	 "bot",
							   "agent",   "occasional", "freelancer" };
static const char *const what_names[] = { "open", "close", "login", "login failed", "message", "delivered", "refused" };

/* What is known of a connection, in an open-addressed table by its number; a number once used stays. */
struct seen {
	uint32_t connection, user, address;
	uint8_t used, open, in;
};

struct record {
	struct seen *seen;
	uint64_t mask, kept, wrong, last, honest_hash, whole_hash, events;
	uint64_t whats[7], types[TYPES], personas[OTHER_PERSONAS], of_attacks, honest_failed, honest_refused[4],
		hours[24];
	uint64_t octets;
};

static void complain(struct record *record, const char *what, const struct traffic_event *event)
{
	if (record->wrong++ < 20)
		printf("WRONG: %s: at %llu what %u connection %u user %u\n", what, (unsigned long long)event->at,
		       event->what, event->connection, event->user);
}

static struct seen *look_up(struct record *record, uint32_t connection)
{
	uint64_t i = (connection * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & record->mask;

	while (record->seen[i].used && record->seen[i].connection != connection)
		i = (i + 1) & record->mask;
	return record->seen + i;
}

static void check(struct record *record, const struct traffic_event *event)
{
	struct seen *seen = look_up(record, event->connection);

	if (event->at < record->last)
		complain(record, "time goes back", event);
	record->last = event->at;
	if (event->what == TRAFFIC_OPEN) {
		if (seen->used)
			complain(record, "number used twice", event);
		if (++record->kept > record->mask / 2)
			exit(2);
		*seen = (struct seen){ event->connection, event->user, event->address, 1, 1, 0 };
		return;
	}
	if (!seen->used || !seen->open) {
		complain(record, "not open", event);
		return;
	}
	if (seen->address != event->address)
		complain(record, "address changed", event);
	if (event->what == TRAFFIC_LOGIN || event->what == TRAFFIC_LOGIN_FAILED) {
		if (seen->in)
			complain(record, "logs in twice", event);
		seen->in = event->what == TRAFFIC_LOGIN;
		seen->user = event->user;
		if (seen->in && !event->session)
			complain(record, "no session", event);
	} else if (event->what != TRAFFIC_CLOSE && !seen->in) {
		complain(record, "talks before login", event);
	}
	if (seen->user != event->user)
		complain(record, "user changed", event);
	if ((event->what == TRAFFIC_REFUSED) != (event->cause != TRAFFIC_CAUSE_NONE))
		complain(record, "cause", event);
	if (event->what == TRAFFIC_CLOSE)
		seen->open = 0;
}

static uint64_t add_to_hash(uint64_t hash, const struct traffic_event *event)
{
	const unsigned char *octets = (const unsigned char *)event;

	for (size_t i = 0; i < sizeof *event; i++)
		hash = (hash ^ octets[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static void count(struct record *record, const struct other *world, const struct traffic_event *event, int label)
{
	record->events++;
	record->whole_hash = add_to_hash(record->whole_hash, event);
	if (label >= 0) {
		if (event->at / OTHER_DAY != (uint64_t)world->days - 1)
			complain(record, "attack before the last day", event);
		record->of_attacks++;
		return;
	}
	record->honest_hash = add_to_hash(record->honest_hash, event);
	record->whats[event->what]++;
	record->hours[event->at % OTHER_DAY / OTHER_HOUR]++;
	record->honest_failed += event->what == TRAFFIC_LOGIN_FAILED;
	if (event->what == TRAFFIC_REFUSED)
		record->honest_refused[event->cause]++;
	if (event->what == TRAFFIC_MESSAGE)
		record->types[event->type]++;
	if (event->what == TRAFFIC_DELIVERED)
		record->octets += event->size;
	if (event->user < world->options.users)
		record->personas[world->people[event->user].persona]++;
}

static void print_attacks(const struct other *world)
{
	const struct traffic_label *labels;
	size_t label_count = other_labels(world, &labels);

	printf("attack             strength  made began  events    minutes  users addresses (means of those that "
	       "began)\n");
	for (unsigned i = 0; i < KINDS * TRAFFIC_STRENGTHS; i++) {
		unsigned kind = i / TRAFFIC_STRENGTHS, strength = i % TRAFFIC_STRENGTHS + 1, made = 0, began = 0;
		double events = 0, minutes = 0, users = 0, addresses = 0;

		for (size_t j = 0; j < label_count; j++) {
			if (labels[j].kind != kind || labels[j].strength != strength)
				continue;
			made++;
			if (!labels[j].events)
				continue;
			began++;
			events += labels[j].events;
			minutes += (double)(labels[j].last - labels[j].first) / OTHER_MINUTE;
			users += (double)labels[j].user_count;
			addresses += (double)labels[j].address_count;
		}
		if (began)
			printf("%-18s %u %12u %5u %7.0f %10.1f %6.1f %6.1f\n", traffic_kind_names[kind], strength, made,
			       began, events / began, minutes / began, users / began, addresses / began);
		else
			printf("%-18s %u %12u %5u\n", traffic_kind_names[kind], strength, made, began);
	}
}

static void print(const struct record *record, const struct other *world)
{
	uint64_t people[OTHER_PERSONAS] = { 0 };

	for (unsigned i = 0; i < world->options.users; i++)
		people[world->people[i].persona]++;
	printf("%llu events, %.0f a day, %llu of attacks; %llu rules broken; "
	       "honest failed logins %.0f a day, octets %.0f MB a day\n",
	       (unsigned long long)record->events, (double)record->events / world->days,
	       (unsigned long long)record->of_attacks, (unsigned long long)record->wrong,
	       (double)record->honest_failed / world->days, (double)record->octets / 1e6 / world->days);
	printf("honest refused a day: permission %.1f rate %.1f invalid %.1f\n",
	       (double)record->honest_refused[TRAFFIC_PERMISSION] / world->days,
	       (double)record->honest_refused[TRAFFIC_RATE] / world->days,
	       (double)record->honest_refused[TRAFFIC_INVALID] / world->days);
	printf("hash of all %016llx of the honest %016llx\n", (unsigned long long)record->whole_hash,
	       (unsigned long long)record->honest_hash);
	for (int i = 0; i < 7; i++)
		printf("%-14s %10.0f a day\n", what_names[i], (double)record->whats[i] / world->days);
	for (int i = 0; i < TYPES; i++)
		printf("  %-14s %10.0f a day\n", traffic_type_names[i], (double)record->types[i] / world->days);
	for (int i = 0; i < OTHER_PERSONAS; i++)
		printf("%-14s %6llu people %10.0f events a day\n", persona_names[i], (unsigned long long)people[i],
		       (double)record->personas[i] / world->days);
	for (int i = 0; i < 24; i++)
		printf("%s%.0f", i ? " " : "thousands by hour of UTC: ", (double)record->hours[i] / world->days / 1000);
	printf("\nrelease at day %.2f of type %s; outages:", (double)world->release_at / OTHER_DAY,
	       traffic_type_names[world->release_type]);
	for (int i = 0; i < world->days; i++)
		if (world->outages[i] != OTHER_NEVER)
			printf(" %.2f", (double)world->outages[i] / OTHER_DAY);
	printf("\n");
}

int main(int argc, char **argv)
{
	struct traffic_options options = { 1, 10000, 5, 60 };
	struct record record = { 0 };
	struct traffic_event event;
	struct other *world;
	clock_t began;
	int label;

	if (argc > 1)
		options.seed = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		options.users = (unsigned)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		options.history = (unsigned)strtoul(argv[3], NULL, 10);
	if (argc > 4)
		options.instances = (unsigned)strtoul(argv[4], NULL, 10);
	record.mask = (UINT64_C(1) << 23) - 1;
	record.seen = calloc(record.mask + 1, sizeof *record.seen);
	began = clock();
	world = other_new(&options);
	if (!world || !record.seen)
		return 1;
	while (other_next(world, &event, &label)) {
		check(&record, &event);
		count(&record, world, &event, label);
		if (getenv("TRY_USER") && event.user == strtoul(getenv("TRY_USER"), NULL, 10))
			printf("%.1f c%u a%08x s%08x what %s type %s size %u cause %u label %d\n",
			       (double)event.at / 60000, event.connection, event.address, event.session,
			       what_names[event.what], traffic_type_names[event.type], event.size, event.cause, label);
	}
	for (uint64_t i = 0; i <= record.mask; i++)
		if (record.seen[i].open) {
			event.connection = record.seen[i].connection;
			complain(&record, "never closed", &event);
		}
	print(&record, world);
	print_attacks(world);
	printf("%.1f seconds with the checks\n", (double)(clock() - began) / CLOCKS_PER_SEC);
	other_free(world);
	free(record.seen);
	return record.wrong != 0;
}
