/* other_places.c: whose network is where. A country has ten networks of homes, six of phones (three carriers with few
 * addresses for many) and six of businesses, each a /16; then come networks of VPN providers and of hosting. */
#include "other_world.h"

enum {
	HOMES = 10,
	CARRIER_NETWORKS = 2,
	PHONES = 3 * CARRIER_NETWORKS,
	BUSINESSES = 6,
	OF_COUNTRY = HOMES + PHONES + BUSINESSES,
	VPN_FIRST = OF_COUNTRY * OTHER_COUNTRIES,
	VPN_PROVIDERS = 4,
	HOSTING_FIRST = VPN_FIRST + 2 * VPN_PROVIDERS,
	HOSTINGS = 20,
	HOSTINGS_OF_HONEST = 9,
	FIRST_OCTETS = 189
};

static const struct {
	int zone;
	unsigned weight;
} countries[OTHER_COUNTRIES] = { { -480, 9 }, { -360, 7 }, { -300, 15 }, { -180, 6 }, { 0, 14 },  { 60, 16 },
				 { 60, 9 },   { 120, 6 },  { 180, 4 },	 { 330, 6 },  { 480, 5 }, { 540, 3 } };

int other_zone(unsigned country)
{
	return countries[country].zone;
}

unsigned other_country(struct other_dice *dice)
{
	uint32_t left = other_below(dice, 100);

	for (unsigned i = 0; i < OTHER_COUNTRIES; i++) {
		if (left < countries[i].weight)
			return i;
		left -= countries[i].weight;
	}
	return 5;
}

/* Octets that have a meaning of their own are left out, and no two networks have the same /16. */
static uint32_t network(const struct other *world, uint32_t which)
{
	uint32_t first = 11 + (which * 7) % FIRST_OCTETS, second;

	second = (uint32_t)other_hash(world->options.seed, 71, first) + which / FIRST_OCTETS;
	switch (first) {
	case 100:
		first = 205;
		break;
	case 127:
		first = 201;
		break;
	case 169:
		first = 202;
		break;
	case 172:
		first = 203;
		break;
	case 192:
		first = 204;
		break;
	default:
		break;
	}
	return first << 24 | (second & 255) << 16;
}

static uint32_t host(struct other_dice *dice)
{
	return 1 + other_below(dice, 65000);
}

uint32_t other_residence(const struct other *world, struct other_dice *dice, unsigned country)
{
	uint32_t which = country * OF_COUNTRY + other_below(dice, HOMES);

	return network(world, which) | host(dice);
}

uint32_t other_business(const struct other *world, struct other_dice *dice, unsigned country)
{
	uint32_t which = country * OF_COUNTRY + HOMES + PHONES + other_below(dice, BUSINESSES);

	return network(world, which) | host(dice);
}

uint32_t other_mobile(const struct other *world, struct other_dice *dice, const struct other_person *person)
{
	uint32_t which = person->country * OF_COUNTRY + HOMES + person->carrier * CARRIER_NETWORKS;

	which += other_below(dice, CARRIER_NETWORKS);
	return network(world, which) | (16 + other_below(dice, 40));
}

uint32_t other_exit(const struct other *world, struct other_dice *dice, unsigned provider)
{
	uint32_t which = VPN_FIRST + (provider - 1) % VPN_PROVIDERS * 2 + other_below(dice, 2);

	return network(world, which) | (256 * 7 + other_below(dice, 8));
}

uint32_t other_hosting(const struct other *world, struct other_dice *dice, bool rented_by_honest)
{
	uint32_t which = HOSTING_FIRST + other_below(dice, rented_by_honest ? HOSTINGS_OF_HONEST : HOSTINGS);

	return network(world, which) | host(dice);
}

/* From where an attacker comes who works on this person. */
uint32_t other_foothold(const struct other *world, struct other_dice *dice, const struct other_person *person,
			enum other_place place)
{
	unsigned country = person->country;
	uint32_t address = other_hosting(world, dice, false);

	if (place == OTHER_PLACE_HOSTING)
		return address;
	while (place == OTHER_PLACE_FAR && country == person->country)
		country = other_country(dice);
	do
		address = other_residence(world, dice, country);
	while ((address ^ person->home) >> 16 == 0 || (address ^ person->travel_address) >> 16 == 0);
	return address;
}

/* A lease of a home lasts for weeks; then comes another, once in four times from another network of the country. */
uint32_t other_home(const struct other *world, const struct other_person *person, int day)
{
	uint64_t hash = other_hash(world->options.seed, 72, (uint64_t)(person - world->people));
	uint64_t period = 15 + hash % 40, lease = ((uint64_t)(day + 10) + (hash >> 32) % period) / period;
	struct other_dice dice = { other_hash(hash, 73, lease) };

	if (lease == 0)
		return person->home;
	if (other_chance(&dice, 0.25))
		return other_residence(world, &dice, person->country);
	return (person->home & 0xffff0000) | host(&dice);
}

/* Where a device is when it connects: it stays there for a presence, unless a phone leaves the wifi. */
void other_go_to_place(const struct other *world, struct other_device *device, int64_t now)
{
	const struct other_person *person = world->people + device->person;
	struct other_dice *dice = &device->dice;
	int day = other_local_day(person, now), minute = other_local_minute(person, now);
	unsigned weekday = (unsigned)((day % 7 + 7) % 7);
	bool works = person->office != 0 && (person->workdays >> weekday & 1);

	device->at_office = false;
	if (device->kind == OTHER_NODE || person->persona == OTHER_BOT || person->persona == OTHER_AGENT) {
		device->address = (person->hosting & 0xffffff00) | (1 + other_below(dice, 6));
		return;
	}
	if (other_travels(person, day)) {
		device->address = person->travel_address;
		if (device->kind == OTHER_PHONE && other_chance(dice, 0.5))
			device->address ^= 1 + other_below(dice, 30);
		return;
	}
	if (device->kind == OTHER_PHONE) {
		bool out = minute > person->start - 30 && minute < person->end + 30;

		if (!device->place_kept)
			device->on_wifi = other_chance(dice, out ? 0.35 : 0.75);
		device->place_kept = true;
		if (!device->on_wifi) {
			device->address = other_mobile(world, dice, person);
			return;
		}
		device->at_office = works && out && !(person->home_days >> weekday & 1);
	} else {
		device->at_office = works && !(person->home_days >> weekday & 1);
		if (minute > 20 * 60 + 30 || minute < 5 * 60)
			device->at_office = false;
		if (person->persona == OTHER_SUPPORT)
			device->at_office = person->office != 0;
	}
	device->address = device->at_office ? world->offices[person->office].address : other_home(world, person, day);
	if (!device->at_office && person->vpn && other_chance(dice, person->vpn_share))
		device->address = other_exit(world, dice, person->vpn);
}
