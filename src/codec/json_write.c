#include "base/limits.h"
#include "codec/json.h"
#include "codec/json_string.h"

/* Room behind the end. The common case, a buffer that is large enough, costs no call. */
static inline uint8_t *room(struct json_writer *w, size_t size)
{
	struct buf *out = w->out;
	uint8_t *to;

	if (w->failed)
		return NULL;
	if (out->base != NULL && out->capacity - out->end >= size)
		return out->base + out->end;
	to = buf_reserve(out, w->pool, size);
	w->failed = to == NULL;
	return to;
}

/* Room for size octets, behind a comma where one is due. NULL after a failure. */
static inline uint8_t *begin(struct json_writer *w, size_t size)
{
	uint8_t *to;

	if (size > SIZE_MAX / 2)
		w->failed = true;
	to = room(w, size + 1);
	if (to != NULL && w->comma) {
		*to++ = ',';
		buf_added(w->out, 1);
	}
	return to;
}

static inline void append(struct json_writer *w, const void *bytes, size_t size)
{
	uint8_t *to = room(w, size);

	if (to == NULL || size == 0)
		return;
	memcpy(to, bytes, size);
	buf_added(w->out, size);
}

static inline void whole(struct json_writer *w, const void *bytes, size_t size)
{
	uint8_t *to = begin(w, size);

	if (to == NULL)
		return;
	if (size != 0)
		memcpy(to, bytes, size);
	buf_added(w->out, size);
	w->comma = true;
}

/* RFC 8259 7: quote, backslash and controls; the short forms where there are any, as RFC 8785 3.2.2.2 chooses them. */
static void escape(struct json_writer *w, uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
	char text[6] = { '\\', (char)c, '0', '0', digits[c >> 4], digits[c & 15] };

	if (c >= 0x20) {
		append(w, text, 2);
	} else if (c < sizeof(letters) && letters[c] != '\0') {
		text[1] = letters[c];
		append(w, text, 2);
	} else {
		text[1] = 'u';
		append(w, text, 6);
	}
}

static void quoted(struct json_writer *w, struct fw_slice text)
{
	const uint8_t *at = text.data, *end = text.size != 0 ? at + text.size : at;
	uint8_t *to = begin(w, text.size <= SIZE_MAX / 4 ? text.size + 2 : SIZE_MAX);
	unsigned high = 0;

	if (to == NULL)
		return;
	*to = '"';
	buf_added(w->out, 1);
	while (at != end && !w->failed) {
		const uint8_t *special = json_string_scan(at, end, &high);

		append(w, at, (size_t)(special - at));
		at = special;
		if (at != end)
			escape(w, *at++);
	}
	append(w, "\"", 1);
	w->comma = true;
}

void json_write_open(struct json_writer *w, char bracket)
{
	whole(w, &bracket, 1);
	w->comma = false;
}

void json_write_close(struct json_writer *w, char bracket)
{
	append(w, &bracket, 1);
	w->comma = true;
}

void json_write_key_slice(struct json_writer *w, struct fw_slice key)
{
	quoted(w, key);
	append(w, ":", 1);
	w->comma = false;
}

void json_write_key(struct json_writer *w, const char *key)
{
	json_write_key_slice(w, (struct fw_slice){ (const uint8_t *)key, strlen(key) });
}

void json_write_text(struct json_writer *w, struct fw_slice text)
{
	quoted(w, text);
}

void json_write_string(struct json_writer *w, const char *text)
{
	quoted(w, (struct fw_slice){ (const uint8_t *)text, strlen(text) });
}

void json_write_integer(struct json_writer *w, int64_t value)
{
	uint64_t rest = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest != 0);
	if (value < 0)
		digits[--at] = '-';
	whole(w, digits + at, sizeof(digits) - at);
}

void json_write_boolean(struct json_writer *w, bool value)
{
	if (value)
		whole(w, "true", 4);
	else
		whole(w, "false", 5);
}

void json_write_null(struct json_writer *w)
{
	whole(w, "null", 4);
}

void json_write_raw(struct json_writer *w, struct fw_slice json)
{
	whole(w, json.data, json.size);
}

/* A value of a tape that is being written. */
struct source {
	const struct json *json;
	struct arena *arena;
	json_replace_function *replace;
	void *user;
};

/* A string or a key. False: the member is to be left out. */
static bool write_string(struct json_writer *w, const struct source *source, uint32_t node)
{
	const struct json_node *n = &source->json->nodes[node];
	struct fw_slice text = { NULL, 0 };
	bool skip = false;

	if (source->replace != NULL && source->replace(source->user, node, &text, &skip)) {
		if (skip && n->is_key) {
			json_write_raw(w, json_raw(source->json, node)); /* the key as it came */
			append(w, ":", 1);
			w->comma = false;
			quoted(w, text);
			return false;
		}
		quoted(w, text);
		return true;
	}
	if (skip && n->is_key)
		return false;
	if (!n->escaped) { /* then nothing in it needs an escape, and it is canonical as it stands */
		json_write_raw(w, json_raw(source->json, node));
		return true;
	}
	text = json_text(source->json, node, source->arena);
	if (text.data == NULL)
		w->failed = true;
	quoted(w, text);
	return true;
}

void json_write_value(struct json_writer *w, const struct json *json, uint32_t node, struct arena *arena,
		      json_replace_function *replace, void *user)
{
	const struct source source = { json, arena, replace, user };
	uint32_t open[LIMIT_JSON_DEPTH];
	uint32_t end = json->nodes[node].next;
	unsigned depth = 0;

	/* The canonical form is never longer than the text that was read: one look for room is mostly enough. */
	room(w, json_raw(json, node).size + 1);
	while (!w->failed) {
		const struct json_node *n;

		while (depth != 0 && json->nodes[open[depth - 1]].next == node) {
			depth--;
			json_write_close(w, json->nodes[open[depth]].kind == JSON_OBJECT ? '}' : ']');
		}
		if (node == end)
			break;
		n = &json->nodes[node];
		if (n->kind == JSON_OBJECT || n->kind == JSON_ARRAY) {
			if (depth == LIMIT_JSON_DEPTH) { /* no tape of json_parse is so deep */
				w->failed = true;
				break;
			}
			json_write_open(w, n->kind == JSON_OBJECT ? '{' : '[');
			open[depth++] = node++;
		} else if (n->kind != JSON_STRING) {
			json_write_raw(w, json_raw(json, node++));
		} else if (!write_string(w, &source, node)) {
			node = json->nodes[node + 1].next; /* the key and all of its value */
		} else {
			if (n->is_key) {
				append(w, ":", 1);
				w->comma = false;
			}
			node++;
		}
	}
}
