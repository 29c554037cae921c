/* other_people.c: who the people are, and what is lasting about each of them. */
#include "other_world.h"

static const unsigned shares[OTHER_PERSONAS] = { 340, 90, 190, 170, 60, 15, 25, 30, 10, 40, 30 };

static const double mixes[OTHER_PERSONAS][TYPES] = {
	/* ping chat join leave typing history search fetch upload edit delete profile subscribe export list change */
	[OTHER_OFFICE] = { 0, 30, 2, 2, 22, 10, 6, 14, 3, 5, 0.8, 2, 0, 0, 0, 0 },
	[OTHER_TRADER] = { 0, 12, 0, 0, 4, 16, 8, 6, 0, 0, 0, 1, 14, 1, 0, 0 },
	[OTHER_GAMER] = { 0, 40, 9, 8, 10, 4, 0, 3, 1, 0, 0, 4, 3, 0, 0, 0 },
	[OTHER_CHATTER] = { 0, 45, 1, 1, 25, 12, 1, 5, 3, 1, 0.8, 2, 0, 0, 0, 0 },
	[OTHER_SUPPORT] = { 0, 30, 8, 8, 10, 16, 14, 10, 1, 2, 0, 8, 0, 0, 0, 0 },
	[OTHER_ADMIN] = { 0, 20, 2, 2, 12, 10, 10, 12, 2, 3, 2, 4, 1, 1.5, 6, 3 },
	[OTHER_ANALYST] = { 0, 12, 1, 1, 6, 12, 16, 22, 3, 3, 0.8, 1, 4, 5, 0, 0 },
	[OTHER_AGENT] = { 0, 15, 0, 0, 0, 20, 25, 30, 5, 5, 0, 0, 0, 0, 0, 0 },
	[OTHER_OCCASIONAL] = { 0, 40, 2, 1, 15, 20, 4, 12, 1, 0, 0, 6, 0, 0, 0, 0 },
	[OTHER_FREELANCER] = { 0, 25, 3, 3, 15, 12, 6, 18, 8, 8, 1, 2, 0, 0, 0, 0 },
};

/* Messages and deliveries an hour while present, and hours present on a usual day. */
static const double rates[OTHER_PERSONAS] = { 22, 25, 30, 55, 45, 25, 30, 60, 55, 25, 25 };
static const double incomings[OTHER_PERSONAS] = { 20, 65, 40, 50, 30, 25, 15, 3, 0, 20, 20 };
static const double presents[OTHER_PERSONAS] = { 8, 9, 2.2, 0.8, 7.5, 8, 8, 24, 24, 0.2, 3 };

void other_make_offices(struct other *world)
{
	for (unsigned i = 0; i < world->office_count; i++) {
		struct other_dice dice = { other_hash(world->options.seed, 11, i) };

		world->offices[i].country = other_country(&dice);
		world->offices[i].address = other_business(world, &dice, world->offices[i].country);
		world->offices[i].closing_day = other_below(&dice, 21);
	}
}

static enum other_persona draw_persona(struct other_dice *dice)
{
	unsigned left = other_below(dice, 1000), i = 0;

	while (left >= shares[i])
		left -= shares[i++];
	return (enum other_persona)i;
}

/* Some never upload, some never edit: a habit leaves out what it seldom needs. */
static void make_mix(struct other_person *person, struct other_dice *dice)
{
	static const int of_bots[][3] = {
		{ TYPE_CHAT, TYPE_CHAT, TYPE_CHAT },	 { TYPE_FETCH, TYPE_HISTORY, TYPE_FETCH },
		{ TYPE_UPLOAD, TYPE_CHAT, TYPE_UPLOAD }, { TYPE_HISTORY, TYPE_SUBSCRIBE, TYPE_HISTORY },
		{ TYPE_SEARCH, TYPE_CHAT, TYPE_EDIT },	 { TYPE_FETCH, TYPE_FETCH, TYPE_CHAT }
	};

	if (person->persona == OTHER_BOT) {
		uint32_t which = other_below(dice, sizeof of_bots / sizeof *of_bots);

		person->mix[of_bots[which][0]] = 80;
		person->mix[of_bots[which][1]] += 15;
		person->mix[of_bots[which][2]] += 5;
		return;
	}
	for (int i = 0; i < TYPES; i++) {
		double usual = mixes[person->persona][i];

		person->mix[i] = other_lognormal(dice, usual, 0.45);
		if (usual < 7 && usual > 0 && other_chance(dice, 0.35))
			person->mix[i] = 0;
	}
}

