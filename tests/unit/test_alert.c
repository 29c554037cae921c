/* alert/: when somebody is told of an alert, under a clock of the test's own: counts, cooldown, levels, metrics,
 * groups, inhibition, silences, the end, a restart in between, and a million of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alert/alert.h"
#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "engine/counters.h"

#define S UINT64_C(1000000000)
#define START (S * 1000000)
#define WALL UINT64_C(1790000000000000)

enum { RULES = 8 };
static struct alert_rule rules[RULES];
static struct alert_rules set;
static struct alerts *alerts;
static const struct hash_key key = { 1, 2 };
static struct alert_notice notices[64];
static unsigned told;
static uint64_t now;

static void tell(void *user, const struct alert_notice *notice)
{
	(void)user;
	notices[told++ % 64] = *notice;
}

static struct alert_rule *rule(const char *name, unsigned event)
{
	struct alert_rule *made = &rules[set.count];

	*made = (struct alert_rule){ .name = name,
				     .events = UINT64_C(1) << event,
				     .alert_level = -1,
				     .row = ALERT_NO_METRIC,
				     .within_ = 3600,
				     .above_ = -1,
				     .below_ = -1,
				     .cooldown_ = -1,
				     .resolve_after_ = -1 };
	made->digest[0] = (uint8_t)++set.count;
	return made;
}

static void by(struct alert_rule *made, unsigned kind, const char *label)
{
	made->fields[made->field_count++] = (struct alert_field){ .kind = (uint8_t)kind, .label = label };
}

static void begin(void)
{
	alerts = alerts_new(&key, tell, NULL);
	assert_non_null(alerts);
	alerts_set(alerts, &set, now);
}

static int setup(void **state)
{
	(void)state;
	told = 0;
	now = START;
	set = (struct alert_rules){ .rules = rules,
				    .cooldown_ns = 300 * S,
				    .resolve_ns = 300 * S,
				    .group_wait_ns = 30 * S,
				    .group_interval_ns = 300 * S,
				    .repeat_ns = 14400 * S };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alerts = alerts_free(alerts);
	return 0;
}

static void happens(unsigned type, uint8_t level, uint32_t address, const char *user)
{
	struct fw_record record = {
		.type = (uint16_t)type, .level = level, .event_id = "0123456789abcdef", .user_id = slice_text(user)
	};

	record.source.family = address != 0 ? 4 : 0;
	memcpy(record.source.bytes, &address, 4);
	alerts_event(alerts, &record, now);
}

static void pass(uint64_t seconds)
{
	for (; seconds != 0; seconds--) {
		now += S;
		alerts_tick(alerts, NULL, now);
	}
}

static void restart(uint64_t seconds_away)
{
	struct pool pool;
	struct arena arena;
	struct buf image = { 0 };

	pool_init(&pool);
	arena_init(&arena, 1 << 26);
	assert_true(alerts_save(alerts, now, WALL + now / 1000, &image, &pool));
	alerts = alerts_free(alerts);
	/* the clock that nobody sets begins anew, the other goes on */
	begin();
	assert_true(alerts_load(alerts, slice(buf_data(&image), buf_size(&image)), now + seconds_away * S,
				WALL + now / 1000 + seconds_away * 1000000, &arena));
	now += seconds_away * S;
	buf_clear(&image, &pool);
	pool_fini(&pool);
	arena_fini(&arena);
}

static void cooldown(void **state)
{
	(void)state;
	rule("logins", EVENT_auth_failure);
	begin();
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	assert_int_equal(told, 1);
	assert_string_equal(notices[0].rule, "logins");
	assert_int_equal(notices[0].level, FW_LEVEL_WARNING);
	now += 299 * S;
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	assert_int_equal(told, 1);
	now += 2 * S;
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	assert_int_equal(told, 2);
	assert_int_equal(notices[1].suppressed, 1);
	assert_int_equal(notices[1].causes, 3);
	assert_true(notices[1].again);
}

