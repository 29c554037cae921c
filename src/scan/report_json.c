/* report_json.c: docs/reference/scan.schema.json says what it is. */
#include "base/encode.h"
#include "base/slice.h"
#include "codec/json.h"
#include "scan/scan.h"

enum { BASELINE_ARENA = 64 << 20 };

static void text_of(struct json_writer *w, const char *key, const char *text)
{
	json_write_key(w, key);
	json_write_string(w, text);
}

static void number(struct json_writer *w, const char *key, uint64_t value)
{
	json_write_key(w, key);
	json_write_integer(w, (int64_t)value);
}

/* "4.4.2, 9.1.1" */
static void list(struct json_writer *w, const char *key, const char *words)
{
	json_write_key(w, key);
	json_write_open(w, '[');
	while (*words != '\0') {
		size_t size = strcspn(words, ",");

		json_write_text(w, slice(words, size));
		words += size + strspn(words + size, ", ");
	}
	json_write_close(w, ']');
}

static void lines(struct json_writer *w, const char *key, const char *text)
{
	json_write_key(w, key);
	json_write_open(w, '[');
	while (*text != '\0') {
		size_t size = strcspn(text, "\n");

		json_write_text(w, slice(text, size));
		text += size + (text[size] == '\n');
	}
	json_write_close(w, ']');
}

static void time_of(struct json_writer *w, const char *key, uint64_t us)
{
	char text[ENCODE_RFC3339];

	encode_rfc3339(us, text);
	json_write_key(w, key);
	json_write_text(w, slice(text, sizeof(text)));
}

static void write_result(struct json_writer *w, const struct scan_result *result)
{
	json_write_open(w, '{');
	text_of(w, "id", result->check->id);
	text_of(w, "category", scan_category_name(result->check->category));
	text_of(w, "outcome", scan_outcome_name(result->outcome));
	text_of(w, "severity", scan_severity_name(result->check->severity));
	text_of(w, "title", result->check->what);
	text_of(w, "reason", result->reason);
	number(w, "cwe", result->check->cwe);
	list(w, "asvs", result->check->asvs);
	list(w, "owasp", result->check->owasp);
	text_of(w, "why", result->check->why);
	text_of(w, "decides", result->check->decides);
	text_of(w, "fix", result->check->fix);
	if (result->outcome == SCAN_FINDING)
		text_of(w, "policy", result->check->policy);
	lines(w, "evidence", result->evidence);
	if (result->outcome == SCAN_FINDING) {
		json_write_key(w, "known");
		json_write_boolean(w, result->known);
	}
	number(w, "ms", result->ms);
	number(w, "sent", result->sent);
	number(w, "received", result->received);
	number(w, "connections", result->connections);
	json_write_close(w, '}');
}

static void write_requirement(struct json_writer *w, const struct scan *scan,
			      const struct scan_requirement *requirement)
{
	json_write_open(w, '{');
	text_of(w, "id", requirement->id);
	text_of(w, "text", requirement->text);
	text_of(w, "state", scan_requirement_state(scan, requirement));
	text_of(w, "by_hand", requirement->hand);
	json_write_key(w, "checks");
	json_write_open(w, '[');
	for (unsigned i = 0; i < scan->count; i++)
		if (scan_requirement_has(requirement, scan->results[i].check))
			json_write_string(w, scan->results[i].check->id);
	json_write_close(w, ']');
	json_write_close(w, '}');
}

static void write_requirements(struct json_writer *w, const struct scan *scan)
{
	unsigned count;
	const struct scan_requirement *requirements = scan_requirements(&count);

	json_write_key(w, "requirements");
	json_write_open(w, '[');
	for (unsigned i = 0; i < count; i++)
		write_requirement(w, scan, &requirements[i]);
	json_write_close(w, ']');
}

int scan_report_json(const struct scan *scan, FILE *out)
{
	struct pool pool;
	struct buf buf = { 0 };
	struct json_writer w = { .out = &buf, .pool = &pool };
	int result = FW_OK;

	pool_init(&pool);
	json_write_open(&w, '{');
	text_of(&w, "tool", "framewall scan");
	text_of(&w, "version", FRAMEWALL_VERSION);
	text_of(&w, "target", scan->url);
	time_of(&w, "started", scan->started_us);
	time_of(&w, "ended", scan->ended_us);
	json_write_key(&w, "reached");
	json_write_boolean(&w, scan->reached);
	json_write_key(&w, "score");
	if (scan->score >= 0)
		json_write_integer(&w, scan->score);
	else
		json_write_null(&w);
	json_write_key(&w, "summary");
	json_write_open(&w, '{');
	for (unsigned i = 0; i < SCAN_OUTCOMES; i++)
		number(&w, scan_outcome_name((enum scan_outcome)i), scan->of[i]);
	json_write_close(&w, '}');
	json_write_key(&w, "checks");
	json_write_open(&w, '[');
	for (unsigned i = 0; i < scan->count; i++)
		write_result(&w, &scan->results[i]);
	json_write_close(&w, ']');
	write_requirements(&w, scan);
	json_write_close(&w, '}');
	if (w.failed)
		result = FW_ERR_MEMORY;
	else
		fprintf(out, "%.*s\n", (int)buf_size(&buf), (const char *)buf_data(&buf));
	buf_clear(&buf, &pool);
	pool_fini(&pool);
	return result;
}

static bool is_finding_of(const struct json *json, uint32_t object, const char *id)
{
	uint32_t found = json_member(json, object, "id", 2), outcome = json_member(json, object, "outcome", 7);

	return found != 0 && outcome != 0 && json_string_is(json, found, id, strlen(id)) &&
	       json_string_is(json, outcome, "finding", 7);
}

int scan_baseline(struct scan *scan, struct fw_slice text)
{
	struct arena arena;
	struct json json;
	uint32_t list_at;
	int result = FW_ERR_INVALID;

	arena_init(&arena, BASELINE_ARENA);
	if (json_parse(&arena, text, 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT &&
	    (list_at = json_member(&json, 0, "checks", 6)) != 0 && json.nodes[list_at].kind == JSON_ARRAY) {
		result = FW_OK;
		for (unsigned i = 0; i < scan->count; i++)
			for (uint32_t at = list_at + 1; at < json.nodes[list_at].next; at = json.nodes[at].next)
				if (json.nodes[at].kind == JSON_OBJECT && scan->results[i].outcome == SCAN_FINDING &&
				    is_finding_of(&json, at, scan->results[i].check->id))
					scan->results[i].known = true;
	}
	arena_fini(&arena);
	return result;
}
