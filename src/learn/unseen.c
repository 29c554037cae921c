#include "learn/unseen.h"

#include <math.h>

/* TAIL: one of so many examples is taken to be of a tail. */
enum { TAIL = 8 };

static double perhaps_not(double seen)
{
	return seen * exp(-seen);
}

void unseen_add(struct unseen *unseen, uint64_t seen)
{
	unseen->once += seen == 1;
	unseen->perhaps += perhaps_not((double)seen);
}

double unseen_new(const struct unseen *unseen)
{
	return fmax((double)unseen->once, unseen->perhaps);
}

double unseen_values(const struct learn_values *values)
{
	struct unseen unseen = { 0 };

	for (unsigned i = 0; i < values->count; i++)
		unseen_add(&unseen, values->list[i].count);
	return unseen_new(&unseen);
}

double unseen_names(const struct learn_node *node)
{
	struct unseen unseen = { 0 };

	for (const struct learn_member *member = node->members; member != NULL; member = member->next)
		if (member->node->total != node->kinds[JSON_OBJECT])
			unseen_add(&unseen, member->node->total);
	return unseen_new(&unseen);
}

double unseen_marks(const struct learn_text *text)
{
	struct unseen unseen = { 0 };

	for (unsigned i = 0; text->others[i] != '\0'; i++)
		unseen_add(&unseen, text->with_others[i]);
	for (unsigned i = 0; i < sizeof(text->with_classes) / sizeof(*text->with_classes); i++)
		unseen_add(&unseen, text->with_classes[i]);
	return unseen_new(&unseen);
}

/* One that is so with a chance that may be any is so in all of n examples with 1 / (n + 1), and then in the next one
 * with (n + 1) / (n + 2). */
double unseen_otherwise(uint64_t count, double odds)
{
	double n = (double)count;

	return n * odds / (n + 1 + odds) / (n + 2);
}

/* Of the outermost, which end so often with the same one: how much is to be said for there being more beyond it. In a
 * tail the first two are apart by about spread; that they are within a step of each other is chance. */
static double perhaps_beyond(const double *outer, unsigned count, double spread)
{
	double step = spread;
	unsigned same = 1;

	for (unsigned i = 1; i < count; i++)
		if (outer[i] != outer[i - 1])
			step = fmin(step, fabs(outer[i] - outer[i - 1]));
	while (same < count && outer[same] == outer[0])
		same++;
	return fmin(perhaps_not(same), pow(spread > 0 ? step / spread : 1, same - 1));
}

double unseen_end(const struct learn_ends *ends, bool high, double expected)
{
	const double *outer = high ? ends->high : ends->low;
	double from = high ? ends->low[0] : ends->high[0], sum = 0, last;
	unsigned tail = ends->count / TAIL < LEARN_ENDS ? (unsigned)(ends->count / TAIL) : LEARN_ENDS - 1;

	while (tail != 0 && outer[tail] == from)
		tail--;
	if (tail < 2 || !isfinite(outer[0]) || !isfinite(from))
		return outer[0];
	last = fabs(outer[tail] - from);
	for (unsigned i = 0; i < tail; i++)
		sum += log(fabs(outer[i] - from) / last);
	if (perhaps_beyond(outer, tail + 1, sum / tail * fabs(outer[0] - from)) <= expected)
		return outer[0];
	/* One standard error more than it looks like. */
	last *= pow(tail / expected, sum / tail * (1 + 1 / sqrt(tail)));
	return high ? fmax(from + last, outer[0]) : fmin(from - last, outer[0]);
}

/* The n-th of numbers in any order is the highest so far with 1 / n. */
bool unseen_rises(const struct learn_ends *ends)
{
	double expected = 0, variance = 0;

	for (uint64_t n = 1; n <= ends->count && n <= 1000; n++) {
		expected += 1.0 / (double)n;
		variance += 1.0 / (double)n - 1.0 / ((double)n * (double)n);
	}
	if (ends->count > 1000) {
		expected += log((double)ends->count / 1000);
		variance += log((double)ends->count / 1000);
	}
	return ends->count >= 5 && ends->new_high > expected + 2.8 * sqrt(variance);
}

unsigned unseen_places(const struct learn_node *node)
{
	unsigned places = 1;

	if (node->items != NULL)
		places += unseen_places(node->items);
	/* Names that come and go are one place. */
	if (node->any != NULL && node->member_count > 2 * node->most_members)
		return places + unseen_places(node->any);
	for (const struct learn_member *member = node->members; member != NULL; member = member->next)
		places += unseen_places(member->node);
	return places;
}

void unseen_members(const struct learn_node *node, uint64_t members[2])
{
	if (node->items != NULL)
		unseen_members(node->items, members);
	for (const struct learn_member *member = node->members; member != NULL; member = member->next) {
		members[member->node->total == node->kinds[JSON_OBJECT]]++;
		unseen_members(member->node, members);
	}
}
