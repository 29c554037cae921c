/* Why the figures can be believed: what was read, whether it holds, who asked and how. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "record/checkpoint.h"
#include "record/storage.h"
#include "report/report_parts.h"

enum { LINE_SHOWN = 300 }; /* characters of a checkpoint's line */

bool report_holds(const struct report *report)
{
	const struct facts *facts = &report->facts;

	return facts->verified.holds && facts->read == 0 && facts->no_records == 0 && facts->gap_count == 0 &&
	       facts->disordered == 0;
}

void report_verdict_say(const struct report *report, char ret_text[REPORT_WORDS])
{
	const struct facts *facts = &report->facts;
	const struct ledger_report *verified = &facts->verified;

	if (facts->read != 0)
		snprintf(ret_text, REPORT_WORDS,
			 "an earlier report had read up to record %" PRIu64 ", which are not all there any more: "
			 "the record was cut, or an older copy is in its place",
			 facts->read);
	else if (!verified->holds)
		snprintf(ret_text, REPORT_WORDS,
			 "%s, in %s at byte %" PRIu64 "; records behind number %" PRIu64
			 " are counted and not verified",
			 verified->reason, verified->file, verified->offset, verified->last);
	else
		snprintf(ret_text, REPORT_WORDS,
			 "each record is chained to the one before it, and %" PRIu64 " checkpoints, %" PRIu64
			 " epochs of keys hold",
			 verified->checkpoints, verified->epochs);
}

static void say(struct table *table, const char *name, const char *text)
{
	if (!table_row(table))
		return;
	table_text(table, name);
	table_text(table, text != NULL ? text : "");
	table_row_end(table);
}

static void say_number(struct table *table, const char *name, uint64_t number)
{
	if (!table_row(table))
		return;
	table_text(table, name);
	table_number(table, number);
	table_row_end(table);
}

static void say_time(struct table *table, const char *name, uint64_t wall_us)
{
	if (!table_row(table))
		return;
	table_text(table, name);
	table_time(table, wall_us);
	table_row_end(table);
}

/* The configuration that was in force: what the last start or reload before the period's end says. */
struct configuration {
	const struct report *report;
	char digest[128];
};

static void find_digest(void *user, struct fw_slice text)
{
	struct configuration *found = user;
	struct facts_line line;
	struct fw_slice digest;

	if (!facts_line_read(text, &line) || line.type != EVENT_system_changes ||
	    line.wall_us > found->report->options->end_us)
		return;
	digest = facts_line_detail(line.details, "digest_after");
	if (digest.size == 0)
		digest = facts_line_detail(line.details, "digest");
	if (digest.size != 0)
		snprintf(found->digest, sizeof(found->digest), "%.*s", (int)digest.size, (const char *)digest.data);
}

/* Who changed the file may have put anything there. */
static bool is_text(struct fw_slice note)
{
	for (size_t i = 0; i < note.size; i++)
		if ((note.data[i] < 0x20 && note.data[i] != '\n') || note.data[i] == 0x7f)
			return false;
	return utf8_valid(note.data, note.size);
}

static void say_checkpoint(struct table *table)
{
	const char *folder = table->report->options->facts.record;
	char path[STORAGE_PATH], note[CHECKPOINT_SIZE + 1];
	ssize_t size = storage_path(folder, "checkpoint", path) ? storage_read(path, note, CHECKPOINT_SIZE) : -1;
	struct fw_slice notes = slice(note, size > 0 ? (size_t)size : 0);
	struct checkpoint checkpoint;
	char *line, *next;
	size_t shown;

	if (size <= 0 || !is_text(notes) || !checkpoint_read(notes, &checkpoint)) {
		say(table, "Checkpoint", "there is none that can be read");
		return;
	}
	note[size] = '\0';
	say_number(table, "Checkpoint: records signed for", checkpoint.size);
	for (line = note; line != NULL && *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		shown = strlen(line);
		if (shown > LINE_SHOWN) { /* with ML-DSA-65: seven thousand characters */
			for (shown = LINE_SHOWN; (line[shown] & 0xc0) == 0x80;)
				shown--;
			memcpy(line + shown, "...", sizeof("..."));
		}
		if (*line != '\0')
			say(table, strncmp(line, "\xe2\x80\x94", 3) == 0 ? "Checkpoint: signature" : "Checkpoint: text",
			    line);
	}
}

