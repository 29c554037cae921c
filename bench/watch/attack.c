/* attack.c: twelve kinds of attack at three strengths; README.md says each in a sentence. Two sorts of actors do them
 * all: one who guesses passwords and connects, and one who drives visits with somebody's account. */
#include <math.h>
#include <stdlib.h>

#include "world.h"

/* Guessing and connecting: `tries` by `sources` addresses, a pause in between, of that many accounts (0: one for each
 * try). */
static const struct guess_row {
	unsigned tries, sources, accounts;
	double pause;		      /* seconds, median */
	float spread, lucky, unknown; /* share of right passwords, of names that nobody has */
	bool rented;		      /* addresses of rented servers; else of homes */
} guesses[KINDS][TRAFFIC_STRENGTHS] = {
	[KIND_SPRAY] = { { 80, 10, 0, 80, 0.5f, 0, 0.02f, false },
			 { 180, 3, 0, 10, 0.5f, 0.005f, 0.05f, true },
			 { 400, 1, 0, 1.5, 0.3f, 0.005f, 0.1f, true } },
	[KIND_STUFFING] = { { 300, 150, 0, 12, 0.8f, 0.01f, 0.4f, false },
			    { 600, 60, 0, 4, 0.5f, 0.01f, 0.4f, false },
			    { 2000, 20, 0, 0.6, 0.3f, 0.02f, 0.5f, true } },
	[KIND_SLOW_BRUTE] = { { 100, 3, 1, 180, 0.4f, 0, 0, false },
			      { 240, 2, 1, 30, 0.3f, 0, 0, true },
			      { 360, 1, 1, 5, 0.2f, 0, 0, true } },
	[KIND_RECONNECT] = { { 150, 1, 1, 6, 0.3f, 1, 0, false },
			     { 360, 1, 1, 1, 0.3f, 1, 0, false },
			     { 2700, 1, 1, 0.066, 0.3f, 1, 0, true } },
};

enum where { OWN, HOMES, RENTED };
static const struct drive_row {
	unsigned visits, minutes;
	double gap; /* seconds, median; 0: his own */
	float spread, reads, content, refused;
	enum where where;
} drives[KINDS][TRAFFIC_STRENGTHS] = {
	[KIND_STOLEN_SESSION] = { { 1, 30, 30, 1.2f, 0.4f, 1, 0, HOMES },
				  { 1, 45, 15, 0.9f, 0.5f, 1.5f, 0, RENTED },
				  { 1, 60, 4, 0.6f, 0.8f, 2, 0.01f, RENTED } },
	[KIND_SCRIPTED] = { { 1, 60, 8, 0.12f, 0, 1, 0, OWN },
			    { 1, 60, 5, 0.04f, 0.1f, 1, 0, OWN },
			    { 1, 40, 1, 0.01f, 0.3f, 1, 0, OWN } },
	[KIND_EXFILTRATION] = { { 1, 60, 10, 0.9f, 0.7f, 4, 0, OWN },
				{ 1, 60, 5, 0.8f, 0.8f, 8, 0, OWN },
				{ 1, 45, 1.5, 0.6f, 0.95f, 20, 0, OWN } },
	[KIND_PROBING] = { { 1, 90, 40, 1, 0.2f, 1, 0.08f, OWN },
			   { 1, 45, 20, 0.9f, 0.2f, 1, 0.25f, OWN },
			   { 1, 10, 2, 0.5f, 0.1f, 1, 0.8f, OWN } },
	[KIND_TOKEN_SHARING] = { { 2, 150, 60, 1.2f, 0, 1, 0, HOMES },
				 { 3, 150, 45, 1.2f, 0, 1, 0, HOMES },
				 { 7, 120, 30, 1.2f, 0, 1, 0, HOMES } },
	[KIND_INSIDER] = { { 1, 60, 25, 1.1f, 0.5f, 1, 0, OWN },
			   { 1, 75, 12, 0.9f, 0.7f, 2, 0, OWN },
			   { 1, 90, 4, 0.8f, 0.9f, 3, 0.005f, OWN } },
	[KIND_LOW_SLOW] = { { 1, 840, 400, 0.5f, 0.9f, 1.5f, 0, OWN },
			    { 1, 720, 180, 0.5f, 0.9f, 2, 0, OWN },
			    { 1, 540, 60, 0.5f, 1, 3, 0, OWN } },
};

