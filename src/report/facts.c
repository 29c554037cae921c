#include "report/facts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/ledger_search.h"
#include "record/lines.h"
#include "report/facts_kept.h"
#include "report/facts_line.h"
#include "report/relay.h"

_Static_assert(sizeof(struct facts_row) == 32, "facts_row");
#define SEQUENCE_MOST ((UINT64_C(1) << 48) - 1)

enum { ROWS_READ = 4096 };

bool facts_is_listed(unsigned type)
{
	switch (type) {
	case EVENT_admin_action:
	case EVENT_system_changes:
	case EVENT_ip_blocked:
	case EVENT_issuer_keys:
	case EVENT_issuer_failure:
	case EVENT_clock_jump:
	case EVENT_system_error:
	case EVENT_overload:
	case EVENT_records_lost:
	case EVENT_ledger_epoch:
	case EVENT_ledger_repaired:
	case EVENT_ledger_failed:
	case EVENT_ledger_replaced:
	case EVENT_receiver_failed:
	case EVENT_receiver_restored:
	case EVENT_receiver_refused:
	case EVENT_receiver_gap:
		return true;
	default:
		return false;
	}
}

struct folding {
	struct facts *facts;
	const _Atomic bool *cancelled;
	struct relay relay; /* hashing takes one thread, this another */
	struct facts_kept kept;
	uint64_t marked;	  /* first record of the segment at whose beginning */
	struct facts_sizes sizes; /* the files had these */
};

static struct facts_sizes sizes_of(const struct facts *facts)
{
	return (struct facts_sizes){ facts->rows.size, facts->lines.size, facts->names.texts.size };
}

static void note_sequence(struct facts *facts, uint64_t sequence)
{
	uint64_t next = facts->last + 1;

	if (facts->first == 0)
		facts->first = sequence;
	if (sequence > next && facts->last != 0) {
		facts->missing += sequence - next;
		if (facts->gap_count < FACTS_GAPS)
			facts->gaps[facts->gap_count] = (struct facts_gap){ next, sequence - 1 };
		facts->gap_count++;
	}
	if (sequence < next)
		facts->disordered++;
	else
		facts->last = sequence;
}

static void add(void *user, struct fw_slice text)
{
	struct facts *facts = user;
	struct facts_line line;
	struct facts_row row;

	if (!facts_line_read(text, &line) || line.sequence > SEQUENCE_MOST || line.sequence == 0) {
		facts->no_records++;
		return;
	}
	note_sequence(facts, line.sequence);
	row = (struct facts_row){
		.us_low = (uint32_t)line.wall_us,
		.us_high = (uint32_t)(line.wall_us >> 32),
		.user = names_number(&facts->names, NAME_USER, line.user),
		.source = names_number(&facts->names, NAME_SOURCE, line.source),
		.cause = names_number(&facts->names, NAME_CAUSE, line.cause),
		.role = names_number(&facts->names, NAME_ROLE, line.role),
		.sequence_low = (uint32_t)line.sequence,
		.sequence_high = (uint16_t)(line.sequence >> 32),
		.type = line.type,
		.level = line.level,
	};
	spool_add(&facts->rows, &row, sizeof(row));
	facts->row_count++;
	if (facts_is_listed(line.type)) {
		spool_add(&facts->lines, text.data, text.size);
		spool_add(&facts->lines, "\n", 1);
	}
}

static bool goes_on(const struct folding *folding)
{
	return folding->cancelled == NULL || !atomic_load(folding->cancelled);
}

static bool add_unverified(void *user, struct fw_slice line)
{
	struct folding *folding = user;

	relay_line(&folding->relay, line);
	return goes_on(folding);
}

static bool add_verified(void *user, struct fw_slice line, uint64_t sequence)
{
	struct folding *folding = user;

	if (sequence == folding->kept.resume.segment) {
		relay_wait(&folding->relay);
		folding->sizes = sizes_of(folding->facts);
		folding->marked = sequence;
	}
	relay_line(&folding->relay, line);
	return goes_on(folding);
}

/* Takes over the files, or begins with nameless ones. */
static bool begin(struct folding *folding)
{
	struct facts *facts = folding->facts;
	struct facts_kept *kept = &folding->kept;
	bool opened;
	int fds[3];

	for (unsigned i = 0; i < 3; i++)
		fds[i] = kept->folder >= 0 ? dup(kept->fds[i]) : scratch_file();
	*facts = (struct facts){ .known = kept->resume.tree.size, .row_count = kept->resume.tree.size };
	facts->first = facts->known != 0;
	facts->last = facts->known;
	folding->marked = 0;
	/* each takes its own, so that none is left open when one fails */
	opened = spool_open(&facts->rows, fds[0], kept->sizes.rows);

	opened = spool_open(&facts->lines, fds[1], kept->sizes.lines) && opened;
	return names_open(&facts->names, fds[2], kept->sizes.names) && opened;
}

static bool flush(struct facts *facts)
{
	return spool_flush(&facts->rows) && spool_flush(&facts->lines) && names_flush(&facts->names);
}

