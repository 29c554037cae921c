/* Scenarios: what fires is what a model says that keeps every event; groups, values, conditions, blackhole; a table
 * that is full; what a reload keeps; lines read back; what a configuration may not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/event_type.h"
#include "base/limits.h"
#include "policy_of.h"
#include "record/jsonl.h"
#include "scenario/line.h"
#include "scenario/scenario.h"

#define SECOND UINT64_C(1000000000)

static const struct hash_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };
static uint64_t seed = 1;

static uint32_t any(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

/* What fired, and the last of it. */
struct seen {
	unsigned count;
	struct scenario_firing last;
	bool full;
};

static bool note(void *user, const struct scenario_firing *firing)
{
	struct seen *seen = user;

	if (seen->full)
		return false;
	seen->count++;
	seen->last = *firing;
	return true;
}

static struct fw_record event(unsigned type, uint32_t address)
{
	struct fw_record record = { .type = (uint16_t)type, .level = event_type_level(type), .source.family = 4 };

	memcpy(record.source.bytes, &address, sizeof(address));
	return record;
}

static void add(struct fw_record *record, const char *name, const char *text)
{
	record->details[record->detail_count++] =
		(struct fw_detail){ .key = name, .kind = FW_DETAIL_TEXT, .text = slice_text(text) };
}

static unsigned see(struct scenarios *scenarios, struct fw_record *record, uint64_t now_ns, struct seen *seen)
{
	unsigned before = seen->count;

	record->wall_us = now_ns / 1000;
	scenarios_see(scenarios, record, now_ns, note, seen);
	return seen->count - before;
}

static struct scenarios *scenarios_of(const struct fw_policy *policy)
{
	struct scenarios *scenarios = scenarios_new(policy->scenarios, policy->scenario_count, &key);

	assert_non_null(scenarios);
	return scenarios;
}

/* Keeps every value with the time when it came; what is in the bucket is found by going through all of them. */
enum { MODEL_GROUPS = 5, MODEL_VALUES = 12 };
struct model {
	uint64_t poured[4096]; /* times */
	unsigned values[4096], count;
	uint64_t quiet_ns, events;
};

static unsigned level_of(const struct model *model, uint64_t leak_ns, uint64_t now_ns, uint64_t *ret_rest_ns)
{
	uint64_t level_ns = 0, last = 0;

	for (unsigned i = 0; i < model->count; i++) {
		uint64_t passed = model->poured[i] - last;

		level_ns = (level_ns > passed ? level_ns - passed : 0) + leak_ns;
		last = model->poured[i];
	}
	level_ns = level_ns > now_ns - last ? level_ns - (now_ns - last) : 0;
	*ret_rest_ns = level_ns;
	return (unsigned)((level_ns + leak_ns - 1) / leak_ns);
}

static bool model_fires(struct model *model, const struct scenario_rule *rule, unsigned value, uint64_t now_ns)
{
	uint64_t leak_ns = (uint64_t)rule->leak_ * SECOND, level_ns;
	unsigned held;

	if (model->quiet_ns > now_ns)
		return false;
	held = level_of(model, leak_ns, now_ns, &level_ns);
	if (held == 0)
		model->count = 0, model->events = 0;
	model->events++;
	for (unsigned i = model->count - (held < model->count ? held : model->count);
	     rule->has_distinct && i < model->count; i++)
		if (model->values[i] == value)
			return false;
	if (level_ns + leak_ns > (uint64_t)rule->capacity_ * leak_ns) {
		model->count = 0;
		model->quiet_ns = now_ns + (uint64_t)rule->blackhole_ * SECOND;
		return true;
	}
	assert_true(model->count < 4096);
	model->poured[model->count] = now_ns;
	model->values[model->count++] = value;
	return false;
}