/* Many clients at once send what they did not send before: accounts, their share of such messages, minutes. */
static const struct {
	unsigned people, minutes;
	float share;
} shifts[TRAFFIC_STRENGTHS] = { { 12, 60, 0.3f }, { 40, 45, 0.5f }, { 120, 30, 0.8f } };

struct attack {
	struct traffic_label *label;
	uint64_t dice, at, until;
	uint32_t victim, session, left, sources[160];
	unsigned source_count, visit_count, turn;
	struct visit visits[VISITS_OF_ATTACK], guess;
	float reads[TYPES];
	uint32_t shifted[TRAFFIC_USERS_OF_LABEL];
	bool begun;
};

static bool guesses_at(unsigned kind)
{
	return kind == KIND_SPRAY || kind == KIND_STUFFING || kind == KIND_SLOW_BRUTE || kind == KIND_RECONNECT;
}

static uint32_t somebody(struct world *world, struct attack *attack)
{
	for (unsigned tries = 0; tries < 1000; tries++) {
		uint32_t number = dice_below(&attack->dice, world->options.users);
		struct person *person = &world->people[number];
		if (!person->taken && person->persona != PERSONA_BOT && !person->night_owl) {
			person->taken = true;
			return number;
		}
	}
	return dice_below(&attack->dice, world->options.users);
}

static double lasts(const struct attack *attack)
{
	unsigned kind = attack->label->kind, strength = attack->label->strength - 1u;
	if (guesses_at(kind))
		return guesses[kind][strength].tries * guesses[kind][strength].pause * SECOND * 1.1;
	return (double)(kind == KIND_TYPE_SHIFT ? shifts[strength].minutes : drives[kind][strength].minutes) * MINUTE;
}

struct attack *attack_new(struct world *world, struct traffic_label *label, unsigned number)
{
	struct attack *attack = calloc(1, sizeof(*attack));
	if (!attack)
		return NULL;
	attack->label = label;
	attack->dice = world->options.seed * 0x2545f4914f6cdd1d + number;
	dice(&attack->dice);
	uint64_t day = world->end - DAY;
	double room = DAY - lasts(attack) - HOUR;
	attack->at = day + (uint64_t)(dice_unit(&attack->dice) * (room > HOUR ? room : HOUR));
	unsigned kind = label->kind;
	if (kind != KIND_SPRAY && kind != KIND_STUFFING && kind != KIND_TYPE_SHIFT) {
		attack->victim = somebody(world, attack);
		label->users[label->user_count++] = attack->victim;
	}
	struct person *person = &world->people[attack->victim];
	if (kind == KIND_INSIDER) { /* when he is never there: in the middle of his night, give or take two hours */
		double hour = fmod(person->hour + 10 + 4 * dice_unit(&attack->dice), 24);
		attack->at = day + (uint64_t)((hour > 22 ? 22 : hour) * HOUR);
	}
	if (guesses_at(kind)) {
		const struct guess_row *row = &guesses[kind][label->strength - 1];
		attack->left = row->tries;
		uint32_t near = world_home(&attack->dice);
		for (; attack->source_count < row->sources; attack->source_count++) {
			uint32_t address = row->rented ? world_server(&attack->dice) : world_home(&attack->dice);
			if (kind == KIND_SPRAY && !row->rented) /* all of one network */
				address = (near & 0xffff0000) | (address & 0xffff);
			if (kind == KIND_RECONNECT && !row->rented)
				address = person->home;
			attack->sources[attack->source_count] = address;
		}
	}
	return attack;
}

void attack_free(struct attack *attack)
{
	free(attack);
}

/* Types that are answered with content, in this share; the rest as he does otherwise. */
static void reads_of(struct attack *attack, const struct person *person, float share)
{
	float sum = 0, own = person->mix[TYPES - 1];
	for (unsigned i = 0; i < TYPES; i++) {
		bool content = i == TYPE_HISTORY || i == TYPE_SEARCH || i == TYPE_FETCH;
		sum += (1 - share) * (person->mix[i] - (i ? person->mix[i - 1] : 0)) / own +
		       share * (content ? 1.0f / 3 : 0);
		attack->reads[i] = sum;
	}
}

