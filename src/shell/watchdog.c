#include "shell/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/detail.h"
#include "base/event_type.h"
#include "base/slice.h"

enum { LINE = 512 };
#define SECOND_NS ((uint64_t)1000000000)

struct watchdog_beats *watchdog_beats_new(void)
{
	void *beats =
		mmap(NULL, sizeof(struct watchdog_beats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return beats != MAP_FAILED ? beats : NULL;
}

void watchdog_beats_free(struct watchdog_beats *beats)
{
	if (beats != NULL)
		munmap(beats, sizeof(*beats));
}

void watchdog_begin(struct watchdog *watchdog, struct watchdog_beats *beats, unsigned workers)
{
	*watchdog = (struct watchdog){ .beats = beats, .workers = workers };
	memset(beats, 0, sizeof(*beats));
}

/* proc(5): what a file of a thread says, "" where it is not there or not for us. */
static void read_line(pid_t process, int32_t thread, const char *name, char ret_line[LINE])
{
	char path[64];
	FILE *file;

	ret_line[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)process, (int)thread, name);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	if (fgets(ret_line, LINE, file) == NULL)
		ret_line[0] = '\0';
	ret_line[strcspn(ret_line, "\n")] = '\0';
	fclose(file);
}

/* R, S, D, T …; '?': the kernel does not tell. */
static char state_of(pid_t process, int32_t thread)
{
	char line[LINE];
	const char *end;

	read_line(process, thread, "stat", line);
	end = strrchr(line, ')'); /* of its name, which may have anything in it */
	return end != NULL && end[1] == ' ' && end[2] != '\0' ? end[2] : '?';
}

/* The second number of schedstat: how long it was ready and had no processor. */
static uint64_t queued_of(pid_t process, int32_t thread)
{
	char line[LINE];
	const char *second;

	read_line(process, thread, "schedstat", line);
	second = strchr(line, ' ');
	return second != NULL ? strtoull(second, NULL, 10) : 0;
}

static void say_where(pid_t process, int32_t thread, char ret_where[WATCHDOG_WHERE])
{
	char state = state_of(process, thread), wchan[LINE], call[LINE];

	if (state == 'R') {
		snprintf(ret_where, WATCHDOG_WHERE, "it runs");
		return;
	}
	read_line(process, thread, "wchan", wchan);
	read_line(process, thread, "syscall", call);
	call[strcspn(call, " ")] = '\0';
	snprintf(ret_where, WATCHDOG_WHERE, "it waits (state %c%s%.32s%s%.8s)", state,
		 call[0] != '\0' ? ", system call " : "", call, wchan[0] != '\0' && wchan[0] != '0' ? ", in " : "",
		 wchan[0] != '0' ? wchan : "");
}

static void look_at(struct watchdog *watchdog, unsigned worker, pid_t process, uint64_t passed_ns, uint64_t after_ns,
		    watchdog_function *function, void *user)
{
	struct watchdog_beat *beat = &watchdog->beats->workers[worker];
	struct watchdog_seen *seen = &watchdog->seen[worker];
	struct watchdog_found found = { .worker = worker, .thread = atomic_load(&beat->thread) };
	uint64_t turns = atomic_load_explicit(&beat->turns, memory_order_relaxed), queued, waited;
	char state;

	if (found.thread == 0 || turns != seen->turns) {
		found.turns = true;
		found.still_ns = seen->still_ns;
		if (found.thread != 0 && seen->told)
			function(user, &found);
		*seen = (struct watchdog_seen){ .turns = turns };
		return;
	}
	queued = queued_of(process, found.thread);
	waited = queued > seen->queued_ns ? queued - seen->queued_ns : 0;
	seen->queued_ns = queued;
	state = state_of(process, found.thread);
	if (state == 'T' || state == 't')
		return;
	/* Since when within the time of the first such look nobody knows. */
	if (seen->stands)
		seen->still_ns += passed_ns > waited ? passed_ns - waited : 0;
	seen->stands = true;
	if (seen->told || seen->still_ns < after_ns)
		return;
	seen->told = true;
	found.still_ns = seen->still_ns;
	say_where(process, found.thread, found.where);
	function(user, &found);
}

void watchdog_look(struct watchdog *watchdog, pid_t process, uint64_t after_ns, uint64_t now_ns,
		   watchdog_function *function, void *user)
{
	uint64_t passed_ns = now_ns - watchdog->looked_ns;

	if (after_ns == 0 || now_ns < watchdog->due_ns)
		return;
	/* The first look is the first of a worker, too. A later one that comes late was kept from running itself, and
	 * so may the workers have been. */
	if (watchdog->looked_ns == 0)
		passed_ns = 0;
	if (passed_ns > WATCHDOG_LOOK_NS)
		passed_ns = WATCHDOG_LOOK_NS;
	watchdog->looked_ns = now_ns;
	watchdog->due_ns = now_ns + WATCHDOG_LOOK_NS;
	for (unsigned worker = 0; worker < watchdog->workers; worker++)
		look_at(watchdog, worker, process, passed_ns, after_ns, function, user);
}

struct fw_record watchdog_record(const struct watchdog_found *found, const char *action)
{
	struct fw_record record = { .type = found->turns ? EVENT_system_changes : EVENT_worker_hangs };

	if (found->turns)
		detail_add(&record, detail_text("change", slice_text("worker turns again")));
	detail_add(&record, detail_number("worker", found->worker));
	detail_add(&record, detail_number("seconds", found->still_ns / SECOND_NS));
	if (!found->turns) {
		detail_add(&record, detail_text("where", slice_text(found->where)));
		detail_add(&record, detail_text("action", slice_text(action)));
	}
	return record;
}

const char *watchdog_say(const struct watchdog_found *found, char ret_text[WATCHDOG_TEXT])
{
	unsigned seconds = (unsigned)(found->still_ns / SECOND_NS);

	if (found->turns)
		snprintf(ret_text, WATCHDOG_TEXT, "worker %u turns again, after %u s", found->worker, seconds);
	else
		snprintf(ret_text, WATCHDOG_TEXT, "worker %u has not turned for %u s: %s", found->worker, seconds,
			 found->where);
	return ret_text;
}

void watchdog_enter(struct watchdog_beat *beat)
{
	if (beat != NULL)
		atomic_store(&beat->thread, (int32_t)syscall(SYS_gettid));
}

void watchdog_leave(struct watchdog_beat *beat)
{
	if (beat != NULL)
		atomic_store(&beat->thread, 0);
}
