#include "shell/rehearsal.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "codec/http1.h"
#include "crypto/digest.h"
#include "shell/rehearsal_parts.h"
#include "shell/store_quota.h"
#include "shell/store_settings.h"

#define SECOND_NS ((uint64_t)1000000000)

enum { TURNS = 100000 };

const char *const rehearsal_verdict_names[3] = { "pass", "refuse", "close" };

struct rehearsal *rehearsal_new(struct fw_policy *policy, uint64_t wall_us)
{
	struct rehearsal *r = mem_zero(1, sizeof(*r));
	struct store_options store = store_settings(policy);
	struct fw_random random;

	if (r == NULL)
		return NULL;
	random = random_from(&r->random);
	store.begun_wall_us = wall_us;
	pool_init(&r->pool);
	r->seat = &r->own;
	r->policy = policy;
	r->now = (struct fw_time){ 3600 * SECOND_NS, wall_us };
	r->store = store_new(&store, &random);
	r->engine = fw_engine_new(&(struct fw_engine_options){ .policy = policy, .random = random });
	if (r->store == NULL || r->engine == NULL)
		return rehearsal_free(r);
	store_quota(r->engine, r->store);
	r->trial = (struct engine_trial){ .trace = rehearsal_see_stage, .user = r };
	engine_trial(r->engine, &r->trial);
	return r;
}

void rehearsal_trace(struct rehearsal *r, fw_trace_function *trace, void *user)
{
	r->trace = trace;
	r->trace_user = user;
}

void rehearsal_users(struct rehearsal *r, const struct rehearsal_user *users, size_t count)
{
	r->users = users;
	r->user_count = count;
}

static void obey(struct rehearsal *r)
{
	const struct fw_event *event;

	while ((event = fw_conn_next_event(r->seat->conn)) != NULL) {
		switch (event->kind) {
		case FW_EV_RECORD:
			rehearsal_see_record(r, &event->as.record);
			break;
		case FW_EV_NEED:
			rehearsal_need(r, &event->as.need);
			break;
		case FW_EV_DIAL:
			r->seat->proxied = true;
			fw_conn_dialled(r->seat->conn, true);
			break;
		case FW_EV_MESSAGE:
			r->seen.passed_on = true;
			r->went_binary = event->as.message.binary;
			if (buf_append(&r->went, &r->pool, event->as.message.payload.data,
				       event->as.message.payload.size) < 0)
				r->failed = true;
			break;
		case FW_EV_OPEN:
			r->seat->open = true;
			break;
		case FW_EV_HANGUP:
			if (event->side == FW_CLIENT)
				r->seat->over = true;
			break;
		case FW_EV_DONE:
			r->seat->over = true;
			break;
		}
	}
}

/* Octets of a side, in a block of their own: the engine changes them in place. */
void rehearsal_give(struct rehearsal *r, enum fw_side side, struct fw_slice head, struct fw_slice octets,
		    const uint8_t *mask)
{
	uint8_t *copy = mem_alloc(head.size + octets.size + 1);

	if (copy == NULL) {
		r->failed = true;
		return;
	}
	memcpy(copy, head.data, head.size);
	if (octets.size != 0 && mask != NULL)
		ws_mask(copy + head.size, octets.data, octets.size, mask);
	else if (octets.size != 0)
		memcpy(copy + head.size, octets.data, octets.size);
	fw_conn_receive(r->seat->conn, side, copy, head.size + octets.size);
	obey(r);
	mem_free(copy);
}

static void give_frame(struct rehearsal *r, enum fw_side side, enum ws_opcode opcode, struct fw_slice payload)
{
	static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	uint8_t header[14];
	size_t size = ws_write_header(header, opcode, true, payload.size, side == FW_CLIENT ? mask : NULL);

	rehearsal_give(r, side, slice(header, size), payload, side == FW_CLIENT ? mask : NULL);
}