static void higher_levels(void **state)
{
	(void)state;
	rule("all", EVENT_auth_failure);
	begin();
	for (uint8_t level = FW_LEVEL_INFO; level <= FW_LEVEL_EMERGENCY; level++) {
		happens(EVENT_auth_failure, level, 1, "");
		happens(EVENT_auth_failure, level, 1, "");
		assert_int_equal(told, level + 1);
		assert_int_equal(notices[level].level, level);
	}
	happens(EVENT_auth_failure, FW_LEVEL_CRITICAL, 1, "");
	assert_int_equal(told, 4);
	now += 301 * S;
	happens(EVENT_auth_failure, FW_LEVEL_INFO, 1, "");
	assert_int_equal(told, 5);
	assert_int_equal(notices[4].level, FW_LEVEL_INFO);
	assert_int_equal(notices[4].suppressed, 2); /* since it was told last */
}

static void thresholds(void **state)
{
	(void)state;
	rule("auth_failures", EVENT_auth_failure)->more_than_ = 50;
	begin();
	for (unsigned i = 0; i < 50; i++) {
		now += 60 * S;
		happens(EVENT_auth_failure, FW_LEVEL_WARNING, i + 1, "");
	}
	assert_int_equal(told, 0);
	now += 60 * S;
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	assert_int_equal(told, 1);
	assert_int_equal(notices[0].value, 51);
	/* an hour later they do not count any more */
	pass(3700);
	told = 0;
	for (unsigned i = 0; i < 50; i++)
		happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	assert_int_equal(told, 0);
}

static void each_by_itself(void **state)
{
	struct alert_rule *made = rule("address", EVENT_auth_failure);

	(void)state;
	by(made, ALERT_ADDRESS, "address");
	by(made, ALERT_USER, "user");
	begin();
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 0x0100007f, "a\"b");
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 0x0100007f, "a\"b");
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 0x0200007f, "a\"b");
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 0x0200007f, "");
	assert_int_equal(told, 2);
	assert_string_equal(notices[0].labels, "address=\"127.0.0.1\", user=\"a?b\"");
	assert_string_equal(notices[1].labels, "address=\"127.0.0.2\", user=\"a?b\"");
	assert_string_not_equal(notices[0].id, notices[1].id);
	assert_string_equal(notices[1].event_id, "0123456789abcdef");
}

static void end_and_again(void **state)
{
	(void)state;
	rule("logins", EVENT_auth_failure)->resolve_after_ = 60;
	begin();
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	pass(59);
	assert_int_equal(told, 1);
	pass(1);
	assert_int_equal(told, 2);
	assert_true(notices[1].resolved);
	/* within the cooldown: neither is told, nor that it is over */
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	pass(100);
	assert_int_equal(told, 2);
	pass(200);
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	assert_int_equal(told, 3);
	assert_int_equal(notices[2].suppressed, 1);
	assert_false(notices[2].again);
}

