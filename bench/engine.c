/* engine.c: what the engine alone costs: one proxied connection in memory, no socket, no other thread.
 * `engine [--quick] [FILE...]`: files are lines of chat, packed into messages. Prints one JSON object: processor
 * microseconds a message from the client to the upstream (in) and back (out). One message a turn: the dearest way.
 * `engine --count N on|off|watched SIZE [FILE...]` measures nothing itself: N messages go there and back, with every
 * stage or (off) by an opaque route, which looks at frames alone; watched: with the figures that have labels, too.
 * security.py and watching.py count instructions of these. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <framewall/conn.h>

#include "engine/tallies.h"
#include "memory.h"
#include "wire.h"

enum { MOST = 1024, PASSES = 5, PACKED = 4096 };

static const char configuration[] = "routes:\n"
				    "  - path: \"*\"\n"
				    "    upstream: ws://127.0.0.1:9\n"
				    "    anonymous: user\n"
				    "rate_limiting:\n"
				    "  messages_per_minute: 1000000000\n"
				    "monitoring:\n"
				    "  auto_block:\n"
				    "    violation_threshold: 1000000000\n";

static const char nothing_judged[] = "routes:\n"
				     "  - path: \"*\"\n"
				     "    opaque: true\n"
				     "    upstream: ws://127.0.0.1:9\n"
				     "    anonymous: user\n"
				     "rate_limiting:\n"
				     "  messages_per_minute: 1000000000\n";

static struct fw_engine *engine;
static struct fw_conn *conn;
static struct fw_time now = { .monotonic_ns = 1000000000, .wall_us = 1700000000000000 };
static bool open_given;

/* Obeys what the engine asks for, as a shell would. */
static void drain(void)
{
	const struct fw_event *event;
	const struct fw_answer yes = { .code = FW_ANSWER_YES };
	while ((event = fw_conn_next_event(conn))) {
		if (event->kind == FW_EV_NEED && event->as.need.kind != FW_NEED_VIOLATION)
			fw_conn_supply(conn, event->as.need.id, &yes);
		else if (event->kind == FW_EV_DIAL)
			fw_conn_dialled(conn, true);
		else if (event->kind == FW_EV_OPEN)
			open_given = true;
		else if (event->kind == FW_EV_HANGUP || event->kind == FW_EV_DONE)
			wire_die("the engine ended the connection");
	}
}

static size_t take(enum fw_side side)
{
	size_t size = fw_conn_output(conn, side).size;
	if (size)
		fw_conn_sent(conn, side, size);
	return size;
}

static void turn(enum fw_side side, uint8_t *bytes, size_t size)
{
	now.monotonic_ns += 1000;
	now.wall_us++;
	fw_engine_time(engine, now);
	fw_conn_receive(conn, side, bytes, size);
	drain();
}

