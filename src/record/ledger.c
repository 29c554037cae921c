#include "record/ledger.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/detail.h"
#include "base/encode.h"
#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/jsonl.h"
#include "record/ledger_parts.h"

enum { TEXTS = sizeof(((struct ledger *)NULL)->texts) / sizeof(char *), CLOSE_ATTEMPTS = 3 };

/* The line with its chain in place of the last brace. */
static int append_line(struct ledger *ledger, const struct fw_record *record, uint64_t sequence, uint8_t chain[32],
		       struct fw_slice *ret_line)
{
	size_t before = buf_size(&ledger->lines), body;
	char end[SEGMENT_CHAIN + 1];

	if (jsonl_format(record, sequence, &ledger->lines, &ledger->pool) != 0)
		return -1;
	body = buf_size(&ledger->lines) - before - 2; /* "}" and LF */
	segment_chain(chain, slice(buf_data(&ledger->lines) + before, body), chain);
	segment_write_chain(chain, end);
	end[SEGMENT_CHAIN] = '\n';
	buf_cut(&ledger->lines, before + body);
	if (buf_append(&ledger->lines, &ledger->pool, end, sizeof(end)) != 0) {
		buf_cut(&ledger->lines, before);
		return -1;
	}
	*ret_line = slice(buf_data(&ledger->lines) + before, body + SEGMENT_CHAIN);
	return 0;
}

int ledger_add(struct ledger *ledger, const struct fw_record *record, struct fw_slice *ret_line)
{
	struct merkle_hash leaf;
	struct fw_slice line;
	uint8_t chain[32];

	memcpy(chain, ledger->chain, sizeof(chain));
	if (append_line(ledger, record, ledger->sequence + 1, chain, &line) != 0)
		return -1;
	if (buf_size(&ledger->lines) == line.size + 1)
		ledger->first = ledger->sequence + 1;
	ledger->sequence++;
	memcpy(ledger->chain, chain, sizeof(chain));
	merkle_leaf(line, &leaf);
	merkle_append(&ledger->tree, &leaf, ledger_keep_tile, ledger);
	if (ret_line != NULL)
		*ret_line = line;
	return 0;
}

struct fw_record ledger_own_record(struct ledger *ledger, uint16_t type, struct ledger_time now)
{
	struct fw_record record = { .wall_us = now.wall_us, .type = type, .level = ledger->levels[type] };
	uint8_t id[FW_EVENT_ID_SIZE / 2];

	ledger->options.random.fill(ledger->options.random.user, id, sizeof(id));
	encode_hex(id, sizeof(id), record.event_id);
	return record;
}

int ledger_add_own(struct ledger *ledger, const struct fw_record *record)
{
	int result = ledger_add(ledger, record, NULL);

	if (result == 0)
		ledger->own[record->type]++;
	return result;
}

const uint64_t *ledger_own_counts(const struct ledger *ledger)
{
	return ledger->own;
}

void ledger_detail_text(struct fw_record *record, const char *key, struct fw_slice text)
{
	detail_add(record, detail_text(key, text));
}

void ledger_detail_number(struct fw_record *record, const char *key, uint64_t number)
{
	detail_add(record, detail_number(key, number));
}

/* That writing failed is itself a record, made when it works again. */
static int record_failure(struct ledger *ledger, struct ledger_time now)
{
	struct fw_record record = ledger_own_record(ledger, EVENT_ledger_failed, now);
	const char *reason = strerrorname_np(ledger->failed_reason);

	ledger_detail_text(&record, "reason", slice_text(reason != NULL ? reason : "unknown"));
	ledger_detail_number(&record, "milliseconds", (now.wall_us - ledger->failed_since_us) / 1000);
	ledger_detail_number(&record, "waited", ledger->failed_waited);
	if (ledger_add_own(ledger, &record) != 0)
		return -1;
	ledger->failed_since_us = 0;
	ledger->failed_waited = 0;
	return 0;
}

static bool checkpoint_is_due(const struct ledger *ledger, struct ledger_time now)
{
	uint64_t more = ledger->sequence - ledger->checkpoint_size;

	return more >= LIMIT_CHECKPOINT_RECORDS ||
	       (more != 0 && now.monotonic_ns - ledger->checkpoint_ns >= LEDGER_SECOND_NS);
}

static bool epoch_is_over(const struct ledger *ledger, struct ledger_time now)
{
	if (ledger->next_epoch.pair != NULL) /* announced; a step behind that failed */
		return true;
	return ledger->options.epoch_ns != 0 && ledger->checkpoint_size != ledger->sequence &&
	       now.monotonic_ns - ledger->epoch_began_ns >= ledger->options.epoch_ns;
}

/* A checkpoint or a new epoch that is due. That it fails loses nothing, it is tried again; unless it were lines that
 * could not be written. */
