#include "codec/capture.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/slice.h"
#include "codec/json.h"

#define WALL_MOST_S 253402300799.0 /* the end of year 9999 */

const char *const capture_verdict_names[CAPTURE_VERDICTS] = { "pass", "refuse", "close" };

struct reading {
	const struct json *json;
	struct arena *arena;
	struct capture_line *line;
	const char *what; /* is wrong; NULL: nothing */
};

/* 2026-11-29T12:00:00Z, with any number of digits of a fraction. */
static bool read_rfc3339(struct fw_slice text, uint64_t *ret_wall_us)
{
	char full[ENCODE_RFC3339];
	size_t digits = 0;

	if (text.size < 20 || text.data[text.size - 1] != 'Z')
		return false;
	memcpy(full, text.data, 19);
	memcpy(full + 19, ".000000Z", 8);
	if (text.size > 20) {
		if (text.data[19] != '.')
			return false;
		for (size_t i = 20; i + 1 < text.size; i++, digits++) {
			if (text.data[i] < '0' || text.data[i] > '9')
				return false;
			if (digits < 6)
				full[20 + digits] = (char)text.data[i];
		}
	}
	return decode_rfc3339(full, ret_wall_us);
}

/* Seconds since 1970, with a fraction or without. */
static bool read_seconds(struct fw_slice number, uint64_t *ret_wall_us)
{
	char text[64];
	double value;

	if (number.size >= sizeof(text))
		return false;
	memcpy(text, number.data, number.size);
	text[number.size] = '\0';
	value = strtod(text, NULL);
	if (!(value >= 0 && value <= WALL_MOST_S))
		return false;
	*ret_wall_us = (uint64_t)(value * 1e6 + 0.5);
	return true;
}

static void read_time(struct reading *reading, uint32_t node)
{
	struct capture_line *line = reading->line;
	bool holds = false;

	if (reading->json->nodes[node].kind == JSON_STRING)
		holds = read_rfc3339(json_text(reading->json, node, reading->arena), &line->wall_us);
	else if (reading->json->nodes[node].kind == JSON_NUMBER)
		holds = read_seconds(json_raw(reading->json, node), &line->wall_us);
	line->has_time = holds;
	if (!holds)
		reading->what = "\"time\" is neither seconds since 1970 nor a time such as 2026-11-29T12:00:00Z";
}

static struct fw_slice read_text(struct reading *reading, uint32_t node)
{
	struct fw_slice text = json_text(reading->json, node, reading->arena);

	if (text.data == NULL)
		reading->what = "memory is short";
	return text;
}

/* A number counts as the name that it is written as. null: not said. */
static struct fw_slice read_name(struct reading *reading, uint32_t node)
{
	switch (reading->json->nodes[node].kind) {
	case JSON_STRING:
		return read_text(reading, node);
	case JSON_NUMBER:
		return json_raw(reading->json, node);
	case JSON_NULL:
		return slice(NULL, 0);
	default:
		reading->what = "a name is neither a string nor a number";
		return slice(NULL, 0);
	}
}

static void read_direction(struct reading *reading, uint32_t node)
{
	static const struct {
		const char *name;
		bool outbound;
	} names[] = { { "in", false },	    { "client", false }, { "from_client", false },
		      { "out", true },	    { "server", true },	 { "from_server", true },
		      { "send", false },    { "receive", true }, /* as browsers say it */
		      { "inbound", false }, { "outbound", true } };
	struct fw_slice text = read_name(reading, node);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (slice_is(text, names[i].name)) {
			reading->line->outbound = names[i].outbound;
			return;
		}
	}
	reading->what = "\"direction\" is neither \"in\" nor \"out\"";
}

static void read_binary(struct reading *reading, uint32_t node)
{
	struct fw_slice text = read_name(reading, node);
	uint8_t *octets;
	ptrdiff_t size;

	if (reading->what != NULL)
		return;
	octets = arena_alloc(reading->arena, text.size / 4 * 3 + 3);
	if (octets == NULL) {
		reading->what = "memory is short";
		return;
	}
	size = decode_base64((const char *)text.data, text.size, 0, octets);
	if (size < 0)
		reading->what = "\"binary\" is no base64";
	else
		reading->line->payload = slice(octets, (size_t)size);
	reading->line->binary = true;
}