static void of_metrics(void **state)
{
	struct alert_rule *gauge = rule("memory", EVENT_auth_success), *counter = rule("refused", EVENT_auth_success);
	uint64_t figures[COUNTERS] = { 0 };

	(void)state;
	gauge->events = counter->events = 0;
	gauge->row = COUNT_overload_stage;
	gauge->above_ = 1;
	gauge->for_ = 10;
	counter->row = COUNT_refused;
	counter->counts = true;
	counter->within_ = 60;
	counter->above_ = 100;
	counter->alert_level = FW_LEVEL_CRITICAL;
	begin();
	figures[COUNT_refused] = 1000000; /* what was there before nobody saw grow */
	alerts_tick(alerts, figures, now);
	figures[COUNT_overload_stage] = 2;
	alerts_tick(alerts, figures, now += S);
	alerts_tick(alerts, figures, now += 9 * S);
	figures[COUNT_overload_stage] = 1;
	alerts_tick(alerts, figures, now += S);
	figures[COUNT_overload_stage] = 3;
	alerts_tick(alerts, figures, now += S);
	alerts_tick(alerts, figures, now += 9 * S);
	assert_int_equal(told, 0);
	alerts_tick(alerts, figures, now += S);
	assert_int_equal(told, 1);
	assert_string_equal(notices[0].rule, "memory");
	assert_int_equal(notices[0].value, 3);
	assert_int_equal(notices[0].level, FW_LEVEL_WARNING);
	figures[COUNT_refused] += 100;
	alerts_tick(alerts, figures, now += S);
	assert_int_equal(told, 1);
	figures[COUNT_refused]++;
	alerts_tick(alerts, figures, now += S);
	assert_int_equal(told, 2);
	assert_string_equal(notices[1].rule, "refused");
	assert_int_equal(notices[1].level, FW_LEVEL_CRITICAL);
	figures[COUNT_overload_stage] = 0;
	alerts_tick(alerts, figures, now += 70 * S);
	assert_int_equal(told, 4);
	assert_true(notices[2].resolved && notices[3].resolved);
	/* still so after four hours: told again */
	figures[COUNT_overload_stage] = 9;
	for (unsigned i = 0; i < 14400 + 600; i++)
		alerts_tick(alerts, figures, now += S);
	assert_int_equal(told, 6);
	assert_true(notices[5].again);
}

static void groups(void **state)
{
	const char *labels[] = { "alert" };
	struct alert_rule *made = rule("logins", EVENT_auth_failure);

	(void)state;
	by(made, ALERT_ADDRESS, "address");
	rule("at_once", EVENT_ip_blocked)->immediate = true;
	set.group_by = (struct texts){ labels, 1 };
	begin();
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 0x0100007f, "");
	pass(10);
	happens(EVENT_auth_failure, FW_LEVEL_CRITICAL, 0x0200007f, "");
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 0x0200007f, "");
	assert_int_equal(told, 1);
	assert_string_equal(notices[0].rule, "at_once");
	pass(19);
	assert_int_equal(told, 1);
	pass(1);
	assert_int_equal(told, 2);
	assert_int_equal(notices[1].count, 2);
	assert_int_equal(notices[1].level, FW_LEVEL_CRITICAL);
	assert_string_equal(notices[1].group, "alert=\"logins\"");
	assert_non_null(strstr(notices[1].others, "address=\"127.0.0."));
	/* another one waits for group_interval */
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 0x0300007f, "");
	pass(299);
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 0x0300007f, "");
	pass(1);
	/* in the same moment the one at once is over: it has another group */
	assert_true(told >= 4);
	for (unsigned i = 2, groups_told = 0; i < told; i++) {
		groups_told += !notices[i].resolved;
		if (!notices[i].resolved)
			assert_true(notices[i].count >= 1 && groups_told == 1);
	}
	/* a higher level of one of them waits for nobody */
	told = 0;
	happens(EVENT_auth_failure, FW_LEVEL_EMERGENCY, 0x0300007f, "");
	assert_int_equal(told, 1);
	assert_int_equal(notices[0].level, FW_LEVEL_EMERGENCY);
	pass(1000);
	assert_true(notices[(told - 1) % 64].resolved);
}

static void inhibition(void **state)
{
	static const char *const equal[] = { "address" };
	struct alert_inhibition inhibit = { .source = { { { "alert", "blocked" } }, 1 },
					    .target = { { { "level", "warning" }, { "alert", "log*" } }, 2 },
					    .equal = { (const char **)equal, 1 } };
	struct alert_rule *logins = rule("logins", EVENT_auth_failure), *blocked = rule("blocked", EVENT_ip_blocked);

	(void)state;
	by(logins, ALERT_ADDRESS, "address");
	by(blocked, ALERT_ADDRESS, "address");
	set.inhibitions = &inhibit;
	set.inhibition_count = 1;
	begin();
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 1, "");
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	assert_int_equal(told, 1);
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 2, ""); /* another address */
	assert_int_equal(told, 2);
	happens(EVENT_auth_failure, FW_LEVEL_CRITICAL, 1, ""); /* another level */
	assert_int_equal(told, 3);
	pass(200);
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 3, "");
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 3, "");
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 3, "");
	assert_int_equal(told, 5);
	pass(101); /* the source at 1 is over, and so is all of then */
	assert_true(notices[5].resolved);
}

