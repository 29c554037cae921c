/* Records that auditors want one by one. */
#include <errno.h>
#include <string.h>

#include "base/slice.h"
#include "report/report_parts.h"

struct list {
	const char *id, *title, *columns, *rest;
	bool (*has)(const struct facts_line *line);
	void (*row)(struct table *table, const struct facts_line *line);
	const char *note;
};

struct listing {
	const struct list *list;
	struct table table;
};

static bool starts(const struct facts_line *line, const char *word)
{
	return line->type == EVENT_admin_action && slice_starts(line->cause, word);
}

static bool is_admin(const struct facts_line *line)
{
	return line->type == EVENT_admin_action;
}

static bool is_configuration(const struct facts_line *line)
{
	return line->type == EVENT_system_changes || starts(line, "reload") || starts(line, "log levels");
}

static bool is_block(const struct facts_line *line)
{
	return line->type == EVENT_ip_blocked || starts(line, "block");
}

static bool is_key(const struct facts_line *line)
{
	return line->type == EVENT_ledger_epoch || line->type == EVENT_issuer_keys || starts(line, "key") ||
	       starts(line, "token") || starts(line, "user") || starts(line, "revo") ||
	       starts(line, "session revoke") ||
	       (line->type == EVENT_system_changes && slice_starts(line->cause, "key"));
}

static bool is_exception(const struct facts_line *line)
{
	switch (line->type) {
	case EVENT_issuer_failure:
	case EVENT_clock_jump:
	case EVENT_worker_hangs:
	case EVENT_system_error:
	case EVENT_overload:
	case EVENT_records_lost:
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

static void head(struct table *table, const struct facts_line *line)
{
	table_number(table, line->sequence);
	table_time(table, line->wall_us);
	table_text(table, line->type < EVENT_TYPES ? fw_event_name(line->type) : "unknown");
}

static void row_of_all(struct table *table, const struct facts_line *line)
{
	head(table, line);
	table_slice(table, line->source);
	table_slice(table, line->user);
	table_slice(table, line->details);
}

static void row_of_configuration(struct table *table, const struct facts_line *line)
{
	struct fw_slice after = facts_line_detail(line->details, "digest_after");

	head(table, line);
	table_slice(table, line->source);
	table_slice(table, facts_line_detail(line->details, line->type == EVENT_admin_action ? "action" : "change"));
	table_slice(table, facts_line_detail(line->details, "digest_before"));
	table_slice(table, after.size != 0 ? after : facts_line_detail(line->details, "digest"));
	table_slice(table, facts_line_detail(line->details, "changed"));
}

#define COLUMNS "Sequence|Time (UTC)|Event|Address|User|Details"

static const struct list lists[] = {
	{ "admin_actions", "Actions of administrators", COLUMNS, "audit search --type admin_action", is_admin,
	  row_of_all, NULL },
	{ "configuration_changes", "Starts, stops and changes of the configuration",
	  "Sequence|Time (UTC)|Event|Address|What|Digest before|Digest after|Keys changed",
	  "audit search --type system_changes", is_configuration, row_of_configuration,
	  "A digest is that of the whole configuration, made with a key of the data directory." },
	{ "blocks", "Blocks and unblocks", COLUMNS, "audit search --type ip_blocked", is_block, row_of_all, NULL },
	{ "key_lifecycle", "Keys, tokens and users", COLUMNS, "audit search --type admin_action", is_key, row_of_all,
	  NULL },
	{ "exceptions", "Exceptions: losses, faults, clocks, receivers", COLUMNS, "audit search --level critical",
	  is_exception, row_of_all, NULL },
};

static void add(void *user, struct fw_slice text)
{
	struct listing *listing = user;
	struct facts_line line;

	if (!facts_line_read(text, &line) || !report_holds_time(listing->table.report, line.wall_us) ||
	    !listing->list->has(&line) || !table_row(&listing->table))
		return;
	listing->list->row(&listing->table, &line);
	table_row_end(&listing->table);
}

bool report_lists(struct report *report)
{
	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct list *list = &lists[i];
		struct listing listing = { .list = list };

		table_open(&listing.table, report, list->id, list->title, list->columns);
		if (!facts_lines(&report->facts, add, &listing))
			return false;
		table_close(&listing.table,
			    list->note != NULL	      ? list->note
			    : listing.table.rows == 0 ? "There was none."
						      : NULL,
			    list->rest);
	}
	return true;
}
