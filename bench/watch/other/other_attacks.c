/* other_attacks.c: attackers at work. Each has some hands, and each hand goes from connection to connection by the plan
 * of its kind. A step gives one event or none. */
#include "other_plans.h"

#include <string.h>

static struct traffic_label *label_of(const struct other *world, const struct other_attack *attack)
{
	return world->labels + (attack - world->attacks);
}

static void note(uint32_t *list, size_t *count, uint32_t what)
{
	for (size_t i = 0; i < *count; i++)
		if (list[i] == what)
			return;
	if (*count < TRAFFIC_USERS_OF_LABEL)
		list[(*count)++] = what;
}

static void say(const struct other *world, const struct other_attack *attack, const struct other_hand *hand,
		enum traffic_what what, struct traffic_event *ret_event)
{
	struct traffic_label *label = label_of(world, attack);

	ret_event->at = (uint64_t)attack->at;
	ret_event->connection = hand->connection;
	ret_event->address = hand->address;
	ret_event->user = hand->known;
	ret_event->session = hand->known == TRAFFIC_NOBODY || !hand->fits ? 0 : hand->session;
	ret_event->what = (uint8_t)what;
	if (!label->events)
		label->first = ret_event->at;
	label->last = ret_event->at;
	label->events++;
}

static int pick_of(struct other_dice *dice, const int *types, int count)
{
	return types[other_below(dice, (uint32_t)count)];
}

static int reading(struct other_dice *dice)
{
	static const int types[] = { TYPE_FETCH, TYPE_FETCH, TYPE_FETCH, TYPE_HISTORY, TYPE_HISTORY, TYPE_SEARCH };

	return pick_of(dice, types, 6);
}

static int next_type(struct other *world, struct other_attack *attack, struct other_hand *hand)
{
	static const int looks[] = { TYPE_PROFILE, TYPE_HISTORY, TYPE_SEARCH, TYPE_HISTORY };
	static const int lacking[] = { TYPE_EXPORT, TYPE_ADMIN_LIST, TYPE_ADMIN_LIST, TYPE_ADMIN_CHANGE };
	const struct other_plan *plan = other_plan_of(attack->kind, attack->strength);
	const struct other_person *person = world->people + hand->user;
	struct other_dice *dice = &attack->dice;
	int types[TYPES], count;

	switch (attack->kind) {
	case KIND_SPRAY:
	case KIND_STUFFING:
	case KIND_SLOW_BRUTE:
		return pick_of(dice, looks, 4);
	case KIND_SCRIPTED:
		return hand->types[attack->strength < 3 && other_chance(dice, 0.4)];
	case KIND_EXFILTRATION:
		return other_chance(dice, 0.75) ? TYPE_FETCH : TYPE_HISTORY;
	case KIND_PROBING:
		if (other_chance(dice, plan->much))
			return pick_of(dice, lacking, 4);
		break;
	case KIND_TYPE_SHIFT:
		count = other_unused_types(world, person, attack->at, types);
		if (count && other_chance(dice, plan->much))
			return pick_of(dice, types, count);
		break;
	case KIND_INSIDER:
	case KIND_LOW_SLOW:
		return reading(dice);
	case KIND_STOLEN_SESSION:
	case KIND_TOKEN_SHARING:
		if (other_chance(dice, plan->much))
			return reading(dice);
		break;
	default:
		break;
	}
	return other_pick_type(world, person, dice, attack->at);
}

static uint32_t answer_size(struct other *world, struct other_attack *attack, const struct other_hand *hand)
{
	const struct other_plan *plan = other_plan_of(attack->kind, attack->strength);
	const struct other_person *person = world->people + hand->user;
	struct other_dice *dice = &attack->dice;
	double usual = person->day_octets < 8e5 ? 8e5 : person->day_octets, size;

	if (attack->kind == KIND_LOW_SLOW)
		return other_answer_size(hand->answer_type, person->scale * plan->much, dice);
	if (attack->kind != KIND_EXFILTRATION)
		return other_answer_size(hand->answer_type, person->scale, dice);
	size = other_lognormal(dice, usual * plan->much / plan->messages, 0.3);
	return (uint32_t)(size > 8e6 ? 8e6 : size);
}