static void inhibited_until(void **state)
{
	struct alert_inhibition inhibit = { .source = { { { "alert", "blocked" } }, 1 },
					    .target = { { { "alert", "*" } }, 1 } };

	struct alert_rule *blocked;

	(void)state;
	rule("logins", EVENT_auth_failure);
	blocked = rule("blocked", EVENT_ip_blocked);
	blocked->resolve_after_ = 60;
	by(blocked, ALERT_ADDRESS, "address");
	set.inhibitions = &inhibit;
	set.inhibition_count = 1;
	begin();
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 1, ""); /* is a target, too: not of itself */
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 2, ""); /* nor of its like */
	assert_int_equal(told, 2);
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	assert_int_equal(told, 2);
	pass(61);
	assert_int_equal(told, 5); /* over, and the other one is still there */
	assert_int_equal(notices[2].resolved + notices[3].resolved + notices[4].resolved, 2);
}

static void silences(void **state)
{
	struct alert_silence silence = {
		.matcher_count = 1, .until_ns = START + 100 * S, .reason = "known", .author = "eve"
	};

	(void)state;
	rule("logins", EVENT_auth_failure);
	rule("blocked", EVENT_ip_blocked);
	begin();
	strcpy(silence.matchers[0].label, "alert");
	strcpy(silence.matchers[0].pattern, "l*n*s");
	assert_int_equal(alerts_silence(alerts, &silence, 7), 7);
	happens(EVENT_auth_failure, FW_LEVEL_EMERGENCY, 1, "");
	assert_int_equal(told, 0);
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 1, "");
	assert_int_equal(told, 1);
	restart(10);
	happens(EVENT_auth_failure, FW_LEVEL_EMERGENCY, 1, "");
	pass(88);
	assert_int_equal(told, 1);
	pass(3);
	assert_int_equal(told, 2); /* it is still there, and the silence is not */
	assert_string_equal(notices[1].rule, "logins");
	assert_int_equal(alerts_figures(alerts).silences, 0);
	silence.until_ns = now + 1000 * S;
	alerts_silence(alerts, &silence, 8);
	pass(400); /* over, in silence */
	assert_false(notices[told - 1].resolved && strcmp(notices[told - 1].rule, "logins") == 0);
	assert_true(alerts_unsilence(alerts, 8));
	assert_false(alerts_unsilence(alerts, 8));
	for (uint64_t i = 1; i <= LIMIT_SILENCES; i++)
		assert_int_equal(alerts_silence(alerts, &silence, i), i);
	assert_int_equal(alerts_silence(alerts, &silence, 999), 0);
}

static void over_a_restart(void **state)
{
	struct alert_rule *made = rule("logins", EVENT_auth_failure);

	(void)state;
	by(made, ALERT_ADDRESS, "address");
	rule("many", EVENT_ip_blocked)->more_than_ = 2;
	begin();
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 1, "");
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 1, "");
	restart(299);
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	assert_int_equal(told, 1);
	restart(0);
	now += 2 * S;
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	assert_int_equal(told, 2);
	assert_int_equal(notices[1].suppressed, 1);
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 1, "");
	assert_int_equal(told, 3);
	restart(10);
	happens(EVENT_auth_failure, FW_LEVEL_CRITICAL, 1, "");
	assert_int_equal(told, 4);
	restart(400);
	pass(1);
	assert_int_equal(told, 6); /* both are over */
	assert_true(notices[4].resolved && notices[5].resolved);
}

