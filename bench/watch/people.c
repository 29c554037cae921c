/* people.c: those who mean no harm: who they are, when and where they come, and what they do wrong now and then. */
#include <math.h>
#include <stdlib.h>

#include "world.h"

enum { PROVIDERS = 40, CARRIERS = 6, OFFICES = 60, SERVERS = 30, HOTELS = 200, VPNS = 5 };

/* Shares of what each sort of people sends, before each gets a taste of his own. */
static const float tastes[PERSONAS][TYPES] = {
	/*                    ping chat join leave typing history search fetch upload edit delete profile subscribe
	   export list change */
	[PERSONA_CHATTER] = { 6, 40, 4, 3, 30, 6, 1.5f, 2, 0.6f, 2, 0.6f, 0.5f, 1, 0, 0, 0 },
	[PERSONA_WORKER] = { 8, 14, 3, 2, 8, 8, 8, 18, 2.5f, 14, 1.5f, 0.4f, 3, 0.05f, 0, 0 },
	[PERSONA_ANALYST] = { 8, 4, 2, 1, 2, 10, 22, 30, 0.5f, 2, 0.2f, 0.3f, 10, 0.8f, 0, 0 },
	[PERSONA_LURKER] = { 12, 3, 6, 5, 2, 18, 4, 12, 0.2f, 0.3f, 0.1f, 0.6f, 14, 0, 0, 0 },
	[PERSONA_ADMIN] = { 6, 10, 2, 1, 5, 6, 9, 12, 0.5f, 6, 2, 1.5f, 3, 0.2f, 8, 3 },
	[PERSONA_BOT] = { 10, 12, 0.2f, 0.2f, 0, 2, 4, 30, 4, 2, 0.3f, 0, 6, 0, 0, 0 },
};

static const struct {
	float share, gap, spread, visits, minutes, content;
} ways[PERSONAS] = {
	[PERSONA_CHATTER] = { 0.45f, 22000, 1.25f, 3.5f, 45, 0.7f },
	[PERSONA_WORKER] = { 0.30f, 32000, 1.3f, 3, 90, 1 },
	[PERSONA_ANALYST] = { 0.12f, 26000, 1.35f, 2.5f, 80, 1.6f },
	[PERSONA_LURKER] = { 0.09f, 60000, 1.3f, 5, 20, 0.8f },
	[PERSONA_ADMIN] = { 0.02f, 40000, 1.35f, 3, 70, 1 },
	[PERSONA_BOT] = { 0.02f, 30000, 0.06f, 2, 600, 1 },
};

static uint32_t network(uint32_t first, uint32_t number)
{
	return (first + number) << 16;
}

uint32_t world_home(uint64_t *state)
{
	/* Providers differ in size; each has two networks. */
	double large = dice_unit(state);
	uint32_t provider = (uint32_t)(PROVIDERS * large * large);
	return network(0x5000, provider * 2 + dice_below(state, 2)) | (1 + dice_below(state, 65534));
}

uint32_t world_mobile(uint64_t *state, uint32_t carrier)
{
	/* Thousands behind a few hundred addresses, another one at each visit. */
	return network(0x6400, carrier * 2 + dice_below(state, 2)) | dice_below(state, 256);
}

uint32_t world_server(uint64_t *state)
{
	return network(0xb900, dice_below(state, SERVERS)) | (1 + dice_below(state, 65534));
}

static void make_person(struct person *person, uint32_t number, uint64_t seed)
{
	uint64_t state = seed ^ (0x5851f42d4c957f2d * (number + 1));
	double drawn = dice_unit(&state);
	unsigned persona = 0;
	while (persona < PERSONAS - 1 && drawn >= ways[persona].share)
		drawn -= ways[persona++].share;
	person->persona = (uint8_t)persona;
	double sum = 0;
	for (unsigned i = 0; i < TYPES; i++) {
		sum += tastes[persona][i] * exp(0.45 * dice_normal(&state));
		person->mix[i] = (float)sum;
	}
	person->gap = (float)(ways[persona].gap * exp(0.4 * dice_normal(&state)));
	person->spread = (float)(ways[persona].spread * (0.85 + 0.3 * dice_unit(&state)));
	person->size = (float)exp(0.3 * dice_normal(&state));
	person->content = (float)(ways[persona].content * exp(0.4 * dice_normal(&state)));
	person->clumsy = (float)(dice_unit(&state) < 0.1 ? 0.0025 : 0.0002);
	person->visits = (float)(ways[persona].visits * exp(0.35 * dice_normal(&state)));
	person->minutes = (float)(ways[persona].minutes * exp(0.3 * dice_normal(&state)));
	/* Three zones: most live where the service does. */
	double zone = dice_unit(&state);
	double middle = persona == PERSONA_CHATTER || persona == PERSONA_LURKER ? 18 + 2.2 * dice_normal(&state)
										: 12.5 + 1.1 * dice_normal(&state);
	middle += zone < 0.6 ? 0 : zone < 0.85 ? 6 : -7;
	person->hour = (float)fmod(middle + 48, 24);
	person->width = (float)(persona == PERSONA_CHATTER || persona == PERSONA_LURKER ? 4.5 + dice_unit(&state)
											: 4 + 0.7 * dice_unit(&state));
	person->night_owl = dice_unit(&state) < 0.04;
	person->home = world_home(&state);
	if (dice_unit(&state) < 0.03) /* behind a service that hides where he is */
		person->home = network(0xc100, dice_below(&state, VPNS)) | dice_below(&state, 64);
	if (persona == PERSONA_WORKER || persona == PERSONA_ANALYST || persona == PERSONA_ADMIN) {
		double large = dice_unit(&state);
		person->office = network(0x7000, (uint32_t)(OFFICES * large)) | 17;
	}
	person->mobile = dice_below(&state, CARRIERS);
	person->hotel = network(0x9000, dice_below(&state, HOTELS)) | dice_below(&state, 16);
	person->at_home = (float)(person->office ? 0.25 * dice_unit(&state) : 1);
	person->on_the_road = (float)(persona == PERSONA_BOT	? 0
				      : dice_unit(&state) < 0.5 ? 0.05
								: 0.35 * dice_unit(&state));
	if (persona == PERSONA_BOT) {
		person->home = world_server(&state);
		person->office = 0;
	}
	person->visit.user = number;
	person->visit.person = true;
	person->visit.dice = state;
}