static void check_model(const char *yaml, unsigned arrivals)
{
	struct fw_policy *policy = policy_of(yaml);
	struct scenarios *scenarios = scenarios_of(policy);
	struct model *models = calloc(MODEL_GROUPS, sizeof(*models));
	uint64_t now_ns = 1000 * SECOND;
	struct seen seen = { 0 };
	unsigned fired = 0;

	assert_non_null(models);
	for (unsigned i = 0; i < arrivals; i++) {
		unsigned group = any(MODEL_GROUPS), number = any(MODEL_VALUES), count;
		struct fw_record record = event(EVENT_auth_failure, 0x0100000a + group);
		struct model *model = &models[group];
		char value[16];
		bool fires;

		snprintf(value, sizeof(value), "u%u", number);
		add(&record, "account", value);
		now_ns += any(300) == 0 ? any(90) * SECOND : any(4) == 0 ? any(8) * SECOND / 2 : any(1000000);
		fires = model_fires(model, policy->scenarios, number, now_ns);
		count = see(scenarios, &record, now_ns, &seen);
		if (count != fires)
			fail_msg("arrival %u: %u, the model says %d", i, count, fires);
		if (fires) {
			fired++;
			assert_int_equal(seen.last.events, model->events);
			model->events = 0;
		}
	}
	assert_true(fired > arrivals / 1000);
	assert_int_equal(scenarios_figures(scenarios, 0).fired, fired);
	assert_int_equal(scenarios_figures(scenarios, 0).evicted, 0);
	free(models);
	scenarios_free(scenarios);
	fw_policy_unref(policy);
}

static void model(void **state)
{
	(void)state;
	check_model(
		"scenarios: [{name: a, on: [auth_failure], group_by: [address], capacity: 5, leak: 10, blackhole: 60}]",
		200000);
	check_model(
		"scenarios: [{name: a, on: [auth_failure], group_by: [address], capacity: 3, leak: 7, blackhole: 0, "
		"distinct: details.account}]",
		200000);
	check_model(
		"scenarios: [{name: a, on: [auth_failure], group_by: [address], capacity: 8, leak: 3, blackhole: 20, "
		"distinct: details.account}]",
		200000);
	check_model(
		"scenarios: [{name: a, on: [auth_failure], group_by: [address], capacity: 0, leak: 3, blackhole: 5}]",
		20000);
}

