/* RFC 7692, a case a rule, numbered by its section. A whole connection with `compression: on` is between a client and
 * an upstream that are played here by zlib alone: as a server it reads what the client sends, as a client what the
 * upstream sends. Each case is read whole, octet by octet, and cut in two at each octet; the outcome must always be the
 * same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include <framewall/conn.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "policy/config.h"

#define OURS "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
#define AGREED "permessage-deflate; server_no_context_takeover"
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

enum { FRAMES = 8, LOG = 8192, ROOM = 1 << 16, LIMIT = 1000 };
enum role { SERVER, CLIENT }; /* what Framewall is in the case */

static const char config[] = "upstream: {url: 'ws://localhost:1'}\n"
			     "websocket: {compression: on, max_upstream_message: 1000, ping_interval: 0}\n"
			     "rate_limiting: {messages_per_minute: 1000000, max_message_size: 1000}\n"
			     "routes: [{path: '*', opaque: true, binary: true, anonymous: guest}]\n";

struct frame {
	bool used;
	uint8_t first;
	const char *payload; /* NULL: size letters a, compressed */
	size_t size;
	uint64_t claim; /* the header's length, when it is not size; nothing of the payload is there then */
};

struct rfc_case {
	const char *name;
	struct frame frames[FRAMES];
	const char *expect;
	size_t expect_size;
};

/* A row a case, one a line. */
/* clang-format off */
#define FRAME(first, payload) { true, first, payload, sizeof(payload) - 1, 0 }
#define TEXT(payload) FRAME(0xc1, payload)
#define BINARY(payload) FRAME(0xc2, payload)
#define TEXT_PART(payload) FRAME(0x41, payload)
#define BINARY_PART(payload) FRAME(0x42, payload)
#define PART(payload) FRAME(0x00, payload)
#define LAST(payload) FRAME(0x80, payload)
#define PLAIN(payload) FRAME(0x81, payload)
#define LETTERS(count) { true, 0xc1, NULL, count, 0 }
#define CLAIM(first, count) { true, first, "", 0, count }
#define SAYS(text) text, sizeof(text) - 1
#define HELLO "\xf2\x48\xcd\xc9\xc9\x07\x00"

