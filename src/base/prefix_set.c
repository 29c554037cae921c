#include "base/prefix_set.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { INDEX = 65536, DEPTH = 129, FIRST_ROOM = 1024 };
#define MAGIC UINT64_C(0x3174657370776601) /* of this layout, on a machine of this byte order */

/* An address as 128 bits, those of IPv4 in front. */
struct position {
	uint64_t high, low;
};

struct entry {
	struct position first;
	uint8_t bits;
};

struct entries {
	struct entry *items;
	size_t count, room;
	uint32_t ranges; /* counted by prefix_build_size */
	size_t different;
};

struct prefix_build {
	struct entries four, six;
};

/* Behind the head: the table of either family, their firsts (IPv6 in front, for its alignment), their values. A value
 * is 0 where a range is in no network, else 1 more than the bits of the longest one: that and an address are the
 * network. */
struct prefix_set {
	uint64_t magic;
	uint64_t size;	  /* of all of it */
	uint64_t count;	  /* networks */
	uint64_t covered; /* addresses of IPv4 */
	uint32_t ranges4, ranges6;
	/* What of a family begins in front of each first 16 bits. */
	uint32_t index4[INDEX + 1], index6[INDEX + 1];
	struct position first6[];
};

static const uint32_t *first4_of(const struct prefix_set *set)
{
	return (const uint32_t *)(const void *)(set->first6 + set->ranges6);
}

static const uint8_t *value4_of(const struct prefix_set *set)
{
	return (const uint8_t *)(first4_of(set) + set->ranges4);
}

static const uint8_t *value6_of(const struct prefix_set *set)
{
	return value4_of(set) + set->ranges4;
}

static size_t size_of(uint32_t ranges4, uint32_t ranges6)
{
	size_t size = sizeof(struct prefix_set) + (size_t)ranges6 * (sizeof(struct position) + 1) +
		      (size_t)ranges4 * (sizeof(uint32_t) + 1);

	return (size + 7) & ~(size_t)7;
}

struct prefix_build *prefix_build_new(void)
{
	return mem_zero(1, sizeof(struct prefix_build));
}

struct prefix_build *prefix_build_free(struct prefix_build *build)
{
	if (build == NULL)
		return NULL;
	mem_free(build->four.items);
	mem_free(build->six.items);
	mem_free(build);
	return NULL;
}

static uint64_t read_word(const uint8_t *octets)
{
	uint64_t word;

	memcpy(&word, octets, sizeof(word));
	return be64toh(word);
}

static struct position position_of(const struct fw_addr *address)
{
	if (address->family == 4)
		return (struct position){ read_word(address->bytes) & ~(uint64_t)UINT32_MAX, 0 };
	return (struct position){ read_word(address->bytes), read_word(address->bytes + 8) };
}

bool prefix_build_add(struct prefix_build *build, const struct addr_net *net)
{
	struct entries *entries = net->base.family == 4 ? &build->four : &build->six;
	struct entry *more;
	size_t room;

	if (entries->count == entries->room) {
		room = entries->room != 0 ? entries->room * 2 : FIRST_ROOM;
		more = mem_resize(entries->items, room * sizeof(*more));
		if (more == NULL)
			return false;
		entries->items = more;
		entries->room = room;
	}
	entries->items[entries->count++] = (struct entry){ position_of(&net->base), net->bits };
	return true;
}

size_t prefix_build_count(const struct prefix_build *build)
{
	return build->four.count + build->six.count;
}

static int compare(struct position a, struct position b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return a.low != b.low ? (a.low < b.low ? -1 : 1) : 0;
}

/* What holds another one comes in front of it. */
static int by_first(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;
	int order = compare(one->first, other->first);

	return order != 0 ? order : (int)one->bits - (int)other->bits;
}

static struct position last_of(const struct entry *entry)
{
	struct position last = entry->first;

	if (entry->bits < 64)
		last.high |= UINT64_MAX >> entry->bits;
	if (entry->bits <= 64)
		last.low = UINT64_MAX;
	else if (entry->bits < 128)
		last.low |= UINT64_MAX >> (entry->bits - 64);
	return last;
}

/* False: there is none behind it. */
static bool step(struct position *position)
{
	position->low++;
	if (position->low == 0)
		position->high++;
	return position->low != 0 || position->high != 0;
}

/* Ranges as they come, in order; the last one waits, since another may begin at the same place. */
struct ranges {
	struct position first;
	uint8_t value;
	uint8_t before; /* value of what was written last */
	uint32_t count;
	/* Where they go; all NULL: they are counted. */
	uint32_t *first4;
	struct position *first6;
	uint8_t *values;
};

static void put_waiting(struct ranges *ranges)
{
	if (ranges->count != 0 && ranges->value == ranges->before)
		return;
	if (ranges->first4 != NULL)
		ranges->first4[ranges->count] = (uint32_t)(ranges->first.high >> 32);
	if (ranges->first6 != NULL)
		ranges->first6[ranges->count] = ranges->first;
	if (ranges->values != NULL)
		ranges->values[ranges->count] = ranges->value;
	ranges->before = ranges->value;
	ranges->count++;
}