static int read_all(struct folding *folding, const struct facts_options *options)
{
	struct facts *facts = folding->facts;
	static const struct ledger_filter any;
	struct ledger_verify_options verify = { .directory = options->record,
						.anchor = options->anchor,
						.checkpoints = options->checkpoints,
						.checkpoint_count = options->checkpoint_count,
						.record = add_verified,
						.user = folding,
						.resume = &folding->kept.resume };

	if (ledger_verify(&verify, &facts->verified) != 0)
		return -1;
	/* What does not hold is counted all the same, and said to be what it is. */
	if (!facts->verified.holds &&
	    ledger_scan(options->record, &any, facts->verified.last, add_unverified, folding) != 0)
		return -1;
	if (!goes_on(folding)) {
		errno = ECANCELED;
		return -1;
	}
	return 0;
}

static int fold(struct folding *folding, const struct facts_options *options)
{
	int result, reason;

	if (!begin(folding))
		return -1;
	relay_start(&folding->relay, add, folding->facts);
	result = read_all(folding, options);
	reason = errno;
	relay_end(&folding->relay);
	errno = reason;
	return result == 0 && flush(folding->facts) ? 0 : -1;
}

static int fold_again(struct folding *folding, const struct facts_options *options)
{
	facts_fini(folding->facts);
	facts_kept_forget(&folding->kept);
	return fold(folding, options);
}

static void keep(struct folding *folding, const struct facts_options *options)
{
	struct facts *facts = folding->facts;
	struct facts_kept *kept = &folding->kept;

	if (facts->row_count == kept->resume.tree.size) /* the last segment is empty yet */
		kept->sizes = sizes_of(facts);
	else
		kept->sizes = folding->sizes;
	if (!facts->verified.holds || kept->resume.segment == 0 ||
	    kept->sizes.rows != kept->resume.tree.size * sizeof(struct facts_row)) {
		facts_kept_forget(kept);
		return;
	}
	kept->read = facts->verified.last;
	facts_kept_save(kept, options);
}

int facts_open(const struct facts_options *options, struct facts *ret_facts)
{
	struct folding folding = { .facts = ret_facts, .cancelled = options->cancelled };
	uint64_t read;
	int result, reason;

	*ret_facts = (struct facts){ .rows = { .fd = -1 }, .lines = { .fd = -1 }, .names = { .texts = { .fd = -1 } } };
	facts_kept_open(&folding.kept, options);
	read = folding.kept.read;
	result = fold(&folding, options);
	/* What was kept may be at fault: all is read, so that the first bad record is named. */
	if (ret_facts->known != 0 && goes_on(&folding) && (result != 0 || !ret_facts->verified.holds))
		result = fold_again(&folding, options);
	/* Where the rows were to be kept there may be no room, which is no reason to make no report. */
	if (result != 0 && folding.kept.folder >= 0 && goes_on(&folding)) {
		facts_kept_forget(&folding.kept);
		facts_kept_close(&folding.kept);
		facts_fini(ret_facts);
		result = fold(&folding, options);
	}
	reason = errno;
	if (result == 0) {
		ret_facts->read = read > ret_facts->last ? read : 0;
		if (ret_facts->read == 0)
			keep(&folding, options);
	} else {
		facts_fini(ret_facts);
	}
	facts_kept_close(&folding.kept);
	errno = reason;
	return result;
}

void facts_fini(struct facts *facts)
{
	spool_fini(&facts->rows);
	spool_fini(&facts->lines);
	names_fini(&facts->names);
}

bool facts_rows(const struct facts *facts, facts_row_function *each, void *user)
{
	struct facts_row *rows = mem_alloc(ROWS_READ * sizeof(*rows));
	bool whole = rows != NULL;

	if (rows == NULL)
		errno = ENOMEM;
	for (uint64_t at = 0; at < facts->row_count && whole;) {
		size_t part = facts->row_count - at < ROWS_READ ? (size_t)(facts->row_count - at) : ROWS_READ;

		whole = spool_read(&facts->rows, at * sizeof(*rows), rows, part * sizeof(*rows));
		for (size_t i = 0; i < part && whole; i++)
			each(user, &rows[i]);
		at += part;
	}
	mem_free(rows);
	return whole;
}

bool facts_lines(const struct facts *facts, facts_line_function *each, void *user)
{
	uint8_t *room = mem_alloc(LINES_ROOM);
	uint64_t at = 0;
	bool whole = room != NULL;

	if (room == NULL)
		errno = ENOMEM;
	while (at < facts->lines.size && whole) {
		size_t part = facts->lines.size - at < LINES_ROOM ? (size_t)(facts->lines.size - at) : LINES_ROOM;
		const uint8_t *end, *from = room;

		whole = spool_read(&facts->lines, at, room, part);
		if (!whole)
			break;
		while ((end = memchr(from, '\n', part - (size_t)(from - room))) != NULL) {
			each(user, slice(from, (size_t)(end - from)));
			from = end + 1;
		}
		if (from == room) { /* no line is as long: it is not what was written */
			errno = EIO;
			whole = false;
		}
		at += (uint64_t)(from - room);
	}
	mem_free(room);
	return whole;
}
