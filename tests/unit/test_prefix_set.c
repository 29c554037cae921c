/* base/prefix_set: what a lookup finds is what looking at each network finds, for addresses of any kind and for those
 * at each border; what somebody else made is judged before it is used. PREFIX_LOOKUPS=10000000 looks as often up, in a
 * million networks of IPv4 and a hundred thousand of IPv6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/prefix_set.h"
#include "base/slice.h"

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t any(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(0x2545f4914f6cdd1d);
}

static struct addr_net net_of(const char *text)
{
	struct addr_net net;

	assert_true(addr_net_parse(slice_text(text), &net));
	return net;
}

static struct fw_addr address_of(const char *text)
{
	struct fw_addr address;

	assert_true(addr_parse(slice_text(text), &address));
	return address;
}

static void cut(struct fw_addr *address, unsigned bits)
{
	unsigned size = address->family == 4 ? 32 : 128;

	for (unsigned bit = bits; bit < size; bit++)
		address->bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

struct model {
	struct addr_net *nets;
	size_t count;
	void *memory;
	size_t size;
	const struct prefix_set *set;
};

static void finish(struct model *model)
{
	struct prefix_build *build = prefix_build_new();

	assert_non_null(build);
	for (size_t i = 0; i < model->count; i++)
		assert_true(prefix_build_add(build, &model->nets[i]));
	assert_int_equal(prefix_build_count(build), model->count);
	model->size = prefix_build_size(build);
	model->memory = aligned_alloc(8, model->size);
	assert_non_null(model->memory);
	prefix_build_write(build, model->memory);
	prefix_build_free(build);
	model->set = prefix_set_of(model->memory, model->size);
	assert_non_null(model->set);
}

static struct model of(const char *const *texts, size_t count)
{
	struct model model = { .nets = calloc(count + 1, sizeof(struct addr_net)), .count = count };

	assert_non_null(model.nets);
	for (size_t i = 0; i < count; i++)
		model.nets[i] = net_of(texts[i]);
	finish(&model);
	return model;
}
#define OF(...) of((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void drop(struct model *model)
{
	free(model->nets);
	free(model->memory);
}

/* The slow way: each network is asked. */
static const struct addr_net *scan(const struct model *model, const struct fw_addr *address)
{
	const struct addr_net *best = NULL;

	for (size_t i = 0; i < model->count; i++)
		if (addr_net_has(&model->nets[i], address) && (best == NULL || model->nets[i].bits > best->bits))
			best = &model->nets[i];
	return best;
}

/* Where there are too many for that: each length is asked whether it has the address's network, by halving among the
 * networks in order. */
static int by_net(const void *a, const void *b)
{
	const struct addr_net *one = a, *other = b;
	int order = (int)one->base.family - (int)other->base.family;

	if (order == 0)
		order = (int)one->bits - (int)other->bits;
	return order != 0 ? order : memcmp(one->base.bytes, other->base.bytes, 16);
}

static const struct addr_net *halve(const struct model *model, const struct fw_addr *address)
{
	for (int bits = address->family == 4 ? 32 : 128; bits >= 0; bits--) {
		struct addr_net asked = { .base = *address, .bits = (uint8_t)bits };
		const struct addr_net *found;

		if (address->family == 6 && bits % 4 != 0) /* as fill() makes them */
			continue;

		cut(&asked.base, (unsigned)bits);
		found = bsearch(&asked, model->nets, model->count, sizeof(asked), by_net);
		if (found != NULL)
			return found;
	}
	return NULL;
}

static void compare(const struct model *model, const struct fw_addr *address,
		    const struct addr_net *(*ask)(const struct model *model, const struct fw_addr *address))
{
	const struct addr_net *expected = ask(model, address);
	struct addr_net found;
	bool has = prefix_set_find(model->set, address, &found);

	if (has != (expected != NULL) ||
	    (has && (found.bits != expected->bits || !addr_equal(&found.base, &expected->base)))) {
		char text[ADDR_TEXT];

		addr_format(address, text);
		fail_msg("%s: %d bits where there are %d", text, has ? found.bits : -1,
			 expected != NULL ? expected->bits : -1);
	}
}

/* By n, over all octets; behind the last address comes the first. */
static void move(struct fw_addr *address, int n)
{
	int carry = n;

	for (int i = address->family == 4 ? 3 : 15; i >= 0 && carry != 0; i--) {
		int sum = address->bytes[i] + carry;

		address->bytes[i] = (uint8_t)sum;
		carry = sum < 0 ? -1 : sum > 255 ? 1 : 0;
	}
}

