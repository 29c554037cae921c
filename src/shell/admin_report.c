/* GET /api/v1/report: what "framewall report" makes, by a thread of its own so that the loop goes on; one at a time. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/encode.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "report/report.h"
#include "report/report_period.h"
#include "report/report_place.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"

/* A report is held in memory until it is sent: whoever wants more has the program. */
enum {
	BODY_MOST = 64 << 20,
	ROWS_DEFAULT = 1000,
	ROWS_LEAST = 50,
	ROWS_MOST = 10000,
	USERS_MOST = 10000,
	QUERY = 512,
	BY = 128
};

static const struct format {
	const char *name, *type, *extra;
	bool (*write)(const struct report *report, const struct report_out *out);
} formats[] = {
	{ "json", "application/json", "", report_json },
	/* files: not to be shown as a page of this origin */
	{ "csv", "text/csv; charset=utf-8", "Content-Disposition: attachment; filename=\"report.csv\"\r\n",
	  report_csv },
	{ "html", "text/html; charset=utf-8", "Content-Disposition: attachment; filename=\"report.html\"\r\n",
	  report_html },
};

struct admin_report {
	struct admin *admin;
	uv_async_t done;
	uv_thread_t thread;
	bool runs;
	struct admin_conn *conn; /* that asked; NULL: gone */
	_Atomic bool finished, cancelled;
	const struct format *format;
	struct report_options options;
	char kept[REPORT_PATH], query[QUERY], by[BY], host[REPORT_HOST], clock[REPORT_CLOCK];
	uint8_t key[32];
	/* of the thread, until it is joined */
	struct pool pool;
	struct buf body;
	bool made, too_large;
};

static bool take(void *user, struct fw_slice octets)
{
	struct admin_report *report = user;

	if (buf_size(&report->body) + octets.size > BODY_MOST) {
		report->too_large = true;
		return false;
	}
	return !atomic_load(&report->cancelled) &&
	       buf_append(&report->body, &report->pool, octets.data, octets.size) == 0;
}

static void run(void *user)
{
	struct admin_report *report = user;
	const struct report_out out = { take, report };
	struct report made;

	if (report_make(&report->options, &made) == 0) {
		report->made = report->format->write(&made, &out);
		report_fini(&made);
	}
	atomic_store(&report->finished, true);
	uv_async_send(&report->done);
}

static void answer(struct admin_conn *conn, struct admin_report *report)
{
	char extra[256], text[48];
	uint8_t digest[32];
	int size;

	if (!report->made) {
		if (report->too_large)
			admin_answer_problem(conn, 507,
					     "the report has more than 64 MiB: fewer rows, a shorter period, or "
					     "\"framewall report\"",
					     "");
		else
			admin_answer_problem(conn, 503,
					     "the report cannot be made: memory or room on the disk is short, or the "
					     "record cannot be read",
					     "Retry-After: 5\r\n");
		return;
	}
	buf_clear(&conn->body, &conn->admin->pool);
	if (buf_append(&conn->body, &conn->admin->pool, buf_data(&report->body), buf_size(&report->body)) != 0) {
		admin_conn_close(conn);
		return;
	}
	digest_sha256(slice(buf_data(&report->body), buf_size(&report->body)), digest);
	size = (int)encode_base64(digest, sizeof(digest), 0, text);
	snprintf(extra, sizeof(extra), "%sRepr-Digest: sha-256=:%.*s:\r\n", report->format->extra, size,
		 text); /* RFC 9530 */
	admin_answer(conn, 200, report->format->type, extra);
}

static void on_done(uv_async_t *handle)
{
	struct admin_report *report = handle->data;
	struct admin_conn *conn = report->conn;

	if (!report->runs || !atomic_load(&report->finished))
		return;
	uv_thread_join(&report->thread);
	report->runs = false;
	report->conn = NULL;
	if (conn != NULL)
		answer(conn, report);
	buf_clear(&report->body, &report->pool);
}

struct wish {
	const char *start, *end, *format, *framework, *rows;
};

static bool read_rows(const char *text, uint64_t *ret_rows)
{
	*ret_rows = ROWS_DEFAULT;
	if (text == NULL)
		return true;
	*ret_rows = 0;
	for (const char *at = text; *at != '\0'; at++) {
		if (*at < '0' || *at > '9' || *ret_rows > ROWS_MOST)
			return false;
		*ret_rows = *ret_rows * 10 + (uint64_t)(*at - '0');
	}
	return *ret_rows >= ROWS_LEAST && *ret_rows <= ROWS_MOST;
}

/* NULL, or what does not hold. */
static const char *read_wish(const struct wish *wish, struct admin_report *report)
{
	struct report_options *options = &report->options;
	uint64_t ignored;

	report->format = wish->format == NULL ? &formats[0] : NULL;
	for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]) && wish->format != NULL; i++)
		if (strcmp(wish->format, formats[i].name) == 0)
			report->format = &formats[i];
	if (report->format == NULL)
		return "format is json, csv or html; \"framewall report\" makes PDF, too";
	options->framework = wish->framework != NULL ? report_framework_find(wish->framework) : REPORT_FRAMEWORKS;
	if (wish->framework != NULL && options->framework == REPORT_FRAMEWORKS)
		return "framework is soc2, iso27001, nist-csf or owasp";
	if (!read_rows(wish->rows, &options->rows))
		return "rows is a number from 50 to 10000";
	options->end_us = options->now_us;
	if ((wish->start != NULL && !report_period_read(wish->start, &options->start_us, &ignored)) ||
	    (wish->end != NULL && !report_period_read(wish->end, &ignored, &options->end_us)))
		return "start and end are 2026-11, 2026-11-24 or 2026-11-24T10:15:00Z, in UTC";
	return options->start_us > options->end_us ? "the period ends before it begins" : NULL;
}

