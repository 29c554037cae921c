/* keep.c: what outlives a run, what is forgotten, what is frozen. */
#include <string.h>

#include "base/mem.h"
#include "watch/parts.h"

/* Octets of this machine, for this machine: whoever keeps them keeps them where nobody else writes. */
struct head {
	char magic[8];
	uint32_t profile, network, crowd;
	uint32_t profiles, networks;
};

static const char magic[8] = "fwwatch3";

void watch_freeze(struct watch *watch, bool frozen)
{
	watch->frozen = frozen;
}

void watch_forget(struct watch *watch, uint64_t user)
{
	struct profile *profile = table_find(&watch->profiles, user);

	if (profile != NULL)
		memset(profile, 0, sizeof(*profile));
	if (user != 0)
		return;
	table_clear(&watch->profiles);
	table_clear(&watch->networks);
	watch->crowd = (struct crowd){ 0 };
}

static size_t octets_of(const struct table *table)
{
	return table->sets * WAYS * table->each;
}

size_t watch_memory(const struct watch *watch)
{
	return sizeof(*watch) + octets_of(&watch->profiles) + octets_of(&watch->networks) +
	       octets_of(&watch->sessions) + octets_of(&watch->connections);
}

static uint32_t used(const struct table *table)
{
	uint32_t count = 0;

	for (size_t i = 0; i < table->sets * WAYS; i++)
		count += ((struct entry *)(void *)(table->memory + i * table->each))->key != 0;
	return count;
}

size_t watch_export_size(const struct watch *watch)
{
	return sizeof(struct head) + sizeof(watch->crowd) + used(&watch->profiles) * sizeof(struct profile) +
	       used(&watch->networks) * sizeof(struct network);
}

static uint8_t *write_table(uint8_t *at, const struct table *table)
{
	for (size_t i = 0; i < table->sets * WAYS; i++) {
		const uint8_t *entry = table->memory + i * table->each;

		if (((const struct entry *)(const void *)entry)->key == 0)
			continue;
		memcpy(at, entry, table->each);
		at += table->each;
	}
	return at;
}

size_t watch_export(const struct watch *watch, void *memory, size_t size)
{
	struct head head = { .profile = sizeof(struct profile),
			     .network = sizeof(struct network),
			     .crowd = sizeof(watch->crowd),
			     .profiles = used(&watch->profiles),
			     .networks = used(&watch->networks) };
	uint8_t *at = memory;

	if (size < watch_export_size(watch))
		return 0;
	memcpy(head.magic, magic, sizeof(magic));
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), &watch->crowd, sizeof(watch->crowd));
	at = write_table(at + sizeof(head) + sizeof(watch->crowd), &watch->profiles);
	at = write_table(at, &watch->networks);
	return (size_t)(at - (uint8_t *)memory);
}

static bool sane(float value)
{
	return value >= 0 && value < 1e13f;
}

static bool profile_sane(const struct profile *profile)
{
	return sane(profile->abandoned.sum) && sane(profile->connects.sum) && sane(profile->deliveries.sum) &&
	       sane(profile->octets.sum) && sane(profile->deliveries_top) && sane(profile->octets_top) &&
	       sane(profile->connects_top) && sane(profile->steady_top) && sane(profile->steady_new) &&
	       sane(profile->told_guessed) && sane(profile->told_connects) && profile->refused >= 0 &&
	       profile->refused <= 1;
}

static bool crowd_sane(const struct crowd *crowd)
{
	bool good = true;

	for (unsigned i = 0; i < TYPES; i++) {
		good = good && sane(crowd->lately.types[i]);
		for (unsigned j = 0; j < TYPES; j++)
			good = good && sane(crowd->groups[i].types[j]);
	}
	for (unsigned kind = 0; kind < WATCH_KINDS; kind++) {
		const struct tail *tail = &crowd->tails[kind];

		good = good && sane(tail->level);
		for (unsigned i = 0; i < TAIL_KEPT; i++)
			good = good && sane(tail->scores[i]);
		for (unsigned i = 0; i < TAIL_DAYS; i++)
			good = good && sane(tail->bases[i]) && sane(tail->slopes[i]);
	}
	return good;
}

bool watch_import(struct watch *watch, const void *memory, size_t size)
{
	const uint8_t *at = memory;
	struct head head;
	bool is_new;

	if (size < sizeof(head) + sizeof(watch->crowd))
		return false;
	memcpy(&head, at, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 || head.profile != sizeof(struct profile) ||
	    head.network != sizeof(struct network) || head.crowd != sizeof(watch->crowd) ||
	    size - sizeof(head) - sizeof(watch->crowd) !=
		    (uint64_t)head.profiles * sizeof(struct profile) + (uint64_t)head.networks * sizeof(struct network))
		return false;
	at += sizeof(head);
	struct crowd crowd;
	memcpy(&crowd, at, sizeof(crowd));
	if (!crowd_sane(&crowd))
		return false;
	watch_forget(watch, 0);
	watch->crowd = crowd;
	at += sizeof(crowd);
	for (uint32_t i = 0; i < head.profiles; i++, at += sizeof(struct profile)) {
		struct profile profile;

		memcpy(&profile, at, sizeof(profile));
		if (profile.entry.key != 0 && profile_sane(&profile))
			memcpy(table_take(&watch->profiles, profile.entry.key, profile.entry.seen_s, &is_new), &profile,
			       sizeof(profile));
	}
	for (uint32_t i = 0; i < head.networks; i++, at += sizeof(struct network)) {
		struct network network;

		memcpy(&network, at, sizeof(network));
		if (network.entry.key != 0 && sane(network.abandoned.sum) && sane(network.told))
			memcpy(table_take(&watch->networks, network.entry.key, network.entry.seen_s, &is_new), &network,
			       sizeof(network));
	}
	return true;
}
