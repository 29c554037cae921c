/* What clients provoke at will beyond the budget of a source: summed up, kept, written. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "record/ledger_search.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

#define SECOND_NS UINT64_C(1000000000)

/* Three numbers of the configuration in one word: a million at most, 3600, 3600. */
enum { PER = 32, SUMMED_FOR = 48 };

/* In front of the sums in their file. */
struct note {
	uint64_t channel; /* ipc_identity */
	struct {
		uint64_t sequence;
		uint32_t generation, unused;
	} workers[LIMIT_WORKERS];
};

/* Not 0. */
static uint64_t id_of(const char id[FW_EVENT_ID_SIZE])
{
	uint64_t number = 0;

	for (unsigned i = 0; i < FW_EVENT_ID_SIZE; i++)
		number = number << 4 | (uint64_t)(id[i] <= '9' ? id[i] - '0' : id[i] - 'a' + 10);
	return number != 0 ? number : 1;
}

/* Its place in the table, or the free one where it would be. */
static uint64_t *find_id(uint64_t *ids, uint64_t id)
{
	size_t at = id % (KEEPER_TAIL * 2);

	while (ids[at] != 0 && ids[at] != id)
		at = (at + 1) % (KEEPER_TAIL * 2);
	return &ids[at];
}

static bool is_written(const struct keeper_sums *sums, const char id[FW_EVENT_ID_SIZE])
{
	return sums->ids != NULL && *find_id(sums->ids, id_of(id)) != 0;
}

static bool note_id(void *user, struct fw_slice line)
{
	static const char name[] = "\"event_id\":\"";
	const char *found = memmem(line.data, line.size, name, sizeof(name) - 1);
	uint64_t id;

	if (found == NULL || (const char *)line.data + line.size - found < (ptrdiff_t)(sizeof(name) + FW_EVENT_ID_SIZE))
		return true;
	id = id_of(found + sizeof(name) - 1);
	*find_id(user, id) = id;
	return true;
}

/* The event ids of the last records: more than a keeper writes between two writes of its file. */
static void read_tail(struct keeper_recorder *recorder)
{
	static const struct ledger_filter any;
	uint64_t last = ledger_sequence(recorder->ledger);

	recorder->sums.ids = mem_zero(KEEPER_TAIL * 2, sizeof(uint64_t));
	if (recorder->sums.ids != NULL)
		ledger_scan(recorder->directory, &any, last > KEEPER_TAIL ? last - KEEPER_TAIL : 0, note_id,
			    recorder->sums.ids);
}

static int save(struct keeper_recorder *recorder, bool sync)
{
	struct keeper_sums *sums = &recorder->sums;
	struct note note = { .channel = ipc_identity(recorder->channel) };

	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		note.workers[i].sequence = sums->done[i].sequence;
		note.workers[i].generation = sums->done[i].generation;
	}
	return budget_file_save(&sums->file, slice(&note, sizeof(note)),
				slice(sums->image, budget_image(sums->budget, sums->image)), sync);
}

static void tell(struct keeper_recorder *recorder, int reason)
{
	struct log *log = recorder->options != NULL ? recorder->options->log : NULL;

	if (reason != 0 && !recorder->sums.failing)
		log_warn(log, record,
			 "cannot keep %s: %s; if this program is killed now, the number of records that were summed up "
			 "is lost",
			 recorder->sums.file.path, strerror(reason));
	recorder->sums.failing = reason != 0;
}

/* What is on the disk is left out of the file, or known by its id. So a sum is in the file with all that it counts
 * before it is written: who is killed behind that has it once. */
static void write_sum(void *user, const struct fw_record *record)
{
	struct keeper_recorder *recorder = user;

	if (recorder->sums.taken) {
		keeper_recorder_commit(recorder);
		tell(recorder, save(recorder, false) != 0 ? errno : 0);
		recorder->sums.taken = false;
	}
	keeper_recorder_add(recorder, record);
}

static void write_kept(void *user, const struct fw_record *record)
{
	struct keeper_recorder *recorder = user;

	if (!is_written(&recorder->sums, record->event_id))
		keeper_recorder_add(recorder, record);
}

void keeper_sums_set(struct keeper_recorder *recorder, const struct fw_policy *policy)
{
	const struct settings *settings = &policy->settings;

	atomic_store(&recorder->sums.wanted, (uint64_t)settings->source_budget_records |
						     (uint64_t)settings->source_budget_per << PER |
						     (uint64_t)settings->source_budget_summed_for << SUMMED_FOR);
}

static void use_policy(struct keeper_sums *sums)
{
	uint64_t wanted = atomic_load(&sums->wanted);
	const struct budget_rule rule = { .records = wanted & ((UINT64_C(1) << PER) - 1),
					  .per_ns = (wanted >> PER & ((1 << (SUMMED_FOR - PER)) - 1)) * SECOND_NS,
					  .summed_ns = (wanted >> SUMMED_FOR) * SECOND_NS };

	budget_set(sums->budget, &rule);
}