/* What the server behind answers to the request of a handshake: the first subprotocol that it is offered. */
static void answer_request(struct rehearsal *r, const struct http1_head *request)
{
	const struct http1_field *key = http1_find(request, "Sec-WebSocket-Key", NULL);
	const struct http1_field *offered = http1_find(request, "Sec-WebSocket-Protocol", NULL);
	char answer[1024], accept[WS_ACCEPT_SIZE];
	struct fw_slice list, first = { NULL, 0 };
	int size;

	if (key == NULL)
		return;
	if (offered != NULL) {
		list = offered->value;
		http1_next_element(&list, &first);
	}
	digest_websocket_accept(key->value, accept);
	size = snprintf(answer, sizeof(answer),
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Accept: %.28s\r\n%s%.*s%s\r\n",
			accept, first.size != 0 ? "Sec-WebSocket-Protocol: " : "", (int)first.size,
			first.data != NULL ? (const char *)first.data : "", first.size != 0 ? "\r\n" : "");
	if (size > 0 && (size_t)size < sizeof(answer))
		rehearsal_give(r, FW_UPSTREAM, slice(answer, (size_t)size), slice(NULL, 0), NULL);
}

/* The head at the beginning of what came; false: it is not whole, or it is refused. */
static bool read_head(struct rehearsal *r, struct rehearsal_end *end, bool client)
{
	struct fw_slice octets = slice(buf_data(&end->in), buf_size(&end->in));
	struct http1_head head;
	const char *rule;

	if ((client ? http1_response : http1_request)(octets, &head, &rule) != HTTP1_OK)
		return false;
	if (client && head.status != 101) {
		r->status = head.status;
		rehearsal_see_reply(r, slice_from(octets, head.size));
		return false;
	}
	end->framed = true;
	if (client)
		r->seat->upgraded = true;
	else
		answer_request(r, &head);
	buf_consume(&end->in, &r->pool, head.size);
	return true;
}

static void take_message(struct rehearsal *r, bool client, const struct ws_item *item)
{
	struct fw_slice payload = slice(item->payload, item->size);

	if (client)
		rehearsal_see_reply(r, payload);
	else if (!r->was_open) /* upstream.login_message: that is answered, and nothing of the client's */
		give_frame(r, FW_UPSTREAM, WS_TEXT, slice_text("{\"type\":\"auth_success\"}"));
	if (!client && !r->was_open)
		return;
	if (client != r->outbound)
		return;
	r->seen.passed_on = true;
	r->went_binary = item->opcode == WS_BINARY;
	if (buf_append(&r->went, &r->pool, payload.data, payload.size) < 0)
		r->failed = true;
}

static void read_frames(struct rehearsal *r, struct rehearsal_end *end, bool client)
{
	const struct ws_limits limits = { UINT32_MAX, 0 };
	enum fw_side side = client ? FW_CLIENT : FW_UPSTREAM;
	size_t size = buf_size(&end->in);
	uint8_t *bytes = size != 0 ? buf_data(&end->in) : NULL;
	struct ws_item item;
	enum ws_step step;

	while ((step = ws_reader_next(&end->reader, &limits, &r->pool, &bytes, &size, &item)) != WS_MORE) {
		if (step == WS_FAIL)
			break;
		if (step == WS_MESSAGE) {
			take_message(r, client, &item);
		} else if (item.opcode == WS_CLOSE) {
			end->close = item.code;
			give_frame(r, side, WS_CLOSE, slice(NULL, 0));
		} else if (item.opcode == WS_PING) {
			give_frame(r, side, WS_PONG, slice(item.payload, item.size));
		}
	}
	buf_clear(&end->in, &r->pool);
}

static bool move(struct rehearsal *r, enum fw_side side)
{
	bool client = side == FW_CLIENT;
	struct rehearsal_end *end = client ? &r->seat->client : &r->seat->server;
	struct fw_slice waits = fw_conn_output(r->seat->conn, side);

	if (waits.size == 0)
		return false;
	while (waits.size != 0) {
		if (buf_append(&end->in, &r->pool, waits.data, waits.size) < 0)
			r->failed = true;
		fw_conn_sent(r->seat->conn, side, waits.size);
		waits = fw_conn_output(r->seat->conn, side);
	}
	obey(r);
	if (!end->framed)
		read_head(r, end, client);
	if (end->framed)
		read_frames(r, end, client);
	return true;
}

/* Until nobody has anything more to say. */
void rehearsal_settle(struct rehearsal *r)
{
	bool moved = true;

	obey(r);
	for (unsigned turn = 0; moved && turn < TURNS && !r->failed; turn++) {
		moved = move(r, FW_UPSTREAM);
		moved = move(r, FW_CLIENT) || moved;
	}
}

