/* Alerts and silences over a restart, as JSON. Times are those of the wall clock, in microseconds. */
#include <string.h>

#include "alert/alert_parts.h"
#include "base/addr.h"
#include "base/slice.h"
#include "codec/json.h"

struct writing {
	struct json_writer w;
	uint64_t now_ns, wall_us;
};

static void number(struct writing *writing, const char *key, int64_t value)
{
	json_write_key(&writing->w, key);
	json_write_integer(&writing->w, value);
}

static void text(struct writing *writing, const char *key, const char *value)
{
	json_write_key(&writing->w, key);
	json_write_string(&writing->w, value);
}

/* Also of what is to come. */
static void moment(struct writing *writing, const char *key, uint64_t at_ns)
{
	number(writing, key, (int64_t)writing->wall_us - (int64_t)(writing->now_ns - at_ns) / 1000);
}

static void write_counts(struct writing *writing, const struct alert *alert, const struct alert_rule *rule)
{
	json_write_key(&writing->w, "counts");
	json_write_open(&writing->w, '[');
	for (unsigned i = 0; i < BUCKETS; i++)
		json_write_integer(&writing->w, alert->buckets[(alert->bucket + BUCKETS - i) % BUCKETS]);
	json_write_close(&writing->w, ']');
	moment(writing, "counted", alert->bucket * ((uint64_t)rule->within_ * SECOND_NS / BUCKETS));
}

static void write_alert(struct writing *writing, const struct alerts *alerts, const struct alert *alert)
{
	const struct alert_rule *rule = alert_rule_of(alerts, alert);
	char address[ADDR_TEXT];

	json_write_open(&writing->w, '{');
	text(writing, "rule", rule->name);
	json_write_key(&writing->w, "values");
	json_write_open(&writing->w, '[');
	for (unsigned i = 0; i < rule->field_count; i++)
		json_write_string(&writing->w, alert->values[i]);
	json_write_close(&writing->w, ']');
	if (alert->address.family != 0) {
		addr_format(&alert->address, address);
		text(writing, "address", address);
	}
	number(writing, "state", alert->state);
	number(writing, "flags", alert->told | alert->owed << 1 | alert->over << 2);
	number(writing, "level", alert->level);
	number(writing, "told_level", alert->told_level);
	moment(writing, "since", alert->since_ns);
	moment(writing, "last", alert->last_ns);
	if (alert->told_ns != 0)
		moment(writing, "told", alert->told_ns);
	number(writing, "causes", (int64_t)alert->causes);
	number(writing, "suppressed", (int64_t)alert->suppressed);
	number(writing, "value", alert->value);
	if (alert->event_id[0] != '\0')
		text(writing, "event", alert->event_id);
	if (rule->within_ >= 60 && alert->bucket != 0)
		write_counts(writing, alert, rule);
	json_write_close(&writing->w, '}');
}

static void write_silence(struct writing *writing, const struct alert_silence *silence)
{
	json_write_open(&writing->w, '{');
	number(writing, "id", (int64_t)silence->id);
	moment(writing, "since", silence->since_ns);
	moment(writing, "until", silence->until_ns);
	text(writing, "reason", silence->reason);
	text(writing, "author", silence->author);
	json_write_key(&writing->w, "matchers");
	json_write_open(&writing->w, '{');
	for (unsigned i = 0; i < silence->matcher_count; i++)
		text(writing, silence->matchers[i].label, silence->matchers[i].pattern);
	json_write_close(&writing->w, '}');
	json_write_close(&writing->w, '}');
}

bool alerts_save(const struct alerts *alerts, uint64_t now_ns, uint64_t wall_us, struct buf *out, struct pool *pool)
{
	struct writing writing = { { .out = out, .pool = pool }, now_ns, wall_us };

	json_write_open(&writing.w, '{');
	json_write_key(&writing.w, "alerts");
	json_write_open(&writing.w, '[');
	for (unsigned i = 0; i < ALERTS_ALL; i++) {
		const struct alert *alert = alert_at((struct alerts *)alerts, i);

		if (alert->used)
			write_alert(&writing, alerts, alert);
	}
	json_write_close(&writing.w, ']');
	json_write_key(&writing.w, "silences");
	json_write_open(&writing.w, '[');
	for (unsigned i = 0; i < LIMIT_SILENCES; i++)
		if (alerts->silences[i].id != 0)
			write_silence(&writing, &alerts->silences[i]);
	json_write_close(&writing.w, ']');
	json_write_close(&writing.w, '}');
	return !writing.w.failed;
}

