/* prefixes.c: lists of a million networks of IPv4 and a hundred thousand of IPv6, in memory. `prefixes [--quick]`
 * prints one JSON object: octets of the set, and of all that is held while it is made; seconds from the text's networks
 * to a set that is in use; nanoseconds a lookup of IPv4 and IPv6, hot (a few addresses again and again), of addresses
 * all over, and of those in a network. That each answer is right is what tests/unit/test_prefix_set.c sees to. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/prefix_set.h"

#include "memory.h"

enum { FOUR = 1000000, SIX = 100000, ASKED = 1 << 16, HOT = 256, LOOKUPS = 400000, PASSES = 15 };

static double now_s(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void stop(const char *why)
{
	fprintf(stderr, "prefixes: %s\n", why);
	exit(1);
}

static void cut(struct addr_net *net)
{
	unsigned size = net->base.family == 4 ? 4 : 16;

	for (unsigned i = 0; i < size; i++)
		if (8 * (i + 1) > net->bits)
			net->base.bytes[i] &= (uint8_t)(8 * i >= net->bits ? 0 : 0xff00U >> net->bits % 8);
}

/* Single addresses and small networks mostly, as lists have them; IPv6 where it is given out, in a few hundred of the
 * first 16 bits. */
static struct addr_net any_net(uint8_t family)
{
	struct addr_net net = { .base = { .family = family } };
	uint64_t word = memory_word(), other = memory_word();

	memcpy(net.base.bytes, &word, sizeof(word));
	memcpy(net.base.bytes + 8, &other, sizeof(other));
	if (family == 4) {
		memset(net.base.bytes + 4, 0, sizeof(net.base.bytes) - 4);
		net.bits = (uint8_t)(memory_word() % 4 != 0 ? 32 : 16 + memory_word() % 16);
	} else {
		net.base.bytes[0] = (uint8_t)(memory_word() % 2 ? 0x2a : 0x20);
		net.base.bytes[1] &= 0x7f;
		net.bits = (uint8_t)(32 + memory_word() % 33);
	}
	cut(&net);
	return net;
}

static struct addr_net *make(void)
{
	struct addr_net *nets = malloc((FOUR + SIX) * sizeof(*nets));

	if (nets == NULL)
		stop("memory is short");
	for (size_t i = 0; i < FOUR + SIX; i++)
		nets[i] = any_net(i < FOUR ? 4 : 6);
	return nets;
}

static const struct prefix_set *build(const struct addr_net *nets, double *ret_s, double *ret_cpu_s, size_t *ret_size)
{
	double from = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	struct prefix_build *build = prefix_build_new();
	const struct prefix_set *set;
	void *memory;

	for (size_t i = 0; build != NULL && i < FOUR + SIX; i++)
		if (!prefix_build_add(build, &nets[i]))
			stop("memory is short");
	*ret_size = build != NULL ? prefix_build_size(build) : 0;
	memory = aligned_alloc(8, *ret_size);
	if (build == NULL || memory == NULL)
		stop("memory is short");
	prefix_build_write(build, memory);
	prefix_build_free(build);
	set = prefix_set_of(memory, *ret_size);
	if (set == NULL)
		stop("what was made is no set");
	*ret_s = now_s(CLOCK_MONOTONIC) - from;
	*ret_cpu_s = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	return set;
}

/* Nanoseconds a lookup of these in turn, a power of two of them: the least of some passes, since whatever else runs
 * here only adds to it. */
static double ask(const struct prefix_set *set, const struct fw_addr *asked, size_t count, unsigned lookups,
		  double *ret_hits)
{
	double passes[PASSES];
	size_t found = 0;

	for (unsigned pass = 0; pass < PASSES; pass++) {
		double from = now_s(CLOCK_PROCESS_CPUTIME_ID);
		struct addr_net net;

		found = 0;
		for (size_t i = 0; i < lookups; i++)
			found += prefix_set_find(set, &asked[i & (count - 1)], &net);
		passes[pass] = (now_s(CLOCK_PROCESS_CPUTIME_ID) - from) * 1e9 / lookups;
	}
	qsort(passes, PASSES, sizeof(*passes), memory_compare);
	*ret_hits = (double)found / lookups;
	return passes[0];
}

static void measure(const struct prefix_set *set, const struct addr_net *nets, uint8_t family, unsigned lookups)
{
	static struct fw_addr asked[ASKED];
	double hits, hot, all, listed;

	for (size_t i = 0; i < ASKED; i++)
		asked[i] = nets[(family == 4 ? 0 : FOUR) + memory_word() % (family == 4 ? FOUR : SIX)].base;
	listed = ask(set, asked, ASKED, lookups, &hits);
	for (size_t i = 0; i < ASKED; i++) {
		struct addr_net any = any_net(family);
		uint64_t low = memory_word();

		memcpy(any.base.bytes + (family == 4 ? 2 : 8), &low, family == 4 ? 2 : 8);
		asked[i] = any.base;
	}
	hot = ask(set, asked, HOT, lookups, &hits);
	all = ask(set, asked, ASKED, lookups, &hits);
	printf("\"%u\":{\"hot_ns\":%.1f,\"all_ns\":%.1f,\"all_hits\":%.3f,\"listed_ns\":%.1f}", family, hot, all, hits,
	       listed);
}

int main(int argc, char **argv)
{
	unsigned lookups = argc > 1 && strcmp(argv[1], "--quick") == 0 ? LOOKUPS / 4 : LOOKUPS;
	struct addr_net *nets = make();
	const struct prefix_set *set;
	struct rusage before, after;
	double seconds, cpu;
	size_t size;

	getrusage(RUSAGE_SELF, &before);
	set = build(nets, &seconds, &cpu, &size);
	getrusage(RUSAGE_SELF, &after);
	printf("{\"networks\":%zu,\"octets\":%zu,\"peak_octets\":%ld,\"seconds\":%.3f,\"cpu_seconds\":%.3f,",
	       prefix_set_count(set), size, (after.ru_maxrss - before.ru_maxrss) * 1024L, seconds, cpu);
	measure(set, nets, 4, lookups);
	printf(",");
	measure(set, nets, 6, lookups);
	printf("}\n");
	free(nets);
	free((void *)(uintptr_t)set);
	return 0;
}
