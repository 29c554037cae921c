/* other_victims.c: whom an attacker finds at a given time. He looks at what the honest devices do, and changes nothing
 * about it. */
#include "other_plans.h"

enum { TRIES = 500 };

enum presence_wanted { ANY, ONLINE, OFFLINE };

/* Types that his role permits and he has no habit of. */
int other_unused_types(const struct other *world, const struct other_person *person, int64_t now, int types[TYPES])
{
	int count = 0;

	for (int i = TYPE_CHAT; i < TYPES; i++)
		if (other_permits(person->role, i) && other_weight(world, person, i, now) <= 0 &&
		    person->adopt_type != i && world->release_type != i)
			types[count++] = i;
	return count;
}

static bool is_regular(enum other_persona persona)
{
	return persona == OTHER_OFFICE || persona == OTHER_TRADER || persona == OTHER_ANALYST;
}

static bool suits(const struct other *world, enum traffic_kind kind, const struct other_person *person, int64_t now)
{
	int types[TYPES], minute = other_local_minute(person, now), day = other_local_day(person, now);

	if (person->persona == OTHER_BOT || person->persona == OTHER_AGENT)
		return false;
	if (kind == KIND_SPRAY || kind == KIND_STUFFING)
		return true;
	/* One without a past has nothing to differ from. */
	if (person->joined > world->days - 4 && person->joined > 0)
		return false;
	switch (kind) {
	case KIND_SCRIPTED:
	case KIND_RECONNECT:
		return minute > 8 * 60 && minute < 22 * 60 && person->persona != OTHER_OCCASIONAL;
	case KIND_EXFILTRATION:
		return person->persona == OTHER_OFFICE || person->persona == OTHER_TRADER ||
		       person->persona == OTHER_SUPPORT || person->persona == OTHER_FREELANCER;
	case KIND_PROBING:
		return person->role == OTHER_MEMBER;
	case KIND_TYPE_SHIFT:
		return other_unused_types(world, person, now, types) >= 3;
	case KIND_INSIDER:
		return is_regular(person->persona) && minute >= 75 && minute <= 215 && !other_travels(person, day) &&
		       !other_travels(person, day - 1) && !(day >= person->away_from && day < person->away_to + 1);
	case KIND_LOW_SLOW:
		return (is_regular(person->persona) || person->persona == OTHER_CHATTER) &&
		       !other_travels(person, day) && !(day >= person->away_from && day < person->away_to);
	default:
		return true;
	}
}

/* The device whose token or place is used, or none. */
static bool find_device(const struct other *world, const struct other_person *person, enum presence_wanted wanted,
			int64_t now, int64_t needed, uint32_t *ret_device)
{
	bool online = false, found = false;

	for (uint32_t i = person->device; i < person->device + person->device_count; i++) {
		const struct other_device *device = world->devices + i;

		if (device->state == OTHER_ONLINE || device->state == OTHER_OPENED)
			online = true;
		if (found || (device->kind != OTHER_DESK && device->kind != OTHER_PHONE))
			continue;
		if (wanted == ONLINE)
			found = device->state == OTHER_ONLINE && device->presences[device->presence].to - now >= needed;
		else
			found = wanted == ANY || (device->address && device->session && device->session_until > now);
		if (found)
			*ret_device = i;
	}
	return found && !(wanted == OFFLINE && online);
}

static bool find(struct other *world, struct other_attack *attack, enum presence_wanted wanted, int64_t now,
		 int64_t needed, uint32_t *ret_user, uint32_t *ret_device)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t user = other_below(&attack->dice, world->options.users);
		const struct other_person *person = world->people + user;

		if (world->taken[user] || !suits(world, attack->kind, person, now))
			continue;
		if (!find_device(world, person, wanted, now, needed, ret_device))
			continue;
		world->taken[user] = 1;
		*ret_user = user;
		return true;
	}
	return false;
}