static bool drives_begin(struct world *world, struct attack *attack)
{
	unsigned kind = attack->label->kind;
	const struct drive_row *row = &drives[kind][attack->label->strength - 1];
	struct person *person = &world->people[attack->victim];
	bool token = kind == KIND_STOLEN_SESSION || kind == KIND_TOKEN_SHARING;
	if (token && person->visit.stage != VISIT_TALK && attack->at < world->end - 2 * HOUR) {
		attack->at += MINUTE; /* there is nothing to steal before he comes */
		return false;
	}
	if ((kind == KIND_SCRIPTED || kind == KIND_EXFILTRATION || kind == KIND_PROBING) &&
	    person->visit.stage != VISIT_TALK && attack->at < world->end - 2 * HOUR && person->visit.at > attack->at) {
		attack->at += MINUTE; /* these are done at hours at which he is there */
		return false;
	}
	reads_of(attack, person, row->reads);
	attack->session = token ? person->session : ++world->sessions;
	if (kind == KIND_STOLEN_SESSION && attack->label->strength == 1) /* he waits until the owner has left */
		attack->at = person->visit.until + 2 * MINUTE;
	if (attack->at + row->minutes * (uint64_t)MINUTE / 2 > world->end) {
		attack->at = UINT64_MAX;
		return false;
	}
	attack->visit_count = row->visits;
	for (unsigned i = 0; i < row->visits; i++) {
		struct visit *visit = &attack->visits[i];
		uint32_t own = person->visit.stage != VISIT_NONE && person->visit.address ? person->visit.address
											  : person->home;
		if (kind == KIND_INSIDER || kind == KIND_LOW_SLOW)
			own = person->home;
		*visit = (struct visit){ .dice = dice(&attack->dice),
					 .user = attack->victim,
					 .session = attack->session,
					 .mix = attack->reads,
					 .gap = (float)(row->gap * SECOND),
					 .spread = row->spread,
					 .size = person->size,
					 .content = person->content * row->content,
					 .refused = row->refused,
					 .address = row->where == OWN	  ? own
						    : row->where == HOMES ? world_home(&attack->dice)
									  : world_server(&attack->dice) };
		visit_begin(world, visit, attack->at + i * 2 * (uint64_t)MINUTE,
			    attack->at + row->minutes * (uint64_t)MINUTE);
	}
	return true;
}

static bool shift_begin(struct world *world, struct attack *attack)
{
	unsigned strength = attack->label->strength - 1u, found = 0;
	uint32_t number = dice_below(&attack->dice, world->options.users);
	for (uint32_t i = 0; i < world->options.users && found < shifts[strength].people; i++) {
		struct person *person = &world->people[(number + i) % world->options.users];
		if (person->visit.stage == VISIT_TALK && !person->taken && person->persona != PERSONA_BOT &&
		    person->visit.until > attack->at + 10 * MINUTE)
			attack->shifted[found++] = (number + i) % world->options.users;
	}
	if (found < shifts[strength].people && attack->at < world->end - 2 * HOUR) {
		attack->at += 5 * MINUTE;
		return false;
	}
	/* What few send otherwise, by one choice for all of them. */
	static const uint8_t rare[] = { TYPE_UPLOAD, TYPE_DELETE, TYPE_PROFILE, TYPE_LEAVE };
	unsigned a = dice_below(&attack->dice, 4), b = (a + 1 + dice_below(&attack->dice, 3)) % 4;
	for (unsigned i = 0; i < TYPES; i++)
		attack->reads[i] = (i ? attack->reads[i - 1] : 0) + (i == rare[a] ? 0.7f : i == rare[b] ? 0.3f : 0);
	attack->until = attack->at + shifts[strength].minutes * (uint64_t)MINUTE;
	for (unsigned i = 0; i < found; i++) {
		struct person *person = &world->people[attack->shifted[i]];
		person->taken = true;
		person->visit.other_mix = attack->reads;
		person->visit.other_share = shifts[strength].share;
		attack->label->users[attack->label->user_count++] = attack->shifted[i];
	}
	attack->at = attack->until;
	return true;
}