void rehearsal_leave(struct rehearsal *r)
{
	if (r->seat->conn == NULL)
		return;
	fw_conn_lost(r->seat->conn, FW_CLIENT);
	obey(r);
	if (r->seat->proxied)
		fw_conn_lost(r->seat->conn, FW_UPSTREAM);
	obey(r);
	if (r->seat->held)
		store_session_leave(r->store, r->seat->session_key, r->now.monotonic_ns);
	if (r->seat->admitted)
		store_release(r->store, &r->seat->address);
	r->seat->conn = fw_conn_free(r->seat->conn);
	ws_reader_fini(&r->seat->client.reader, &r->pool);
	ws_reader_fini(&r->seat->server.reader, &r->pool);
	buf_clear(&r->seat->client.in, &r->pool);
	buf_clear(&r->seat->server.in, &r->pool);
}

struct rehearsal *rehearsal_free(struct rehearsal *r)
{
	if (r == NULL)
		return NULL;
	rehearsal_sit(r, NULL);
	rehearsal_leave(r);
	if (r->engine != NULL)
		engine_trial(r->engine, NULL);
	fw_engine_free(r->engine);
	if (r->store != NULL)
		store_free(r->store);
	buf_clear(&r->went, &r->pool);
	buf_clear(&r->reply, &r->pool);
	pool_fini(&r->pool);
	mem_wipe(r, sizeof(*r));
	mem_free(r);
	return NULL;
}

void rehearsal_begin(struct rehearsal *r, bool outbound)
{
	memset(&r->seen, 0, sizeof(r->seen));
	buf_clear(&r->went, &r->pool);
	buf_clear(&r->reply, &r->pool);
	r->outbound = outbound;
	r->was_open = r->seat->open;
	r->seat->client.close = 0;
	r->status = 0;
	fw_engine_time(r->engine, r->now);
}

static const char *filled(const char *text)
{
	return *text != '\0' ? text : NULL;
}

/* where: what judged it when no stage did. */
int rehearsal_end(struct rehearsal *r, const char *where, struct rehearsal_result *ret)
{
	const struct rehearsal_seen *seen = &r->seen;

	if (r->failed)
		return FW_ERR_MEMORY;
	*ret = (struct rehearsal_result){
		.binary = r->went_binary,
		.status = r->status,
		.close = r->seat->client.close,
		.code = filled(seen->code),
		.rule = filled(seen->rule),
		.reason = seen->reason,
		.type = filled(seen->type),
		.went = slice(buf_size(&r->went) != 0 ? buf_data(&r->went) : NULL, buf_size(&r->went)),
		.reply = slice(buf_size(&r->reply) != 0 ? buf_data(&r->reply) : NULL, buf_size(&r->reply)),
	};
	if (r->seat->over || r->seat->client.close != 0)
		ret->verdict = REHEARSAL_CLOSE;
	else if (seen->refused || seen->told)
		ret->verdict = REHEARSAL_REFUSE;
	if (ret->verdict == REHEARSAL_PASS)
		return FW_OK;
	ret->stage = seen->refused ? seen->stage : where;
	if (ret->code == NULL)
		ret->code = filled(seen->error);
	if (*seen->reason == '\0')
		ret->reason = seen->cause;
	return FW_OK;
}

bool rehearsal_is_open(const struct rehearsal *r)
{
	return r->seat->conn != NULL && r->seat->upgraded && !r->seat->over && r->seat->client.close == 0;
}

bool rehearsal_is_logged_in(const struct rehearsal *r)
{
	return rehearsal_is_open(r) && r->seat->open;
}

struct fw_slice rehearsal_csrf(const struct rehearsal *r)
{
	return r->seat->conn != NULL ? engine_trial_csrf(r->seat->conn) : slice(NULL, 0);
}