static void spoilt_images(void **state)
{
	static const char *const images[] = {
		"", "{}", "[]", "{\"alerts\":[],\"silences\":3}", "{\"alerts\":[{}]}", "x"
	};
	static const char odd[] =
		"{\"alerts\":[3,{},{\"rule\":\"logins\",\"values\":[\"a\",\"b\"]},{\"rule\":\"logins\",\"values\":[],"
		"\"state\":9,\"level\":77,\"told\":99999999999999999,\"counts\":[-1,\"x\",1e3],\"counted\":5,"
		"\"event\":\"01234567890123456789\"}],\"silences\":[{\"id\":1,\"until\":9000000000000000,"
		"\"matchers\":{}},{\"id\":2}]}";
	struct arena arena;

	(void)state;
	rule("logins", EVENT_auth_failure);
	begin();
	arena_init(&arena, 1 << 20);
	for (unsigned i = 0; i < sizeof(images) / sizeof(*images); i++)
		assert_false(alerts_load(alerts, slice_text(images[i]), now, WALL, &arena));
	assert_true(alerts_load(alerts, slice_text(odd), now, WALL, &arena));
	assert_int_equal(alerts_figures(alerts).silences, 0);
	arena_fini(&arena);
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
}

static void a_reload(void **state)
{
	struct alert_rules other;
	struct alert_rule turned[2];

	(void)state;
	rule("logins", EVENT_auth_failure);
	rule("blocked", EVENT_ip_blocked);
	begin();
	happens(EVENT_auth_failure, FW_LEVEL_WARNING, 1, "");
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 1, "");
	turned[0] = rules[1];
	other = set;
	other.rules = turned;
	other.count = 1;
	alerts_set(alerts, &other, now);
	assert_int_equal(told, 3); /* its rule is gone */
	assert_true(notices[2].resolved);
	assert_string_equal(notices[2].rule, "logins");
	happens(EVENT_ip_blocked, FW_LEVEL_CRITICAL, 1, "");
	assert_int_equal(told, 3); /* it goes on cooling */
}

static void new_addresses(void **state)
{
	struct alert_rule *made = rule("new_ips", EVENT_websocket_connected);

	(void)state;
	made->more_than_ = 100;
	made->new_addresses = true;
	begin();
	for (unsigned round = 0; round < 5; round++)
		for (uint32_t i = 1; i <= 100; i++)
			happens(EVENT_websocket_connected, FW_LEVEL_INFO, i << 8, "");
	assert_int_equal(told, 0);
	happens(EVENT_websocket_connected, FW_LEVEL_INFO, 101 << 8, "");
	assert_int_equal(told, 1);
}

static void a_million(void **state)
{
	struct alert_rule *made = rule("address", EVENT_auth_failure);
	struct alert_figures figures;

	(void)state;
	by(made, ALERT_ADDRESS, "address");
	begin();
	for (uint32_t i = 1; i <= 1000000; i++)
		happens(EVENT_auth_failure, FW_LEVEL_WARNING, i, "");
	figures = alerts_figures(alerts);
	assert_in_range(told, 1000, LIMIT_ALERTS + 1);
	assert_int_equal(figures.raised + figures.suppressed, 1000000);
	assert_int_equal(figures.raised, told);
	assert_true(figures.shared >= 1000000 - LIMIT_ALERTS);
	/* none about an alert */
	told = 0;
	happens(EVENT_alert_raised, FW_LEVEL_EMERGENCY, 1, "");
	assert_int_equal(told, 0);
	pass(301);
	assert_int_equal(alerts_figures(alerts).firing[FW_LEVEL_WARNING], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(cooldown),	  TEST(higher_levels),	TEST(thresholds),
					    TEST(each_by_itself), TEST(end_and_again),	TEST(of_metrics),
					    TEST(groups),	  TEST(inhibition),	TEST(inhibited_until),
					    TEST(silences),	  TEST(over_a_restart), TEST(spoilt_images),
					    TEST(a_reload),	  TEST(new_addresses),	TEST(a_million) };
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