static int sign(struct ledger *ledger, struct ledger_time now)
{
	bool epoch = epoch_is_over(ledger, now);

	if ((!epoch && !checkpoint_is_due(ledger, now)) ||
	    (ledger->unsigned_reason != 0 && now.monotonic_ns - ledger->sign_tried_ns < LEDGER_RETRY_NS))
		return 0;
	if ((epoch ? ledger_keys_next_epoch(ledger, now) : ledger_checkpoint(ledger, now, false)) == 0)
		return 0;
	return ledger->write_failed ? -1 : 0;
}

static int commit(struct ledger *ledger, struct ledger_time now)
{
	if (ledger_write(ledger, now, false) != 0)
		return -1;
	if (ledger->failed_since_us != 0 && (record_failure(ledger, now) != 0 || ledger_write(ledger, now, false) != 0))
		return -1;
	ledger_end_full_segment(ledger, now);
	return ledger->write_failed ? -1 : sign(ledger, now);
}

int ledger_commit(struct ledger *ledger, struct ledger_time now)
{
	if (commit(ledger, now) == 0)
		return 0;
	if (ledger->failed_since_us == 0)
		ledger->failed_since_us = now.wall_us;
	ledger->failed_reason = errno;
	if (ledger->failed_waited < ledger->sequence - ledger->durable)
		ledger->failed_waited = ledger->sequence - ledger->durable;
	return -1;
}

uint64_t ledger_sequence(const struct ledger *ledger)
{
	return ledger->sequence;
}

uint64_t ledger_durable(const struct ledger *ledger)
{
	return ledger->durable;
}

int ledger_unsigned(const struct ledger *ledger)
{
	return ledger->unsigned_reason;
}

size_t ledger_waiting(const struct ledger *ledger)
{
	/* what is in a file that is not trusted is in none */
	return buf_size(&ledger->lines) - (ledger->condemned ? 0 : ledger->written);
}

static void release(struct ledger *ledger)
{
	while (ledger->tiles != NULL) {
		struct ledger_tile *next = ledger->tiles->next;

		mem_free(ledger->tiles);
		ledger->tiles = next;
	}
	if (ledger->fd >= 0)
		close(ledger->fd);
	ledger_notes_close(ledger);
	buf_clear(&ledger->lines, &ledger->pool);
	pool_fini(&ledger->pool);
	note_key_fini(&ledger->key);
	note_key_fini(&ledger->epoch);
	note_key_fini(&ledger->next_epoch);
	for (unsigned i = 0; i < TEXTS; i++)
		mem_free(ledger->texts[i]);
	mem_free(ledger);
}

static bool copy_texts(struct ledger *ledger)
{
	const char **texts[TEXTS] = { &ledger->options.directory, &ledger->options.key_directory,
				      &ledger->options.copy };

	for (unsigned i = 0; i < TEXTS; i++) {
		if (*texts[i] == NULL)
			continue;
		ledger->texts[i] = mem_text(*texts[i], strlen(*texts[i]));
		if (ledger->texts[i] == NULL)
			return false;
		*texts[i] = ledger->texts[i];
	}
	return true;
}

struct ledger *ledger_open(const struct ledger_options *options, struct ledger_time now, const char **reterr_text)
{
	struct ledger *ledger = mem_zero(1, sizeof(*ledger));

	*reterr_text = "memory is short";
	if (ledger == NULL)
		return NULL;
	ledger->options = *options;
	ledger->storage = options->storage != NULL ? options->storage : &storage_system;
	for (unsigned type = 0; type < EVENT_TYPES; type++)
		ledger->levels[type] = options->levels != NULL ? options->levels[type] : event_type_level(type);
	ledger->fd = ledger->notes.fd = -1;
	ledger->tiles_end = &ledger->tiles;
	ledger->synced_ns = ledger->checkpoint_ns = ledger->epoch_began_ns = now.monotonic_ns;
	pool_init(&ledger->pool);
	if (copy_texts(ledger))
		*reterr_text = ledger_recover(ledger, now);
	if (*reterr_text == NULL)
		return ledger;
	release(ledger);
	return NULL;
}

size_t ledger_close(struct ledger *ledger, struct ledger_time now)
{
	size_t lost;

	if (ledger == NULL)
		return 0;
	/* Not once only: what a failed sync was about has to be written to another file. */
	for (unsigned attempt = 0; attempt < CLOSE_ATTEMPTS; attempt++)
		if (ledger_commit(ledger, now) == 0 &&
		    (ledger->checkpoint_size == ledger->sequence || ledger_checkpoint(ledger, now, true) == 0))
			break;
	lost = ledger_waiting(ledger);
	if (lost != 0)
		ledger_lost_write(ledger, ledger->sequence - (ledger->condemned ? ledger->first - 1 : ledger->durable),
				  lost);
	release(ledger);
	return lost;
}
