#include "shell/overload.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 4096, FULL = 100, CLEARLY = 3 }; /* percents */
#define MIB ((uint64_t)1024 * 1024)
#define TRIM_NS ((uint64_t)500000000)
#define TRIM_PART 10	/* of the time of a thread is spent on it at most, */
#define SETTLE_PART 100 /* or where memory is not short */
#define SETTLE_NS ((uint64_t)5000000000)
#define SETTLE_SHARE 16 /* of what is in use may be spare before it is */

static const struct {
	const char *name;
	unsigned percent;
} rows[OVERLOAD_STAGES] = {
	[OVERLOAD_none] = { "none", 0 },
#define OVERLOAD(name_, percent_, help) [OVERLOAD_##name_] = { #name_, percent_ },
#include "tables/overload.def"
#undef OVERLOAD
};

/* The number that a file of a control group has; UINT64_MAX: it has none ("max"), or is not there. */
static uint64_t number_in(const char *path)
{
	char text[32];
	FILE *file = fopen(path, "re");
	uint64_t number = UINT64_MAX;

	if (file == NULL)
		return UINT64_MAX;
	if (fgets(text, sizeof(text), file) != NULL && text[0] >= '0' && text[0] <= '9')
		number = strtoull(text, NULL, 10);
	fclose(file);
	return number;
}

/* Of the group and of all that it is in: the tightest counts. */
static uint64_t tightest(const char *root, char *group, const char *name)
{
	uint64_t least = UINT64_MAX;
	char path[LINE + 128];

	for (;;) {
		char *end = strrchr(group, '/');
		uint64_t number;

		snprintf(path, sizeof(path), "%s%s/%s", root, strcmp(group, "/") == 0 ? "" : group, name);
		number = number_in(path);
		if (number < least)
			least = number;
		if (end == NULL || group[0] == '\0')
			return least;
		*end = '\0';
	}
}

/* cgroups(7): lines "number:controllers:path"; version 2 has number 0 and no controllers. */
static uint64_t group_limit(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	uint64_t least = UINT64_MAX, found;
	char line[LINE];

	if (file == NULL)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), file) != NULL) {
		char *controllers = strchr(line, ':'),
		     *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

		if (group == NULL)
			continue;
		group[strcspn(group, "\n")] = '\0';
		*group++ = '\0';
		if (strcmp(controllers, ":") == 0)
			found = tightest("/sys/fs/cgroup", group, "memory.max");
		else if (strstr(controllers, "memory") != NULL)
			found = tightest("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
		else
			continue;
		least = found < least ? found : least;
	}
	fclose(file);
	return least;
}

void overload_open(struct overload *overload)
{
	struct sysinfo info;
	uint64_t group = group_limit();

	*overload = (struct overload){ .statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC), .machine = UINT64_MAX };
	if (sysinfo(&info) == 0)
		overload->machine = (uint64_t)info.totalram * info.mem_unit;
	if (group < overload->machine)
		overload->machine = group;
}

void overload_close(struct overload *overload)
{
	if (overload->statm >= 0)
		close(overload->statm);
	overload->statm = -1;
}

enum overload_stage overload_stage_of(uint64_t used, uint64_t limit)
{
	unsigned stage = OVERLOAD_STAGES - 1;

	while (stage != OVERLOAD_none && used < limit / FULL * rows[stage].percent)
		stage--;
	return (enum overload_stage)stage;
}

const char *overload_name(enum overload_stage stage)
{
	return rows[stage < OVERLOAD_STAGES ? stage : OVERLOAD_none].name;
}

