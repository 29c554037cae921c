/* engine/quota: each limit that connections share, at n and one more; from two threads under a clock that stands still;
 * what is held is given back; without an embedder who gives words. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/conn_state.h"
#include "policy_of.h"
#include "state/store.h"

enum { LIMIT = 40, SIZE = 34, WORKERS = 2, CONNECTIONS = 6, EPOCHS = 60 };
#define MINUTE (60 * SECOND_NS)

/* With LIMIT messages of SIZE octets each is at its limit. */
static const struct {
	const char *yaml;
	enum counter counter;
} rows[LIMIT_HELD] = {
	[LIMIT_KIND_user_messages - LIMIT_HELD_FIRST] = { "messages_per_user_per_minute: 40", COUNT_rate_limited_user },
	[LIMIT_KIND_user_bytes - LIMIT_HELD_FIRST] = { "bytes_per_user_per_minute: 1360", COUNT_rate_limited_user },
	[LIMIT_KIND_address_messages -
		LIMIT_HELD_FIRST] = { "messages_per_ip_per_minute: 40", COUNT_rate_limited_address },
	[LIMIT_KIND_address_bytes - LIMIT_HELD_FIRST] = { "bytes_per_ip_per_minute: 1360", COUNT_rate_limited_address },
	[LIMIT_KIND_route_messages - LIMIT_HELD_FIRST] = { "messages_per_minute: 40", COUNT_rate_limited_route },
	[LIMIT_KIND_route_bytes - LIMIT_HELD_FIRST] = { "bytes_per_minute: 1360", COUNT_rate_limited_route },
	[LIMIT_KIND_total_messages - LIMIT_HELD_FIRST] = { "total_messages_per_minute: 40", COUNT_rate_limited_all },
	[LIMIT_KIND_total_bytes - LIMIT_HELD_FIRST] = { "total_bytes_per_minute: 1360", COUNT_rate_limited_all },
};

static struct {
	struct fw_policy *policy;
	struct store *store;
	_Atomic int held;
	_Atomic unsigned arrived;
	_Atomic uint64_t passed;
	_Atomic bool wrong;
	uint64_t expected;
} world;

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	memset(bytes, 7, size);
}

static _Atomic uint64_t *hold(void *user, const struct engine_subject *subject, bool *ret_crowded)
{
	atomic_fetch_add(&world.held, 1);
	return store_limit_hold(user, subject->kind, &subject->address, subject->name, &subject->rate, subject->now_ns,
				ret_crowded);
}

static void release(void *user, enum limit_kind kind, _Atomic uint64_t *word)
{
	atomic_fetch_sub(&world.held, 1);
	store_limit_release(user, kind, word);
}

static const char text[] = "{\"type\":\"typing\",\"is_typing\":true}";
_Static_assert(sizeof(text) - 1 == SIZE, "LIMIT of them are as many octets as the rows say");

static void begin(unsigned held)
{
	bool of_route = limit_held_scope(held) == LIMIT_OF_ROUTE;
	const struct fw_random random = { .fill = fill };
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		 "rate_limiting: {messages_per_minute: 1000000, max_message_size: 125, close_after_violations: 0%s%s}\n"
		 "routes: [{path: /, anonymous: user%s%s}]\n",
		 of_route ? "" : ", ", of_route ? "" : rows[held].yaml, of_route ? ", " : "",
		 of_route ? rows[held].yaml : "");
	memset(&world, 0, sizeof(world));
	world.policy = policy_of(yaml);
	world.store = store_new(&(struct store_options){ .max_connections = 100 }, &random);
	assert_non_null(world.store);
}

static void end(void)
{
	assert_int_equal(world.held, 0);
	store_free(world.store);
	fw_policy_unref(world.policy);
}

static struct fw_engine *engine_of(uint64_t now_ns, bool with_store)
{
	struct fw_engine *engine =
		fw_engine_new(&(struct fw_engine_options){ .policy = world.policy, .random = { .fill = fill } });