static void compare_borders(const struct model *model,
			    const struct addr_net *(*ask)(const struct model *model, const struct fw_addr *address))
{
	for (size_t i = 0; i < model->count; i++) {
		const struct addr_net *net = &model->nets[i];
		struct fw_addr at = net->base;

		compare(model, &at, ask);
		move(&at, -1);
		compare(model, &at, ask);
		at = net->base;
		for (unsigned bit = net->bits; bit < (at.family == 4 ? 32U : 128U); bit++)
			at.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		compare(model, &at, ask);
		move(&at, 1);
		compare(model, &at, ask);
	}
}

static struct fw_addr any_address(uint8_t family, unsigned shared)
{
	struct fw_addr address = { .family = family };
	uint64_t words[2] = { any(), any() };

	memcpy(address.bytes, words, family == 4 ? 4 : 16);
	if (family == 6)
		address.bytes[0] = (uint8_t)(0x20 | (address.bytes[0] & 0x1f)); /* an IPv4-mapped one is none of IPv6 */
	/* So that they meet: the first octets are few. */
	for (unsigned i = 0; i < shared; i++)
		address.bytes[i] = (uint8_t)(i == 0 && family == 6 ? 0x20 : 10 + (address.bytes[i] & 1));
	return address;
}

static void fill(struct model *model, size_t four, size_t six, unsigned shared)
{
	*model = (struct model){ .nets = calloc(four + six, sizeof(struct addr_net)), .count = four + six };
	assert_non_null(model->nets);
	for (size_t i = 0; i < model->count; i++) {
		struct addr_net *net = &model->nets[i];
		uint8_t family = i < four ? 4 : 6;

		net->base = any_address(family, shared);
		net->bits = family == 4 ? (uint8_t)(shared != 0 ? any() % 33 : 12 + any() % 21)
					: (uint8_t)(shared != 0 ? any() % 129 : 20 + any() % 28 * 4);
		cut(&net->base, net->bits);
	}
	finish(model);
}

static void nothing_is_in_none(void **state)
{
	struct model model = OF("1.2.3.4", "2001:db8::/32");
	struct addr_net found;
	struct fw_addr unknown = { 0 };

	(void)state;
	assert_false(prefix_set_find(model.set, &unknown, &found));
	drop(&model);
	model = (struct model){ .nets = calloc(1, sizeof(struct addr_net)) };
	finish(&model);
	assert_int_equal(prefix_set_count(model.set), 0);
	assert_true(prefix_set_covered4(model.set) == 0);
	for (unsigned i = 0; i < 100; i++) {
		struct fw_addr address = any_address(i % 2 == 0 ? 4 : 6, 0);

		assert_false(prefix_set_find(model.set, &address, &found));
	}
	drop(&model);
}

static void the_longest_counts(void **state)
{
	struct model model = OF("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "10.1.2.3", "0.0.0.0/0", "::/0",
				"2001:db8::/32", "2001:db8:0:1::/64", "2001:db8:0:1::5");
	static const struct {
		const char *address, *net;
	} rows[] = {
		{ "10.1.2.3", "10.1.2.3" },
		{ "10.1.2.4", "10.1.2.0/24" },
		{ "10.1.2.2", "10.1.2.0/24" },
		{ "10.1.3.0", "10.1.0.0/16" },
		{ "10.2.0.0", "10.0.0.0/8" },
		{ "11.0.0.0", "0.0.0.0/0" },
		{ "255.255.255.255", "0.0.0.0/0" },
		{ "::ffff:10.1.2.3", "10.1.2.3" },
		{ "2001:db8:0:1::5", "2001:db8:0:1::5" },
		{ "2001:db8:0:1::6", "2001:db8:0:1::/64" },
		{ "2001:db8:1::", "2001:db8::/32" },
		{ "ffff::1", "::/0" },
	};
	struct fw_addr mapped = { .family = 6, .bytes = { [10] = 0xff, 0xff, 10, 1, 2, 3 } };
	struct addr_net found;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fw_addr address = address_of(rows[i].address);
		struct addr_net net = net_of(rows[i].net);

		assert_true(prefix_set_find(model.set, &address, &found));
		assert_int_equal(found.bits, net.bits);
		assert_true(addr_equal(&found.base, &net.base));
	}
	/* One that nobody has made an IPv4 address of yet. */
	assert_true(prefix_set_find(model.set, &mapped, &found));
	assert_int_equal(found.bits, 32);
	assert_int_equal(prefix_set_count(model.set), 9);
	assert_true(prefix_set_covered4(model.set) == UINT64_C(1) << 32);
	drop(&model);
}

