/* other_calendar.c: when people are there, and what befalls everybody: holidays, the release, outages of the service
 * and of the line of an office. */
#include "other_world.h"

static bool befalls(const struct other *world, uint64_t what, uint64_t which, int day, double probability)
{
	struct other_dice dice = { other_hash(other_hash(world->options.seed, what, which), 3,
					      (uint64_t)(day + 1000)) };

	return other_chance(&dice, probability);
}

void other_make_calendar(struct other *world)
{
	static const int types[] = { TYPE_EDIT, TYPE_SUBSCRIBE, TYPE_PROFILE, TYPE_SEARCH };
	struct other_dice dice = { other_hash(world->options.seed, 21, 0) };

	for (int i = 0; i <= world->days; i++) {
		world->outages[i] = world->outage_ends[i] = OTHER_NEVER;
		if (!other_chance(&dice, 0.3))
			continue;
		world->outages[i] = (int64_t)i * OTHER_DAY + other_below(&dice, 23 * OTHER_HOUR);
		world->outage_ends[i] = world->outages[i] + other_below(&dice, 150 * OTHER_SECOND) + 20 * OTHER_SECOND;
	}
	/* Once in nine days; it may have been before, or may yet come. */
	world->release_type = types[other_below(&dice, 4)];
	world->release_at = ((int64_t)other_below(&dice, 9) - 8 + world->days) * OTHER_DAY + 8 * OTHER_HOUR;
	world->release_at += other_below(&dice, 8 * OTHER_HOUR);
}

bool other_travels(const struct other_person *person, int day)
{
	return day >= person->travel_from && day < person->travel_to;
}

static int zone_of(const struct other_person *person, int day)
{
	return other_zone(other_travels(person, day) ? person->travel_country : person->country);
}

int other_local_day(const struct other_person *person, int64_t now)
{
	int64_t local = now + (int64_t)other_zone(person->country) * OTHER_MINUTE;

	return (int)((local + 10 * (int64_t)OTHER_DAY) / OTHER_DAY) - 10;
}

int other_local_minute(const struct other_person *person, int64_t now)
{
	int64_t local = now + (int64_t)other_zone(person->country) * OTHER_MINUTE + 10 * (int64_t)OTHER_DAY;

	return (int)(local % OTHER_DAY / OTHER_MINUTE);
}

int64_t other_outage_end(const struct other *world, int64_t now)
{
	for (int i = 0; i <= world->days; i++)
		if (world->outages[i] <= now && now < world->outage_ends[i])
			return world->outage_ends[i];
	return 0;
}

int64_t other_next_cut(const struct other *world, const struct other_device *device, int64_t now)
{
	const struct other_person *person = world->people + device->person;
	int day = (int)(now / OTHER_DAY);
	int64_t cut = OTHER_NEVER;

	for (int i = 0; i <= world->days; i++)
		if (world->outages[i] > now && world->outages[i] < cut)
			cut = world->outages[i];
	/* The line of an office fails about once a year. */
	if (device->at_office && befalls(world, 22, person->office, day, 1.0 / 300)) {
		uint64_t hash = other_hash(world->options.seed, 23, (uint64_t)person->office << 16 | (uint64_t)day);
		int64_t at = (int64_t)day * OTHER_DAY + (int64_t)(hash % OTHER_DAY);

		if (at > now && at < cut)
			cut = at;
	}
	return cut;
}

static void add(struct other_device *device, int64_t midnight, double from, double to)
{
	struct other_presence presence = { midnight + (int64_t)(from * OTHER_MINUTE),
					   midnight + (int64_t)(to * OTHER_MINUTE) };
	unsigned i = device->presence_count;

	if (i == OTHER_PRESENCES || to <= from)
		return;
	for (; i > 0 && device->presences[i - 1].from > presence.from; i--)
		device->presences[i] = device->presences[i - 1];
	device->presences[i] = presence;
	device->presence_count++;
}