/* How likely he is there at that time, up to 1. */
static double eagerness(const struct person *person, uint64_t at)
{
	if (person->persona == PERSONA_BOT)
		return 1;
	double hour = (double)(at % DAY) / HOUR, away = fabs(hour - person->hour);
	away = away > 12 ? 24 - away : away;
	double eager = person->night_owl ? 0.35 : 0.0006;
	double inside = away / person->width;
	eager += exp(-inside * inside * inside * inside);
	if (at / DAY % 7 >= 5 && person->office)
		eager *= 0.2; /* the weekend */
	return eager > 1 ? 1 : eager;
}

static uint32_t place(struct person *person, uint64_t at)
{
	struct visit *visit = &person->visit;
	if (person->travels_on == at / DAY + 1)
		return dice_below(&visit->dice, 3) ? person->hotel : world_mobile(&visit->dice, person->mobile);
	double drawn = dice_unit(&visit->dice);
	if (drawn < person->on_the_road)
		return world_mobile(&visit->dice, person->mobile);
	return person->office && dice_unit(&visit->dice) >= person->at_home ? person->office : person->home;
}

/* The next visit: the time until it is drawn against what the hours allow. */
static void come_again(struct world *world, struct person *person, uint64_t after)
{
	struct visit *visit = &person->visit;
	double open_hours = 1.8 * person->width, per_hour = person->visits / open_hours;
	double at = (double)after;
	do
		at += 60.0 * SECOND + dice_exponential(&visit->dice, HOUR / per_hour);
	while (at < (double)world->end && dice_unit(&visit->dice) >= eagerness(person, (uint64_t)at));
	double minutes = person->minutes * exp(0.7 * dice_normal(&visit->dice));
	uint64_t begin = (uint64_t)at, lasts = (uint64_t)((minutes > 900 ? 900 : minutes) * MINUTE);
	if (dice_unit(&visit->dice) < 0.004)
		person->travels_on = (uint16_t)(begin / DAY + 1);
	if (dice_unit(&visit->dice) < 0.002) /* his provider gives him another address */
		person->home = (person->home & 0xffff0000) | (1 + dice_below(&visit->dice, 65534));
	if (person->session_until < begin) {
		person->session = visit->session = ++world->sessions;
		person->session_until = begin + 12 * (uint64_t)HOUR;
		double luck = dice_unit(&visit->dice);
		visit->fails = person->persona == PERSONA_BOT ? 0
			       : luck < 0.03		      ? 1
			       : luck < 0.036		      ? 2
			       : luck < 0.038		      ? (uint8_t)(3 + dice_below(&visit->dice, 4))
							      : 0;
	} else {
		visit->session = person->session;
		visit->fails = 0;
	}
	visit->address = place(person, begin);
	visit->mix = person->mix;
	visit->gap = person->gap;
	visit->spread = person->spread;
	visit->size = person->size;
	visit->content = person->content;
	visit->refused = person->clumsy;
	/* A mood: some days are busier; a few times someone honestly needs a lot at once. */
	visit->gap *= (float)exp(0.25 * dice_normal(&visit->dice));
	if (person->persona == PERSONA_ANALYST && dice_unit(&visit->dice) < 0.004)
		visit->content *= 6;
	visit_begin(world, visit, begin, begin + lasts);
	person->quick_returns = visit->address >> 20 == 0x640 && dice_unit(&visit->dice) < 0.06
					? (uint8_t)(1 + dice_below(&visit->dice, 5))
					: 0;
}

void person_step(struct world *world, struct person *person, struct traffic_event *event)
{
	struct visit *visit = &person->visit;
	bool cut = visit->cut;
	if (person->quick_returns && visit->stage == VISIT_TALK && !visit->reply && dice_unit(&visit->dice) < 0.1)
		visit->cut = true; /* the train went into a tunnel */
	uint64_t until = visit->until;
	visit_step(world, visit, event);
	if (visit->stage != VISIT_NONE)
		return;
	if (visit->cut && until > visit->at + MINUTE) { /* he is back as soon as he can */
		uint64_t wait = 500 + (uint64_t)dice_exponential(&visit->dice, cut ? 8000 : 15000);
		if (!cut) {
			person->quick_returns--;
			visit->address = world_mobile(&visit->dice, person->mobile);
		}
		visit_begin(world, visit, visit->at + wait, until);
		return;
	}
	come_again(world, person, visit->at);
}

void world_people(struct world *world)
{
	for (unsigned day = 0; day < DAYS_MOST; day++) {
		world->restart[day] = day * (uint64_t)DAY + (dice(&world->dice) % DAY);
		world->rush[day] =
			dice_below(&world->dice, 3) ? day * (uint64_t)DAY + (dice(&world->dice) % DAY) : UINT64_MAX / 2;
	}
	for (uint32_t i = 0; i < world->options.users; i++) {
		make_person(&world->people[i], i, world->options.seed);
		come_again(world, &world->people[i], 0);
	}
}