static void record_it(struct admin_conn *conn, const struct wish *wish, const struct admin_report *report)
{
	struct fw_record record;

	admin_record_init(&record, conn, EVENT_admin_action, "report");
	admin_record_text(&record, "start", slice_text(wish->start));
	admin_record_text(&record, "end", slice_text(wish->end));
	admin_record_text(&record, "format", slice_text(report->format->name));
	admin_record_text(&record, "framework", slice_text(wish->framework));
	keeper_record(conn->admin->keeper, &record);
}

static void prepare(struct admin_conn *conn, struct admin_report *report, const struct wish *wish)
{
	const struct keeper *keeper = conn->admin->keeper;
	struct report_options *options = &report->options;
	char peer[ADDR_TEXT];

	options->facts =
		(struct facts_options){ .record = keeper->recorder.directory, .cancelled = &report->cancelled };
	if (report_kept(keeper->options.data_directory, report->kept, report->key)) {
		options->facts.kept = report->kept;
		options->facts.key = slice(report->key, sizeof(report->key));
	}
	options->users = USERS_MOST;
	snprintf(report->query, sizeof(report->query), "GET /api/v1/report?start=%s&end=%s&framework=%s&rows=%llu",
		 wish->start != NULL ? wish->start : "", wish->end != NULL ? wish->end : "",
		 wish->framework != NULL ? wish->framework : "", (unsigned long long)options->rows);
	addr_format(&conn->peer, peer);
	snprintf(report->by, sizeof(report->by), "%s%s", conn->control ? "control socket" : "admin token, from ",
		 conn->control ? "" : peer);
	report_host(report->host);
	report_clock(report->clock);
	options->query = report->query;
	options->by = report->by;
	options->host = report->host;
	options->clock = report->clock;
}

static void start(struct admin_conn *conn, struct admin_report *report, const struct wish *wish)
{
	prepare(conn, report, wish);
	report->made = report->too_large = false;
	atomic_store(&report->finished, false);
	atomic_store(&report->cancelled, false);
	report->runs = uv_thread_create(&report->thread, run, report) == 0;
	if (!report->runs) {
		admin_answer_problem(conn, 503, "no thread to make the report", "Retry-After: 5\r\n");
		return;
	}
	report->conn = conn;
	admin_conn_wait(conn); /* it takes as long as the record is long */
}

void admin_report(struct admin_conn *conn)
{
	static const char *const names[] = { "start", "end", "format", "framework", "rows" };
	struct admin_report *report = conn->admin->report;
	struct wish wish = { 0 };
	const char **places[] = { &wish.start, &wish.end, &wish.format, &wish.framework, &wish.rows };
	char *texts = mem_alloc(conn->head.query.size + 2);
	const char *wrong;

	if (texts == NULL) {
		admin_conn_close(conn);
		return;
	}
	wrong = admin_text_query(conn->head.query, texts, names, places, sizeof(names) / sizeof(names[0]));
	if (wrong == NULL && report->runs) {
		admin_answer_problem(conn, 503, "another report is being made", "Retry-After: 5\r\n");
	} else {
		if (wrong == NULL) {
			report->options = (struct report_options){ .now_us = clock_wall_us() };
			wrong = read_wish(&wish, report);
		}
		if (wrong != NULL) {
			admin_answer_problem(conn, 400, wrong, "");
		} else {
			record_it(conn, &wish, report);
			start(conn, report, &wish);
		}
	}
	mem_free(texts);
}

int admin_report_init(struct admin *admin)
{
	struct admin_report *report = mem_zero(1, sizeof(*report));

	if (report == NULL)
		return -1;
	report->admin = admin;
	if (uv_async_init(admin->keeper->options.loop, &report->done, on_done) != 0) {
		mem_free(report);
		return -1;
	}
	admin->keeper->handles++;
	admin->report = report;
	pool_init(&report->pool);
	report->done.data = report;
	uv_unref((uv_handle_t *)&report->done);
	return 0;
}

void admin_report_forget(struct admin_conn *conn)
{
	struct admin_report *report = conn->admin->report;

	if (report == NULL || report->conn != conn)
		return;
	report->conn = NULL;
	atomic_store(&report->cancelled, true);
}

void admin_report_stop(struct admin *admin)
{
	struct admin_report *report = admin->report;

	if (report == NULL)
		return;
	atomic_store(&report->cancelled, true);
	if (report->runs)
		uv_thread_join(&report->thread);
	report->runs = false;
	buf_clear(&report->body, &report->pool);
	pool_fini(&report->pool);
	keeper_handle_close(admin->keeper, (uv_handle_t *)&report->done);
}

void admin_report_free(struct admin *admin)
{
	mem_free(admin->report);
	admin->report = NULL;
}
