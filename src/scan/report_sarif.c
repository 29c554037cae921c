/* report_sarif.c: SARIF 2.1.0, for viewers and code scanning. */
#include "base/encode.h"
#include "base/slice.h"
#include "codec/json.h"
#include "scan/scan.h"

static void text_of(struct json_writer *w, const char *key, const char *text)
{
	json_write_key(w, key);
	json_write_string(w, text);
}

static void message(struct json_writer *w, const char *key, const char *text)
{
	json_write_key(w, key);
	json_write_open(w, '{');
	text_of(w, "text", text);
	json_write_close(w, '}');
}

static const char *level(enum scan_severity severity)
{
	return severity >= SCAN_HIGH ? "error" : severity == SCAN_MEDIUM ? "warning" : "note";
}

/* What code scanning orders by: CVSS-like. */
static const char *security(enum scan_severity severity)
{
	static const char *const numbers[] = { "0.1", "3.0", "5.5", "8.0", "9.5" };

	return numbers[severity];
}

static void write_rule(struct json_writer *w, const struct scan_check *check)
{
	char text[32];

	json_write_open(w, '{');
	text_of(w, "id", check->id);
	message(w, "shortDescription", check->what);
	message(w, "fullDescription", check->why);
	json_write_key(w, "help");
	json_write_open(w, '{');
	text_of(w, "text", check->fix);
	json_write_close(w, '}');
	json_write_key(w, "defaultConfiguration");
	json_write_open(w, '{');
	text_of(w, "level", level(check->severity));
	json_write_close(w, '}');
	json_write_key(w, "properties");
	json_write_open(w, '{');
	text_of(w, "security-severity", security(check->severity));
	text_of(w, "decides", check->decides);
	text_of(w, "asvs", check->asvs);
	text_of(w, "owasp", check->owasp);
	json_write_key(w, "tags");
	json_write_open(w, '[');
	json_write_string(w, "security");
	json_write_string(w, scan_category_name(check->category));
	snprintf(text, sizeof(text), "external/cwe/cwe-%03u", check->cwe);
	json_write_string(w, text);
	json_write_close(w, ']');
	json_write_close(w, '}');
	json_write_close(w, '}');
}

static void write_location(struct json_writer *w, const char *url)
{
	json_write_key(w, "locations");
	json_write_open(w, '[');
	json_write_open(w, '{');
	json_write_key(w, "physicalLocation");
	json_write_open(w, '{');
	json_write_key(w, "artifactLocation");
	json_write_open(w, '{');
	text_of(w, "uri", url);
	json_write_close(w, '}');
	json_write_key(w, "region"); /* which GitHub asks for */
	json_write_open(w, '{');
	json_write_key(w, "startLine");
	json_write_integer(w, 1);
	json_write_close(w, '}');
	json_write_close(w, '}');
	json_write_close(w, '}');
	json_write_close(w, ']');
}

static void write_result(struct json_writer *w, const struct scan *scan, unsigned at)
{
	const struct scan_result *result = &scan->results[at];

	json_write_open(w, '{');
	text_of(w, "ruleId", result->check->id);
	json_write_key(w, "ruleIndex");
	json_write_integer(w, at);
	text_of(w, "kind",
		result->outcome == SCAN_FINDING ? "fail"
		: result->outcome == SCAN_PASS	? "pass"
		: result->outcome == SCAN_ERROR ? "open"
						: "notApplicable");
	text_of(w, "level", result->outcome == SCAN_FINDING ? level(result->check->severity) : "none");
	message(w, "message", result->reason);
	write_location(w, scan->url);
	if (result->outcome == SCAN_FINDING)
		text_of(w, "baselineState", result->known ? "unchanged" : "new");
	json_write_key(w, "partialFingerprints");
	json_write_open(w, '{');
	text_of(w, "check/v1", result->check->id);
	json_write_close(w, '}');
	json_write_key(w, "properties");
	json_write_open(w, '{');
	text_of(w, "evidence", result->evidence);
	json_write_close(w, '}');
	json_write_close(w, '}');
}

static void write_run(struct json_writer *w, const struct scan *scan)
{
	json_write_open(w, '{');
	json_write_key(w, "tool");
	json_write_open(w, '{');
	json_write_key(w, "driver");
	json_write_open(w, '{');
	text_of(w, "name", "framewall scan");
	text_of(w, "semanticVersion", FRAMEWALL_VERSION);
	json_write_key(w, "rules");
	json_write_open(w, '[');
	for (unsigned i = 0; i < scan->count; i++)
		write_rule(w, scan->results[i].check);
	json_write_close(w, ']');
	json_write_close(w, '}');
	json_write_close(w, '}');
	json_write_key(w, "invocations");
	json_write_open(w, '[');
	json_write_open(w, '{');
	json_write_key(w, "executionSuccessful");
	json_write_boolean(w, scan->reached);
	json_write_close(w, '}');
	json_write_close(w, ']');
	json_write_key(w, "results");
	json_write_open(w, '[');
	for (unsigned i = 0; i < scan->count; i++)
		write_result(w, scan, i);
	json_write_close(w, ']');
	json_write_close(w, '}');
}

int scan_report_sarif(const struct scan *scan, FILE *out)
{
	struct pool pool;
	struct buf buf = { 0 };
	struct json_writer w = { .out = &buf, .pool = &pool };
	int result = FW_OK;

	pool_init(&pool);
	json_write_open(&w, '{');
	text_of(&w, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	text_of(&w, "version", "2.1.0");
	json_write_key(&w, "runs");
	json_write_open(&w, '[');
	write_run(&w, scan);
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	if (w.failed)
		result = FW_ERR_MEMORY;
	else
		fprintf(out, "%.*s\n", (int)buf_size(&buf), (const char *)buf_data(&buf));
	buf_clear(&buf, &pool);
	pool_fini(&pool);
	return result;
}