static void say_damage(struct table *table)
{
	const struct facts *facts = &table->report->facts;

	if (facts->verified.bad_first != 0) {
		say_number(table, "First bad record", facts->verified.bad_first);
		if (facts->verified.bad_last != facts->verified.bad_first)
			say_number(table, "or one up to", facts->verified.bad_last);
	}
	say_number(table, "Gaps in the sequence", facts->gap_count);
	say_number(table, "Records missing in gaps", facts->missing);
	say_number(table, "Lines that are no records", facts->no_records);
	say_number(table, "Records out of their order", facts->disordered);
}

static void say_gaps(struct report *report)
{
	struct facts *facts = &report->facts;
	struct table table;

	table_open(&table, report, "gaps", "Gaps", "First missing|Last missing|Records");
	for (uint64_t i = 0; i < facts->gap_count && i < FACTS_GAPS; i++) {
		if (!table_row(&table))
			continue;
		table_number(&table, facts->gaps[i].first);
		table_number(&table, facts->gaps[i].last);
		table_number(&table, facts->gaps[i].last - facts->gaps[i].first + 1);
		table_row_end(&table);
	}
	table_close(&table,
		    facts->gap_count > FACTS_GAPS ? "There are more than these hundred."
		    : facts->gap_count == 0	  ? "There are none: the sequences follow each other without a gap."
						  : NULL,
		    NULL);
}

void report_completeness(struct report *report)
{
	const struct report_options *options = report->options;
	const struct facts *facts = &report->facts;
	struct configuration configuration = { .report = report };
	char words[REPORT_WORDS];
	struct table table;

	if (!facts_lines(facts, find_digest, &configuration))
		configuration.digest[0] = '\0';
	table_open(&table, report, "completeness", "Completeness and accuracy", "Statement|Value");
	say_time(&table, "Period from", report->start_us);
	say_time(&table, "Period to, inclusive", options->end_us);
	say(&table, "System", "Framewall " FRAMEWALL_VERSION);
	say(&table, "Host", options->host);
	say(&table, "Configuration digest",
	    configuration.digest[0] != '\0' ? configuration.digest : "no start or reload is on record up to the end");
	say(&table, "Query", options->query);
	say_number(&table, "Population: records in the period", report->records);
	say_number(&table, "of which sum up others", report->sums);
	say_number(&table, "Events that those stand for", report->summed);
	say_number(&table, "First sequence in the period", report->first_sequence);
	say_number(&table, "Last sequence in the period", report->last_sequence);
	say(&table, "Verification", report_holds(report) ? "holds" : "does not hold");
	report_verdict_say(report, words);
	say(&table, "Verification says", words);
	if (facts->known != 0)
		snprintf(words, sizeof(words),
			 "records %" PRIu64 " to %" PRIu64
			 " when their files were closed, or by an earlier report, and what these say has not "
			 "changed since; all others now",
			 facts->first, facts->known);
	else
		snprintf(words, sizeof(words), "all records now");
	say(&table, "Verified", words);
	say_damage(&table);
	say_number(&table, "Record: first sequence kept", facts->first);
	say_number(&table, "Record: last sequence kept", facts->last);
	say_time(&table, "Record: earliest time kept", report->earliest_us);
	say_time(&table, "Record: latest time kept", report->latest_us);
	say_checkpoint(&table);
	say(&table, "Time source", options->clock);
	say_time(&table, "Generated at", options->now_us);
	say(&table, "Generated by", "framewall report " FRAMEWALL_VERSION);
	say(&table, "Operator", options->by);
	table_close(&table, NULL, NULL);
	say_gaps(report);
}