/* proc(5): the second number of statm is the resident set, in pages. */
static uint64_t resident(const struct overload *overload)
{
	char text[128];
	ssize_t size = pread(overload->statm, text, sizeof(text) - 1, 0);
	char *second;

	if (size <= 0)
		return 0;
	text[size] = '\0';
	second = strchr(text, ' ');
	return second != NULL ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* What is told after `told`: a higher stage as soon as it is there, a lower one when it would be there even with a
 * little more in use. */
static unsigned to_tell(unsigned told, uint64_t used, uint64_t limit)
{
	unsigned stage = overload_stage_of(used, limit), rest = overload_stage_of(used + limit / FULL * CLEARLY, limit);

	return stage > told ? stage : rest < told ? rest : told;
}

static uint64_t spent_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

/* Of a heap of half a GiB this takes 50 ms or more, in which others wait who want memory: one thread at a time, and
 * with a rest by what it took. */
static void trim(struct overload *overload, uint64_t now_ns, unsigned part)
{
	uint64_t rest = atomic_load(&overload->rest_ns), begun;

	if (now_ns < rest || now_ns < atomic_load(&overload->trim_ns) ||
	    !atomic_compare_exchange_strong(&overload->rest_ns, &rest, UINT64_MAX))
		return;
	begun = spent_ns();
	atomic_store(&overload->trim_ns, now_ns + TRIM_NS);
	malloc_trim(0);
	atomic_fetch_add(&overload->trims, 1);
	atomic_store(&overload->rest_ns, now_ns + (spent_ns() - begun) * part);
}

static uint64_t limit_of(const struct overload *overload, uint64_t limit_mib)
{
	return limit_mib != 0 ? limit_mib * MIB : overload->machine / 4 * 3;
}

bool overload_look(struct overload *overload, uint64_t limit_mib, uint64_t now_ns, enum overload_stage *ret_before)
{
	uint64_t due = atomic_load_explicit(&overload->due, memory_order_relaxed), used;
	uint64_t limit = limit_of(overload, limit_mib);
	unsigned before, next;

	if (overload->statm < 0 || now_ns < due ||
	    !atomic_compare_exchange_strong(&overload->due, &due, now_ns + OVERLOAD_EVERY_NS))
		return false;
	used = resident(overload);
	/* What connections gave back the allocator may still have: the kernel is to have it before anybody is closed
	 * for it. */
	if (overload_stage_of(used, limit) != OVERLOAD_none) {
		trim(overload, now_ns, TRIM_PART);
		used = resident(overload);
	}
	atomic_store(&overload->limit, limit);
	atomic_store(&overload->used, used);
	atomic_store(&overload->stage, overload_stage_of(used, limit));
	before = atomic_load(&overload->told);
	next = to_tell(before, used, limit);
	*ret_before = (enum overload_stage)before;
	/* Where a measurement took so long that another thread made the next one meanwhile, one of them tells. */
	return next != before && atomic_compare_exchange_strong(&overload->told, &before, next);
}

uint64_t overload_excess(const struct overload *overload)
{
	uint64_t used = atomic_load(&overload->used),
		 enough = atomic_load(&overload->limit) / FULL * rows[OVERLOAD_close_idle].percent;

	return used > enough ? used - enough : 0;
}

uint64_t overload_share(struct overload *overload, unsigned worker, unsigned workers, uint64_t large)
{
	uint64_t excess = overload_excess(overload), all = 0;

	atomic_store(&overload->large[worker], large + 1);
	for (unsigned i = 0; i < workers; i++) {
		uint64_t one = atomic_load(&overload->large[i]);

		if (one == 0)
			return excess / workers;
		all += one - 1;
	}
	return all != 0 ? (uint64_t)((double)excess * (double)large / (double)all) : 0;
}

void overload_no_share(struct overload *overload, unsigned worker)
{
	atomic_store_explicit(&overload->large[worker], 0, memory_order_relaxed);
}

/* mallinfo(3): what the allocator has that nobody uses. What it gave back to the kernel it counts on, so it is what
 * came since that says whether there is something to give. */
void overload_settle(struct overload *overload, uint64_t now_ns)
{
	uint64_t spare, enough;

	if (overload->statm < 0 || now_ns < overload->settle_ns)
		return;
	overload->settle_ns = now_ns + SETTLE_NS;
	spare = mallinfo2().fordblks;
	enough = resident(overload) / SETTLE_SHARE;
	if (spare < overload->spare)
		overload->spare = spare;
	if (spare - overload->spare < (enough > MIB / 4 ? enough : MIB / 4))
		return;
	trim(overload, now_ns, SETTLE_PART);
	overload->spare = mallinfo2().fordblks;
}

bool overload_has_room(const struct overload *overload, uint64_t limit_mib, uint64_t *ret_used_mib,
		       uint64_t *ret_needed_mib)
{
	uint64_t used = overload->statm >= 0 ? resident(overload) : 0;

	*ret_used_mib = used / MIB + 1;
	*ret_needed_mib = used / MIB * 2 + 1;
	return overload_stage_of(used, limit_of(overload, limit_mib)) == OVERLOAD_none;
}

void overload_freed(struct overload *overload)
{
	atomic_store(&overload->trim_ns, 0);
}

bool overload_sheds(const struct overload *overload, uint32_t random)
{
	unsigned stage = atomic_load_explicit(&overload->stage, memory_order_relaxed);
	uint64_t used, limit, from, over;

	if (stage != OVERLOAD_shed)
		return stage > OVERLOAD_shed;
	used = atomic_load(&overload->used);
	limit = atomic_load(&overload->limit);
	from = limit / FULL * rows[OVERLOAD_shed].percent;
	over = limit / FULL * (rows[OVERLOAD_refuse].percent - rows[OVERLOAD_shed].percent);
	return over == 0 || used <= from ? used > from : random < (used - from) * UINT32_MAX / over;
}
