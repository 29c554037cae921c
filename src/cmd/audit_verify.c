#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cmd/audit.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "record/ledger_verify.h"

static const char verb[] = "audit verify";

static void write_number(struct json_writer *writer, const char *key, uint64_t value)
{
	json_write_key(writer, key);
	json_write_integer(writer, (int64_t)value);
}

static bool print_json(const struct ledger_report *report)
{
	struct json_out out;

	json_out_start(&out);
	json_write_open(&out.writer, '{');
	json_write_key(&out.writer, "holds");
	json_write_boolean(&out.writer, report->holds);
	write_number(&out.writer, "first", report->first);
	write_number(&out.writer, "last", report->last);
	write_number(&out.writer, "removed", report->removed);
	write_number(&out.writer, "signed", report->signed_size);
	write_number(&out.writer, "segments", report->segments);
	write_number(&out.writer, "checkpoints", report->checkpoints);
	write_number(&out.writer, "epochs", report->epochs);
	write_number(&out.writer, "ml_dsa_65", report->strong);
	write_number(&out.writer, "ml_dsa_65_to", report->strong_to);
	write_number(&out.writer, "ml_dsa_65_unchecked", report->unchecked);
	write_number(&out.writer, "exported", report->exported);
	write_number(&out.writer, "torn", report->torn);
	write_number(&out.writer, "tiles_missing", report->tiles_missing);
	if (!report->holds) {
		json_write_key(&out.writer, "bad");
		json_write_open(&out.writer, '{');
		write_number(&out.writer, "first", report->bad_first);
		write_number(&out.writer, "last", report->bad_last);
		json_write_key(&out.writer, "file");
		json_write_string(&out.writer, report->file);
		write_number(&out.writer, "offset", report->offset);
		json_write_key(&out.writer, "reason");
		json_write_string(&out.writer, report->reason);
		json_write_close(&out.writer, '}');
	}
	json_write_close(&out.writer, '}');
	return json_out_end(&out, stdout);
}

static void print_bad(const struct ledger_report *report)
{
	printf("the record does not hold: %s\n", report->reason);
	if (report->bad_first == 0)
		printf("in %s at byte %" PRIu64 "\n", report->file, report->offset);
	else if (report->bad_first == report->bad_last)
		printf("first bad record: %" PRIu64 ", in %s at byte %" PRIu64 "\n", report->bad_first, report->file,
		       report->offset);
	else
		printf("first bad record: one of %" PRIu64 " to %" PRIu64 ", by %s\n", report->bad_first,
		       report->bad_last, report->file);
}

static bool print_people(const struct ledger_report *report)
{
	if (report->holds)
		printf("the record holds\n");
	else
		print_bad(report);
	printf("records %" PRIu64 " to %" PRIu64 ", signed for up to %" PRIu64 "\n", report->first, report->last,
	       report->signed_size);
	printf("segments %" PRIu64 ", checkpoints %" PRIu64 ", epochs %" PRIu64 ", checkpoints from elsewhere %" PRIu64
	       "\n",
	       report->segments, report->checkpoints, report->epochs, report->exported);
	if (report->strong != 0)
		printf("signed with ML-DSA-65, too: %" PRIu64 " checkpoints, up to record %" PRIu64 "\n",
		       report->strong, report->strong_to);
	if (report->unchecked != 0)
		printf("not checked: %" PRIu64 " signatures with ML-DSA-65; this OpenSSL has no ML-DSA\n",
		       report->unchecked);
	if (report->removed != 0)
		printf("records 1 to %" PRIu64 " were removed, as a signed note says\n", report->removed);
	if (report->torn != 0)
		printf("behind the last record are %" PRIu64 " bytes of one that was not finished\n", report->torn);
	if (report->tiles_missing != 0)
		printf("%" PRIu64 " tiles are missing; the records are enough to make them\n", report->tiles_missing);
	if (report->exported == 0)
		printf("that nothing was cut off shows only a checkpoint kept elsewhere: --checkpoint FILE\n");
	return fflush(stdout) == 0;
}

int audit_verify(int argc, char **argv)
{
	const char *data = "./framewall-data", *record = NULL, *anchor = NULL, *checkpoint = NULL, *report_file = NULL;
	bool json = false;
	const struct option_row rows[] = {
		{ "--data", "DIR", &data, NULL, "the server's state; default ./framewall-data" },
		{ "--record", "DIR", &record, NULL, "the record's folder; default DATA/record" },
		{ "--anchor", "FILE", &anchor, NULL, "a copy of the record's anchor, kept elsewhere" },
		{ "--checkpoint", "FILE", &checkpoint, NULL, "checkpoints kept elsewhere" },
		{ "--report", "FILE", &report_file, NULL, "instead: whether FILE.sig holds for the report FILE" },
		{ "--json", NULL, NULL, &json, "the answer as one JSON object" },
	};
	struct options options = { verb, rows, sizeof(rows) / sizeof(*rows), NULL, 0, 0 };
	int result = options_read(&options, argc, argv);
	struct ledger_verify_options verify = { 0 };
	struct ledger_report report;
	char folder[AUDIT_PATH];

	if (result != OPTIONS_GO_ON)
		return result;
	if (!audit_folder(data, record, folder))
		return options_usage(verb, "the path is too long");
	if (report_file != NULL)
		return report_check(report_file, folder, anchor);
	verify.directory = folder;
	verify.anchor = anchor;
	verify.checkpoints = &checkpoint;
	verify.checkpoint_count = checkpoint != NULL;
	if (ledger_verify(&verify, &report) != 0)
		return audit_unreadable(verb, folder);
	if (!(json ? print_json(&report) : print_people(&report)))
		return options_could_not(verb, "cannot write: %s", strerror(errno));
	return report.holds ? COMMAND_DONE : COMMAND_NOT_HELD;
}