/* No two at once, none before the last one of the day before. */
static void straighten(struct other_device *device)
{
	unsigned count = 0;

	for (unsigned i = 0; i < device->presence_count; i++) {
		struct other_presence presence = device->presences[i];

		if (presence.from < device->last_to)
			presence.from = device->last_to;
		if (presence.to < presence.from + 20 * OTHER_SECOND)
			continue;
		device->last_to = presence.to + 20 * OTHER_SECOND + other_below(&device->dice, 20 * OTHER_SECOND);
		device->presences[count++] = presence;
	}
	device->presence_count = count;
}

static void plan_work(const struct other_person *person, struct other_device *device, int64_t midnight)
{
	struct other_dice *dice = &device->dice;
	double from = person->start + other_normal(dice) * 12, to = person->end + other_normal(dice) * 22, noon;

	if (other_chance(dice, 0.02))
		from -= other_between(dice, 30, 120);
	if (from < 330)
		from = 330;
	if (other_chance(dice, 0.05))
		to += other_between(dice, 40, 240);
	if (to > 24 * 60 + 20)
		to = 24 * 60 + 20;
	if (person->persona == OTHER_TRADER || other_chance(dice, 0.3)) {
		add(device, midnight, from, to);
		return;
	}
	noon = (person->start + person->end) / 2.0 + other_normal(dice) * 15;
	add(device, midnight, from, noon - 20);
	add(device, midnight, noon + other_between(dice, 5, 35), to);
}

static void plan_glances(struct other_device *device, int64_t midnight, uint32_t count, double from, double to)
{
	struct other_dice *dice = &device->dice;

	for (uint32_t i = 0; i < count; i++) {
		double at = other_between(dice, from, to);

		add(device, midnight, at, at + 0.5 + other_lognormal(dice, 2.6, 0.8));
	}
}

static void plan_glance_at_night(struct other_device *device, int64_t midnight)
{
	double at = other_between(&device->dice, 30, 5 * 60);

	add(device, midnight, at, at + other_between(&device->dice, 1, 7));
}

static void plan_visits(struct other_device *device, int64_t midnight, uint32_t count, double around, double spread,
			double length)
{
	struct other_dice *dice = &device->dice;

	for (uint32_t i = 0; i < count; i++) {
		double at = around + other_normal(dice) * spread, stays = other_lognormal(dice, length, 0.6);

		add(device, midnight, at, at + (stays > 300 ? 300 : stays));
	}
}

static void plan_persona(const struct other *world, struct other_device *device, int day, int64_t midnight)
{
	const struct other_person *person = world->people + device->person;
	struct other_dice *dice = &device->dice;
	unsigned weekday = (unsigned)((day % 7 + 7) % 7);
	bool works = (person->workdays >> weekday & 1) && !befalls(world, 24, person->country, day, 1.0 / 40);
	int shift;

	if (device->kind == OTHER_PHONE && person->persona != OTHER_CHATTER) {
		plan_glances(device, midnight, 1 + other_below(dice, 7), 7 * 60, 22.7 * 60);
		if (other_chance(dice, 0.004)) /* who cannot sleep */
			plan_glance_at_night(device, midnight);
		return;
	}
	if (device->kind == OTHER_TAB) {
		plan_visits(device, midnight, other_below(dice, 4), (person->start + person->end) / 2.0, 120, 20);
		return;
	}
	switch (person->persona) {
	case OTHER_OFFICE:
	case OTHER_ADMIN:
	case OTHER_ANALYST:
	case OTHER_TRADER:
		if (works && other_chance(dice, 0.96))
			plan_work(person, device, midnight);
		else if (!works && other_chance(dice, 0.03))
			plan_visits(device, midnight, 1, 14 * 60, 150, 40);
		break;
	case OTHER_SUPPORT:
		shift = person->rotates ? (person->shift + (day + 7) / 7) % 3 : person->shift;
		if ((person->workdays >> weekday & 1) && other_chance(dice, 0.96))
			add(device, midnight, 360 + shift * 480 + other_normal(dice) * 6,
			    360 + (shift + 1) * 480 + other_normal(dice) * 8);
		break;
	case OTHER_GAMER:
		if (other_chance(dice, 0.75))
			plan_visits(device, midnight, 1 + other_below(dice, weekday >= 4 ? 3 : 2), person->start, 80,
				    75);
		break;
	case OTHER_CHATTER:
		plan_glances(device, midnight, 6 + other_below(dice, 12), person->start, person->end);
		break;
	case OTHER_OCCASIONAL:
		if (other_chance(dice, 0.3))
			plan_visits(device, midnight, 1 + other_below(dice, 2), 15 * 60, 160, 12);
		break;
	default:
		if (other_chance(dice, 0.8))
			plan_visits(device, midnight, 1 + other_below(dice, 4), person->start, 170, 60);
		break;
	}
}

