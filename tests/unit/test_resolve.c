/* resolve: literal addresses at once, names once for all that wait, known addresses in turn beginning with the one that
 * answered. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "shell/resolve.h"

#define SECOND ((uint64_t)1000000000)

struct world {
	uv_loop_t loop;
	struct resolve resolve;
	struct resolve_waiter waiters[3];
};
static unsigned answered_count;
static struct resolve_waiter *answered_order[8];

static void answered(struct resolve_waiter *waiter)
{
	answered_order[answered_count++] = waiter;
}

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	assert_int_equal(uv_loop_init(&world->loop), 0);
	resolve_init(&world->resolve, &world->loop, answered);
	answered_count = 0;
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	resolve_stop(&world->resolve);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&world->loop), 0);
	resolve_fini(&world->resolve);
	free(world);
	return 0;
}

static struct resolve_name *ask(struct world *world, const char *host, uint64_t now_ns, unsigned waiter,
				bool *ret_ready)
{
	return resolve_ask(&world->resolve, host, now_ns, &world->waiters[waiter], ret_ready);
}

static void test_literal(void **state)
{
	static const struct {
		const char *host;
		int family;
	} cases[] = { { "192.0.2.7", AF_INET }, { "2001:db8::1", AF_INET6 }, { "[2001:db8::1]", AF_INET6 } };

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		union resolve_address address;
		bool ready;
		struct resolve_name *name = ask(*state, cases[i].host, 5, 0, &ready);

		assert_non_null(name);
		assert_true(ready);
		assert_int_equal(name->count, 1);
		assert_int_not_equal(resolve_pick(name, 0, 0, 80, &address), 0);
		assert_int_equal(address.any.sa_family, cases[i].family);
		assert_int_equal(ntohs(cases[i].family == AF_INET ? address.v4.sin_port : address.v6.sin6_port), 80);
		assert_int_equal(resolve_pick(name, 0, 1, 80, &address), 0);
		assert_ptr_equal(ask(*state, cases[i].host, UINT64_MAX - 1, 0, &ready), name);
		assert_true(ready);
	}
}

static void test_pick_in_turn(void **state)
{
	struct resolve_name *name = calloc(1, sizeof(*name) + 1);
	union resolve_address address;
	char order[4] = "";

	(void)state;
	assert_non_null(name);
	name->count = 3;
	for (unsigned i = 0; i < 3; i++) {
		name->addresses[i].v4.sin_family = AF_INET;
		name->addresses[i].v4.sin_addr.s_addr = htonl(i);
	}
	for (unsigned tried = 0; resolve_pick(name, 2, tried, 1, &address) != 0; tried++)
		order[tried] = (char)('0' + ntohl(address.v4.sin_addr.s_addr));
	assert_string_equal(order, "201"); /* each once, from the one that answered last */
	free(name);
}

static void test_one_lookup_for_all(void **state)
{
	struct world *world = *state;
	struct resolve_name *name;
	bool ready;

	name = ask(world, "localhost", SECOND, 0, &ready);
	assert_non_null(name);
	assert_false(ready);
	for (unsigned i = 1; i < 3; i++) {
		assert_ptr_equal(ask(world, "localhost", SECOND, i, &ready), name);
		assert_false(ready);
	}
	resolve_forget(name, &world->waiters[1]);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(answered_count, 2); /* who left is not told */
	assert_ptr_equal(answered_order[0], &world->waiters[0]);
	assert_ptr_equal(answered_order[1], &world->waiters[2]);
	assert_true(name->count > 0);
	ask(world, "localhost", 10 * SECOND, 0, &ready);
	assert_true(ready);
	ask(world, "localhost", 11 * SECOND, 0, &ready); /* ten seconds are over */
	assert_false(ready);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(answered_count, 3);
}

static void test_forget_the_last(void **state)
{
	struct world *world = *state;
	struct resolve_name *name;
	bool ready;

	name = ask(world, "localhost", SECOND, 0, &ready);
	ask(world, "localhost", SECOND, 1, &ready);
	resolve_forget(name, &world->waiters[1]);
	ask(world, "localhost", SECOND, 2, &ready);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(answered_count, 2);
	assert_ptr_equal(answered_order[1], &world->waiters[2]);
}

static void test_unknown(void **state)
{
	struct world *world = *state;
	struct resolve_name *name;
	union resolve_address address;
	bool ready;

	name = ask(world, "no-such-name.invalid", SECOND, 0, &ready);
	assert_false(ready);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(answered_count, 1);
	assert_int_equal(name->count, 0);
	assert_int_equal(resolve_pick(name, 0, 0, 80, &address), 0);
	ask(world, "no-such-name.invalid", SECOND + SECOND / 2, 0, &ready);
	assert_true(ready); /* the answer, no, holds for a second: a name that is not there is not asked for by each
			       client */
	ask(world, "no-such-name.invalid", 3 * SECOND, 0, &ready);
	assert_false(ready);
	uv_run(&world->loop, UV_RUN_DEFAULT);
}

static void test_many_names(void **state)
{
	struct world *world = *state;
	char host[32];
	bool ready;

	for (unsigned i = 0; i < LIMIT_ROUTES; i++) {
		snprintf(host, sizeof(host), "10.0.%u.%u", i / 256, i % 256);
		assert_non_null(ask(world, host, 1, 0, &ready));
	}
	assert_null(ask(world, "10.9.9.9", 1, 0, &ready));
	assert_non_null(ask(world, "10.0.0.5", 1, 0, &ready));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_literal),	    TEST(test_pick_in_turn), TEST(test_one_lookup_for_all),
		TEST(test_forget_the_last), TEST(test_unknown),	     TEST(test_many_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