static void open_connection(void)
{
	char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
	char head[WIRE_HEAD], accept[29], answer[256];
	turn(FW_CLIENT, (uint8_t *)request, sizeof(request) - 1);
	struct fw_slice out = fw_conn_output(conn, FW_UPSTREAM);
	if (!out.size || out.size >= sizeof(head))
		wire_die("the upstream got no request");
	memcpy(head, out.data, out.size);
	head[out.size] = 0;
	fw_conn_sent(conn, FW_UPSTREAM, out.size);
	const char *key = wire_field(head, "sec-websocket-key:");
	if (!key)
		wire_die("the upstream's request has no key");
	wire_accept(key, accept);
	int size = snprintf(answer, sizeof(answer),
			    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
			    "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			    accept);
	turn(FW_UPSTREAM, (uint8_t *)answer, (size_t)size);
	if (!open_given || !take(FW_CLIENT))
		wire_die("the connection did not open");
	take(FW_UPSTREAM);
}

static double microseconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static double median(double *values)
{
	qsort(values, PASSES, sizeof(*values), memory_compare);
	return values[PASSES / 2];
}

struct frame {
	size_t size;
	uint8_t bytes[MOST + 14];
};

static void frame_make(struct frame *frame, enum fw_side side, const char *text, size_t size)
{
	uint8_t mask[4] = { 0x4f, 0xa1, 0x07, 0xd3 };
	frame->size = wire_put_header(frame->bytes, 0x80 | WIRE_TEXT, size, side == FW_CLIENT ? mask : NULL);
	if (side == FW_CLIENT)
		wire_mask(frame->bytes + frame->size, (const uint8_t *)text, size, mask, 0);
	else
		memcpy(frame->bytes + frame->size, text, size);
	frame->size += size;
}

/* The message that went on must be the one that came, octet by octet. */
static void check(enum fw_side to, const char *text, size_t size)
{
	struct fw_slice out = fw_conn_output(conn, to);
	struct wire_frame frame = { 0 };
	const uint8_t *bytes = out.data;
	size_t left = out.size;
	uint8_t payload[MOST];
	if (!left || !wire_take_header(&frame, &bytes, &left) || left != size || frame.size != size)
		wire_die("a message of %zu octets did not go on", size);
	wire_mask(payload, bytes, size, frame.mask, 0);
	if (memcmp(payload, text, size) != 0)
		wire_die("a message was changed: %.*s", (int)size, (char *)payload);
}

/* Median over passes of the time for one message in one direction. */
static double direction(enum fw_side from, const char *text, size_t size, unsigned count)
{
	enum fw_side to = from == FW_CLIENT ? FW_UPSTREAM : FW_CLIENT;
	struct frame frame, copy;
	double passes[PASSES];
	frame_make(&frame, from, text, size);
	copy = frame;
	turn(from, copy.bytes, copy.size);
	check(to, text, size);
	take(to);
	for (unsigned pass = 0; pass < PASSES; pass++) {
		double begin = microseconds();
		for (unsigned i = 0; i < count; i++) {
			memcpy(copy.bytes, frame.bytes, frame.size);
			turn(from, copy.bytes, frame.size);
			if (!take(to))
				wire_die("message %u did not go on", i);
		}
		passes[pass] = (microseconds() - begin) / count;
	}
	return median(passes);
}

static void prose(char *text, size_t size)
{
	static const char words[] = "Morning all, the build went through last night and the numbers look better than "
				    "we hoped. I moved the meeting "
				    "to three because Anna is on the train until two. Could somebody read the second "
				    "chapter before we send it? ";
	size_t at = (size_t)sprintf(text, "{\"type\":\"chat_message\",\"text\":\"");
	for (size_t i = 0; at < size - 2; i++)
		text[at++] = words[i % (sizeof(words) - 1)];
	memcpy(text + at, "\"}", 3);
}

/* Lines packed into chat messages of at most `size` octets. */
static struct packed {
	size_t size;
	char text[MOST + 1];
} * packed;
static unsigned packed_count;

static void pack_end(size_t at)
{
	struct packed *message = &packed[packed_count++];
	memcpy(message->text + at, "\"}", 2);
	message->size = at + 2;
}

/* One character of a line as JSON; returns its octets in the line, 0 where the line is cut: no UTF-8 of up to three
 * octets. */
static size_t character(const char *line, char *ret_json, size_t *ret_size)
{
	unsigned char first = (unsigned char)*line;
	size_t octets = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe1 && first < 0xf0 ? 3 : 0;
	if (first == 0xed && (unsigned char)line[1] >= 0xa0) /* surrogates */
		return 0;
	for (size_t i = 1; i < octets; i++)
		if (((unsigned char)line[i] & 0xc0) != 0x80)
			return 0;
	if (first < 0x20 || first == 0x7f)
		*ret_size = (size_t)sprintf(ret_json, "\\u%04x", first);
	else if (first == '"' || first == '\\')
		*ret_size = (size_t)sprintf(ret_json, "\\%c", first);
	else
		memcpy(ret_json, line, *ret_size = octets);
	return octets;
}

/* Packs the beginning of a file, up to `most` messages in all. */
static void pack_file(const char *name, size_t size, unsigned most)
{
	static const char begin[] = "{\"type\":\"chat_message\",\"text\":\"";
	FILE *file = fopen(name, "r");
	char *line = NULL, json[8];
	size_t room = 0, at = 0;
	ssize_t got;
	if (!file)
		wire_die("cannot read %s", name);
	while (packed_count < most && (got = getline(&line, &room, file)) > 0) {
		for (const char *next = line; *next && packed_count < most;) {
			size_t json_size, octets = character(next, json, &json_size);
			if (!octets)
				break;
			next += octets;
			if (at && at + json_size > size - 2) {
				pack_end(at);
				at = 0;
				if (packed_count == most)
					break;
			}
			if (!at) {
				memcpy(packed[packed_count].text, begin, sizeof(begin) - 1);
				at = sizeof(begin) - 1;
			}
			memcpy(packed[packed_count].text + at, json, json_size);
			at += json_size;
		}
	}
	free(line);
	fclose(file);
}

enum { BATCH = 64 };

/* Judges up to BATCH messages; only the engine's work is timed, and reading the clock (a system call) is spread. */
static double lines_batch(unsigned from, unsigned until, unsigned *refused)
{
	static struct frame frames[BATCH];
	for (unsigned i = from; i < until; i++)
		frame_make(&frames[i - from], FW_CLIENT, packed[i].text, packed[i].size);
	double begin = microseconds();
	for (unsigned i = 0; i < until - from; i++) {
		turn(FW_CLIENT, frames[i].bytes, frames[i].size);
		*refused += take(FW_UPSTREAM) == 0;
		take(FW_CLIENT);
	}
	return microseconds() - begin;
}

static void lines(char **names, unsigned count, size_t size)
{
	double passes[PASSES];
	unsigned refused = 0;
	size_t octets = 0;
	packed_count = 0;
	for (unsigned i = 0; i < count; i++)
		pack_file(names[i], size, PACKED * (i + 1) / count);
	if (!packed_count)
		return;
	for (unsigned i = 0; i < packed_count; i++)
		octets += packed[i].size;
	for (unsigned pass = 0; pass < PASSES; pass++) {
		refused = 0;
		passes[pass] = 0;
		for (unsigned i = 0; i < packed_count; i += BATCH)
			passes[pass] += lines_batch(i, i + BATCH < packed_count ? i + BATCH : packed_count, &refused) /
					packed_count;
	}
	printf(", \"%zu.dev\": {\"in\": %.4f, \"messages\": %u, \"refused\": %u, \"octets\": %zu}", size,
	       median(passes), packed_count, refused, octets / packed_count);
}

static void pack_all(char **names, unsigned count, size_t size)
{
	packed_count = 0;
	for (unsigned i = 0; i < count; i++)
		pack_file(names[i], size, PACKED * (i + 1) / count);
	if (packed_count == 0) {
		prose(packed[0].text, size);
		packed[packed_count++].size = size;
	}
}

static void count_messages(unsigned count)
{
	struct frame frame;

	for (unsigned i = 0; i < count; i++) {
		const struct packed *message = &packed[i % packed_count];

		for (enum fw_side from = FW_CLIENT; from <= FW_UPSTREAM; from++) {
			frame_make(&frame, from, message->text, message->size);
			turn(from, frame.bytes, frame.size);
			take(FW_CLIENT);
			take(FW_UPSTREAM);
		}
	}
}

static void measure(char **files, unsigned file_count, bool quick)
{
	static const size_t sizes[] = { 128, 1024 };
	char text[MOST + 1];

	printf("{");
	for (unsigned i = 0; i < 2; i++) {
		unsigned messages = (unsigned)((quick ? 5000000 : 20000000) / (sizes[i] + 128));
		prose(text, sizes[i]);
		double in = direction(FW_CLIENT, text, sizes[i], messages),
		       out = direction(FW_UPSTREAM, text, sizes[i], messages);
		printf("%s\"%zu\": {\"in\": %.4f, \"out\": %.4f}", i ? ", " : "", sizes[i], in, out);
	}
	for (unsigned i = 0; i < 2 && file_count; i++)
		lines(files, file_count, sizes[i]);
	printf("}\n");
}

static uint64_t nanoseconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int main(int count, char **arguments)
{
	bool quick = count > 1 && strcmp(arguments[1], "--quick") == 0;
	bool counts = count > 4 && strcmp(arguments[1], "--count") == 0;
	const char *text = counts && strcmp(arguments[3], "off") == 0 ? nothing_judged : configuration;
	unsigned first = counts ? 5 : quick ? 2 : 1;
	struct fw_policy *policy;
	if (fw_policy_load("bench", (struct fw_slice){ (const uint8_t *)text, strlen(text) }, memory_report, NULL,
			   &policy) != FW_OK)
		return 3;
	struct fw_engine_options options = { .policy = policy, .random = { .fill = memory_fill } };
	struct fw_conn_options peer = { .peer = { .family = 4, .bytes = { 127, 0, 0, 1 } }, .peer_port = 4711 };
	engine = fw_engine_new(&options);
	fw_engine_time(engine, now);
	conn = fw_conn_new(engine, &peer);
	packed = calloc(PACKED, sizeof(*packed));
	if (!engine || !conn || !packed)
		wire_die("memory");
	open_connection();
	if (counts && strcmp(arguments[3], "watched") == 0)
		engine_watch(engine, nanoseconds);
	if (counts) {
		pack_all(arguments + first, (unsigned)count - first, strtoul(arguments[4], NULL, 10));
		count_messages((unsigned)strtoul(arguments[2], NULL, 10));
	} else {
		measure(arguments + first, (unsigned)count - first, quick);
	}
	free(packed);
	fw_conn_free(conn);
	fw_engine_free(engine);
	fw_policy_unref(policy);
	return 0;
}