/* The rare things of a day, in so far as they are a device's own. */
static void plan_rarities(const struct other *world, struct other_device *device, int day)
{
	const struct other_person *person = world->people + device->person;
	struct other_dice *dice = &device->dice;
	const struct other_presence *presence = device->presences;
	bool closing = person->persona == OTHER_ANALYST && person->mix[TYPE_EXPORT] > 0 && device->kind == OTHER_DESK &&
		       (unsigned)(day + 21) % 21 == world->offices[person->office].closing_day;

	device->mood = other_lognormal(dice, 1, 0.2) * other_exp(person->drift * day);
	device->burst = device->refused = 0;
	device->flaky_from = device->flaky_to = OTHER_NEVER;
	if (device->presence_count == 0)
		return;
	presence += other_below(dice, device->presence_count);
	if (other_chance(dice, device->kind == OTHER_PHONE ? 0.012 : 0.006)) {
		device->flaky_from = presence->from;
		device->flaky_to = presence->from + (int64_t)other_between(dice, 15 * OTHER_MINUTE, 80 * OTHER_MINUTE);
	}
	if (device->kind == OTHER_DESK && (closing || (other_chance(dice, 0.003) && person->mix[TYPE_FETCH] > 0))) {
		device->burst = closing ? 30 + other_below(dice, 60) : 15 + other_below(dice, 30);
		device->burst_type = closing ? TYPE_EXPORT : TYPE_FETCH;
		device->burst_at = presence->from + (presence->to - presence->from) / 4;
	}
	if (other_chance(dice, 0.01)) {
		device->refused = 1 + other_below(dice, 2);
		device->refused_type = person->role == OTHER_MEMBER ? TYPE_EXPORT : TYPE_ADMIN_LIST;
	} else if (person->role == OTHER_EXPORTER && other_chance(dice, 0.003)) {
		device->refused = 2 + other_below(dice, 4);
		device->refused_type = TYPE_EXPORT;
	}
	if (other_chance(dice, 0.001)) /* a new device, or one that was set up anew */
		device->session_until = 0;
	if (device->kind == OTHER_PHONE && other_chance(dice, 0.0008)) {
		device->retries = 8 + other_below(dice, 12);
		device->retry_slowly = true;
		device->retry_session = 0;
	}
}

void other_plan_day(struct other *world, struct other_device *device, int day)
{
	const struct other_person *person = world->people + device->person;
	int64_t midnight = (int64_t)day * OTHER_DAY - (int64_t)zone_of(person, day) * OTHER_MINUTE;

	device->day = day;
	device->presence_count = device->presence = 0;
	if (day < person->joined)
		return;
	if (device->kind == OTHER_NODE || person->persona == OTHER_BOT || person->persona == OTHER_AGENT) {
		device->presences[0].from = (person->joined > 0 ? midnight + 10 * OTHER_HOUR : 0) + device->last_to;
		device->presences[0].to = device->stop;
		device->presence_count = 1;
		device->day = world->days + 1;
		return;
	}
	if (day >= person->away_from && day < person->away_to) {
		if (device->kind == OTHER_PHONE && other_chance(&device->dice, 0.3))
			plan_glances(device, midnight, 1, 9 * 60, 22 * 60);
	} else {
		plan_persona(world, device, day, midnight);
	}
	straighten(device);
	plan_rarities(world, device, day);
}