static void what_is_covered(void **state)
{
	struct model model = OF("10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "255.255.255.255", "0.0.0.0");

	(void)state;
	assert_true(prefix_set_covered4(model.set) == (1 << 24) + 256 + 2);
	drop(&model);
}

static void networks_meet(void **state)
{
	struct model model = OF("10.1.2.0/24", "203.0.113.7", "2001:db8:5::/48");
	static const struct {
		const char *net, *meets;
	} rows[] = {
		{ "10.0.0.0/8", "10.1.2.0/24" },
		{ "10.1.2.128/25", "10.1.2.0/24" },
		{ "10.1.3.0/24", NULL },
		{ "10.1.1.0/24", NULL },
		{ "203.0.113.7", "203.0.113.7" },
		{ "203.0.113.6", NULL },
		{ "0.0.0.0/0", "10.1.2.0/24" },
		{ "128.0.0.0/1", "203.0.113.7" },
		{ "2001:db8::/32", "2001:db8:5::/48" },
		{ "2001:db8:5:6::1", "2001:db8:5::/48" },
		{ "2001:db8:6::/48", NULL },
		{ "::/0", "2001:db8:5::/48" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct addr_net net = net_of(rows[i].net), found, expected;

		assert_int_equal(prefix_set_meets(model.set, &net, &found), rows[i].meets != NULL);
		if (rows[i].meets == NULL)
			continue;
		expected = net_of(rows[i].meets);
		assert_int_equal(found.bits, expected.bits);
		assert_true(addr_equal(&found.base, &expected.base));
	}
	drop(&model);
}

static void as_looking_at_each(void **state)
{
	struct model model;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		fill(&model, any() % 120, any() % 120, 3);
		compare_borders(&model, scan);
		for (unsigned i = 0; i < 400; i++) {
			struct fw_addr address = any_address(i % 2 == 0 ? 4 : 6, 3);

			compare(&model, &address, scan);
		}
		drop(&model);
	}
}

static void many(void **state)
{
	const char *wanted = getenv("PREFIX_LOOKUPS");
	unsigned long lookups = wanted != NULL ? strtoul(wanted, NULL, 10) : 50000;
	size_t four = wanted != NULL ? 1000000 : 20000, six = four / 10;
	struct model model;

	(void)state;
	fill(&model, four, six, 0);
	assert_true(model.size < (size_t)64 << 20);
	qsort(model.nets, model.count, sizeof(*model.nets), by_net);
	compare_borders(&model, halve);
	for (unsigned long i = 0; i < lookups; i++) {
		struct fw_addr address =
			i % 3 == 0 ? model.nets[any() % model.count].base : any_address(i % 2 == 0 ? 4 : 6, 0);

		if (i % 3 == 0)
			address.bytes[address.family == 4 ? 3 : 15] ^= (uint8_t)any();
		compare(&model, &address, halve);
	}
	drop(&model);
}

/* An octet that is changed: it is none, or one that looks nothing up outside of itself. All of the head and of what
 * lies behind the tables, some of those. */
static void what_is_no_set(void **state)
{
	struct model model = OF("10.1.2.0/24", "203.0.113.7", "2001:db8:5::/48");
	uint8_t *octets = model.memory;
	struct addr_net found;
	unsigned refused = 0;

	(void)state;
	assert_null(prefix_set_of(octets, model.size - 8));
	assert_null(prefix_set_of(octets, model.size + 8));
	assert_null(prefix_set_of(octets, 0));
	for (unsigned i = 0; i < 1000; i++) {
		size_t at = i < 48 ? i : i < 248 ? model.size - 200 + i - 48 : any() % model.size;
		uint8_t before = octets[at];
		const struct prefix_set *set;

		octets[at] ^= (uint8_t)(1 + any() % 255);
		set = prefix_set_of(octets, model.size);
		refused += set == NULL;
		for (unsigned n = 0; n < 20 && set != NULL; n++) {
			struct fw_addr address = any_address(n % 2 == 0 ? 4 : 6, 0);

			(void)prefix_set_find(set, &address, &found);
		}
		octets[at] = before;
	}
	assert_true(refused > 500);
	drop(&model);
}

static void memory_is_short(void **state)
{
	struct addr_net net = net_of("192.0.2.0/24");
	struct prefix_build *build;

	(void)state;
	mem_fail_at(1);
	assert_null(prefix_build_new());
	build = prefix_build_new();
	mem_fail_at(1);
	assert_false(prefix_build_add(build, &net));
	mem_fail_at(0);
	assert_true(prefix_build_add(build, &net));
	assert_int_equal(prefix_build_count(build), 1);
	prefix_build_free(build);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_in_none), cmocka_unit_test(the_longest_counts),
		cmocka_unit_test(what_is_covered),    cmocka_unit_test(networks_meet),
		cmocka_unit_test(as_looking_at_each), cmocka_unit_test(many),
		cmocka_unit_test(what_is_no_set),     cmocka_unit_test(memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