int attack_claims(const struct attack *attack, uint32_t user, uint64_t at)
{
	if (attack->label->kind != KIND_TYPE_SHIFT || !attack->begun || at > attack->until)
		return 0;
	for (size_t i = 0; i < attack->label->user_count; i++)
		if (attack->shifted[i] == user)
			return 1;
	return 0;
}

/* A guess is: connect, try, be let in or not, go. */
static void guess_step(struct world *world, struct attack *attack, struct traffic_event *event)
{
	unsigned kind = attack->label->kind;
	const struct guess_row *row = &guesses[kind][attack->label->strength - 1];
	struct visit *visit = &attack->guess;
	if (visit->stage == VISIT_NONE) {
		bool known = dice_unit(&attack->dice) >= row->unknown;
		uint32_t user = row->accounts ? attack->victim : dice_below(&attack->dice, world->options.users);
		if (!known)
			user = world->options.users + dice_below(&attack->dice, 1000000);
		if (!row->accounts && known && attack->label->user_count < TRAFFIC_USERS_OF_LABEL)
			attack->label->users[attack->label->user_count++] = user;
		bool lucky = dice_unit(&attack->dice) < row->lucky && known;
		*visit = (struct visit){ .dice = dice(&attack->dice),
					 .user = user,
					 .address = attack->sources[attack->turn++ % attack->source_count],
					 .session = ++world->sessions,
					 .fails = !lucky };
		visit_begin(world, visit, attack->at, attack->at);
	}
	visit_step(world, visit, event);
	/* Quick ones end it long before a person could. */
	if (event->what == TRAFFIC_OPEN)
		visit->at = event->at + 15 + dice_below(&attack->dice, 40);
	else if (event->what == TRAFFIC_LOGIN || event->what == TRAFFIC_LOGIN_FAILED) {
		visit->stage = VISIT_CLOSE;
		visit->at = event->at + 5 + dice_below(&attack->dice, 20);
	}
	attack->at = visit->at;
	if (visit->stage == VISIT_NONE) {
		attack->left--;
		attack->at =
			event->at + (uint64_t)(row->pause * SECOND * exp(row->spread * dice_normal(&attack->dice)));
		if (!attack->left || attack->at >= world->end)
			attack->at = UINT64_MAX;
	}
}

static void drive_step(struct world *world, struct attack *attack, struct traffic_event *event)
{
	struct visit *next = NULL;
	for (unsigned i = 0; i < attack->visit_count; i++) {
		struct visit *visit = &attack->visits[i];
		if (visit->stage != VISIT_NONE && (!next || visit->at < next->at))
			next = visit;
	}
	uint64_t until = next->until;
	visit_step(world, next, event);
	if (next->stage == VISIT_NONE && next->cut && until > next->at + MINUTE) /* a restart of the service: again */
		visit_begin(world, next, next->at + 3 * SECOND, until);
	attack->at = UINT64_MAX;
	for (unsigned i = 0; i < attack->visit_count; i++)
		if (attack->visits[i].stage != VISIT_NONE && attack->visits[i].at < attack->at)
			attack->at = attack->visits[i].at;
}

uint64_t attack_at(const struct attack *attack)
{
	return attack->at;
}

bool attack_step(struct world *world, struct attack *attack, struct traffic_event *event)
{
	unsigned kind = attack->label->kind;
	if (kind == KIND_TYPE_SHIFT) {
		if (!attack->begun) {
			attack->begun = shift_begin(world, attack);
			return false;
		}
		for (size_t i = 0; i < attack->label->user_count; i++)
			world->people[attack->shifted[i]].visit.other_mix = NULL;
		attack->at = UINT64_MAX;
		return false;
	}
	if (guesses_at(kind)) {
		guess_step(world, attack, event);
		return true;
	}
	if (!attack->begun) {
		attack->begun = drives_begin(world, attack);
		if (attack->begun && attack->visits[0].at > event->at)
			attack->at = attack->visits[0].at;
		return false;
	}
	drive_step(world, attack, event);
	return true;
}