/* --- */

struct reading {
	struct alerts *alerts;
	struct json json;
	struct arena *arena;
	uint64_t now_ns, wall_us;
};

static int64_t get(const struct reading *reading, uint32_t object, const char *key, int64_t otherwise)
{
	uint32_t node = json_member(&reading->json, object, key, strlen(key));
	int64_t value;

	return node != 0 && json_integer(&reading->json, node, &value) ? value : otherwise;
}

/* Never after now: a wall clock that was set back does not prolong what is counted from then on. */
static uint64_t get_moment(const struct reading *reading, uint32_t object, const char *key)
{
	int64_t then = get(reading, object, key, 0), ago = (int64_t)reading->wall_us - then;

	if (then <= 0)
		return 0;
	if (ago <= 0)
		return reading->now_ns;
	return (uint64_t)ago * 1000 < reading->now_ns ? reading->now_ns - (uint64_t)ago * 1000 : 1;
}

static struct fw_slice node_text(const struct reading *reading, uint32_t node)
{
	if (node == 0 || reading->json.nodes[node].kind != JSON_STRING)
		return slice(NULL, 0);
	return json_text(&reading->json, node, reading->arena);
}

static void copy(struct fw_slice from, char *to, size_t room)
{
	size_t size = from.size < room ? from.size : room - 1;

	if (size != 0)
		memcpy(to, from.data, size);
	to[size] = '\0';
}

static void get_text(const struct reading *reading, uint32_t object, const char *key, char *to, size_t room)
{
	copy(node_text(reading, json_member(&reading->json, object, key, strlen(key))), to, room);
}

static unsigned rule_named(const struct alerts *alerts, struct fw_slice name)
{
	unsigned i = 0;

	while (i < alerts->rules.count && !slice_is(name, alerts->rules.rules[i].name))
		i++;
	return i;
}

static void read_counts(const struct reading *reading, uint32_t object, struct alert *alert)
{
	const struct alert_rule *rule = alert_rule_of(reading->alerts, alert);
	uint32_t list = json_member(&reading->json, object, "counts", 6);
	uint64_t counted = get_moment(reading, object, "counted");
	unsigned back = 0;

	if (list == 0 || reading->json.nodes[list].kind != JSON_ARRAY || counted == 0)
		return;
	alert->bucket = counted / ((uint64_t)rule->within_ * SECOND_NS / BUCKETS);
	for (uint32_t at = list + 1; at < reading->json.nodes[list].next && back < BUCKETS;
	     at = reading->json.nodes[at].next, back++) {
		int64_t value;

		if (json_integer(&reading->json, at, &value) && value >= 0 && value <= UINT32_MAX)
			alert->buckets[(alert->bucket + BUCKETS - back) % BUCKETS] = (uint32_t)value;
	}
}

static void read_state(const struct reading *reading, uint32_t object, struct alert *alert)
{
	int64_t state = get(reading, object, "state", 0), flags = get(reading, object, "flags", 0);

	alert->state = state >= 0 && state <= ALERT_FIRING ? (uint8_t)state : ALERT_QUIET;
	alert->told = (flags & 1) != 0 && alert->state == ALERT_FIRING;
	alert->owed = (flags & 2) != 0 && alert->state == ALERT_FIRING;
	alert->over = (flags & 4) != 0 && alert->state != ALERT_FIRING;
	alert->level = (uint8_t)get(reading, object, "level", 0) & 3;
	alert->told_level = (uint8_t)get(reading, object, "told_level", 0) & 3;
	alert->since_ns = get_moment(reading, object, "since");
	alert->last_ns = get_moment(reading, object, "last");
	alert->told_ns = get_moment(reading, object, "told");
	alert->causes = (uint64_t)get(reading, object, "causes", 0);
	alert->suppressed = (uint64_t)get(reading, object, "suppressed", 0);
	alert->value = get(reading, object, "value", 0);
	get_text(reading, object, "event", alert->event_id, sizeof(alert->event_id));
}