static void exact(void **state)
{
	struct fw_policy *policy = policy_of("scenarios: [{name: a, on: [auth_failure], group_by: [address], capacity: "
					     "5, leak: 10, blackhole: 60}]");
	struct scenarios *scenarios = scenarios_of(policy);
	struct fw_record record = event(EVENT_auth_failure, 1), other = event(EVENT_auth_timeout, 1);
	struct seen seen = { 0 };

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(see(scenarios, &record, 100 * SECOND, &seen), 0);
	assert_int_equal(see(scenarios, &other, 100 * SECOND, &seen), 0);
	assert_int_equal(see(scenarios, &record, 100 * SECOND, &seen), 1);
	assert_int_equal(seen.last.events, 6);
	/* quiet for as long as it says, then empty */
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(see(scenarios, &record, 160 * SECOND - 1, &seen), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(see(scenarios, &record, 160 * SECOND, &seen), 0);
	/* one has leaked after ten seconds and not a nanosecond before */
	assert_int_equal(see(scenarios, &record, 170 * SECOND, &seen), 0);
	assert_int_equal(see(scenarios, &record, 180 * SECOND - 1, &seen), 1);
	scenarios_free(scenarios);
	fw_policy_unref(policy);
}

static void conditions(void **state)
{
	struct fw_policy *policy =
		policy_of("scenarios:\n"
			  "- {name: a, on: [permission_denied], group_by: [user, event], distinct: "
			  "details.message_type, capacity: 2,\n"
			  "   where: {ip: 10.0.0.0/8, level: warning, text: denied, details: {error: "
			  "[PERMISSION_DENIED, OTHER]}}}\n"
			  "- {name: b, on: [auth_success], group_by: [user], distinct: network, capacity: 1}\n");
	struct scenarios *scenarios = scenarios_of(policy);
	static const char *const types[] = { "one", "two", "three" };
	struct seen seen = { 0 };

	(void)state;
	/* each of them but the last lacks something */
	for (unsigned lacks = 0; lacks < 6; lacks++) {
		for (unsigned i = 0; i < 3; i++) {
			struct fw_record record =
				event(EVENT_permission_denied, lacks == 0 ? 0x0000000b : 0x0000000a + (i << 8));

			record.user_id = slice_text(lacks == 1 ? "anonymous" : lacks == 2 ? "" : "alice");
			record.level = lacks == 3 ? FW_LEVEL_CRITICAL : FW_LEVEL_WARNING;
			add(&record, "error", lacks == 4 ? "NEITHER" : "PERMISSION_DENIED");
			add(&record, "message_type", types[i]);
			add(&record, "cause", lacks == 5 ? "Denied: this" : "allowed");
			assert_int_equal(see(scenarios, &record, (100 + i) * SECOND, &seen), lacks == 5 && i == 2);
		}
	}
	assert_int_equal(seen.last.values, 3);
	assert_string_equal(seen.last.sample, "one, two, three");
	assert_int_equal(seen.last.first_us, 100000000);
	assert_int_equal(seen.last.last_us, 102000000);
	/* a network is a /24; what is only watched fires as such */
	for (unsigned i = 0; i < 2; i++) {
		struct fw_record record = event(EVENT_auth_success, 0x0100000a + (i << 24));

		record.user_id = slice_text("bob");
		add(&record, "mode", "monitor");
		assert_int_equal(see(scenarios, &record, 200 * SECOND, &seen), 0);
		record.source.bytes[2] = 9;
		assert_int_equal(see(scenarios, &record, 200 * SECOND, &seen), i == 0);
	}
	assert_true(seen.last.watched);
	assert_int_equal(seen.last.scenario, 1);
	assert_string_equal(seen.last.sample, "10.0.0.0, 10.0.9.0");
	scenarios_free(scenarios);
	fw_policy_unref(policy);
}

/* What is nearly full stays, whatever comes; what gave way is counted. */
static void full_table(void **state)
{
	struct fw_policy *policy =
		policy_of("scenarios: [{name: a, on: [auth_failure], group_by: [address], capacity: 5, leak: 3600}]");
	struct scenarios *scenarios = scenarios_of(policy);
	struct seen seen = { 0 };
	enum { WATCHED = 100 };

	(void)state;
	for (uint32_t i = 0; i < WATCHED; i++) {
		struct fw_record record = event(EVENT_auth_failure, i);

		for (unsigned times = 0; times < 5; times++)
			assert_int_equal(see(scenarios, &record, 100 * SECOND, &seen), 0);
	}
	for (uint32_t i = 0; i < 20 * LIMIT_SCENARIO_GROUPS; i++) {
		struct fw_record record = event(EVENT_auth_failure, 1000 + i);

		assert_int_equal(see(scenarios, &record, 101 * SECOND, &seen), 0);
	}
	for (uint32_t i = 0; i < WATCHED; i++) {
		struct fw_record record = event(EVENT_auth_failure, i);

		assert_int_equal(see(scenarios, &record, 102 * SECOND, &seen), 1);
	}
	assert_true(scenarios_figures(scenarios, 0).evicted > 18 * LIMIT_SCENARIO_GROUPS);
	scenarios_free(scenarios);
	fw_policy_unref(policy);
}

/* Nothing is lost where what fired finds no room. */
static void no_room(void **state)
{
	struct fw_policy *policy =
		policy_of("scenarios: [{name: a, on: [auth_failure], group_by: [address], capacity: 2, "
			  "distinct: details.account}]");
	struct scenarios *scenarios = scenarios_of(policy);
	struct seen seen = { .full = true };
	char account[8];

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct fw_record record = event(EVENT_auth_failure, 1);

		snprintf(account, sizeof(account), "u%u", i);
		add(&record, "account", account);
		seen.full = i < 5;
		assert_int_equal(see(scenarios, &record, 100 * SECOND, &seen), i == 5);
	}
	assert_int_equal(seen.last.events, 6);
	assert_int_equal(scenarios_figures(scenarios, 0).held, 3);
	scenarios_free(scenarios);
	fw_policy_unref(policy);
}