static const struct rfc_case cases[] = {
	/* 5, 6: the bit, and messages without it */
	{ "5-not-compressed", { PLAIN("Hello") }, SAYS("text(Hello)") },
	{ "6-compressed", { TEXT(HELLO) }, SAYS("text(Hello)") },
	{ "6-compressed-binary", { BINARY(HELLO) }, SAYS("binary(Hello)") },
	{ "6-mixed", { PLAIN("a"), TEXT(HELLO), PLAIN("b"), BINARY(HELLO), FRAME(0x82, "c") },
	  SAYS("text(a) text(Hello) text(b) binary(Hello) binary(c)") },
	{ "6-not-compressed-looks-like-it", { FRAME(0x82, HELLO) }, SAYS("binary(" HELLO ")") },
	{ "6-fragments-not-compressed", { FRAME(0x01, "He"), LAST("llo"), TEXT(HELLO) }, SAYS("text(Hello) text(Hello)") },
	{ "6.1-fragments", { TEXT_PART("\xf2\x48\xcd"), LAST("\xc9\xc9\x07\x00") }, SAYS("text(Hello)") },
	{ "6.1-fragments-binary", { BINARY_PART("\xf2\x48\xcd"), LAST("\xc9\xc9\x07\x00") }, SAYS("binary(Hello)") },
	{ "6.1-fragments-of-one", { TEXT_PART("\xf2"), PART("\x48"), PART("\xcd"), PART("\xc9"), PART("\xc9"), PART("\x07"), LAST("\x00") }, SAYS("text(Hello)") },
	{ "6.1-fragments-empty", { TEXT_PART(""), PART(""), PART(HELLO), PART(""), LAST("") }, SAYS("text(Hello)") },
	{ "6.1-control-between", { TEXT_PART("\xf2\x48"), FRAME(0x89, "now"), PART("\xcd\xc9"), FRAME(0x8a, ""), LAST("\xc9\x07\x00") }, SAYS("text(Hello)") },
	{ "6.1-rsv1-continuation", { TEXT_PART("\xf2\x48\xcd"), FRAME(0xc0, "\xc9\xc9\x07\x00") }, SAYS("fail(1002)") },
	{ "6.1-rsv1-continuation-middle", { TEXT_PART("\xf2\x48\xcd"), FRAME(0x40, "\xc9"), LAST("\xc9\x07\x00") }, SAYS("fail(1002)") },
	{ "6.1-rsv1-continuation-of-plain", { FRAME(0x01, "He"), FRAME(0xc0, "llo") }, SAYS("fail(1002)") },
	{ "6.1-rsv1-ping", { FRAME(0xc9, "x") }, SAYS("fail(1002)") },
	{ "6.1-rsv1-pong", { FRAME(0xca, "x") }, SAYS("fail(1002)") },
	{ "6.1-rsv1-close", { FRAME(0xc8, "") }, SAYS("fail(1002)") },
	{ "6.1-rsv1-ping-between", { TEXT_PART("\xf2"), FRAME(0xc9, "x") }, SAYS("fail(1002)") },
	{ "6-rsv2", { FRAME(0xa1, "x") }, SAYS("fail(1002)") },
	{ "6-rsv3", { FRAME(0x91, "x") }, SAYS("fail(1002)") },
	{ "6-rsv1-rsv2", { FRAME(0xe1, HELLO) }, SAYS("fail(1002)") },
	{ "6-rsv1-rsv3", { FRAME(0xd1, HELLO) }, SAYS("fail(1002)") },
	{ "6-rsv1-reserved-opcode", { FRAME(0xc3, HELLO) }, SAYS("fail(1002)") },
	/* 7.1.1: no context is kept */
	{ "7.1.1-same-message-again", { TEXT(HELLO), TEXT(HELLO), TEXT(HELLO) }, SAYS("text(Hello) text(Hello) text(Hello)") },
	{ "7.1.1-window-of-the-message-before", { TEXT(HELLO), TEXT("\xf2\x00\x11\x00\x00") }, SAYS("text(Hello) fail(1007)") },
	/* 7.2.2 */
	{ "7.2.2-empty", { TEXT("\x00") }, SAYS("text()") },
	{ "7.2.2-empty-binary", { BINARY("\x00") }, SAYS("binary()") },
	{ "7.2.2-empty-fixed-block", { TEXT("\x02\x00") }, SAYS("text()") },
	{ "7.2.2-no-octet-at-all", { TEXT("") }, SAYS("fail(1007)") },
	{ "7.2.2-no-octet-in-fragments", { TEXT_PART(""), LAST("") }, SAYS("fail(1007)") },
	{ "7.2.2-reserved-block-type", { TEXT("\x06") }, SAYS("fail(1007)") },
	{ "7.2.2-reserved-last-block-type", { TEXT("\x07") }, SAYS("fail(1007)") },
	{ "7.2.2-no-deflate", { TEXT("Hello") }, SAYS("fail(1007)") },
	{ "7.2.2-zlib-header", { TEXT("\x78\x9c" HELLO) }, SAYS("fail(1007)") },
	{ "7.2.2-gzip-header", { TEXT("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" HELLO) }, SAYS("fail(1007)") },
	{ "7.2.2-stored-length-differs", { TEXT("\x00\x05\x00\xfb\xff" "Hello\x00") }, SAYS("fail(1007)") },
	{ "7.2.2-stored-cut", { TEXT("\x00\x05\x00\xfa\xff" "He") }, SAYS("fail(1007)") },
	{ "7.2.2-stored-takes-the-tail", { BINARY("\x00\x09\x00\xf6\xff" "Hello") }, SAYS("binary(Hello\x00\x00\xff\xff)") },
	{ "7.2.2-cut-1", { TEXT("\xf2") }, SAYS("fail(1007)") },
	{ "7.2.2-cut-2", { TEXT("\xf2\x48") }, SAYS("fail(1007)") },
	{ "7.2.2-cut-3", { TEXT("\xf2\x48\xcd") }, SAYS("fail(1007)") },
	{ "7.2.2-cut-4", { TEXT("\xf2\x48\xcd\xc9") }, SAYS("fail(1007)") },
	{ "7.2.2-cut-5", { TEXT("\xf2\x48\xcd\xc9\xc9") }, SAYS("fail(1007)") },
	{ "7.2.2-cut-in-fragments", { TEXT_PART("\xf2\x48"), PART("\xcd"), LAST("") }, SAYS("fail(1007)") },
	{ "7.2.2-distance-too-far", { TEXT("\x02\x07\x00") }, SAYS("fail(1007)") },
	{ "7.2.2-dynamic-block-bad", { TEXT("\xfc\xff\xff\xff\xff") }, SAYS("fail(1007)") },
	{ "7.2.2-tail-left-in-by-half", { TEXT(HELLO "\x00\xff\xff") }, SAYS("fail(1007)") },
	{ "7.2.2-another-empty-block", { TEXT(HELLO "\x00\x00\xff\xff\x00") }, SAYS("text(Hello)") },
	/* 7.2.3: its examples */
	{ "7.2.3.1-one-block", { TEXT("\xf2\x48\xcd\xc9\xc9\x07\x00") }, SAYS("text(Hello)") },
	{ "7.2.3.3-no-compression", { TEXT("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00") }, SAYS("text(Hello)") },
	{ "7.2.3.4-bfinal", { TEXT("\xf3\x48\xcd\xc9\xc9\x07\x00\x00") }, SAYS("text(Hello)") },
	{ "7.2.3.4-bfinal-in-fragments", { TEXT_PART("\xf3\x48\xcd\xc9\xc9\x07"), PART("\x00"), LAST("\x00") }, SAYS("text(Hello)") },
	{ "7.2.3.4-bfinal-and-another-message", { TEXT("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), TEXT(HELLO) }, SAYS("text(Hello) text(Hello)") },
	{ "7.2.3.4-bfinal-stored", { TEXT("\x01\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00") }, SAYS("text(Hello)") },
	{ "7.2.3.4-bfinal-alone", { TEXT("\xf3\x48\xcd\xc9\xc9\x07\x00") }, SAYS("text(Hello)") },
	{ "7.2.3.4-bfinal-then-octet", { TEXT("\xf3\x48\xcd\xc9\xc9\x07\x00\x01") }, SAYS("fail(1007)") },
	{ "7.2.3.4-bfinal-then-two", { TEXT("\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00") }, SAYS("fail(1007)") },
	{ "7.2.3.4-bfinal-then-stream", { TEXT("\xf3\x48\xcd\xc9\xc9\x07\x00" HELLO) }, SAYS("fail(1007)") },
	{ "7.2.3.5-two-blocks", { TEXT("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00") }, SAYS("text(Hello)") },
	{ "7.2.3.6-empty-last-fragment", { TEXT_PART("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff"), LAST("\x00") }, SAYS("text(Hello)") },
	/* 8, and RFC 6455 8.1 and 10.4 on what was inflated */
	{ "8-limit", { LETTERS(LIMIT) }, SAYS("text(1000 a)") },
	{ "8-limit-and-one", { LETTERS(LIMIT + 1) }, SAYS("fail(1009)") },
	{ "8-bomb", { LETTERS(200000) }, SAYS("fail(1009)") },
	{ "8-declared", { CLAIM(0xc1, 1190) }, SAYS("fail(1009)") },
	{ "8-declared-just-well", { CLAIM(0xc1, 1189) }, SAYS("") },
	{ "8-declared-plain", { CLAIM(0x81, 1001) }, SAYS("fail(1009)") },
	{ "8-declared-fragments", { TEXT_PART("\xf2\x48\xcd"), CLAIM(0x80, 1187) }, SAYS("fail(1009)") },
	{ "8-declared-huge", { CLAIM(0xc2, (uint64_t)1 << 40) }, SAYS("fail(1009)") },
	{ "8.1-utf8", { TEXT("\x00\x03\x00\xfc\xff\xe2\x82\xac\x00") }, SAYS("text(\xe2\x82\xac)") },
	{ "8.1-utf8-invalid", { TEXT("\x00\x03\x00\xfc\xff\xed\xa0\x80\x00") }, SAYS("fail(1007)") },
	{ "8.1-utf8-cut", { TEXT("\x00\x02\x00\xfd\xff\xe2\x82\x00") }, SAYS("fail(1007)") },
	{ "8.1-utf8-over-blocks", { TEXT("\x00\x02\x00\xfd\xff\xe2\x82\x00\x01\x00\xfe\xff\xac\x00") }, SAYS("text(\xe2\x82\xac)") },
	{ "8.1-utf8-compressed-octets-count-not", { TEXT_PART("\xf2\x48\xcd\xc9"), LAST("\xc9\x07\x00") }, SAYS("text(Hello)") },
	{ "8.1-binary", { BINARY("\x00\x03\x00\xfc\xff\xed\xa0\x80\x00") }, SAYS("binary(\xed\xa0\x80)") },
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

/* 7 and 7.1 as a server: the answer to an offer; "": none; NULL: 400. */
static const char *const offers[][3] = {
	{ "5.1-nothing-offered", NULL, "" },
	{ "7-offer", "permessage-deflate", OURS },
	{ "7-unknown-parameter", "permessage-deflate; a", "" },
	{ "7-unknown-parameter-with-value", "permessage-deflate; a=b", "" },
	{ "7-repeated-parameter", "permessage-deflate; server_no_context_takeover; server_no_context_takeover", "" },
	{ "7-bad-value", "permessage-deflate; server_max_window_bits=x", "" },
	{ "7-fallback", "permessage-deflate; server_max_window_bits=x, permessage-deflate", OURS },
	{ "7-other-extension", "permessage-foo, permessage-deflate", OURS },
	{ "7-only-another-extension", "permessage-foo; x=\"y\"", "" },
	{ "7.1.1.1-server-no-takeover", "permessage-deflate; server_no_context_takeover", OURS },
	{ "7.1.1.1-with-value", "permessage-deflate; server_no_context_takeover=0", "" },
	{ "7.1.1.2-client-no-takeover", "permessage-deflate; client_no_context_takeover", OURS },
	{ "7.1.1.2-with-value", "permessage-deflate; client_no_context_takeover=\"1\"", "" },
	{ "7.1.2.1-without-value", "permessage-deflate; server_max_window_bits", "" },
	{ "7.1.2.1-7", "permessage-deflate; server_max_window_bits=7", "" },
	{ "7.1.2.1-8", "permessage-deflate; server_max_window_bits=8", OURS "; server_max_window_bits=8" },
	{ "7.1.2.1-9", "permessage-deflate; server_max_window_bits=9", OURS "; server_max_window_bits=9" },
	{ "7.1.2.1-10", "permessage-deflate; server_max_window_bits=10", OURS "; server_max_window_bits=10" },
	{ "7.1.2.1-11", "permessage-deflate; server_max_window_bits=11", OURS "; server_max_window_bits=11" },
	{ "7.1.2.1-12", "permessage-deflate; server_max_window_bits=12", OURS "; server_max_window_bits=12" },
	{ "7.1.2.1-13", "permessage-deflate; server_max_window_bits=13", OURS "; server_max_window_bits=13" },
	{ "7.1.2.1-14", "permessage-deflate; server_max_window_bits=14", OURS "; server_max_window_bits=14" },
	{ "7.1.2.1-15", "permessage-deflate; server_max_window_bits=15", OURS "; server_max_window_bits=15" },
	{ "7.1.2.1-16", "permessage-deflate; server_max_window_bits=16", "" },
	{ "7.1.2.1-leading-zero", "permessage-deflate; server_max_window_bits=08", "" },
	{ "7.1.2.1-quoted", "permessage-deflate; server_max_window_bits=\"9\"", OURS "; server_max_window_bits=9" },
	{ "7.1.2.2-without-value", "permessage-deflate; client_max_window_bits", OURS },
	{ "7.1.2.2-8", "permessage-deflate; client_max_window_bits=8", OURS },
	{ "7.1.2.2-15", "permessage-deflate; client_max_window_bits=15", OURS },
	{ "7.1.2.2-16", "permessage-deflate; client_max_window_bits=16", "" },
	{ "7.1.2.2-leading-zero", "permessage-deflate; client_max_window_bits=09", "" },
	{ "7.1.3-example-1", "permessage-deflate; client_max_window_bits; server_max_window_bits=10", OURS "; server_max_window_bits=10" },
	{ "7.1.3-example-2", "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits", OURS "; server_max_window_bits=10" },
	{ "9.1-malformed", "permessage-deflate; =", NULL },
	{ "9.1-malformed-quoted", "permessage-deflate; server_max_window_bits=\"9", NULL },
};
enum { OFFERS = sizeof(offers) / sizeof(offers[0]) };

/* 7.1 as a client: does the answer to our offer hold? */
static const struct {
	const char *name, *answer;
	bool holds;
} answers[] = {
	{ "5.1-declined", NULL, true },
	{ "7-agreed", AGREED, true },
	{ "7.1.1.1-context-kept", "permessage-deflate", false },
	{ "7.1.1.1-with-value", "permessage-deflate; server_no_context_takeover=1", false },
	{ "7.1.1.2-both", AGREED "; client_no_context_takeover", true },
	{ "7.1.1.2-with-value", AGREED "; client_no_context_takeover=1", false },
	{ "7.1.2.1-unasked", AGREED "; server_max_window_bits=8", true },
	{ "7.1.2.1-without-value", AGREED "; server_max_window_bits", false },
	{ "7.1.2.1-7", AGREED "; server_max_window_bits=7", false },
	{ "7.1.2.1-16", AGREED "; server_max_window_bits=16", false },
	{ "7.1.2.2-8", AGREED "; client_max_window_bits=8", true },
	{ "7.1.2.2-9", AGREED "; client_max_window_bits=9", true },
	{ "7.1.2.2-15", AGREED "; client_max_window_bits=15", true },
	{ "7.1.2.2-quoted", AGREED "; client_max_window_bits=\"11\"", true },
	{ "7.1.2.2-without-value", AGREED "; client_max_window_bits", false },
	{ "7.1.2.2-7", AGREED "; client_max_window_bits=7", false },
	{ "7.1.2.2-16", AGREED "; client_max_window_bits=16", false },
	{ "7.1.2.2-leading-zero", AGREED "; client_max_window_bits=09", false },
	{ "7-unknown", AGREED "; a", false },
	{ "7-repeated", AGREED "; server_no_context_takeover", false },
	{ "7-not-offered", "permessage-foo", false },
	{ "7-two", AGREED ", permessage-foo", false },
	{ "7-twice", AGREED ", " AGREED, false },
	{ "9.1-malformed", AGREED ";", false },
};
enum { ANSWERS = sizeof(answers) / sizeof(answers[0]) };
/* clang-format on */

/* A connection with what was read of either side's output. */
struct world {
	struct fw_engine *engine;
	struct fw_conn *conn;
	uint8_t *out[2]; /* all that either side was sent */
	size_t size[2];
	size_t head[2]; /* octets of its head */
	bool hung_up[2];
};

static struct fw_policy *policy;

static void fill(void *user, uint8_t *bytes, size_t size)
{
	(void)user;
	memset(bytes, 7, size);
}

static void say(void *user, const char *text)
{
	(void)user;
	print_error("%s\n", text);
}

static int load(void **state)
{
	struct config_options options = { .name = "f.yaml",
					  .text = slice_text(config),
					  .report = say,
					  .default_jwt_secret = slice_text("0123456789abcdef0123456789abcdef") };

	(void)state;
	mem_fail_at(0);
	return config_load(&options, &policy) == FW_OK ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	fw_policy_unref(policy);
	return 0;
}

static void drain(struct world *world)
{
	const struct fw_event *event;
	struct fw_answer yes = { .code = FW_ANSWER_YES };

	while ((event = fw_conn_next_event(world->conn)) != NULL) {
		if (event->kind == FW_EV_NEED && event->as.need.id != 0)
			fw_conn_supply(world->conn, event->as.need.id, &yes);
		else if (event->kind == FW_EV_DIAL)
			fw_conn_dialled(world->conn, true);
		else if (event->kind == FW_EV_HANGUP)
			world->hung_up[event->side] = true;
	}
	for (unsigned side = 0; side < 2; side++) {
		struct fw_slice out = fw_conn_output(world->conn, side);

		assert_true(out.size < ROOM - world->size[side]);
		if (out.size != 0)
			memcpy(world->out[side] + world->size[side], out.data, out.size);
		world->size[side] += out.size;
		world->out[side][world->size[side]] = '\0';
		fw_conn_sent(world->conn, side, out.size);
	}
}

/* In a block of its own, so that reading beyond it is seen. */
static void receive(struct world *world, enum fw_side side, const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	fw_conn_receive(world->conn, side, copy, size);
	drain(world);
	free(copy);
}

static void begin(struct world *world)
{
	*world = (struct world){ 0 };
	world->out[0] = malloc(ROOM);
	world->out[1] = malloc(ROOM);
	assert_non_null(world->out[0]);
	assert_non_null(world->out[1]);
	world->engine = fw_engine_new(&(struct fw_engine_options){ .policy = policy, .random = { fill, NULL } });
	assert_non_null(world->engine);
	fw_engine_time(world->engine, (struct fw_time){ 1000000000, 1700000000000000 });
	world->conn = fw_conn_new(world->engine, &(struct fw_conn_options){ .peer = { .family = 4 } });
	assert_non_null(world->conn);
	drain(world);
}

static void end(struct world *world)
{
	fw_conn_free(world->conn);
	fw_engine_free(world->engine);
	free(world->out[0]);
	free(world->out[1]);
}

static void request(struct world *world, const char *offer)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n%s%s%s\r\n",
		 offer != NULL ? "Sec-WebSocket-Extensions: " : "", offer != NULL ? offer : "",
		 offer != NULL ? "\r\n" : "");
	receive(world, FW_CLIENT, text, strlen(text));
}

static void respond(struct world *world, const char *answer)
{
	const char *key = strstr((const char *)world->out[FW_UPSTREAM], "Sec-WebSocket-Key: ");
	char text[1024], accept[29] = { 0 };

	assert_non_null(key);
	digest_websocket_accept(slice(key + 19, 24), accept);
	snprintf(text, sizeof(text),
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		 "Sec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
		 accept, answer != NULL ? "Sec-WebSocket-Extensions: " : "", answer != NULL ? answer : "",
		 answer != NULL ? "\r\n" : "");
	receive(world, FW_UPSTREAM, text, strlen(text));
}

static const char *status_of(const struct world *world)
{
	return world->size[FW_CLIENT] > 12 ? (const char *)world->out[FW_CLIENT] + 9 : "";
}

/* What stands behind the name of a field in a head; "" when it is not there. */
static const char *field_of(const struct world *world, enum fw_side side, char ret_value[256])
{
	const char *at = strstr((const char *)world->out[side], "\r\nSec-WebSocket-Extensions: ");

	ret_value[0] = '\0';
	if (at != NULL)
		snprintf(ret_value, 256, "%.*s", (int)strcspn(at + 28, "\r"), at + 28);
	return ret_value;
}

static void connect_both(struct world *world)
{
	begin(world);
	request(world, "permessage-deflate");
	respond(world, AGREED);
	assert_int_equal(strncmp(status_of(world), "101", 3), 0);
	for (unsigned side = 0; side < 2; side++) {
		const char *body = strstr((const char *)world->out[side], "\r\n\r\n");

		assert_non_null(body);
		world->head[side] = (size_t)(body - (const char *)world->out[side]) + 4;
	}
}

static size_t put_frame(const struct frame *frame, bool masked, uint8_t *out)
{
	static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	uint8_t payload[4096];
	size_t size = frame->size, at = 2;
	uint64_t length;

	if (frame->payload != NULL) {
		memcpy(payload, frame->payload, size);
	} else {
		uint8_t *letters = malloc(size);
		z_stream z = { 0 };

		assert_non_null(letters);
		memset(letters, 'a', size);
		assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
		z.next_in = letters;
		z.avail_in = (uInt)size;
		z.next_out = payload;
		z.avail_out = sizeof(payload);
		assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
		size = sizeof(payload) - z.avail_out - 4;
		deflateEnd(&z);
		free(letters);
	}
	length = frame->claim != 0 ? frame->claim : size;
	out[0] = frame->first;
	out[1] = (uint8_t)(length < 126 ? length : length < 65536 ? 126 : 127);
	for (unsigned left = length < 126 ? 0 : length < 65536 ? 2 : 8; left-- > 0;)
		out[at++] = (uint8_t)(length >> 8 * left);
	if (masked) {
		out[1] |= 0x80;
		memcpy(out + at, mask, 4);
		at += 4;
	}
	for (size_t i = 0; i < size; i++)
		out[at + i] = payload[i] ^ (masked ? mask[i % 4] : 0);
	return at + size;
}

struct log {
	char text[LOG];
	size_t size;
};

static void put(struct log *log, const void *bytes, size_t size)
{
	assert_true(size <= LOG - log->size);
	if (size != 0)
		memcpy(log->text + log->size, bytes, size);
	log->size += size;
}

static void put_message(struct log *log, bool binary, const uint8_t *bytes, size_t size)
{
	size_t same = 0;

	put(log, binary ? " binary(" : " text(", binary ? 8 : 6);
	while (same < size && bytes[same] == 'a')
		same++;
	if (same == size && size > 100) {
		char text[32];

		put(log, text, (size_t)snprintf(text, sizeof(text), "%zu a", size));
	} else {
		put(log, bytes, size);
	}
	put(log, ")", 1);
}

/* Reads the frames that a side was sent: messages into the log, the code of a close in ret_code. What Framewall sends
 * is never in fragments; compressed or not, zlib must read it. */
static void read_frames(const struct world *world, enum fw_side side, bool messages, struct log *log,
			unsigned *ret_code)
{
	const uint8_t *at = world->out[side] + world->head[side], *end = world->out[side] + world->size[side];
	uint8_t plain[4096], payload[4096 + 4];

	while (at != end) {
		size_t size = at[1] & 127, header = size == 126 ? 4 : 2;
		const uint8_t *mask = (at[1] & 128) != 0 ? at + header : NULL;

		assert_true(size != 127 && (at[0] & 0x80) != 0);
		assert_int_equal(mask != NULL, side == FW_UPSTREAM);
		size = size == 126 ? (size_t)at[2] << 8 | at[3] : size;
		assert_true(size <= sizeof(plain));
		for (size_t i = 0; i < size; i++)
			payload[i] = at[header + (mask != NULL ? 4 : 0) + i] ^ (mask != NULL ? mask[i % 4] : 0);
		if ((at[0] & 15) == 8) {
			*ret_code = size >= 2 ? (unsigned)(payload[0] << 8 | payload[1]) : 1005;
		} else if ((at[0] & 15) <= 2 && messages && (at[0] & 0x40) != 0) {
			z_stream z = { .next_in = payload,
				       .avail_in = (uInt)size + 4,
				       .next_out = plain,
				       .avail_out = sizeof(plain) };

			memcpy(payload + size, "\0\0\xff\xff", 4);
			assert_int_equal(inflateInit2(&z, -15), Z_OK);
			assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
			assert_int_equal(z.avail_in, 0);
			put_message(log, (at[0] & 15) == 2, plain, sizeof(plain) - z.avail_out);
			inflateEnd(&z);
		} else if ((at[0] & 15) <= 2 && messages) {
			put_message(log, (at[0] & 15) == 2, payload, size);
		}
		at += header + (mask != NULL ? 4 : 0) + size;
	}
}

struct run {
	const struct rfc_case *rfc;
	enum role role;
	uint8_t bytes[8192];
	size_t size;
};

/* What came before a fault may still be answered: the other side is given its time, then closed. */
static void wait_for_answers(struct world *world)
{
	fw_engine_time(world->engine, (struct fw_time){ 1000000000 + LIMIT_OWED_MS * 1000000ULL, 1700000000000000 });
	fw_conn_tick(world->conn);
	drain(world);
}

static void check_cut(const struct run *run, size_t first, size_t step)
{
	enum fw_side from = run->role == SERVER ? FW_CLIENT : FW_UPSTREAM,
		     to = from == FW_CLIENT ? FW_UPSTREAM : FW_CLIENT;
	struct log log = { .size = 0 }, expect = { .size = 0 };
	unsigned code = 0, other = 0;
	struct world world;
	char text[32];

	connect_both(&world);
	for (size_t at = 0, piece = first; at < run->size; at += piece, piece = step) {
		piece = piece < run->size - at ? piece : run->size - at;
		receive(&world, from, run->bytes + at, piece);
	}
	wait_for_answers(&world);
	read_frames(&world, to, true, &log, &other);
	read_frames(&world, from, false, &log, &code);
	if (code != 0)
		put(&log, text, (size_t)snprintf(text, sizeof(text), " fail(%u)", code));
	/* The other side is never told of a fault that is not its own. */
	if (code != 0 && other != (run->role == SERVER ? 1001u : 1013u))
		fail_msg("the other side was told %u", other);
	if (run->rfc->expect_size != 0)
		put(&expect, " ", 1);
	put(&expect, run->rfc->expect, run->rfc->expect_size);
	if (log.size != expect.size || memcmp(log.text, expect.text, log.size) != 0)
		fail_msg("cut at %zu, then each %zu: got%.*s, not%.*s", first, step, (int)log.size, log.text,
			 (int)expect.size, expect.text);
	end(&world);
}

static void check_case(void **state)
{
	struct run *run = *state;

	run->size = 0;
	for (unsigned i = 0; i < FRAMES && run->rfc->frames[i].used; i++)
		run->size += put_frame(&run->rfc->frames[i], run->role == SERVER, run->bytes + run->size);
	check_cut(run, run->size, run->size);
	check_cut(run, 1, 1);
	for (size_t at = 1; at < run->size && at < 100; at++)
		check_cut(run, at, run->size);
}

static void check_offer(void **state)
{
	const char *const *row = *state;
	struct world world;
	char value[256];

	begin(&world);
	request(&world, row[1]);
	if (row[2] == NULL) {
		assert_int_equal(strncmp(status_of(&world), "400", 3), 0);
	} else {
		respond(&world, NULL);
		assert_int_equal(strncmp(status_of(&world), "101", 3), 0);
		assert_string_equal(field_of(&world, FW_CLIENT, value), row[2]);
	}
	end(&world);
}

static void check_answer(void **state)
{
	size_t i = (size_t)(uintptr_t)*state;
	struct world world;
	char value[256];

	begin(&world);
	request(&world, NULL);
	assert_string_equal(field_of(&world, FW_UPSTREAM, value), OURS "; client_max_window_bits");
	respond(&world, answers[i].answer);
	if (strncmp(status_of(&world), answers[i].holds ? "101" : "502", 3) != 0)
		fail_msg("status %.3s", status_of(&world));
	end(&world);
}

int main(void)
{
	static struct CMUnitTest tests[2 * CASES + OFFERS + ANSWERS];
	static struct run runs[2 * CASES];
	static char names[2 * CASES + OFFERS + ANSWERS][80];
	size_t count = 0;

	for (size_t i = 0; i < 2 * CASES; i++) {
		runs[i].rfc = &cases[i / 2];
		runs[i].role = i % 2 == 0 ? SERVER : CLIENT;
		snprintf(names[count], sizeof(names[0]), "%s %s", cases[i / 2].name, i % 2 == 0 ? "server" : "client");
		tests[count] = (struct CMUnitTest){ names[count], check_case, NULL, NULL, &runs[i] };
		count++;
	}
	for (size_t i = 0; i < OFFERS; i++) {
		snprintf(names[count], sizeof(names[0]), "%s server", offers[i][0]);
		tests[count] =
			(struct CMUnitTest){ names[count], check_offer, NULL, NULL, (void *)(uintptr_t)offers[i] };
		count++;
	}
	for (size_t i = 0; i < ANSWERS; i++) {
		snprintf(names[count], sizeof(names[0]), "%s client", answers[i].name);
		tests[count] = (struct CMUnitTest){ names[count], check_answer, NULL, NULL, (void *)(uintptr_t)i };
		count++;
	}
	return _cmocka_run_group_tests("RFC 7692", tests, count, load, unload);
}
