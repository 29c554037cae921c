/* threat_json.c: lists in JSON: lines of Spamhaus, bundles of STIX 2.1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/json.h"
#include "codec/threat.h"

enum { LINE_ARENA = 4 << 20, BUNDLE_ARENA = 256 << 20 };

static uint32_t member(const struct json *json, uint32_t object, const char *name)
{
	return json_member(json, object, name, strlen(name));
}

/* Nothing: it is no text, or there is none. */
static struct fw_slice text_of(const struct json *json, uint32_t object, const char *name, struct arena *arena)
{
	uint32_t node = member(json, object, name);

	return node != 0 && json->nodes[node].kind == JSON_STRING ? json_text(json, node, arena) : slice(NULL, 0);
}

struct counted {
	size_t networks;
	int64_t records; /* that there are, as the list says; -1: it does not */
};

static bool read_line(struct threat_reading *reading, size_t number, struct fw_slice line, struct arena *arena,
		      struct counted *counted)
{
	struct addr_net net;
	struct fw_slice text;
	struct json json;
	uint32_t records;

	if (json_parse(arena, line, 0, &json, NULL) != JSON_OK || json.nodes[0].kind != JSON_OBJECT)
		return threat_refuse(reading, number, "is no JSON object", line);
	if (slice_is(text_of(&json, 0, "type", arena), "metadata")) {
		records = member(&json, 0, "records");
		if (records != 0 && !json_integer(&json, records, &counted->records))
			return threat_refuse(reading, number, "has no number in \"records\"", line);
		return true;
	}
	text = text_of(&json, 0, "cidr", arena);
	if (text.data == NULL || !addr_net_parse(text, &net))
		return threat_refuse(reading, number, "has no network in \"cidr\"", line);
	counted->networks++;
	return threat_take(reading, &net);
}

bool threat_read_drop_json(struct fw_slice text, struct threat_reading *reading)
{
	struct counted counted = { .records = -1 };
	struct fw_slice line;
	struct arena arena;
	bool holds = true;

	arena_init(&arena, LINE_ARENA);
	for (size_t number = 1; holds && threat_next_line(&text, &line); number++) {
		line = slice_trim(line);
		holds = line.size == 0 || read_line(reading, number, line, &arena, &counted);
		arena_reset(&arena);
	}
	arena_fini(&arena);
	if (holds && counted.records >= 0 && (uint64_t)counted.records != counted.networks) {
		snprintf(reading->why, sizeof(reading->why), "it has %zu networks, and says that there are %lld",
			 counted.networks, (long long)counted.records);
		holds = false;
	}
	return holds;
}

/* "2016-01-01T00:00:00Z", with a fraction of any length (STIX 2.1, 2.16 timestamp); before 1970 it is 1970. */
static bool time_of(struct fw_slice text, uint64_t *ret_wall_us)
{
	char whole[] = "0000-00-00T00:00:00.000000Z";

	_Static_assert(sizeof(whole) == ENCODE_RFC3339 + 1, "a time is as long");
	if (text.size < 20 || text.data[text.size - 1] != 'Z')
		return false;
	memcpy(whole, text.data, 19);
	if (text.size > 20) {
		if (text.data[19] != '.' || text.size == 21)
			return false;
		for (size_t i = 20; i + 1 < text.size; i++) {
			if (!ascii_is_digit(text.data[i]))
				return false;
			if (i < 26)
				whole[i] = (char)text.data[i];
		}
	}
	if (decode_rfc3339(whole, ret_wall_us))
		return true;
	*ret_wall_us = 0;
	return whole[0] == '0' || (whole[0] == '1' && memcmp(whole, "1970", 4) < 0);
}

struct pattern {
	struct fw_slice rest;
	struct threat_reading *reading; /* NULL: it is only looked whether it can be read */
	size_t networks;
	bool refused; /* the list is */
};

static void blanks(struct pattern *p)
{
	while (p->rest.size != 0 && (p->rest.data[0] == ' ' || p->rest.data[0] == '\t' || p->rest.data[0] == '\n' ||
				     p->rest.data[0] == '\r'))
		p->rest = slice_from(p->rest, 1);
}

static bool sign(struct pattern *p, char wanted)
{
	blanks(p);
	if (p->rest.size == 0 || p->rest.data[0] != (uint8_t)wanted)
		return false;
	p->rest = slice_from(p->rest, 1);
	return true;
}

/* Up to a blank or a sign. */
static struct fw_slice word(struct pattern *p)
{
	struct fw_slice found;
	size_t size = 0;

	blanks(p);
	while (size < p->rest.size && strchr(" \t\r\n=!<>()[],'", p->rest.data[size]) == NULL)
		size++;
	found = slice(p->rest.data, size);
	p->rest = slice_from(p->rest, size);
	return found;
}