static void reload(void **state)
{
	struct fw_policy *before = policy_of(
		"scenarios:\n"
		"- {name: same, on: [auth_failure], group_by: [address], capacity: 1, distinct: details.account}\n"
		"- {name: other, on: [auth_failure], group_by: [address], capacity: 1}\n");
	struct fw_policy *after = policy_of(
		"scenarios:\n"
		"- {name: other, on: [auth_failure], group_by: [address], capacity: 2}\n"
		"- {name: new, on: [auth_failure], group_by: [address], capacity: 9}\n"
		"- {name: same, on: [auth_failure], group_by: [address], capacity: 1, distinct: details.account}\n");
	struct scenarios *old = scenarios_of(before), *now = scenarios_of(after);
	struct fw_record record = event(EVENT_auth_failure, 1);
	struct seen seen = { 0 };

	(void)state;
	add(&record, "account", "alice");
	assert_int_equal(see(old, &record, 100 * SECOND, &seen), 0);
	scenarios_inherit(now, old);
	scenarios_free(old);
	fw_policy_unref(before);
	record.details[0].text = slice_text("bob");
	assert_int_equal(see(now, &record, 101 * SECOND, &seen), 1);
	assert_int_equal(seen.last.scenario, 2);
	assert_string_equal(seen.last.sample, "alice, bob");
	assert_int_equal(see(now, &record, 101 * SECOND, &seen), 0);
	assert_int_equal(see(now, &record, 101 * SECOND, &seen), 1);
	assert_int_equal(seen.last.scenario, 0);
	scenarios_free(now);
	fw_policy_unref(after);
}

/* A record to a line and back. */
static void lines(void **state)
{
	struct fw_record record = event(EVENT_auth_failure, 0x0100007f), back;
	struct arena arena;
	struct pool pool;
	struct buf out = { 0 };
	uint64_t times;

	(void)state;
	arena_init(&arena, 65536);
	pool_init(&pool);
	record.wall_us = 1764410400123456;
	record.user_id = slice_text("al\"ice");
	record.connection_id = 77;
	memcpy(record.event_id, "0123456789abcdef", FW_EVENT_ID_SIZE);
	add(&record, "cause", "line\nend");
	record.details[record.detail_count++] =
		(struct fw_detail){ .key = "count", .kind = FW_DETAIL_INTEGER, .number = 12 };
	record.details[record.detail_count++] =
		(struct fw_detail){ .key = "others", .kind = FW_DETAIL_BOOLEAN, .number = 1 };
	assert_int_equal(jsonl_format(&record, 5, &out, &pool), 0);
	assert_int_equal(line_read(&arena, slice(buf_data(&out), buf_size(&out) - 1), &back, &times), LINE_OK);
	assert_int_equal(times, 1);
	assert_int_equal(back.wall_us, record.wall_us);
	assert_int_equal(back.type, EVENT_auth_failure);
	assert_int_equal(back.level, FW_LEVEL_WARNING);
	assert_true(slice_is(back.user_id, "al\"ice"));
	assert_int_equal(back.session_id.size, 0);
	assert_int_equal(back.connection_id, 77);
	assert_memory_equal(&back.source, &record.source, sizeof(back.source));
	assert_memory_equal(back.event_id, record.event_id, FW_EVENT_ID_SIZE);
	assert_int_equal(back.detail_count, 3);
	assert_string_equal(back.details[0].key, "cause");
	assert_true(slice_is(back.details[0].text, "line\nend"));
	assert_int_equal(back.details[1].number, 12);
	assert_int_equal(back.details[2].kind, FW_DETAIL_BOOLEAN);
	buf_clear(&out, &pool);
	/* a sum counts as often as it stands for */
	add(&record, "first_at", "2025-11-29T10:00:00.000000Z");
	assert_int_equal(jsonl_format(&record, 5, &out, &pool), 0);
	assert_int_equal(line_read(&arena, slice(buf_data(&out), buf_size(&out) - 1), &back, &times), LINE_OK);
	assert_int_equal(times, 12);
	for (size_t size = 0; size < buf_size(&out) - 1; size++) {
		arena_reset(&arena);
		assert_int_equal(line_read(&arena, slice(buf_data(&out), size), &back, &times), LINE_BAD);
	}
	assert_int_equal(line_read(&arena,
				   slice_text("{\"timestamp\":\"2025-11-29T10:00:00.000000Z\",\"event_type\":\"no\"}"),
				   &back, &times),
			 LINE_OK);
	assert_int_equal(back.type, EVENT_TYPES);
	buf_clear(&out, &pool);
	pool_fini(&pool);
	arena_fini(&arena);
}

