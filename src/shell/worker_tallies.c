/* The labelled figures of a worker go to the keeper as what came since the last time, so that the keeper need not keep
 * them by worker. What finds no room on the way waits for the next time. */
#include "base/slice.h"
#include "engine/tallies.h"
#include "shell/worker.h"

#include <string.h>

_Static_assert(TALLY_WORDS * sizeof(struct ipc_tally_word) <= WORKER_SCRATCH, "the words of a worker have no room");
_Static_assert((TALLY_SERIES + 2) * sizeof(struct tally_series) <= WORKER_SCRATCH, "its series have none");

static void send_words(struct worker *worker, const struct tally_fixed *fixed)
{
	const uint64_t *words = (const uint64_t *)fixed;
	struct ipc_tallies message = { .worker = (uint16_t)worker->index };
	size_t size = 0;

	for (uint64_t word = 0; word < TALLY_WORDS; word++)
		if (words[word] != 0) {
			struct ipc_tally_word one = { .value = words[word], .word = word };

			memcpy(worker->scratch + size, &one, sizeof(one));
			size += sizeof(one);
		}
	if (size != 0 && ipc_send(worker->options->figures, IPC_TALLIES, &message, sizeof(message),
				  slice(worker->scratch, size), false))
		engine_tallies_told(worker->engine, false);
}

static bool counts(const struct tally_series *series)
{
	for (unsigned i = 0; i < DECISIONS; i++)
		if (series->counts[i] != 0)
			return true;
	return false;
}

void worker_tallies_send(struct worker *worker)
{
	const struct tallies *tallies = engine_tallies(worker->engine);
	struct ipc_tallies message = { .worker = (uint16_t)worker->index };
	size_t size = 0;

	send_words(worker, &tallies->fixed);
	for (unsigned i = 0; i < TALLY_SERIES + 2; i++)
		if (counts(&tallies->series[i])) {
			memcpy(worker->scratch + size, &tallies->series[i], sizeof(tallies->series[i]));
			size += sizeof(tallies->series[i]);
		}
	if (size != 0 && ipc_send(worker->options->figures, IPC_SERIES, &message, sizeof(message),
				  slice(worker->scratch, size), false))
		engine_tallies_told(worker->engine, true);
}
