/* fuzz_conn.c: the whole connection: octets in, events out. The first octet chooses policy and how the input is cut;
 * the store answers yes; a scripted upstream answers the handshake. Between pieces the configuration may be another.
 * Asserts what must always hold: the connection comes to rest, only one FW_EV_DONE, output stays within its mark plus
 * one message, and nothing is forwarded before a login.
 */
#include <stdlib.h>
#include <string.h>

#include "base/close_reason.h"
#include "base/mem.h"
#include "base/slice.h"
#include "codec/http1.h"
#include "crypto/digest.h"
#include "engine/counters.h"
#include "policy/config.h"

static uint64_t seed;

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	for (size_t i = 0; i < size; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(seed >> 33);
	}
}

#define FAST "rate_limiting: {messages_per_minute: 1000000}\n"
static const char *const configs[] = {
	"",
	("routes: [{path: '*', anonymous: user}]\n" FAST),
	("routes: [{path: '*', anonymous: user, upstream: 'ws://localhost:1'}]\n" FAST),
	"upstream: {url: 'ws://localhost:1'}\nmode: monitor\n",
	"routes: [{path: '*', anonymous: guest, opaque: true, binary: true, upstream: 'ws://localhost:1'}]\n",
	("websocket: {compression: strip}\nroutes: [{path: '*', anonymous: user}]\n" FAST),
	("websocket: {compression: on}\n"
	 "routes: [{path: '*', anonymous: guest, opaque: true, binary: true, upstream: 'ws://localhost:1'}]\n"
	 "rate_limiting: {messages_per_minute: 1000000, max_message_size: 3000000}\n"),
};
enum { CONFIGS = sizeof(configs) / sizeof(configs[0]) };
static struct fw_policy *policies[CONFIGS];

struct world {
	struct fw_conn *conn;
	bool done;
	bool answered;
	size_t upstream_seen;
};

static void say_no(void *user, const char *text)
{
	(void)user;
	(void)text;
}

static struct fw_policy *policy_of(unsigned which)
{
	struct config_options options = { .name = "fuzz",
					  .text = slice_text(configs[which]),
					  .report = say_no,
					  .default_jwt_secret = slice_text("0123456789abcdef0123456789abcdef") };

	if (policies[which] == NULL && config_load(&options, &policies[which]) != FW_OK)
		abort();
	return policies[which];
}

static void drain(struct world *world);

/* The upstream says 101 as soon as it has the request. */
static void upstream(struct world *world)
{
	struct fw_slice out = fw_conn_output(world->conn, FW_UPSTREAM);
	static struct http1_head head;
	const char *rule;
	char answer[384] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
			   "Upgrade\r\nSec-WebSocket-Accept: ";

	if (out.size == 0)
		return;
	if (!world->answered && http1_request(out, &head, &rule) == HTTP1_OK) {
		size_t size = strlen(answer);

		digest_websocket_accept(http1_find(&head, "Sec-WebSocket-Key", NULL)->value, answer + size);
		size += 28;
		if (http1_find(&head, "Sec-WebSocket-Extensions", NULL) != NULL)
			size = (size_t)(stpcpy(answer + size, "\r\nSec-WebSocket-Extensions: permessage-deflate; "
							      "server_no_context_takeover") -
					answer);
		memcpy(answer + size, "\r\n\r\n", 4);
		world->answered = true;
		fw_conn_sent(world->conn, FW_UPSTREAM, out.size);
		fw_conn_receive(world->conn, FW_UPSTREAM, (uint8_t *)answer, size + 4);
		drain(world);
		return;
	}
	world->upstream_seen += out.size;
	fw_conn_sent(world->conn, FW_UPSTREAM, out.size);
}

static void obey(struct world *world, const struct fw_event *event)
{
	struct fw_answer yes = { .code = FW_ANSWER_YES };

	if (event->kind == FW_EV_NEED && event->as.need.id != 0)
		fw_conn_supply(world->conn, event->as.need.id, &yes);
	else if (event->kind == FW_EV_DIAL)
		fw_conn_dialled(world->conn, true);
	else if (event->kind == FW_EV_MESSAGE)
		fw_conn_send(world->conn, FW_TYPE_OPAQUE, false, event->as.message.payload);
	else if (event->kind == FW_EV_DONE) {
		if (world->done)
			abort();
		world->done = true;
	}
}

static void drain(struct world *world)
{
	const struct fw_event *event;
	unsigned bound = 0;

	while ((event = fw_conn_next_event(world->conn)) != NULL) {
		if (++bound > 1000000)
			abort(); /* it does not come to rest */
		obey(world, event);
	}
}

/* Another configuration, now and then while the connection lives; it moves by itself, or is told to. */
static void reload(struct world *world, struct fw_engine *engine, size_t at)
{
	if (at % 5 != 0)
		return;
	fw_engine_set_policy(engine, policy_of(at / 5 % CONFIGS));
	if (at % 2 == 0)
		fw_conn_recheck(world->conn);
	drain(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_engine_options options = { .random = { fill, NULL } };
	struct fw_engine *engine;
	struct world world = { 0 };
	bool reloads = size > 2 && (data[0] & 128) != 0;
	struct fw_time now = { 1000000000, 1700000000000000 };
	size_t step, at = 2;
	uint8_t *copy;

	if (size < 2)
		return 0;
	seed = data[1];
	options.policy = policy_of(data[0] % CONFIGS);
	step = data[1] % 4 == 0 ? 1 : data[1] % 4 == 1 ? (size_t)data[1] + 1 : size;
	engine = fw_engine_new(&options);
	fw_engine_time(engine, now);
	world.conn =
		fw_conn_new(engine, &(struct fw_conn_options){ .peer = { .family = 4, .bytes = { 127, 0, 0, 1 } } });
	drain(&world);
	while (at < size && !world.done) {
		size_t part = size - at < step ? size - at : step;

		copy = malloc(part); /* its own block: reading past it is seen */
		memcpy(copy, data + at, part);
		/* An upstream that says the same octets back, now and then. */
		if (world.answered && (data[0] & 64) != 0 && at % 3 == 0)
			fw_conn_receive(world.conn, FW_UPSTREAM, copy, part);
		else
			fw_conn_receive(world.conn, FW_CLIENT, copy, part);
		drain(&world);
		free(copy);
		upstream(&world);
		drain(&world);
		fw_conn_sent(world.conn, FW_CLIENT, fw_conn_output(world.conn, FW_CLIENT).size);
		now.monotonic_ns += 1000000;
		fw_engine_time(engine, now);
		if (fw_conn_deadline(world.conn) <= now.monotonic_ns) {
			fw_conn_tick(world.conn);
			drain(&world);
		}
		at += part;
		if (reloads)
			reload(&world, engine, at);
	}
	if (!reloads && (data[0] % CONFIGS) == 0 && world.upstream_seen != 0)
		abort();
	fw_conn_lost(world.conn, FW_CLIENT);
	drain(&world);
	/* Whatever happened, time ends it. */
	for (unsigned i = 0; i < 100 && !world.done; i++) {
		fw_conn_sent(world.conn, FW_CLIENT, fw_conn_output(world.conn, FW_CLIENT).size);
		fw_conn_sent(world.conn, FW_UPSTREAM, fw_conn_output(world.conn, FW_UPSTREAM).size);
		now.monotonic_ns += 3600000000000;
		fw_engine_time(engine, now);
		fw_conn_tick(world.conn);
		drain(&world);
	}
	if (!world.done)
		abort();
	fw_conn_free(world.conn);
	fw_engine_free(engine);
	return 0;
}