	if (engine == NULL)
		abort();
	if (with_store)
		engine_quota(engine, &(struct engine_quota){ .hold = hold, .release = release, .user = world.store });
	fw_engine_time(engine, (struct fw_time){ now_ns, 1700000000000000 });
	return engine;
}

static void obey(struct fw_conn *conn)
{
	const struct fw_event *event;

	while ((event = fw_conn_next_event(conn)) != NULL)
		if (event->kind == FW_EV_NEED)
			fw_conn_supply(conn, event->as.need.id, &(struct fw_answer){ .code = FW_ANSWER_YES });
	fw_conn_sent(conn, FW_CLIENT, fw_conn_output(conn, FW_CLIENT).size);
}

/* Who need not log in is made a user of that name: so all of them are one. */
static struct fw_conn *client_of(struct fw_engine *engine)
{
	char head[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
	struct fw_conn *conn = fw_conn_new(engine, &(struct fw_conn_options){ .peer = { 4, { 10, 0, 0, 1 } } });

	if (conn == NULL)
		abort();
	fw_conn_receive(conn, FW_CLIENT, (uint8_t *)head, strlen(head));
	obey(conn);
	if (conn->phase != PHASE_OPEN)
		abort();
	conn->principal->anonymous = false;
	return conn;
}

/* Did it pass? */
static bool say(struct fw_conn *conn)
{
	uint64_t before = engine_counters(conn->engine)[COUNT_passed];
	uint8_t frame[6 + SIZE] = { 0x81, 0x80 | SIZE };

	memcpy(frame + 6, text, SIZE);
	fw_conn_receive(conn, FW_CLIENT, frame, sizeof(frame));
	obey(conn);
	return engine_counters(conn->engine)[COUNT_passed] != before;
}

static void test_n_and_no_more_of_each(void **state)
{
	(void)state;
	for (unsigned held = 0; held < LIMIT_HELD; held++) {
		/* until there is one more: octets are counted by the nanosecond */
		uint64_t wait = limit_held_counts_bytes(held) ? SIZE * gcra_per(LIMIT * SIZE, MINUTE).interval_ns
							      : gcra_per(LIMIT, MINUTE).interval_ns;
		struct fw_conn *conns[CONNECTIONS];
		struct fw_engine *engine;

		begin(held);
		engine = engine_of(MINUTE, true);
		for (unsigned i = 0; i < CONNECTIONS; i++)
			conns[i] = client_of(engine);
		assert_int_equal(world.held, 0); /* nothing before the first message */
		for (unsigned i = 0; i < LIMIT; i++)
			assert_true(say(conns[i % CONNECTIONS]));
		for (unsigned i = 0; i < CONNECTIONS; i++)
			assert_false(say(conns[i]));
		assert_int_equal(world.held, CONNECTIONS);
		assert_true(engine_counters(engine)[rows[held].counter] == CONNECTIONS);
		assert_true(engine_counters(engine)[COUNT_rate_limited] == CONNECTIONS);
		fw_engine_time(engine, (struct fw_time){ MINUTE + wait - 1, 1700000000000000 });
		assert_false(say(conns[0]));
		fw_engine_time(engine, (struct fw_time){ MINUTE + wait, 1700000000000000 });
		assert_true(say(conns[0]));
		assert_false(say(conns[1]));
		/* It is the subject's, not the connections': who comes again has spent it. */
		for (unsigned i = 0; i < CONNECTIONS; i++)
			fw_conn_free(conns[i]);
		assert_int_equal(world.held, 0);
		conns[0] = client_of(engine);
		assert_false(say(conns[0]));
		fw_conn_free(conns[0]);
		fw_engine_free(engine);
		end();
	}
}

static void test_alone_each_connection_counts_by_itself(void **state)
{
	(void)state;
	for (unsigned held = 0; held < LIMIT_HELD; held++) {
		struct fw_engine *engine;
		struct fw_conn *one, *two;

		begin(held);
		engine = engine_of(MINUTE, false);
		one = client_of(engine);
		two = client_of(engine);
		for (unsigned i = 0; i < LIMIT; i++)
			assert_true(say(one) && say(two));
		assert_true(!say(one) && !say(two));
		fw_conn_free(one);
		fw_conn_free(two);
		fw_engine_free(engine);
		end();
	}
}

/* All must be there before the clock goes on: who sleeps is woken one after the other. */
static void meet(unsigned meeting)
{
	atomic_fetch_add(&world.arrived, 1);
	for (unsigned spins = 0; atomic_load(&world.arrived) < meeting * WORKERS; spins++)
		if (spins > 500)
			sched_yield();
}

/* A worker with its connections: in each epoch, in which the clock stands still, all together want far more than there
 * is. */
static void *hammer(void *user)
{
	struct fw_engine *engine = engine_of(MINUTE, true);
	struct fw_conn *conns[CONNECTIONS];
	bool first = user != NULL;

	for (unsigned i = 0; i < CONNECTIONS; i++)
		conns[i] = client_of(engine);
	for (unsigned epoch = 1; epoch <= EPOCHS; epoch++) {
		uint64_t passed = 0;

		fw_engine_time(engine, (struct fw_time){ epoch * 2 * MINUTE, 1700000000000000 });
		meet(3 * epoch - 2);
		for (unsigned i = 0; i < LIMIT * 2; i++)
			passed += say(conns[i % CONNECTIONS]);
		atomic_fetch_add(&world.passed, passed);
		meet(3 * epoch - 1);
		if (first && atomic_exchange(&world.passed, 0) != world.expected)
			world.wrong = true;
		meet(3 * epoch);
		/* Now and then one comes again, so that words are held and given back under way. */
		fw_conn_free(conns[epoch % CONNECTIONS]);
		conns[epoch % CONNECTIONS] = client_of(engine);
	}
	for (unsigned i = 0; i < CONNECTIONS; i++)
		fw_conn_free(conns[i]);
	fw_engine_free(engine);
	return NULL;
}

static void test_threads_let_n_pass_and_no_more(void **state)
{
	(void)state;
	for (unsigned held = 0; held < LIMIT_HELD; held++) {
		pthread_t threads[WORKERS];

		begin(held);
		world.expected = LIMIT;
		for (unsigned i = 0; i < WORKERS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, hammer, i == 0 ? &world : NULL), 0);
		for (unsigned i = 0; i < WORKERS; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_false(world.wrong);
		end();
	}
}

/* As a table that is full. */
static _Atomic uint64_t *hold_crowded(void *user, const struct engine_subject *subject, bool *ret_crowded)
{
	(void)subject;
	*ret_crowded = true;
	return user;
}

static void test_no_place_is_stricter_and_is_told(void **state)
{
	_Atomic uint64_t all = 0;
	struct fw_engine *engine;
	struct fw_conn *one, *two;

	(void)state;
	begin(0);
	engine = engine_of(MINUTE, false);
	engine_quota(engine, &(struct engine_quota){ .hold = hold_crowded, .user = &all });
	one = client_of(engine);
	two = client_of(engine);
	for (unsigned i = 0; i < LIMIT / 2; i++)
		assert_true(say(one) && say(two));
	assert_true(!say(one) && !say(two));
	assert_true(engine_counters(engine)[COUNT_limits_crowded] == 2);
	fw_conn_free(one);
	fw_conn_free(two);
	fw_engine_free(engine);
	end();
}

static void test_memory_is_short(void **state)
{
	struct fw_engine *engine;
	struct fw_conn *conn;

	(void)state;
	begin(0);
	engine = engine_of(MINUTE, true);
	conn = client_of(engine);
	assert_true(say(conn));
	fw_conn_free(conn);
	conn = client_of(engine);
	mem_fail_at(1);
	assert_false(say(conn));
	mem_fail_at(0);
	assert_true(conn->phase >= PHASE_CLOSING);
	fw_conn_free(conn);
	fw_engine_free(engine);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_n_and_no_more_of_each),
		cmocka_unit_test(test_alone_each_connection_counts_by_itself),
		cmocka_unit_test(test_threads_let_n_pass_and_no_more),
		cmocka_unit_test(test_no_place_is_stricter_and_is_told),
		cmocka_unit_test(test_memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