static int64_t wait_for_next(struct other_attack *attack, const struct other_hand *hand)
{
	const struct other_plan *plan = other_plan_of(attack->kind, attack->strength);
	double wait = other_lognormal(&attack->dice, plan->gap, plan->gap_sigma);

	if (attack->kind == KIND_SCRIPTED)
		wait = hand->beat * (1 + plan->much * other_normal(&attack->dice));
	return (int64_t)((wait < 0.3 ? 0.3 : wait) * 1000);
}

static void make_program(struct other *world, struct other_attack *attack, struct other_hand *hand)
{
	const struct other_plan *plan = other_plan_of(attack->kind, attack->strength);
	struct other_dice *dice = &attack->dice;

	hand->beat = plan->gap * other_between(dice, 1, 2);
	for (int i = 0; i < 2; i++) {
		do
			hand->types[i] = other_pick_type(world, world->people + hand->user, dice, attack->at);
		while (hand->types[i] == TYPE_TYPING || hand->types[i] == TYPE_JOIN || hand->types[i] == TYPE_LEAVE);
	}
}

static bool come(struct other *world, struct other_attack *attack, struct other_hand *hand,
		 struct traffic_event *ret_event)
{
	struct traffic_label *label = label_of(world, attack);
	bool first = !hand->chosen;

	if (!other_choose(world, attack, hand, attack->at)) {
		hand->due = attack->at + 3 * OTHER_MINUTE + other_below(&attack->dice, 6 * OTHER_MINUTE);
		if (label->events)
			hand->state = OTHER_GONE;
		return false;
	}
	if (first && attack->kind == KIND_SCRIPTED)
		make_program(world, attack, hand);
	hand->connection = other_new_connection(world, false);
	hand->known = TRAFFIC_NOBODY;
	note(label->users, &label->user_count, hand->user);
	note(label->addresses, &label->address_count, hand->address);
	say(world, attack, hand, TRAFFIC_OPEN, ret_event);
	hand->state = OTHER_OPENED;
	hand->due = attack->at + 40 + (int64_t)other_lognormal(&attack->dice, 180, 0.5);
	return true;
}

static void log_in(struct other *world, struct other_attack *attack, struct other_hand *hand,
		   struct traffic_event *ret_event)
{
	const struct other_plan *plan = other_plan_of(attack->kind, attack->strength);
	struct other_dice *dice = &attack->dice;

	hand->known = hand->user;
	if (!hand->fits) {
		say(world, attack, hand, TRAFFIC_LOGIN_FAILED, ret_event);
		hand->state = OTHER_CLOSING;
		hand->due = attack->at + 40 + other_below(dice, 500);
		return;
	}
	if (!hand->session)
		hand->session = other_new_session(world, false);
	say(world, attack, hand, TRAFFIC_LOGIN, ret_event);
	hand->state = OTHER_ONLINE;
	hand->answer_at = OTHER_NEVER;
	hand->messages = plan->messages;
	hand->due = attack->at + 500 + other_below(dice, 1500);
	if (hand->messages && attack->kind != KIND_SCRIPTED)
		hand->due += other_below(dice, (uint32_t)(plan->gap * 500));
	if (!hand->messages)
		hand->state = OTHER_CLOSING;
}

static void talk(struct other *world, struct other_attack *attack, struct other_hand *hand,
		 struct traffic_event *ret_event)
{
	const struct other_person *person = world->people + hand->user;
	struct other_dice *dice = &attack->dice;
	int type;

	if (hand->answer_at <= attack->at) {
		say(world, attack, hand, TRAFFIC_DELIVERED, ret_event);
		ret_event->type = (uint8_t)hand->answer_type;
		ret_event->size = answer_size(world, attack, hand);
		hand->answer_at = OTHER_NEVER;
		return;
	}
	type = next_type(world, attack, hand);
	say(world, attack, hand, TRAFFIC_MESSAGE, ret_event);
	ret_event->type = (uint8_t)type;
	ret_event->size = other_message_size(type, dice);
	hand->due = attack->at + wait_for_next(attack, hand);
	if (!other_permits(person->role, type)) {
		ret_event->what = TRAFFIC_REFUSED;
		ret_event->cause = TRAFFIC_PERMISSION;
	} else if (other_reads(type)) {
		hand->answer_type = type;
		hand->answer_at = attack->at + 30 + (int64_t)other_exponential(dice, 60);
		if (hand->answer_at >= hand->due)
			hand->answer_at = hand->due - 1;
	}
	if (--hand->messages == 0)
		hand->state = OTHER_CLOSING;
}

