/* other.c: the world as a whole: it is made from the seed, and then whoever is next in time takes a step. */
#include "other_world.h"

#include <stdlib.h>

/* One to one, so that numbers are never given twice, and tell nothing of who got them. */
static uint32_t scatter(uint32_t x, uint32_t key)
{
	x ^= key;
	x = (x ^ (x >> 16)) * 0x7feb352du;
	x = (x ^ (x >> 15)) * 0x846ca68bu;
	return x ^ (x >> 16);
}

static uint32_t new_number(struct other *world, unsigned counter, uint64_t what)
{
	uint32_t key = (uint32_t)other_hash(world->options.seed, 41, what), number;

	do
		number = scatter(world->numbers[counter]++ * 2 + (counter & 1), key);
	while (number == 0 || number == TRAFFIC_NOBODY);
	return number;
}

uint32_t other_new_connection(struct other *world, bool honest)
{
	return new_number(world, honest ? 0 : 1, 0);
}

uint32_t other_new_session(struct other *world, bool honest)
{
	return new_number(world, honest ? 2 : 3, 1);
}

static bool earlier(struct other_heap_entry a, struct other_heap_entry b)
{
	return a.at != b.at ? a.at < b.at : a.actor < b.actor;
}

static void sink(struct other *world, uint32_t at)
{
	struct other_heap_entry *heap = world->heap, moved = heap[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= world->heap_count)
			break;
		if (child + 1 < world->heap_count && earlier(heap[child + 1], heap[child]))
			child++;
		if (!earlier(heap[child], moved))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

static bool make_people(struct other *world)
{
	uint32_t users = world->options.users;

	world->office_count = users / 14 + 2;
	world->offices = calloc(world->office_count, sizeof *world->offices);
	world->people = calloc(users, sizeof *world->people);
	world->outages = calloc((size_t)world->days + 1, sizeof *world->outages);
	world->outage_ends = calloc((size_t)world->days + 1, sizeof *world->outage_ends);
	world->taken = calloc(users, 1);
	if (!world->offices || !world->people || !world->outages || !world->outage_ends || !world->taken)
		return false;
	other_make_calendar(world);
	other_make_offices(world);
	for (uint32_t i = 0; i < users; i++) {
		struct other_person *person = world->people + i;

		other_make_person(world, i);
		person->device = world->device_count;
		person->device_count = other_count_devices(person, world->options.seed, i);
		world->device_count += person->device_count;
	}
	world->devices = calloc(world->device_count, sizeof *world->devices);
	if (!world->devices)
		return false;
	for (uint32_t i = 0; i < users; i++)
		other_make_devices(world, i);
	return true;
}

static bool make_heap(struct other *world)
{
	uint32_t count = world->device_count + world->attack_count;

	world->heap = calloc(count, sizeof *world->heap);
	if (!world->heap)
		return false;
	world->heap_count = count;
	for (uint32_t i = 0; i < count; i++) {
		world->heap[i].actor = i;
		world->heap[i].at =
			i < world->device_count ? world->devices[i].at : world->attacks[i - world->device_count].at;
	}
	for (uint32_t i = count / 2; i-- > 0;)
		sink(world, i);
	return true;
}

struct other *other_new(const struct traffic_options *options)
{
	struct other *world;

	if (options->users == 0 || options->history > 3000)
		return NULL;
	world = calloc(1, sizeof *world);
	if (!world)
		return NULL;
	world->options = *options;
	world->days = (int)options->history + 1;
	world->end = (int64_t)world->days * OTHER_DAY;
	world->attack_count = options->instances * KINDS;
	world->attacks = calloc(world->attack_count + 1u, sizeof *world->attacks);
	world->labels = calloc(world->attack_count + 1u, sizeof *world->labels);
	if (!world->attacks || !world->labels || !make_people(world))
		return other_free(world);
	other_make_attacks(world);
	if (!make_heap(world))
		return other_free(world);
	return world;
}

struct other *other_free(struct other *world)
{
	if (!world)
		return NULL;
	free(world->offices);
	free(world->people);
	free(world->devices);
	free(world->attacks);
	free(world->labels);
	free(world->taken);
	free(world->heap);
	free(world->outages);
	free(world->outage_ends);
	free(world);
	return NULL;
}

bool other_next(struct other *world, struct traffic_event *ret_event, int *ret_label)
{
	while (world->heap[0].at != OTHER_NEVER) {
		uint32_t actor = world->heap[0].actor;
		bool gave;

		if (actor < world->device_count) {
			struct other_device *device = world->devices + actor;

			gave = other_device_step(world, device, ret_event);
			world->heap[0].at = device->at;
			*ret_label = -1;
		} else {
			struct other_attack *attack = world->attacks + (actor - world->device_count);

			gave = other_attack_step(world, attack, ret_event);
			world->heap[0].at = attack->at;
			*ret_label = (int)(actor - world->device_count);
		}
		sink(world, 0);
		if (gave)
			return true;
	}
	return false;
}

size_t other_labels(const struct other *world, const struct traffic_label **ret_labels)
{
	*ret_labels = world->labels;
	return world->attack_count;
}