bool keeper_sums_start(struct keeper_recorder *recorder, const struct keeper_options *options)
{
	struct keeper_sums *sums = &recorder->sums;
	struct hash_key key;

	options->random.fill(options->random.user, (uint8_t *)&key, sizeof(key));
	sums->sync = keeper_started(options)->record_sync != LEDGER_SYNC_NONE;
	sums->budget = budget_new(&key, write_sum, recorder);
	sums->image = mem_alloc(BUDGET_IMAGE);
	keeper_sums_set(recorder, options->policy);
	return sums->budget != NULL && sums->image != NULL;
}

void keeper_sums_begin(struct keeper_recorder *recorder)
{
	struct keeper_sums *sums = &recorder->sums;
	struct fw_slice holds;
	struct note note;
	uint8_t *octets;
	bool whole = budget_file_open(&sums->file, recorder->directory, &octets, &holds);

	if (whole && holds.size >= sizeof(note)) {
		memcpy(&note, holds.data, sizeof(note));
		sums->comes_again = note.channel == ipc_identity(recorder->channel);
		for (unsigned i = 0; i < LIMIT_WORKERS && sums->comes_again; i++)
			sums->before[i] = sums->done[i] =
				(struct keeper_sequence){ note.workers[i].sequence, note.workers[i].generation };
		if (sums->comes_again || holds.size > sizeof(note))
			read_tail(recorder);
		whole = budget_write_image(slice_from(holds, sizeof(note)), write_kept, recorder);
	}
	mem_free(octets);
	if (!whole)
		keeper_recorder_add_loss(recorder, 0, NULL, 0,
					 "the numbers of records that were summed up cannot be read");
	/* it is on the disk before the file says otherwise */
	sums->saved = UINT64_MAX;
	sums->saved_count = holds.size > sizeof(note);
	use_policy(sums);
}

bool keeper_sums_knows(struct keeper_recorder *recorder, const struct ipc_record *message)
{
	struct keeper_sums *sums = &recorder->sums;
	/* That a gate fell is of no worker: the monitor writes it. */
	unsigned worker = message->worker < LIMIT_WORKERS ? message->worker : LIMIT_WORKERS;
	const struct keeper_sequence *before;

	if (!sums->comes_again)
		return false;
	before = worker != LIMIT_WORKERS ? &sums->before[worker] : NULL;
	if (before != NULL && before->generation == message->generation && message->sequence <= before->sequence)
		return true;
	if (++sums->ids_asked == KEEPER_TAIL * 4) {
		mem_free(sums->ids);
		sums->ids = NULL;
	}
	if (!is_written(sums, message->record.event_id))
		return false;
	recorder->sequences[worker] = (struct keeper_sequence){ message->sequence, message->generation };
	return true;
}

void keeper_sums_done(struct keeper_recorder *recorder, const struct ipc_record *message)
{
	recorder->sums.taken = true;
	if (message->worker < LIMIT_WORKERS)
		recorder->sums.done[message->worker] =
			(struct keeper_sequence){ message->sequence, message->generation };
}

bool keeper_sums_take(struct keeper_recorder *recorder, const struct fw_record *record)
{
	return budget_take(recorder->sums.budget, record, uv_hrtime());
}

void keeper_sums_write(struct keeper_recorder *recorder, bool all)
{
	use_policy(&recorder->sums);
	budget_flush(recorder->sums.budget, uv_hrtime(), all);
}

void keeper_sums_release(struct keeper_recorder *recorder)
{
	struct keeper_sums *sums = &recorder->sums;
	uint64_t changes = budget_changes(sums->budget);
	unsigned count = budget_sums(sums->budget);
	/* What was written as a sum is not to come again after a cut of the power. */
	bool sync = sums->sync && count < sums->saved_count;

	/* Without a sum now or then there is no file, and none is made; but that a ring may outlive this keeper. */
	if (changes != sums->saved && (changes != 0 || sums->file.turn != 0 || !recorder->owns_channel)) {
		int failed = save(recorder, sync);

		tell(recorder, failed != 0 ? errno : 0);
		if (failed == 0) {
			sums->saved = changes;
			sums->saved_count = count;
		}
	}
	sums->taken = false;
	ipc_release(recorder->channel);
}

void keeper_sums_stop(struct keeper_recorder *recorder, bool whole)
{
	struct keeper_sums *sums = &recorder->sums;

	budget_file_close(&sums->file, whole);
	sums->budget = budget_free(sums->budget);
	mem_free(sums->image);
	sums->image = NULL;
	mem_free(sums->ids);
	sums->ids = NULL;
}