static void begin_range(struct ranges *ranges, struct position first, uint8_t value)
{
	if (compare(ranges->first, first) != 0) {
		put_waiting(ranges);
		ranges->first = first;
	}
	ranges->value = value;
}

/* Networks in order make ranges: open are those that hold the place where it is. */
static size_t flatten(const struct entries *entries, struct ranges *ranges)
{
	const struct entry *open[DEPTH];
	struct position behind;
	unsigned depth = 0;
	size_t different = 0;

	for (size_t i = 0; i <= entries->count; i++) {
		const struct entry *entry = i < entries->count ? &entries->items[i] : NULL;

		while (depth != 0) {
			behind = last_of(open[depth - 1]);
			if (entry != NULL && compare(entry->first, behind) <= 0)
				break;
			depth--;
			if (step(&behind))
				begin_range(ranges, behind, depth != 0 ? (uint8_t)(open[depth - 1]->bits + 1) : 0);
		}
		if (entry == NULL)
			break;
		if (depth != 0 && open[depth - 1]->bits == entry->bits &&
		    compare(open[depth - 1]->first, entry->first) == 0)
			continue; /* the same once more */
		different++;
		open[depth++] = entry;
		begin_range(ranges, entry->first, (uint8_t)(entry->bits + 1));
	}
	put_waiting(ranges);
	return different;
}

size_t prefix_build_size(struct prefix_build *build)
{
	struct entries *const families[] = { &build->four, &build->six };

	for (unsigned i = 0; i < 2; i++) {
		struct ranges counted = { 0 };

		if (families[i]->count != 0)
			qsort(families[i]->items, families[i]->count, sizeof(*families[i]->items), by_first);
		families[i]->different = flatten(families[i], &counted);
		families[i]->ranges = counted.count;
	}
	return size_of(build->four.ranges, build->six.ranges);
}

/* index[i]: how many ranges begin in front of the i-th 65536th of all addresses. */
static void count_into(uint32_t index[INDEX + 1], uint32_t i, uint32_t *at, uint32_t first16)
{
	while (*at <= first16)
		index[(*at)++] = i;
}

static void make_indexes(struct prefix_set *set)
{
	const uint32_t *first4 = first4_of(set);
	uint32_t at4 = 0, at6 = 0;

	for (uint32_t i = 0; i < set->ranges4; i++)
		count_into(set->index4, i, &at4, first4[i] >> 16);
	for (uint32_t i = 0; i < set->ranges6; i++)
		count_into(set->index6, i, &at6, (uint32_t)(set->first6[i].high >> 48));
	count_into(set->index4, set->ranges4, &at4, INDEX);
	count_into(set->index6, set->ranges6, &at6, INDEX);
}

static uint64_t covered_by(const struct prefix_set *set)
{
	const uint32_t *first4 = first4_of(set);
	const uint8_t *values = value4_of(set);
	uint64_t covered = 0;

	for (uint32_t i = 0; i < set->ranges4; i++) {
		uint64_t end = i + 1 < set->ranges4 ? first4[i + 1] : (uint64_t)UINT32_MAX + 1;

		covered += values[i] != 0 ? end - first4[i] : 0;
	}
	return covered;
}

void prefix_build_write(const struct prefix_build *build, void *memory)
{
	uint32_t ranges4 = build->four.ranges, ranges6 = build->six.ranges;
	struct prefix_set *set = memory;
	struct ranges four = { 0 }, six = { 0 };

	memset(memory, 0, size_of(ranges4, ranges6));
	set->magic = MAGIC;
	set->size = size_of(ranges4, ranges6);
	set->count = build->four.different + build->six.different;
	set->ranges4 = ranges4;
	set->ranges6 = ranges6;
	four.first4 = (uint32_t *)(uintptr_t)first4_of(set);
	four.values = (uint8_t *)(uintptr_t)value4_of(set);
	six.first6 = set->first6;
	six.values = (uint8_t *)(uintptr_t)value6_of(set);
	flatten(&build->four, &four);
	flatten(&build->six, &six);
	make_indexes(set);
	set->covered = covered_by(set);
}

static bool index_holds(const uint32_t index[INDEX + 1], uint32_t ranges)
{
	/* index[1]: the first range begins with the first address, so that each address has one. */
	if (index[0] != 0 || index[1] == 0 || index[INDEX] != ranges)
		return false;
	for (unsigned i = 0; i < INDEX; i++)
		if (index[i] > index[i + 1])
			return false;
	return true;
}