static void read_alert(const struct reading *reading, uint32_t object)
{
	struct alerts *alerts = reading->alerts;
	uint32_t list = json_member(&reading->json, object, "values", 6), count = 0;
	char texts[ALERT_BY][ALERT_VALUE] = { "" }, room[ADDR_TEXT] = "";
	const char *values[ALERT_BY] = { texts[0], texts[1], texts[2] };
	unsigned rule = rule_named(alerts, node_text(reading, json_member(&reading->json, object, "rule", 4)));
	struct fw_addr address = { 0 };
	struct alert *alert;
	bool over;

	if (rule == alerts->rules.count || list == 0 || reading->json.nodes[list].kind != JSON_ARRAY)
		return;
	for (uint32_t at = list + 1; at < reading->json.nodes[list].next && count < ALERT_BY;
	     at = reading->json.nodes[at].next)
		copy(node_text(reading, at), texts[count++], ALERT_VALUE);
	if (count != alerts->rules.rules[rule].field_count)
		return; /* the rule of that name is another one now */
	get_text(reading, object, "address", room, sizeof(room));
	if (!addr_parse(slice_text(room), &address))
		address.family = 0;
	alert = alert_find_values(alerts, rule, values, &address, reading->now_ns);
	if (alert->told_ns != 0 || alert->state != ALERT_QUIET)
		return;
	read_state(reading, object, alert);
	read_counts(reading, object, alert);
	alert_sources(alerts, alert);
	over = alert->over;
	if (alerts->rules.group_by.count != 0 && (alert->state == ALERT_FIRING || over)) {
		bool owed = alert->owed;

		alert_owe(alerts, alert, false, reading->now_ns); /* into its group */
		alert->owed = owed;
	}
}

static void read_silence(const struct reading *reading, uint32_t object)
{
	struct alert_silence silence = { 0 };
	uint32_t map = json_member(&reading->json, object, "matchers", 8);
	int64_t id = get(reading, object, "id", 0), until = get(reading, object, "until", 0);

	if (id <= 0 || until <= (int64_t)reading->wall_us || map == 0 || reading->json.nodes[map].kind != JSON_OBJECT)
		return;
	silence.until_ns = reading->now_ns + (uint64_t)(until - (int64_t)reading->wall_us) * 1000;
	silence.since_ns = get_moment(reading, object, "since");
	get_text(reading, object, "reason", silence.reason, sizeof(silence.reason));
	get_text(reading, object, "author", silence.author, sizeof(silence.author));
	for (uint32_t key = map + 1; key < reading->json.nodes[map].next && silence.matcher_count < ALERT_MATCHERS;
	     key = reading->json.nodes[key + 1].next) {
		copy(node_text(reading, key), silence.matchers[silence.matcher_count].label, ALERT_NAME + 1);
		copy(node_text(reading, key + 1), silence.matchers[silence.matcher_count++].pattern, ALERT_PATTERN + 1);
	}
	if (silence.matcher_count != 0) /* else it would silence everything */
		alerts_silence(reading->alerts, &silence, (uint64_t)id);
}

bool alerts_load(struct alerts *alerts, struct fw_slice image, uint64_t now_ns, uint64_t wall_us, struct arena *arena)
{
	struct reading reading = { .alerts = alerts, .arena = arena, .now_ns = now_ns, .wall_us = wall_us };
	static void (*const readers[])(const struct reading *reading, uint32_t object) = { read_silence, read_alert };
	static const char *const lists[] = { "silences", "alerts" };

	if (json_parse(arena, image, 0, &reading.json, NULL) != JSON_OK || reading.json.nodes[0].kind != JSON_OBJECT)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t list = json_member(&reading.json, 0, lists[i], strlen(lists[i]));

		if (list == 0 || reading.json.nodes[list].kind != JSON_ARRAY)
			return false;
		for (uint32_t at = list + 1; at < reading.json.nodes[list].next; at = reading.json.nodes[at].next)
			if (reading.json.nodes[at].kind == JSON_OBJECT)
				readers[i](&reading, at);
	}
	return true;
}