static void make_hours(struct other *world, struct other_person *person, struct other_dice *dice)
{
	person->start = (int)other_between(dice, 7.3 * 60, 9.8 * 60);
	person->end = person->start + (int)other_between(dice, 8 * 60, 9.5 * 60);
	person->workdays = other_chance(dice, 0.12) ? 0x0f : 0x1f;
	person->rotates = other_chance(dice, 0.3);
	person->shift = (int)other_below(dice, 3);
	switch (person->persona) {
	case OTHER_TRADER:
		person->start = (int)other_between(dice, 7 * 60, 8.2 * 60);
		person->end = person->start + (int)other_between(dice, 9 * 60, 10 * 60);
		break;
	case OTHER_SUPPORT:
		person->workdays = 0x7fu & ~(1u << other_below(dice, 7)) & ~(1u << other_below(dice, 7));
		break;
	case OTHER_GAMER:
	case OTHER_FREELANCER: /* the middle of what hours he has */
		person->start = (int)other_between(dice, 15 * 60, 24.5 * 60);
		person->end = person->start + 60;
		break;
	case OTHER_CHATTER: /* awake */
		person->start = (int)other_between(dice, 6.5 * 60, 9.5 * 60);
		person->end = (int)other_between(dice, 21.5 * 60, 24 * 60);
		break;
	default:
		break;
	}
	if (person->persona == OTHER_OFFICE || person->persona == OTHER_TRADER || person->persona == OTHER_SUPPORT ||
	    person->persona == OTHER_ADMIN || person->persona == OTHER_ANALYST) {
		/* A few offices are large and most are small. */
		double u = other_unit(dice);

		person->office = 1 + (unsigned)(u * u * u * (world->office_count - 1));
		person->country = world->offices[person->office].country;
		if (person->persona != OTHER_TRADER && person->persona != OTHER_SUPPORT && other_chance(dice, 0.5))
			person->home_days = other_below(dice, 32);
	}
}

static void make_life(struct other *world, struct other_person *person, struct other_dice *dice)
{
	int days = world->days;

	person->joined = -1000;
	person->away_from = person->away_to = -1000;
	person->travel_from = person->travel_to = -1000;
	person->adopt_day = 100000;
	person->adopt_type = -1;
	person->release_hours = other_exponential(dice, 7);
	person->travel_country = other_country(dice);
	person->travel_address = other_residence(world, dice, person->travel_country);
	if (other_chance(dice, 0.003 * days))
		person->joined = (int)other_below(dice, (uint32_t)days);
	if (person->persona == OTHER_BOT || person->persona == OTHER_AGENT)
		return;
	if (other_chance(dice, 0.006 * (days + 10))) {
		person->away_from = (int)other_below(dice, (uint32_t)days + 10) - 10;
		person->away_to = person->away_from + 3 + (int)other_below(dice, 12);
	}
	if (other_chance(dice, 0.0015 * (days + 4))) {
		person->travel_from = (int)other_below(dice, (uint32_t)days + 4) - 4;
		person->travel_to = person->travel_from + 2 + (int)other_below(dice, 5);
	}
	if (other_chance(dice, 0.003 * days)) {
		static const int types[] = { TYPE_SEARCH, TYPE_UPLOAD,	TYPE_EDIT,
					     TYPE_DELETE, TYPE_PROFILE, TYPE_SUBSCRIBE };

		person->adopt_day = (int)other_below(dice, (uint32_t)days);
		person->adopt_type = types[other_below(dice, 6)];
	}
}

static void make_program(struct other *world, struct other_person *person, struct other_dice *dice)
{
	static const double beats[] = { 20, 30, 60, 60, 60, 120, 300, 300, 600, 900 };

	person->hosting = other_hosting(world, dice, true);
	person->beat = 1000 * beats[other_below(dice, 10)];
	person->beat_jitter = other_chance(dice, 0.5) ? 0.003 : 0.02;
	person->rate = person->persona == OTHER_BOT ? 3600e3 / person->beat : person->rate;
	person->token_hours[0] = other_chance(dice, 0.5) ? 24 : 24 * 90;
	person->ping_seconds = 0;
}

