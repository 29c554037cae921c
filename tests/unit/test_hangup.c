/* engine: who is turned away may not have said all of his request. Closing then, before it is read, is an RST, which
 * can overtake the answer: the embedder must know when more may come. */
#include "policy_of.h"

#include "base/close_reason.h"
#include "base/mem.h"

#define REQUEST                                                                                                        \
	"GET /?token=nonsense HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12\r\n\r\n"

static struct fw_engine *engine;

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	memset(bytes, 1, size);
}

static int begin(void **state)
{
	struct fw_engine_options options = { .policy = policy_of("upstream: { url: ws://127.0.0.1:9 }"),
					     .random = { fill, NULL } };

	(void)state;
	engine = fw_engine_new(&options);
	fw_policy_unref(options.policy);
	return engine == NULL ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	fw_engine_free(engine);
	return 0;
}

/* Is the client said to have nothing more to say, when it is hung up on after these octets? */
static bool has_said_all(const char *said, bool ended)
{
	struct fw_conn_options peer = { .peer = { .family = 4, .bytes = { 127, 0, 0, 1 } } };
	struct fw_conn *conn = fw_conn_new(engine, &peer);
	const struct fw_event *event;
	size_t size = strlen(said);
	uint8_t octets[512];
	bool hung_up = false, closed = false;

	assert_non_null(conn);
	assert_true(size <= sizeof(octets));
	memcpy(octets, said, size);
	if (size != 0)
		fw_conn_receive(conn, FW_CLIENT, octets, size);
	for (unsigned part = 0; part < 2; part++) {
		while ((event = fw_conn_next_event(conn)) != NULL) {
			if (event->kind == FW_EV_NEED && event->as.need.kind == FW_NEED_ADMIT)
				fw_conn_supply(conn, event->as.need.id, &(struct fw_answer){ .code = FW_ANSWER_YES });
			else if (event->kind == FW_EV_HANGUP && event->side == FW_CLIENT) {
				hung_up = true;
				closed = event->closed;
			}
		}
		if (part == 0 && ended)
			fw_conn_end(conn, CLOSE_DRAIN);
	}
	assert_true(hung_up);
	fw_conn_free(conn);
	return closed;
}

static void whole(void **state)
{
	(void)state;
	assert_true(has_said_all(REQUEST, false));
}

static void with_more_behind_it(void **state)
{
	(void)state;
	assert_false(has_said_all(REQUEST "\x81\x82", false));
}

static void not_whole(void **state)
{
	(void)state;
	assert_false(has_said_all("", true));
	assert_false(has_said_all("GET / HTTP/1.1\r\nHost: loc", true));
	assert_false(has_said_all("GET / HTTP/1.1\r\nHost: a\r\nHost\r\n", false));
}

/* Who was blocked before he said anything is answered as one who comes after it: in band, where that is configured. */
static void blocked_before_he_spoke(void **state)
{
	static const char request[] =
		"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
	struct fw_conn_options peer = { .peer = { .family = 4, .bytes = { 127, 0, 0, 1 } } };

	(void)state;
	for (size_t piece = 1; piece <= sizeof(request); piece += sizeof(request) - 1) {
		struct fw_conn *conn = fw_conn_new(engine, &peer);
		const struct fw_event *event;
		struct fw_slice out;
		uint8_t octets[sizeof(request)];

		assert_non_null(conn);
		for (size_t at = 0; at < sizeof(request) - 1; at += piece) {
			size_t size = sizeof(request) - 1 - at < piece ? sizeof(request) - 1 - at : piece;

			while ((event = fw_conn_next_event(conn)) != NULL)
				if (event->kind == FW_EV_NEED && event->as.need.kind == FW_NEED_ADMIT)
					fw_conn_supply(conn, event->as.need.id,
						       &(struct fw_answer){ .code = FW_ANSWER_YES });
			if (at == 0)
				fw_conn_end(conn, CLOSE_BLOCKED);
			memcpy(octets, request + at, size);
			fw_conn_receive(conn, FW_CLIENT, octets, size);
		}
		while ((event = fw_conn_next_event(conn)) != NULL)
			assert_int_not_equal(event->kind, FW_EV_DONE);
		out = fw_conn_output(conn, FW_CLIENT);
		assert_memory_equal(out.data, "HTTP/1.1 101", 12);
		assert_non_null(memmem(out.data, out.size, "IP_BLOCKED", 10));
		fw_conn_free(conn);
	}
}

/* What a client gets of a handshake during which one allocation fails, and those behind it if they do, begins with a
 * whole head, or is nothing. */
static void head_whole_or_none(void **state)
{
	static const char *const requests[] = {
		"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
		REQUEST
	};
	struct fw_conn_options peer = { .peer = { .family = 4, .bytes = { 127, 0, 0, 1 } } };
	unsigned answered = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * 40; i++) {
		const char *request = requests[i % 2];
		uint8_t octets[512];
		struct fw_conn *conn;
		const struct fw_event *event;
		struct fw_slice out;

		end(NULL); /* one that keeps no memory */
		assert_int_equal(begin(NULL), 0);
		conn = fw_conn_new(engine, &peer);
		assert_non_null(conn);
		memcpy(octets, request, strlen(request));
		mem_fail_at(1 + i / 2);
		fw_conn_receive(conn, FW_CLIENT, octets, strlen(request));
		while ((event = fw_conn_next_event(conn)) != NULL)
			if (event->kind == FW_EV_NEED && event->as.need.kind == FW_NEED_ADMIT)
				fw_conn_supply(conn, event->as.need.id, &(struct fw_answer){ .code = FW_ANSWER_YES });
		mem_fail_at(0);
		out = fw_conn_output(conn, FW_CLIENT);
		if (out.size != 0) {
			assert_true(out.size > 12 && memcmp(out.data, "HTTP/1.1 ", 9) == 0);
			assert_non_null(memmem(out.data, out.size, "\r\n\r\n", 4));
			answered++;
		}
		fw_conn_free(conn);
	}
	assert_true(answered != 0 && answered < 2 * 40);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole, begin, end),
		cmocka_unit_test_setup_teardown(with_more_behind_it, begin, end),
		cmocka_unit_test_setup_teardown(not_whole, begin, end),
		cmocka_unit_test_setup_teardown(blocked_before_he_spoke, begin, end),
		cmocka_unit_test_setup_teardown(head_whole_or_none, begin, end),
	};

	return cmocka_run_group_tests_name("hangup", tests, NULL, NULL);
}
