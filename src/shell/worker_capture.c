/* worker_capture.c: the messages of a worker's connections, redacted, to the file of a capture, which the keeper
 * writes. Nobody waits for it: what finds no room is counted, and the next one that does tells of it. */
#include "base/encode.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "codec/json.h"
#include "shell/capture_redact.h"
#include "shell/worker.h"

struct worker_capture {
	struct pool pool;
	struct buf line, text;
	struct arena arena;
	uint64_t lost;
	const uint8_t *key;
};

static void write_slice(struct json_writer *w, const char *name, struct fw_slice text)
{
	if (text.size == 0 || !utf8_valid(text.data, text.size))
		return;
	json_write_key(w, name);
	json_write_text(w, text);
}

static void write_user(struct worker *worker, struct json_writer *w, struct fw_slice user)
{
	char made_up[CAPTURE_USER];

	if (user.size == 0)
		return;
	if (!worker->policy->settings.capture_users) {
		capture_redact_user(worker->capture->key, user, made_up);
		user = slice(made_up, sizeof(made_up));
	}
	write_slice(w, "user", user);
}

static void write_facts(struct worker *worker, struct json_writer *w, const struct engine_captured *captured)
{
	char time[ENCODE_RFC3339], id[ENCODE_U64];
	size_t path = 0;

	encode_rfc3339(captured->wall_us, time);
	write_slice(w, "time", slice(time, sizeof(time)));
	write_slice(w, "connection", slice(id, encode_u64(captured->connection_id, id)));
	write_user(worker, w, captured->user);
	write_slice(w, "role", captured->role);
	while (path < captured->path.size && captured->path.data[path] != '?')
		path++;
	write_slice(w, "path", slice(captured->path.data, path));
	write_slice(w, "direction", slice_text(captured->outbound ? "out" : "in"));
	if (captured->rule != NULL)
		write_slice(w, "type", slice(captured->rule->name, captured->rule->name_size));
	write_slice(w, "verdict", slice_text(captured->closed ? "close" : captured->refused ? "refuse" : "pass"));
	if (captured->would)
		write_slice(w, "would", slice_text("refuse"));
	write_slice(w, "stage", slice_text(captured->stage));
	write_slice(w, "code", slice_text(captured->code));
	if (captured->rewritten) {
		json_write_key(w, "rewritten");
		json_write_boolean(w, true);
	}
}

static void write_size(struct json_writer *w, size_t size)
{
	json_write_key(w, "cut");
	json_write_boolean(w, true);
	json_write_key(w, "size");
	json_write_integer(w, (int64_t)size);
}

/* Of a binary message, in which nobody knows what is a secret, the size. */
static bool write_payload(struct worker *worker, struct json_writer *w, const struct engine_captured *captured)
{
	struct worker_capture *capture = worker->capture;
	const struct settings *settings = &worker->policy->settings;
	const struct capture_rules rules = { (enum capture_keep)settings->capture_keep, &settings->capture_keep_fields,
					     &settings->capture_redact_fields, captured->rule };
	uint8_t *text;

	if (captured->binary || captured->text.size > LIMIT_CAPTURE_TEXT) {
		write_size(w, captured->text.size);
		return true;
	}
	buf_clear(&capture->text, &capture->pool);
	if (buf_append(&capture->text, &capture->pool, captured->text.data, captured->text.size) != 0)
		return false;
	text = captured->text.size != 0 ? buf_data(&capture->text) : NULL;
	arena_reset(&capture->arena);
	if (captured->text.size != 0 &&
	    !capture_redact(capture->key, &rules, &capture->arena, text, captured->text.size)) {
		write_size(w, captured->text.size);
		return true;
	}
	json_write_key(w, "text");
	json_write_text(w, slice(text != NULL ? (const char *)text : "", captured->text.size));
	return true;
}

static void take(void *user, const struct engine_captured *captured)
{
	struct worker *worker = user;
	struct worker_capture *capture = worker->capture;
	struct json_writer w = { .out = &capture->line, .pool = &capture->pool };
	struct ipc_capture message = { .lost = capture->lost };

	if (worker->policy->settings.capture_file[0] == '\0') /* a reload ended it */
		return;
	buf_clear(&capture->line, &capture->pool);
	json_write_open(&w, '{');
	write_facts(worker, &w, captured);
	if (!write_payload(worker, &w, captured))
		w.failed = true;
	json_write_close(&w, '}');
	if (!w.failed && ipc_send(worker->options->capture, IPC_CAPTURE, &message, sizeof(message),
				  slice(buf_data(&capture->line), buf_size(&capture->line)), false))
		capture->lost = 0;
	else
		capture->lost++;
}

bool worker_capture_start(struct worker *worker)
{
	struct worker_capture *capture;

	if (worker->options->capture == NULL)
		return true;
	capture = mem_zero(1, sizeof(*capture));
	if (capture == NULL)
		return false;
	pool_init(&capture->pool);
	arena_init(&capture->arena, (size_t)LIMIT_CAPTURE_TEXT * 64);
	capture->key = worker->options->capture_key;
	worker->capture = capture;
	engine_capture(worker->engine, take, worker);
	return true;
}

void worker_capture_stop(struct worker *worker)
{
	struct worker_capture *capture = worker->capture;

	if (capture == NULL)
		return;
	buf_clear(&capture->line, &capture->pool);
	buf_clear(&capture->text, &capture->pool);
	arena_fini(&capture->arena);
	pool_fini(&capture->pool);
	mem_free(capture);
	worker->capture = NULL;
}
