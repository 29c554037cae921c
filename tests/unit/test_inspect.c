/* engine: what looking for attacks costs in memory. What it finds: tests/evasion, tests/unit/test_detect.c. */
#include "policy_of.h"

#include "codec/http1.h"
#include "engine/conn_state.h"

static struct fw_engine *engine;
static struct fw_conn *conn;

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	memset(bytes, 1, size);
}

static int begin(void **state)
{
	struct fw_engine_options options = { .policy = policy_of("upstream: { url: ws://127.0.0.1:9 }"),
					     .random = { fill, NULL } };
	struct fw_conn_options peer = { .peer = { .family = 4, .bytes = { 127, 0, 0, 1 } } };

	(void)state;
	engine = fw_engine_new(&options);
	conn = fw_conn_new(engine, &peer);
	fw_policy_unref(options.policy);
	if (conn == NULL)
		return -1;
	conn->route = conn->policy->routes;
	return 0;
}

static int end(void **state)
{
	(void)state;
	fw_conn_free(conn);
	fw_engine_free(engine);
	return 0;
}

/* Each of thousands of values asked for memory as large as all of the head: 33 MB for one handshake. */
static void a_handshake_of_many_values(void **state)
{
	enum { VALUES = 4000 };
	static const char first[] = "GET /?", rest[] = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static struct http1_head head;
	const char *rule;

	(void)state;
	assert_int_equal(buf_append(&conn->head, &engine->pool, first, sizeof(first) - 1), 0);
	for (unsigned i = 0; i < VALUES; i++)
		assert_int_equal(buf_append(&conn->head, &engine->pool, "+&", 2), 0);
	assert_int_equal(buf_append(&conn->head, &engine->pool, rest, sizeof(rest) - 1), 0);
	assert_int_equal(http1_request(slice(buf_data(&conn->head), buf_size(&conn->head)), &head, &rule), HTTP1_OK);
	assert_true(inspect_handshake(conn, &head));
	assert_true(engine->arena.total <= 16 * buf_size(&conn->head));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_handshake_of_many_values, begin, end),
	};

	return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