/* Names from a list: everybody once. */
static bool draw_name(struct other *world, struct other_attack *attack, struct other_hand *hand, int64_t now)
{
	const struct traffic_label *label = world->labels + (attack - world->attacks);

	for (int i = 0; i < TRIES; i++) {
		uint32_t user = other_below(&attack->dice, world->options.users);
		bool used = !suits(world, attack->kind, world->people + user, now);

		for (size_t j = 0; j < label->user_count && !used; j++)
			used = label->users[j] == user;
		if (!used) {
			hand->user = user;
			return true;
		}
	}
	return false;
}

static uint32_t own_address(const struct other *world, const struct other_attack *attack, uint32_t user,
			    uint32_t device, int64_t now)
{
	const struct other_person *person = world->people + user;

	if (attack->kind == KIND_INSIDER &&
	    (person->home_days || person->device_count > 1 || !world->devices[device].address))
		return other_home(world, person, other_local_day(person, now));
	return world->devices[device].address;
}

static bool choose_name(struct other *world, struct other_attack *attack, struct other_hand *hand, int64_t now)
{
	const struct other_plan *plan = other_plan_of(attack->kind, attack->strength);

	if (!draw_name(world, attack, hand, now))
		return false;
	if (!hand->chosen)
		hand->address = other_foothold(world, &attack->dice, world->people + hand->user, plan->place);
	hand->chosen = true;
	hand->session = 0;
	hand->fits = other_chance(&attack->dice, plan->much);
	return true;
}

/* The kinds with one victim share it among their hands; the others find one for each. */
static bool choose_victim(struct other *world, struct other_attack *attack, struct other_hand *hand,
			  enum presence_wanted wanted, int64_t now, int64_t needed)
{
	const struct other_plan *plan = other_plan_of(attack->kind, attack->strength);
	bool each = attack->kind == KIND_TYPE_SHIFT || attack->kind == KIND_RECONNECT;

	if (hand->chosen)
		return true;
	if (each || !attack->victim_chosen) {
		if (!find(world, attack, wanted, now, needed, &attack->victim, &attack->device))
			return false;
		attack->session = world->devices[attack->device].session;
		if (attack->kind == KIND_INSIDER && world->devices[attack->device].session_until <= now)
			attack->session = 0;
		if (attack->kind == KIND_LOW_SLOW || attack->kind == KIND_SLOW_BRUTE)
			attack->session = 0;
		attack->victim_chosen = true;
	}
	hand->user = attack->victim;
	hand->device = attack->device;
	hand->session = attack->session;
	if (plan->place == OTHER_PLACE_OWN)
		hand->address = own_address(world, attack, hand->user, hand->device, now);
	else
		hand->address = other_foothold(world, &attack->dice, world->people + hand->user, plan->place);
	hand->fits = hand->chosen = true;
	return true;
}

bool other_choose(struct other *world, struct other_attack *attack, struct other_hand *hand, int64_t now)
{
	const struct other_plan *plan = other_plan_of(attack->kind, attack->strength);

	switch (attack->kind) {
	case KIND_SPRAY:
	case KIND_STUFFING:
		return choose_name(world, attack, hand, now);
	case KIND_SLOW_BRUTE:
		if (!choose_victim(world, attack, hand, ANY, now, 0))
			return false;
		hand->fits = hand == attack->hands && hand->rounds == 1 && other_chance(&attack->dice, plan->much);
		return true;
	case KIND_SCRIPTED:
	case KIND_RECONNECT:
		return choose_victim(world, attack, hand, OFFLINE, now, 0);
	case KIND_INSIDER:
	case KIND_LOW_SLOW:
		return choose_victim(world, attack, hand, ANY, now, 0);
	case KIND_STOLEN_SESSION:
		return choose_victim(world, attack, hand, ONLINE, now, 40 * OTHER_MINUTE);
	case KIND_TOKEN_SHARING:
		return choose_victim(world, attack, hand, ONLINE, now, 20 * OTHER_MINUTE);
	default:
		return choose_victim(world, attack, hand, ONLINE, now, 12 * OTHER_MINUTE);
	}
}