static void leave(struct other *world, struct other_attack *attack, struct other_hand *hand,
		  struct traffic_event *ret_event)
{
	const struct other_plan *plan = other_plan_of(attack->kind, attack->strength);

	say(world, attack, hand, TRAFFIC_CLOSE, ret_event);
	hand->answer_at = OTHER_NEVER;
	hand->rounds--;
	hand->state = hand->rounds ? OTHER_AWAY : OTHER_GONE;
	hand->due = attack->at + (int64_t)(1000 * plan->round_gap * other_between(&attack->dice, 0.6, 1.4));
}

static int64_t hand_at(const struct other_hand *hand)
{
	if (hand->state == OTHER_GONE)
		return OTHER_NEVER;
	return hand->answer_at < hand->due ? hand->answer_at : hand->due;
}

/* Whatever is yet to do at the end of the record is left undone. */
static void settle(struct other_attack *attack, struct other_hand *hand)
{
	if (hand->state == OTHER_AWAY && hand->due >= attack->stop)
		hand->state = OTHER_GONE;
	if (hand->state != OTHER_GONE && hand->due >= attack->stop) {
		hand->state = OTHER_CLOSING;
		hand->rounds = 1;
		hand->due = attack->stop;
		if (hand->answer_at > attack->stop)
			hand->answer_at = OTHER_NEVER;
	}
	attack->at = OTHER_NEVER;
	for (unsigned i = 0; i < attack->hand_count; i++)
		if (hand_at(attack->hands + i) < attack->at)
			attack->at = hand_at(attack->hands + i);
}

bool other_attack_step(struct other *world, struct other_attack *attack, struct traffic_event *ret_event)
{
	struct other_hand *hand = attack->hands;
	bool gave = true;

	memset(ret_event, 0, sizeof *ret_event);
	for (unsigned i = 1; i < attack->hand_count; i++)
		if (hand_at(attack->hands + i) < hand_at(hand))
			hand = attack->hands + i;
	if (hand->state == OTHER_AWAY)
		gave = come(world, attack, hand, ret_event);
	else if (hand->state == OTHER_OPENED)
		log_in(world, attack, hand, ret_event);
	else if (hand->state == OTHER_ONLINE || hand->answer_at <= attack->at)
		talk(world, attack, hand, ret_event);
	else
		leave(world, attack, hand, ret_event);
	settle(attack, hand);
	return gave;
}

/* When it begins: anywhere in the last day from where it can end in it; an insider comes in somebody's night. */
static int64_t draw_start(const struct other *world, struct other_attack *attack, const struct other_plan *plan)
{
	struct other_dice *dice = &attack->dice;
	double minutes = other_between(dice, 1, 24 * 60 - plan->lasts * 1.1 - 2);

	if (attack->kind == KIND_INSIDER) {
		minutes = other_between(dice, 75, 200) - other_zone(other_country(dice));
		minutes += minutes < 0 ? 24 * 60 : minutes >= 24 * 60 ? -24 * 60 : 0;
	}
	return (int64_t)(world->days - 1) * OTHER_DAY + (int64_t)(minutes * OTHER_MINUTE);
}

void other_make_attacks(struct other *world)
{
	for (uint32_t i = 0; i < world->attack_count; i++) {
		struct other_attack *attack = world->attacks + i;
		const struct other_plan *plan;
		double apart;
		int64_t start;

		attack->dice.state = other_hash(world->options.seed, 31, i);
		attack->kind = (enum traffic_kind)(i % KINDS);
		attack->strength = 1 + i / KINDS % TRAFFIC_STRENGTHS;
		plan = other_plan_of(attack->kind, attack->strength);
		start = draw_start(world, attack, plan);
		attack->at = attack->stop = world->end - 1 - other_below(&attack->dice, 2000);
		attack->hand_count = plan->hands;
		apart = plan->round_gap < 90 ? 90 : plan->round_gap;
		for (unsigned j = 0; j < plan->hands; j++) {
			struct other_hand *hand = attack->hands + j;

			hand->state = OTHER_AWAY;
			hand->answer_at = OTHER_NEVER;
			hand->rounds = plan->rounds;
			hand->due = start + (j ? (int64_t)(other_unit(&attack->dice) * apart * 1000) : 0);
			if (hand->due < attack->at)
				attack->at = hand->due;
		}
		world->labels[i].kind = (uint8_t)attack->kind;
		world->labels[i].strength = (uint8_t)attack->strength;
	}
}