void other_make_person(struct other *world, uint32_t index)
{
	struct other_person *person = world->people + index;
	struct other_dice dice = { other_hash(world->options.seed, 12, index) };
	double reads = 0, sum = 0;

	person->persona = draw_persona(&dice);
	person->country = other_country(&dice);
	make_hours(world, person, &dice);
	person->role = OTHER_MEMBER;
	if (person->persona == OTHER_TRADER || person->persona == OTHER_ANALYST)
		person->role = OTHER_EXPORTER;
	if (person->persona == OTHER_ADMIN)
		person->role = OTHER_ADMINISTRATOR;
	person->carrier = other_below(&dice, 3);
	person->home = other_residence(world, &dice, person->country);
	if (other_chance(&dice, 0.07)) {
		person->vpn = 1 + other_below(&dice, 4);
		person->vpn_share = other_chance(&dice, 0.6) ? 1 : 0.35;
	}
	person->token_hours[0] = other_chance(&dice, 0.55) ? 11 : 24 * 14;
	person->token_hours[1] = 24 * 30;
	if (person->persona == OTHER_GAMER || person->persona == OTHER_CHATTER)
		person->token_hours[0] = 24 * 21;
	person->rate = other_lognormal(&dice, rates[person->persona], 0.35);
	person->drift = 0.006 * other_normal(&dice);
	person->incoming = other_lognormal(&dice, incomings[person->persona], 0.4);
	if (person->persona == OTHER_TRADER || (person->persona == OTHER_GAMER && other_chance(&dice, 0.6)))
		person->ping_seconds = other_chance(&dice, 0.5) ? 120 : 240;
	if (person->persona == OTHER_TRADER && other_chance(&dice, 0.12))
		person->refresh_seconds = 60;
	make_mix(person, &dice);
	make_life(world, person, &dice);
	if (person->persona == OTHER_BOT || person->persona == OTHER_AGENT)
		make_program(world, person, &dice);
	person->scale = other_lognormal(&dice, 1, 0.4);
	for (int i = 0; i < TYPES; i++) {
		sum += person->mix[i];
		reads += person->mix[i] * other_answer_mean(i);
	}
	person->day_octets = person->scale * presents[person->persona] * person->rate * reads / sum;
}

static bool has(uint64_t seed, uint32_t index, uint64_t what, double probability)
{
	struct other_dice dice = { other_hash(seed, what, index) };

	return other_chance(&dice, probability);
}

unsigned other_count_devices(const struct other_person *person, uint64_t seed, uint32_t index)
{
	switch (person->persona) {
	case OTHER_BOT:
	case OTHER_CHATTER:
	case OTHER_OCCASIONAL:
		return 1;
	case OTHER_AGENT:
		return 1 + (unsigned)other_hash(seed, 13, index) % 3;
	default:
		return 1u + has(seed, index, 14, 0.55) + has(seed, index, 15, 0.15);
	}
}

/* They hold tokens from before the first day, but for those who join later. */
void other_make_devices(struct other *world, uint32_t index)
{
	struct other_person *person = world->people + index;
	bool program = person->persona == OTHER_BOT || person->persona == OTHER_AGENT;
	bool phone = has(world->options.seed, index, 14, 0.55);

	for (uint32_t i = 0; i < person->device_count; i++) {
		struct other_device *device = world->devices + person->device + i;
		double hours;

		device->dice.state = other_hash(world->options.seed, 16 + i, index);
		device->person = index;
		device->kind = i == 0 ? OTHER_DESK : program ? OTHER_NODE : i == 1 && phone ? OTHER_PHONE : OTHER_TAB;
		if (i == 0 && (person->persona == OTHER_CHATTER ||
			       (person->persona == OTHER_OCCASIONAL && other_chance(&device->dice, 0.6))))
			device->kind = OTHER_PHONE;
		device->state = OTHER_AWAY;
		device->day = -2;
		device->stop = world->end - 1 - other_below(&device->dice, 2000);
		device->ghost_at = device->answer_at = OTHER_NEVER;
		device->flaky_from = device->flaky_to = device->burst_at = OTHER_NEVER;
		device->last_to = other_below(&device->dice, 20 * OTHER_MINUTE);
		device->mood = 1;
		if (device->kind == OTHER_TAB || device->kind == OTHER_NODE || person->joined >= 0)
			continue;
		hours = person->token_hours[device->kind == OTHER_PHONE];
		device->session = other_new_session(world, true);
		device->session_until = (int64_t)(other_unit(&device->dice) * hours * OTHER_HOUR);
	}
}
