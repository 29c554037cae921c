#include "report/facts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/ledger_search.h"
#include "record/segment.h"
#include "report/facts_kept.h"
#include "report/facts_line.h"
#include "report/relay.h"

#define SEQUENCE_MOST ((UINT64_C(1) << 48) - 1)

bool facts_is_listed(unsigned type)
{
	switch (type) {
	case EVENT_admin_action:
	case EVENT_system_changes:
	case EVENT_ip_blocked:
	case EVENT_issuer_keys:
	case EVENT_issuer_failure:
	case EVENT_clock_jump:
	case EVENT_worker_hangs:
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
	const struct facts_options *options;
	bool advances;	    /* for what is to be kept alone: nobody reads the rows now */
	struct relay relay; /* hashing takes one thread, this another */
	struct facts_kept kept;
	struct facts_building building; /* the relay's thread's, between relay_wait and relay_wait */
	int failed;			/* errno: a part could not be written */
};

static void note_sequence(struct facts *facts, uint64_t sequence)
{
	uint64_t next = (facts->last != 0 ? facts->last : facts->verified.removed) + 1;

	if (facts->first == 0)
		facts->first = sequence;
	if (sequence > next) {
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
	struct folding *folding = user;
	struct facts_building *building = &folding->building;
	struct facts_line line;
	struct facts_row row;

	if (!building->open) /* it failed, or nobody wants it any more: the line that was on its way */
		return;
	if (!facts_line_read(text, &line) || line.sequence > SEQUENCE_MOST || line.sequence == 0) {
		folding->facts->no_records++;
		return;
	}
	note_sequence(folding->facts, line.sequence);
	row = (struct facts_row){
		.us_low = (uint32_t)line.wall_us,
		.us_high = (uint32_t)(line.wall_us >> 32),
		.user = names_number(&building->names, NAME_USER, line.user),
		.source = names_number(&building->names, NAME_SOURCE, line.source),
		.cause = names_number(&building->names, NAME_CAUSE, line.cause),
		.role_or_count = line.type == EVENT_auth_success ? names_number(&building->names, NAME_ROLE, line.role)
								 : line.count,
		.sequence_low = (uint32_t)line.sequence,
		.sequence_high = (uint16_t)(line.sequence >> 32),
		.type = line.type,
		.level = line.level,
	};
	spool_add(&building->rows, &row, sizeof(row));
	building->count++;
	if (facts_is_listed(line.type)) {
		spool_add(&building->lines, text.data, text.size);
		spool_add(&building->lines, "\n", 1);
	}
}

static bool goes_on(const struct folding *folding)
{
	const _Atomic bool *cancelled = folding->options->cancelled;

	return folding->failed == 0 && (cancelled == NULL || !atomic_load(cancelled));
}

static bool add_unverified(void *user, struct fw_slice line)
{
	struct folding *folding = user;

	relay_line(&folding->relay, line);
	return goes_on(folding);
}

static bool add_verified(void *user, struct fw_slice line, uint64_t sequence)
{
	(void)sequence;
	return add_unverified(user, line);
}

/* Into the file without a name. */
static bool add_loose(struct folding *folding, struct facts_part *part)
{
	struct facts *facts = folding->facts;
	off_t at;

	if (facts->loose < 0)
		facts->loose = scratch_file();
	at = facts->loose >= 0 ? lseek(facts->loose, 0, SEEK_END) : -1;
	part->offset = (uint64_t)at;
	return at >= 0 && facts_part_write(&folding->building, facts->loose, part, NULL);
}

/* What was built is a part; is_closed: its segment gets no more records. */
static bool end_part(struct folding *folding, bool is_closed)
{
	struct facts_part part = { 0 };
	bool kept;

	relay_wait(&folding->relay);
	if (!folding->building.open)
		return true;
	kept = is_closed && facts_kept_add(&folding->kept, folding->options, &folding->building, &part);
	if (folding->advances && !kept)
		return false;
	return (kept || add_loose(folding, &part)) && facts_parts_add(&folding->facts->parts, &part);
}

static void begin_segment(void *user)
{
	struct folding *folding = user;
	bool ended;

	relay_wait(&folding->relay); /* the other thread may still add to what ends here */
	ended = goes_on(folding) && end_part(folding, true);
	if (!ended && folding->failed == 0)
		folding->failed = errno != 0 ? errno : EIO;
	facts_building_end(&folding->building);
	facts_kept_segment(&folding->kept, folding->options);
	if (ended && !facts_building_begin(&folding->building)) {
		folding->failed = errno;
		facts_building_end(&folding->building);
	}
}

/* The first record of the segment behind the one that has record at; 0: there is none. */
static uint64_t segment_behind(const char *record, uint64_t at)
{
	struct segment_list list;
	uint64_t found = 0;

	if (segment_list(record, &list) != 0)
		return 0;
	for (size_t i = 0; i < list.count && found == 0; i++)
		if (list.firsts[i] > at)
			found = list.firsts[i];
	segment_list_fini(&list);
	return found;
}

/* What does not hold is counted all the same, and said to be what it is. Behind an archive that cannot be read any more
 * it goes on with the next segment: what was in it is a gap. */
static bool read_unverified(struct folding *folding)
{
	static const struct ledger_filter any;
	const char *record = folding->options->record;
	uint64_t after = folding->facts->verified.last, next;

	while (ledger_scan(record, &any, after, add_unverified, folding) != 0) {
		if (errno != EBADMSG)
			return false;
		relay_wait(&folding->relay);
		after = folding->facts->last > after ? folding->facts->last : after;
		next = segment_behind(record, after + 1);
		if (next == 0)
			return true;
		after = next - 1;
	}
	return true;
}

static int read_all(struct folding *folding, uint64_t until)
{
	struct facts *facts = folding->facts;
	const struct facts_options *options = folding->options;
	struct ledger_verify_options verify = { .directory = options->record,
						.anchor = options->anchor,
						.checkpoints = options->checkpoints,
						.checkpoint_count = options->checkpoint_count,
						.record = add_verified,
						.segment = begin_segment,
						.user = folding,
						.resume = &folding->kept.resume,
						.until = until };

	if (ledger_verify(&verify, &facts->verified) != 0)
		return -1;
	if (folding->advances)
		return 0;
	if (!folding->building.open && !facts_building_begin(&folding->building))
		return -1;
	if (!facts->verified.holds && !read_unverified(folding))
		return -1;
	if (!goes_on(folding)) {
		errno = ECANCELED;
		return -1;
	}
	return end_part(folding, false) ? 0 : -1;
}

static int fold(struct folding *folding, uint64_t until)
{
	struct facts *facts = folding->facts;
	int result, reason;

	facts->first = facts->parts.count != 0 ? facts->parts.list[0].first : 0;
	facts->known = facts->last = facts->parts.count != 0 ? folding->kept.resume.tree.size : 0;
	facts->no_records = facts->disordered = facts->missing = facts->gap_count = 0;
	relay_start(&folding->relay, add, folding, !folding->advances);
	result = read_all(folding, until);
	reason = folding->failed != 0 ? folding->failed : errno;
	relay_end(&folding->relay);
	facts_building_end(&folding->building);
	errno = reason;
	return result == 0 && folding->failed == 0 ? 0 : -1;
}

static int fold_again(struct folding *folding)
{
	facts_kept_forget(&folding->kept);
	folding->facts->parts.count = 0;
	folding->failed = 0;
	return fold(folding, 0);
}

/* The numbers of a part's texts among all of them. */
static bool take_names(struct facts *facts, struct facts_part *part)
{
	const struct spool file = { .fd = part->is_kept ? facts_kept_file(facts->folder, part) : facts->loose };
	bool taken = file.fd >= 0;
	uint32_t *numbers;

	part->names = facts->number_count;
	for (struct names_cursor cursor = { .offset = part->offset + part->sizes[FACTS_ROWS],
					    .end = part->offset + part->sizes[FACTS_ROWS] + part->sizes[FACTS_NAMES] };
	     taken;) {
		struct fw_slice text = slice(NULL, 0);
		enum name_kind kind = NAME_USER;
		int got = facts->number_count == part->names ? 1 : names_next(&file, &cursor, &text, &kind);

		if (got == 0)
			break;
		taken = got > 0 && scratch_grow(&facts->numbers, (facts->number_count + 1) * sizeof(*numbers));
		if (!taken)
			break;
		numbers = facts->numbers.map;
		numbers[facts->number_count++] = names_number(&facts->names, kind, text); /* number 0 is no text */
	}
	if (part->is_kept && file.fd >= 0)
		close(file.fd);
	return taken;
}

static bool take_all_names(struct facts *facts)
{
	bool taken = names_open(&facts->names, scratch_file());

	for (size_t i = 0; i < facts->parts.count && taken; i++)
		taken = take_names(facts, &facts->parts.list[i]);
	return taken && names_flush(&facts->names);
}

static void start(struct facts *facts)
{
	*facts = (struct facts){ .folder = -1, .loose = -1, .names = { .texts = { .fd = -1 } } };
}

int facts_open(const struct facts_options *options, struct facts *ret_facts)
{
	struct folding *folding = mem_zero(1, sizeof(*folding));
	int result = -1, reason;

	start(ret_facts);
	if (folding == NULL) {
		errno = ENOMEM;
		return -1;
	}
	*folding = (struct folding){ .facts = ret_facts, .options = options };
	facts_kept_open(&folding->kept, options, true, &ret_facts->parts);
	result = fold(folding, 0);
	/* What was kept may be at fault: all is read, so that the first bad record is named. */
	if (ret_facts->known != 0 && (result != 0 || !ret_facts->verified.holds))
		if (options->cancelled == NULL || !atomic_load(options->cancelled))
			result = fold_again(folding);
	if (result == 0) {
		ret_facts->read = folding->kept.read > ret_facts->last ? folding->kept.read : 0;
		if (ret_facts->read == 0 && ret_facts->verified.holds)
			facts_kept_note(&folding->kept, options, ret_facts->verified.last);
		ret_facts->folder = folding->kept.folder >= 0 ? dup(folding->kept.folder) : -1;
		result = take_all_names(ret_facts) ? 0 : -1;
	}
	reason = errno;
	facts_kept_close(&folding->kept);
	mem_free(folding);
	if (result != 0)
		facts_fini(ret_facts);
	errno = reason;
	return result;
}

int facts_advance(const struct facts_options *options, struct ledger_report *ret_report)
{
	struct folding *folding = mem_zero(1, sizeof(*folding));
	struct segment_list list = { 0 };
	struct facts facts;
	int result = -1, reason;

	start(&facts);
	*ret_report = (struct ledger_report){ 0 };
	if (folding == NULL) {
		errno = ENOMEM;
		return -1;
	}
	*folding = (struct folding){ .facts = &facts, .options = options, .advances = true };
	facts_kept_open(&folding->kept, options, false, &facts.parts);
	if (!folding->kept.writes)
		errno = folding->kept.why;
	else if (segment_list(options->record, &list) == 0)
		result = list.count > 1 ? fold(folding, list.firsts[list.count - 1]) : 0;
	*ret_report = facts.verified;
	ret_report->holds = ret_report->holds || list.count < 2;
	reason = errno;
	segment_list_fini(&list);
	facts_kept_close(&folding->kept);
	facts_fini(&facts);
	mem_free(folding);
	errno = reason;
	return result;
}

void facts_fini(struct facts *facts)
{
	names_fini(&facts->names);
	scratch_fini(&facts->numbers);
	mem_free(facts->parts.list);
	if (facts->folder >= 0)
		close(facts->folder);
	if (facts->loose >= 0)
		close(facts->loose);
	start(facts);
}
