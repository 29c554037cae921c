/* other_messages.c: which messages people send, how large they are and how large the answers, and how long people wait
 * between two. */
#include "other_world.h"

/* Medians in octets, and how wide they are (sigma of the logarithm). */
static const struct {
	double message, message_sigma, answer, answer_sigma;
} sizes[TYPES] = {
	[TYPE_PING] = { 24, 0, 0, 0 },
	[TYPE_CHAT] = { 95, 0.8, 0, 0 },
	[TYPE_JOIN] = { 48, 0.1, 0, 0 },
	[TYPE_LEAVE] = { 44, 0.1, 0, 0 },
	[TYPE_TYPING] = { 38, 0.05, 0, 0 },
	[TYPE_HISTORY] = { 70, 0.15, 4200, 0.8 },
	[TYPE_SEARCH] = { 88, 0.3, 2300, 0.9 },
	[TYPE_FETCH] = { 76, 0.2, 14000, 1.2 },
	[TYPE_UPLOAD] = { 42000, 1.2, 0, 0 },
	[TYPE_EDIT] = { 120, 0.7, 0, 0 },
	[TYPE_DELETE] = { 52, 0.1, 0, 0 },
	[TYPE_PROFILE] = { 130, 0.6, 0, 0 },
	[TYPE_SUBSCRIBE] = { 64, 0.2, 0, 0 },
	[TYPE_EXPORT] = { 110, 0.3, 380000, 0.9 },
	[TYPE_ADMIN_LIST] = { 60, 0.2, 8000, 0.6 },
	[TYPE_ADMIN_CHANGE] = { 140, 0.4, 0, 0 },
};

bool other_reads(int type)
{
	return sizes[type].answer > 0;
}

bool other_permits(enum other_role role, int type)
{
	switch (type) {
	case TYPE_EXPORT:
		return role != OTHER_MEMBER;
	case TYPE_ADMIN_LIST:
	case TYPE_ADMIN_CHANGE:
		return role == OTHER_ADMINISTRATOR;
	default:
		return true;
	}
}

/* His habit, what he lately took up, and what the release gave to everybody who has it and is no program. */
double other_weight(const struct other *world, const struct other_person *person, int type, int64_t now)
{
	double weight = person->mix[type];

	if (type == person->adopt_type && now >= (int64_t)person->adopt_day * OTHER_DAY)
		weight += 4;
	if (type == world->release_type && person->persona != OTHER_BOT && person->persona != OTHER_AGENT &&
	    now >= world->release_at + (int64_t)(person->release_hours * OTHER_HOUR))
		weight += 5;
	return weight;
}

int other_pick_type(const struct other *world, const struct other_person *person, struct other_dice *dice, int64_t now)
{
	double weights[TYPES], sum = 0, left;
	int last = TYPE_CHAT;

	for (int i = 0; i < TYPES; i++)
		sum += weights[i] = other_weight(world, person, i, now);
	left = other_unit(dice) * sum;
	for (int i = 0; i < TYPES; i++) {
		if (weights[i] <= 0)
			continue;
		last = i;
		if (left < weights[i])
			break;
		left -= weights[i];
	}
	return last;
}

static uint32_t octets(double size, double most)
{
	return (uint32_t)(size < 16 ? 16 : size > most ? most : size);
}

uint32_t other_message_size(int type, struct other_dice *dice)
{
	return octets(other_lognormal(dice, sizes[type].message, sizes[type].message_sigma), 1e6);
}

uint32_t other_answer_size(int type, double scale, struct other_dice *dice)
{
	return octets(scale * other_lognormal(dice, sizes[type].answer, sizes[type].answer_sigma), 4e6);
}

double other_answer_mean(int type)
{
	return sizes[type].answer * other_exp(sizes[type].answer_sigma * sizes[type].answer_sigma / 2);
}

/* People act in bunches, with long rests; the mean is that of the rate. */
int64_t other_gap(double an_hour, bool program, struct other_dice *dice)
{
	double mean = 3600 / an_hour, within = program ? 1.4 : 6, gap;

	if (within > mean / 2)
		within = mean / 2;
	if (other_chance(dice, 0.68))
		gap = other_lognormal(dice, within, 0.85);
	else
		gap = other_exponential(dice, (mean - 0.68 * 1.43 * within) / 0.32);
	if (gap < 0.4)
		gap = 0.4 + other_unit(dice) * 0.4;
	return (int64_t)(gap * 1000);
}