static void refused(void **state)
{
	(void)state;
	refused_for("scenarios: {}", "\"scenarios\" is a list");
	refused_for("scenarios: [a]", "each scenario is a mapping with name and on");
	refused_for("scenarios: [{name: a}]", "needs \"name\" and \"on\"");
	refused_for("scenarios: [{name: a, on: []}]", "needs \"name\" and \"on\"");
	refused_for("scenarios: [{name: a b, on: [penalty]}]", "\"name\" of a scenario is");
	refused_for("scenarios: [{name: a, on: [penalty]}, {name: a, on: [penalty]}]", "two scenarios are named \"a\"");
	refused_for("scenarios: [{name: a, on: [nothing]}]", "there is no event \"nothing\"");
	refused_for("scenarios: [{name: a, on: [scenario_fired]}]", "cannot be made of scenarios");
	refused_for("scenarios: [{name: a, on: [penalty], group_by: [colour]}]", "not \"colour\"");
	refused_for("scenarios: [{name: a, on: [penalty], distinct: details.}]", "not \"details.\"");
	refused_for("scenarios: [{name: a, on: [penalty], group_by: [user, user, user, user, user]}]",
		    "has more than 4 fields");
	refused_for("scenarios: [{name: a, on: [penalty], capacity: 257, distinct: user}]", "at most 256");
	refused_for("scenarios: [{name: a, on: [penalty], capacity: 10001}]", "10000");
	refused_for("scenarios: [{name: a, on: [penalty], leak: 0}]", "leak");
	refused_for("scenarios: [{name: a, on: [penalty], action: shoot}]", "record, points, close, block or revoke");
	refused_for("scenarios: [{name: a, on: [penalty], action: block}]", "\"group_by\" names neither");
	refused_for("scenarios: [{name: a, on: [penalty], action: block, group_by: [network]}]",
		    "\"group_by\" names neither");
	refused_for("scenarios: [{name: a, on: [penalty], action: revoke, group_by: [address]}]", "does not name it");
	refused_for("scenarios: [{name: a, on: [penalty], points: 5}]", "need one another");
	refused_for("scenarios: [{name: a, on: [penalty], group_by: [user], action: points}]", "need one another");
	refused_for("scenarios: [{name: a, on: [penalty], for: 5}]", "\"for\" has no meaning");
	refused_for("scenarios: [{name: a, on: [penalty], level: loud}]", "\"level\" is");
	refused_for("scenarios: [{name: a, on: [penalty], where: {level: loud}}]", "\"level\" is");
	refused_for("scenarios: [{name: a, on: [penalty], where: {ip: 10.0.0.1/8}}]", "\"ip\" is an address");
	refused_for("scenarios: [{name: a, on: [penalty], where: {details: {a: []}}}]", "none of no texts");
	refused_for("scenarios: [{name: a, on: [penalty], where: {colour: red}}]", "colour");
	refused_for("scenarios: [{name: a, on: [penalty], when: {}}]", "when");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model),      cmocka_unit_test(exact),	 cmocka_unit_test(conditions),
		cmocka_unit_test(full_table), cmocka_unit_test(no_room), cmocka_unit_test(reload),
		cmocka_unit_test(lines),      cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