/* A lookup goes nowhere outside, whatever the order: but it would find something else than whoever made it. */
static bool ranges_hold(const struct prefix_set *set)
{
	const uint32_t *first4 = first4_of(set);

	for (uint32_t i = 0; i < set->ranges4; i++)
		if (value4_of(set)[i] > 33 || (i == 0 ? first4[0] != 0 : first4[i - 1] >= first4[i]))
			return false;
	for (uint32_t i = 0; i < set->ranges6; i++)
		if (value6_of(set)[i] > 129 || (i == 0 ? (set->first6[0].high | set->first6[0].low) != 0
						       : compare(set->first6[i - 1], set->first6[i]) >= 0))
			return false;
	return true;
}

const struct prefix_set *prefix_set_of(const void *memory, size_t size)
{
	const struct prefix_set *set = memory;

	if (size < sizeof(*set) || set->magic != MAGIC || set->size != size || set->ranges4 == 0 || set->ranges6 == 0 ||
	    size_of(set->ranges4, set->ranges6) != size)
		return NULL;
	if (!index_holds(set->index4, set->ranges4) || !index_holds(set->index6, set->ranges6) || !ranges_hold(set))
		return NULL;
	return set;
}

/* The range of an address: the last that does not begin behind it. Halving without a branch: which half it is nobody
 * could foretell. */
static uint32_t seek4(const struct prefix_set *set, uint32_t address)
{
	const uint32_t *first = first4_of(set) + set->index4[address >> 16];
	uint32_t size = set->index4[(address >> 16) + 1] - set->index4[address >> 16];
	const uint32_t *at = first;

	while (size > 1) {
		uint32_t half = size / 2;

		at = at[half] <= address ? at + half : at;
		size -= half;
	}
	return set->index4[address >> 16] + (uint32_t)(at - first) - (uint32_t)(size == 0 || *at > address);
}

static uint32_t seek6(const struct prefix_set *set, struct position address)
{
	uint32_t part = (uint32_t)(address.high >> 48), size = set->index6[part + 1] - set->index6[part];
	const struct position *first = set->first6 + set->index6[part], *at = first;

	while (size > 1) {
		uint32_t half = size / 2;
		const struct position *middle = at + half;
		bool behind =
			(middle->high < address.high) | ((middle->high == address.high) & (middle->low <= address.low));

		at = behind ? middle : at;
		size -= half;
	}
	return set->index6[part] + (uint32_t)(at - first) - (uint32_t)(size == 0 || compare(*at, address) > 0);
}

static void net_of(const struct fw_addr *address, uint8_t value, struct addr_net *ret_net)
{
	unsigned bits = value - 1U, whole = bits / 8;

	*ret_net = (struct addr_net){ .base = { .family = address->family }, .bits = (uint8_t)bits };
	memcpy(ret_net->base.bytes, address->bytes, whole);
	if (bits % 8 != 0)
		ret_net->base.bytes[whole] = (uint8_t)(address->bytes[whole] & 0xff00U >> bits % 8);
}

static uint8_t value_at(const struct prefix_set *set, const struct fw_addr *address)
{
	struct position position = position_of(address);

	if (address->family == 4)
		return value4_of(set)[seek4(set, (uint32_t)(position.high >> 32))];
	return address->family == 6 ? value6_of(set)[seek6(set, position)] : 0;
}

bool prefix_set_find(const struct prefix_set *set, const struct fw_addr *address, struct addr_net *ret_net)
{
	struct fw_addr unmapped = address->family == 6 ? addr_of_v6(address->bytes) : *address;
	uint8_t value = value_at(set, &unmapped);

	if (value == 0)
		return false;
	net_of(&unmapped, value, ret_net);
	return true;
}

size_t prefix_set_count(const struct prefix_set *set)
{
	return (size_t)set->count;
}

uint64_t prefix_set_covered4(const struct prefix_set *set)
{
	return set->covered;
}

/* The first address of a range as text has it. */
static struct fw_addr address_of(struct position position, uint8_t family)
{
	struct fw_addr address = { .family = family };
	uint64_t words[2] = { htobe64(position.high), htobe64(position.low) };

	memcpy(address.bytes, words, family == 4 ? 4 : sizeof(words));
	return address;
}

bool prefix_set_meets(const struct prefix_set *set, const struct addr_net *net, struct addr_net *ret_net)
{
	struct entry asked = { position_of(&net->base), net->bits };
	struct position last = last_of(&asked);
	struct fw_addr address = net->base;
	uint32_t from, to;

	if (prefix_set_find(set, &address, ret_net))
		return true;
	if (net->base.family == 4) {
		from = seek4(set, (uint32_t)(asked.first.high >> 32));
		to = seek4(set, (uint32_t)(last.high >> 32));
	} else {
		from = seek6(set, asked.first);
		to = seek6(set, last);
	}
	if (from == to) /* neighbours differ: one of two is in a network */
		return false;
	address = net->base.family == 4
			  ? address_of((struct position){ (uint64_t)first4_of(set)[from + 1] << 32, 0 }, 4)
			  : address_of(set->first6[from + 1], 6);
	return prefix_set_find(set, &address, ret_net);
}