/* What has an escape is no address. */
static bool literal(struct pattern *p, bool is_address)
{
	struct addr_net net;
	size_t size = 0;

	if (!sign(p, '\''))
		return false;
	while (size < p->rest.size && p->rest.data[size] != '\'') {
		if (p->rest.data[size] == '\\')
			return false;
		size++;
	}
	if (size == p->rest.size)
		return false;
	if (is_address) {
		if (!addr_net_parse(slice(p->rest.data, size), &net))
			return false;
		p->networks++;
		if (p->reading != NULL && !threat_take(p->reading, &net))
			p->refused = true;
	}
	p->rest = slice_from(p->rest, size + 1);
	return true;
}

/* PATH = 'x', PATH ISSUBSET 'x', PATH IN ('x', 'y') */
static bool comparison(struct pattern *p)
{
	struct fw_slice path = word(p), how;
	bool is_address = slice_is(path, "ipv4-addr:value") || slice_is(path, "ipv6-addr:value");

	if (path.size == 0)
		return false;
	if (sign(p, '='))
		return literal(p, is_address);
	how = word(p);
	if (slice_is(how, "ISSUBSET"))
		return literal(p, is_address);
	if (!slice_is(how, "IN") || !sign(p, '('))
		return false;
	do {
		if (!literal(p, is_address))
			return false;
	} while (sign(p, ','));
	return sign(p, ')');
}

static bool or_follows(struct pattern *p)
{
	struct pattern before = *p;

	if (slice_is(word(p), "OR"))
		return true;
	*p = before;
	return false;
}

/* [ A OR B ] OR [ C ]: whatever else a pattern demands (AND, NOT, FOLLOWEDBY, WITHIN) narrows it, so that an address
 * out of it alone would say more than the pattern. */
static bool read_pattern(struct pattern *p)
{
	do {
		if (!sign(p, '['))
			return false;
		do {
			if (!comparison(p))
				return false;
		} while (or_follows(p));
		if (!sign(p, ']'))
			return false;
	} while (or_follows(p));
	blanks(p);
	return p->rest.size == 0 && p->networks != 0;
}

static void change_at(struct threat_reading *reading, uint64_t wall_us)
{
	if (wall_us > reading->wall_us && wall_us < reading->changes_us)
		reading->changes_us = wall_us;
}

static bool is_valid(struct threat_reading *reading, const struct json *json, uint32_t object, struct arena *arena)
{
	struct fw_slice from = text_of(json, object, "valid_from", arena),
			until = text_of(json, object, "valid_until", arena);
	uint32_t revoked = member(json, object, "revoked");
	uint64_t from_us = 0, until_us = UINT64_MAX;

	if (revoked != 0 && json->nodes[revoked].kind != JSON_FALSE)
		return false;
	if ((from.data != NULL && !time_of(from, &from_us)) || (until.data != NULL && !time_of(until, &until_us)) ||
	    until_us <= reading->wall_us)
		return false;
	if (from_us < until_us)
		change_at(reading, from_us);
	change_at(reading, until_us);
	return from_us <= reading->wall_us;
}

/* False: the list is refused. */
static bool take_indicator(struct threat_reading *reading, const struct json *json, uint32_t object,
			   struct arena *arena)
{
	uint32_t type = member(json, object, "pattern_type");
	struct pattern pattern = { .rest = text_of(json, object, "pattern", arena) }, taking = pattern;

	if (pattern.rest.data == NULL || (type != 0 && !json_string_is(json, type, "stix", 4)) ||
	    !read_pattern(&pattern)) {
		reading->unsupported++;
		return true;
	}
	if (!is_valid(reading, json, object, arena)) {
		reading->invalid++;
		return true;
	}
	taking.reading = reading;
	(void)read_pattern(&taking);
	return !taking.refused;
}

/* A version of an object: of all with one id the latest counts. */
struct version {
	struct fw_slice id;
	uint64_t modified_us;
	size_t order; /* as they came: of two of one time the later */
	const struct json *json;
	uint32_t node;
};
struct versions {
	struct version *items;
	size_t count, room;
};

static int by_id(const void *a, const void *b)
{
	const struct version *one = a, *other = b;
	size_t size = one->id.size < other->id.size ? one->id.size : other->id.size;
	int order = size != 0 ? memcmp(one->id.data, other->id.data, size) : 0;

	if (order != 0)
		return order;
	if (one->id.size != other->id.size)
		return one->id.size < other->id.size ? -1 : 1;
	if (one->modified_us != other->modified_us)
		return one->modified_us < other->modified_us ? -1 : 1;
	return one->order < other->order ? -1 : 1;
}

