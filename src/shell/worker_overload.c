/* While memory comes to an end: newcomers are turned away, then connections closed that are missed the least, then
 * those that take the most. In slices, so that who stays has its turn in between. */
#include "base/close_reason.h"
#include "base/detail.h"
#include "base/slice.h"
#include "engine/counters.h"
#include "engine/weight.h"
#include "shell/conn_io.h"
#include "shell/overload.h"

#define IDLE_NS ((uint64_t)LIMIT_OVERLOAD_IDLE * 1000000000)

static unsigned stage_of(const struct worker *worker)
{
	return atomic_load_explicit(&worker->options->overload->stage, memory_order_relaxed);
}

static void tell(struct worker *worker, enum overload_stage before)
{
	const struct overload *overload = worker->options->overload;
	enum overload_stage stage = (enum overload_stage)atomic_load(&overload->told);
	const char *name = overload_name(stage);
	struct fw_record record;

	if (stage > before)
		log_warn(worker->options->log, gate, "memory is short: stage %s of overload", name);
	else
		log_info(worker->options->log, gate, "memory is less short: stage %s of overload", name);
	worker_record(worker, stage > before ? EVENT_overload : EVENT_system_changes, &record);
	detail_add(&record, stage > before ? detail_text("cause", slice_text("memory"))
					   : detail_text("change", slice_text("memory is less short")));
	detail_add(&record, detail_text("stage", slice_text(name)));
	detail_add(&record, detail_number("memory", atomic_load(&overload->used)));
	detail_add(&record, detail_number("limit", atomic_load(&overload->limit)));
	ipc_send_record(worker->options->records, &record, (uint16_t)worker->index);
}

/* The few of many that rank first: kept in order, each that comes pushes one out that ranks behind it. */
struct choice {
	struct connection *connection;
	uint64_t rank; /* the smaller the sooner */
};

static void choose(struct choice *chosen, unsigned *count, unsigned most, struct choice one)
{
	unsigned at = *count < most ? (*count)++ : most;

	while (at != 0 && chosen[at - 1].rank > one.rank) {
		if (at < most)
			chosen[at] = chosen[at - 1];
		at--;
	}
	if (at < most)
		chosen[at] = one;
}

static void close_idle(struct worker *worker)
{
	struct choice chosen[LIMIT_OVERLOAD_CLOSED];
	unsigned count = 0, trims = atomic_load(&worker->options->overload->trims);

	/* What the last ones had is not the kernel's yet: more would be closed than it takes. */
	if (worker->overload_trims == trims)
		return;
	for (struct connection *connection = worker->connections; connection != NULL; connection = connection->next) {
		struct weight weight;

		if (connection->conn == NULL || connection->done)
			continue;
		weight = weight_of(connection->conn);
		/* Else those that do not answer a close frame would be chosen again and again, in place of others. */
		if (weight.ending)
			continue;
		if (weight.logged_in && worker->now.monotonic_ns - weight.quiet_ns < IDLE_NS)
			continue;
		/* Who is logged in ranks behind all who are not. */
		choose(chosen, &count, LIMIT_OVERLOAD_CLOSED,
		       (struct choice){ connection, weight.quiet_ns / 2 + (weight.logged_in ? UINT64_MAX / 2 : 0) });
	}
	for (unsigned i = 0; i < count; i++)
		conn_io_end(chosen[i].connection, CLOSE_OVERLOAD);
	worker->overload_closed += count;
	if (count == 0)
		return;
	worker->overload_trims = trims;
	overload_freed(worker->options->overload);
}

/* cuts: or only says how much its large ones have, so that the others know. */
static void cut_largest(struct worker *worker, bool cuts)
{
	struct choice chosen[LIMIT_OVERLOAD_CUT];
	uint64_t share, large = 0, freed = 0;
	unsigned count = 0, cut = 0;

	for (struct connection *connection = worker->connections; connection != NULL; connection = connection->next) {
		size_t bytes = connection->conn != NULL ? weight_of(connection->conn).bytes : 0;

		if (bytes < LIMIT_OVERLOAD_LARGE)
			continue;
		large += bytes;
		choose(chosen, &count, LIMIT_OVERLOAD_CUT, (struct choice){ connection, UINT64_MAX - bytes });
	}
	share = overload_share(worker->options->overload, worker->index, worker->count, large);
	if (!cuts)
		return;
	for (; cut < count && freed <= share; cut++) {
		freed += UINT64_MAX - chosen[cut].rank;
		conn_io_end(chosen[cut].connection, CLOSE_OVERLOAD);
		conn_io_cut(chosen[cut].connection);
	}
	worker->overload_closed += cut;
	if (cut != 0)
		overload_freed(worker->options->overload);
}

void worker_overload_look(struct worker *worker)
{
	struct overload *overload = worker->options->overload;
	uint64_t now = worker_now(worker)->monotonic_ns;
	enum overload_stage before;
	unsigned stage;

	if (worker->stopping)
		return;
	if (overload_look(overload, (uint64_t)worker->policy->settings.memory_limit, now, &before))
		tell(worker, before);
	stage = stage_of(worker);
	if (stage == OVERLOAD_none) {
		overload_no_share(overload, worker->index);
		return;
	}
	timers_set(&worker->timers, &worker->overload, now + OVERLOAD_EVERY_NS);
	if (now < worker->overload_due_ns)
		return;
	worker->overload_due_ns = now + OVERLOAD_EVERY_NS;
	if (stage >= OVERLOAD_close_idle)
		cut_largest(worker, stage >= OVERLOAD_close_largest);
	else
		overload_no_share(overload, worker->index);
	if (stage >= OVERLOAD_close_idle)
		close_idle(worker);
}

bool worker_overload_sheds(struct worker *worker)
{
	uint32_t random = 0;

	if (stage_of(worker) == OVERLOAD_none)
		return false;
	worker->random.fill(worker->random.user, (uint8_t *)&random, sizeof(random));
	if (!overload_sheds(worker->options->overload, random))
		return false;
	worker->overload_shed++;
	return true;
}

bool worker_overload_cuts(struct worker *worker)
{
	if (stage_of(worker) < OVERLOAD_close_largest)
		return false;
	worker->overload_shed++;
	return true;
}

void worker_overload_figures(struct worker *worker, uint64_t *counters)
{
	const struct overload *overload = worker->options->overload;

	worker_overload_look(worker);
	counters[COUNT_overload_shed] = worker->overload_shed;
	counters[COUNT_overload_closed] = worker->overload_closed;
	if (worker->index != 0) /* they are sums over all workers */
		return;
	counters[COUNT_memory_bytes] = atomic_load(&overload->used);
	counters[COUNT_memory_limit_bytes] = atomic_load(&overload->limit);
	counters[COUNT_overload_stage] = atomic_load(&overload->stage);
}