int rehearsal_send(struct rehearsal *r, bool binary, struct fw_slice message, struct rehearsal_result *ret)
{
	bool open = r->seat->open;
	int result;

	if (!rehearsal_is_open(r))
		return FW_ERR_INVALID;
	rehearsal_begin(r, false);
	give_frame(r, FW_CLIENT, binary ? WS_BINARY : WS_TEXT, message);
	rehearsal_settle(r);
	result = rehearsal_end(r, open ? "frame" : "login", ret);
	if (result != FW_OK || ret->verdict != REHEARSAL_PASS)
		return result;
	ret->answered = !open || (!r->seen.passed_on && ret->reply.size != 0);
	if (!ret->answered && !r->seen.passed_on && *r->seen.stage == '\0' && binary) {
		ret->verdict = REHEARSAL_REFUSE;
		ret->reason = "the message that announced it was refused";
		ret->stage = "json";
	}
	ret->rewritten = r->seen.passed_on && !slice_equal(message, ret->went);
	return result;
}

/* The built-in server knows what it sends: its types are the contract's. */
static void hub_sends(struct rehearsal *r, bool binary, struct fw_slice message)
{
	uint16_t type = FW_TYPE_OPAQUE;
	struct arena arena;
	struct json json;

	arena_init(&arena, (size_t)64 << 20);
	if (!binary && json_parse(&arena, message, 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT) {
		uint32_t node = json_member(&json, 0, "type", 4);

		if (node != 0 && json.nodes[node].kind == JSON_STRING)
			type = policy_outbound_find(r->policy, json_text(&json, node, &arena));
	}
	arena_fini(&arena);
	fw_conn_send(r->seat->conn, type != POLICY_NONE ? type : FW_TYPE_OPAQUE, binary, message);
}

int rehearsal_receive(struct rehearsal *r, bool binary, struct fw_slice message, struct rehearsal_result *ret)
{
	int result;

	if (!rehearsal_is_logged_in(r))
		return FW_ERR_INVALID;
	rehearsal_begin(r, true);
	if (r->seat->proxied)
		give_frame(r, FW_UPSTREAM, binary ? WS_BINARY : WS_TEXT, message);
	else
		hub_sends(r, binary, message);
	rehearsal_settle(r);
	/* An error of the server's own is a message like others. */
	r->seen.told = false;
	result = rehearsal_end(r, "frame", ret);
	if (result != FW_OK || ret->verdict != REHEARSAL_PASS)
		return result;
	if (!r->seen.passed_on) {
		ret->verdict = REHEARSAL_REFUSE;
		ret->stage = "frame";
		ret->reason = *r->seen.cause != '\0' ? r->seen.cause : "it is kept back";
	}
	ret->rewritten = r->seen.passed_on && !slice_equal(message, ret->went);
	return result;
}

int rehearsal_at(struct rehearsal *r, uint64_t wall_us, struct rehearsal_result *ret)
{
	uint64_t ns = wall_us > r->now.wall_us ? (wall_us - r->now.wall_us) * 1000 : 0;

	if (r->seat->conn != NULL && !r->seat->over && fw_conn_deadline(r->seat->conn) <= r->now.monotonic_ns + ns)
		return rehearsal_wait(r, ns, ret);
	r->now.wall_us += ns / 1000;
	r->now.monotonic_ns += ns;
	fw_engine_time(r->engine, r->now);
	*ret = (struct rehearsal_result){ .reason = "" };
	return FW_OK;
}

int rehearsal_wait(struct rehearsal *r, uint64_t ns, struct rehearsal_result *ret)
{
	uint64_t until = r->now.monotonic_ns + ns, next;
	bool was_open = r->seat->conn != NULL && !r->seat->over;

	rehearsal_begin(r, false);
	for (unsigned turn = 0; was_open && !r->seat->over && turn < TURNS; turn++) {
		next = fw_conn_deadline(r->seat->conn);
		if (next > until)
			break;
		if (next > r->now.monotonic_ns) {
			r->now.wall_us += (next - r->now.monotonic_ns) / 1000;
			r->now.monotonic_ns = next;
		}
		fw_engine_time(r->engine, r->now);
		fw_conn_tick(r->seat->conn);
		rehearsal_settle(r);
	}
	r->now.wall_us += (until - r->now.monotonic_ns) / 1000;
	r->now.monotonic_ns = until;
	fw_engine_time(r->engine, r->now);
	if (!was_open) {
		*ret = (struct rehearsal_result){ .reason = "" };
		return FW_OK;
	}
	return rehearsal_end(r, "time", ret);
}