static bool add_version(struct versions *versions, const struct version *version)
{
	size_t room = versions->room != 0 ? versions->room * 2 : 256;
	struct version *more;

	if (versions->count == versions->room) {
		more = mem_resize(versions->items, room * sizeof(*more));
		if (more == NULL)
			return false;
		versions->items = more;
		versions->room = room;
	}
	versions->items[versions->count] = *version;
	versions->items[versions->count].order = versions->count;
	versions->count++;
	return true;
}

/* NULL, or what is wrong. Indicators alone. */
static const char *collect(struct fw_slice text, struct arena *arena, struct json *json, struct versions *versions)
{
	enum json_result result = json_parse(arena, text, 0, json, NULL);
	uint32_t objects, node;

	if (result != JSON_OK || json->nodes[0].kind != JSON_OBJECT)
		return result == JSON_MEMORY ? "memory is short for it" : "it is no JSON object";
	objects = member(json, 0, "objects");
	if (objects == 0) /* an envelope of nothing (TAXII 2.1, 3.7) */
		return json->nodes[0].count == 0 || member(json, 0, "more") != 0 || member(json, 0, "type") != 0
			       ? NULL
			       : "it has no \"objects\"";
	if (json->nodes[objects].kind != JSON_ARRAY)
		return "its \"objects\" are no list";
	node = objects + 1;
	for (uint32_t i = 0; i < json->nodes[objects].count; i++, node = json->nodes[node].next) {
		struct version version = { .json = json, .node = node };
		struct fw_slice modified;

		if (json->nodes[node].kind != JSON_OBJECT)
			return "one of its \"objects\" is none";
		if (!slice_is(text_of(json, node, "type", arena), "indicator"))
			continue;
		version.id = text_of(json, node, "id", arena);
		modified = text_of(json, node, "modified", arena);
		if (version.id.size == 0)
			return "an indicator has no \"id\"";
		if (modified.data != NULL)
			(void)time_of(modified, &version.modified_us);
		if (!add_version(versions, &version))
			return "memory is short for it";
	}
	return NULL;
}

static bool is_latest(const struct versions *versions, size_t i)
{
	return i + 1 == versions->count || !slice_equal(versions->items[i].id, versions->items[i + 1].id);
}

static void sort(struct versions *versions)
{
	if (versions->count != 0)
		qsort(versions->items, versions->count, sizeof(*versions->items), by_id);
}

bool threat_read_stix(struct fw_slice text, struct threat_reading *reading)
{
	struct versions versions = { 0 };
	struct arena arena;
	const char *wrong;
	struct json json;
	bool holds;

	arena_init(&arena, BUNDLE_ARENA);
	wrong = collect(text, &arena, &json, &versions);
	holds = wrong == NULL || threat_refuse(reading, 0, wrong, slice(NULL, 0));
	if (holds)
		sort(&versions);
	for (size_t i = 0; i < versions.count && holds; i++)
		if (is_latest(&versions, i))
			holds = take_indicator(reading, &json, versions.items[i].node, &arena);
	mem_free(versions.items);
	arena_fini(&arena);
	return holds;
}

static bool write_bundle(struct versions *versions, struct buf *out, struct pool *pool)
{
	struct json_writer w = { .out = out, .pool = pool };

	json_write_open(&w, '{');
	json_write_key(&w, "type");
	json_write_string(&w, "bundle");
	json_write_key(&w, "objects");
	json_write_open(&w, '[');
	for (size_t i = 0; i < versions->count; i++)
		if (is_latest(versions, i))
			json_write_raw(&w, json_raw(versions->items[i].json, versions->items[i].node));
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	return !w.failed;
}

bool threat_stix_merge(const struct fw_slice *texts, size_t count, struct buf *out, struct pool *pool,
		       char ret_why[THREAT_WHY])
{
	struct versions versions = { 0 };
	const char *wrong = NULL;
	struct arena arena;
	struct json *json;

	arena_init(&arena, BUNDLE_ARENA);
	json = arena_alloc(&arena, count * sizeof(*json));
	if (json == NULL)
		wrong = "memory is short for it";
	for (size_t i = 0; i < count && wrong == NULL; i++)
		wrong = collect(texts[i], &arena, &json[i], &versions);
	if (wrong == NULL) {
		sort(&versions);
		if (!write_bundle(&versions, out, pool))
			wrong = "memory is short for it";
	}
	if (wrong != NULL)
		snprintf(ret_why, THREAT_WHY, "%s", wrong);
	mem_free(versions.items);
	arena_fini(&arena);
	return wrong == NULL;
}