static void read_verdict(struct reading *reading, uint32_t node)
{
	struct fw_slice text = read_name(reading, node);

	for (unsigned i = 0; i < CAPTURE_VERDICTS; i++) {
		if (slice_is(text, capture_verdict_names[i])) {
			reading->line->verdict = (enum capture_verdict)i;
			reading->line->has_verdict = true;
			return;
		}
	}
	reading->what = "\"verdict\" is none of pass, refuse, close";
}

static void read_size(struct reading *reading, uint32_t node)
{
	int64_t size;

	if (!json_integer(reading->json, node, &size) || size < 0)
		reading->what = "\"size\" is no number of octets";
	else
		reading->line->size = (uint64_t)size;
}

static void read_message(struct reading *reading, uint32_t node)
{
	reading->line->payload = json_raw(reading->json, node);
}

static void read_payload(struct reading *reading, uint32_t node)
{
	if (reading->json->nodes[node].kind != JSON_STRING)
		reading->what = "\"text\" is no string";
	else
		reading->line->payload = read_text(reading, node);
}

static void read_cut(struct reading *reading, uint32_t node)
{
	reading->line->is_cut = reading->json->nodes[node].kind == JSON_TRUE;
}

static void read_rewritten(struct reading *reading, uint32_t node)
{
	reading->line->rewritten = reading->json->nodes[node].kind == JSON_TRUE;
}

static void read_lost(struct reading *reading, uint32_t node)
{
	(void)node;
	reading->line->is_note = true;
}

static struct fw_slice *name_of(struct capture_line *line, const struct json *json, uint32_t key)
{
	const struct {
		const char *name;
		struct fw_slice *to;
	} names[] = { { "connection", &line->connection },
		      { "user", &line->user },
		      { "role", &line->role },
		      { "path", &line->path },
		      { "type", &line->type },
		      { "subprotocol", &line->subprotocol },
		      { "code", &line->code },
		      { "stage", &line->stage } };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (json_string_is(json, key, names[i].name, strlen(names[i].name)))
			return names[i].to;
	return NULL;
}

static void read_member(struct reading *reading, uint32_t key)
{
	static const struct {
		const char *name;
		void (*read)(struct reading *reading, uint32_t node);
	} members[] = { { "time", read_time },	     { "direction", read_direction },
			{ "text", read_payload },    { "size", read_size },
			{ "message", read_message }, { "binary", read_binary },
			{ "cut", read_cut },	     { "verdict", read_verdict },
			{ "lost", read_lost },	     { "rewritten", read_rewritten } };
	struct fw_slice *name = name_of(reading->line, reading->json, key);

	if (name != NULL)
		*name = read_name(reading, key + 1);
	for (size_t i = 0; name == NULL && i < sizeof(members) / sizeof(*members); i++)
		if (json_string_is(reading->json, key, members[i].name, strlen(members[i].name)))
			members[i].read(reading, key + 1);
}

bool capture_read(struct arena *arena, struct fw_slice text, struct capture_line *ret, const char **reterr_what)
{
	struct json json;
	struct json_error error;
	struct reading reading = { &json, arena, ret, NULL };

	*ret = (struct capture_line){ .has_time = false };
	if (json_parse(arena, text, 0, &json, &error) != JSON_OK) {
		*reterr_what = error.what;
		return false;
	}
	if (json.nodes[0].kind != JSON_OBJECT) {
		*reterr_what = "it is no JSON object";
		return false;
	}
	for (uint32_t key = 1; key < json.count && reading.what == NULL; key = json.nodes[key + 1].next)
		read_member(&reading, key);
	if (reading.what == NULL && ret->payload.data == NULL && !ret->is_note && !ret->is_cut)
		reading.what = "it has neither \"text\", \"binary\" nor \"message\"";
	*reterr_what = reading.what;
	return reading.what == NULL;
}
