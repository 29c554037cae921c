/* What clients and upstreams do: `c1 connect …`, `c1 send …`, `u1 accept`. A name stands for a client once it connects,
 * for an upstream connection once `NAME expect connect` has found one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "deflate.h"
#include "run.h"

/* Header lines of a request that a play may change or leave out. */
struct request {
	struct text path, method, version, http, key, host, from, lines, without;
};

static void actor_request_clear(struct request *request)
{
	text_clear(&request->path);
	text_clear(&request->method);
	text_clear(&request->version);
	text_clear(&request->http);
	text_clear(&request->key);
	text_clear(&request->host);
	text_clear(&request->from);
	text_clear(&request->lines);
	text_clear(&request->without);
}

static void actor_bearer(struct run *run, const char **line, struct request *request)
{
	struct text user = { 0 }, role = { 0 }, token = { 0 };

	run_word(run, line, &user);
	run_word(run, line, &role);
	text_format(&token, "${token:%s:%s}", text_get(&user), text_get(&role));
	run_rest(run, text_get(&token), &user);
	text_format(&request->lines, "Authorization: Bearer %s\r\n", text_get(&user));
	text_clear(&user);
	text_clear(&role);
	text_clear(&token);
}

/* as USER ROLE · bearer TOKEN · apikey KEY · cookie TEXT · subprotocol LIST · origin O · header "N: V" · without NAME ·
 * host H · from ADDRESS · method M · version V · http V · key K */
static void actor_options(struct run *run, const char *line, struct request *request)
{
	static const char *const headers[][2] = {
		{ "bearer", "Authorization: Bearer " },	       { "apikey", "X-API-Key: " }, { "cookie", "Cookie: " },
		{ "subprotocol", "Sec-WebSocket-Protocol: " }, { "origin", "Origin: " },    { "header", "" }
	};
	const struct {
		const char *name;
		struct text *text;
	} texts[] = { { "host", &request->host },	{ "from", &request->from }, { "method", &request->method },
		      { "version", &request->version }, { "http", &request->http }, { "key", &request->key } };
	struct text word = { 0 }, value = { 0 }, options = { 0 };

	/* Expanded, then split: a macro may stand for several options. */
	text_say(&options, line);
	run_expand(run, &options);
	line = text_get(&options);
	while (!run->stopped && text_word(&line, &word, NULL)) {
		size_t i;

		if (run_is(&word, "as")) {
			actor_bearer(run, &line, request);
			continue;
		}
		text_word(&line, &value, NULL);
		if (run_is(&word, "without")) {
			text_format(&request->without, "|%s|", text_get(&value));
			continue;
		}
		for (i = 0; i < sizeof(headers) / sizeof(headers[0]) && !run_is(&word, headers[i][0]); i++)
			;
		if (i < sizeof(headers) / sizeof(headers[0])) {
			text_format(&request->lines, "%s%s\r\n", headers[i][1], text_get(&value));
			continue;
		}
		for (i = 0; i < sizeof(texts) / sizeof(texts[0]) && !run_is(&word, texts[i].name); i++)
			;
		if (i == sizeof(texts) / sizeof(texts[0])) {
			run_fail(run,
				 "as bearer apikey cookie subprotocol origin header without host from method version "
				 "http key",
				 text_get(&word));
			break;
		}
		texts[i].text->size = 0;
		text_say(texts[i].text, text_get(&value));
	}
	text_clear(&word);
	text_clear(&value);
	text_clear(&options);
}

static void actor_header(struct text *head, const struct request *request, const char *name, const char *value)
{
	char mark[64];

	snprintf(mark, sizeof(mark), "|%s|", name);
	if (strstr(text_get(&request->without), mark) == NULL)
		text_format(head, "%s: %s\r\n", name, value);
}

static void actor_send_request(struct run *run, struct peer *peer, const struct request *request)
{
	struct text host = { 0 };

	text_format(&host, "localhost:%u", run->macros.client_port);
	text_format(&peer->out, "%s %s HTTP/%s\r\n", request->method.size != 0 ? text_get(&request->method) : "GET",
		    text_get(&request->path), request->http.size != 0 ? text_get(&request->http) : "1.1");
	actor_header(&peer->out, request, "Host", request->host.size != 0 ? text_get(&request->host) : text_get(&host));
	actor_header(&peer->out, request, "Upgrade", "websocket");
	actor_header(&peer->out, request, "Connection", "Upgrade");
	strcpy(peer->key, "dGhlIHNhbXBsZSBub25jZQ==");
	actor_header(&peer->out, request, "Sec-WebSocket-Key",
		     request->key.size != 0 ? text_get(&request->key) : peer->key);
	actor_header(&peer->out, request, "Sec-WebSocket-Version",
		     request->version.size != 0 ? text_get(&request->version) : "13");
	text_format(&peer->out, "%s\r\n", text_get(&request->lines));
	text_clear(&host);
}

void actor_check_rest(struct run *run, struct peer *peer)
{
	struct text shown = { 0 };
	struct item *item = peer_look(peer);

	if (peer->broken[0] != '\0') {
		run_fail(run, NULL, peer->broken);
	} else if (peer->upstream && !peer->bound && run->world->upstream == UPSTREAM_MANUAL) {
		run_fail(run, "every upstream connection to be named", "one that no line expects");
	} else if (item != NULL && !(peer->upstream && !peer->bound)) {
		text_format(&shown, "%s has something that no line expects: %s%u ", peer->name,
			    item->kind == ITEM_CLOSE ? "close " : "opcode ",
			    item->kind == ITEM_CLOSE ? item->code : item->kind);
		check_show(item->payload, item->size, &shown);
		run_fail(run, NULL, text_get(&shown));
	}
	text_clear(&shown);
}

/* A client of this name, new; an older one of the same name leaves. */
static struct peer *actor_client(struct run *run, const char *name, const char *from)
{
	struct world *world = run->world;
	struct peer *peer = world_find(world, name);

	if (peer != NULL) {
		world->operations->turn(world);
		if (run->checking)
			actor_check_rest(run, peer);
		while (peer->items != NULL)
			free(peer_take(peer));
		peer->gone = true;
		peer->paused = false;
		peer->name[0] = '\0';
		world->operations->turn(world);
	}
	peer = peer_new(name, false);
	world_add(world, peer);
	world->operations->connect(world, peer, from);
	return peer;
}

static void actor_open(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct request request = { 0 };

	(void)peer;
	actor_options(run, line, &request);
	if (!run->stopped)
		actor_client(run, name, request.from.size != 0 ? text_get(&request.from) : NULL);
	actor_request_clear(&request);
}

static struct peer *actor_handshake(struct run *run, const char *name, const char *line)
{
	struct request request = { 0 };
	struct peer *peer = NULL;

	if (!run_word(run, &line, &request.path))
		text_say(&request.path, "/");
	actor_options(run, line, &request);
	if (!run->stopped) {
		peer = actor_client(run, name, request.from.size != 0 ? text_get(&request.from) : NULL);
		actor_send_request(run, peer, &request);
		run->world->operations->turn(run->world);
	}
	actor_request_clear(&request);
	return peer;
}

static void actor_connect(struct run *run, const char *name, struct peer *peer, const char *line)
{
	(void)peer;
	actor_handshake(run, name, line);
}

/* c1 login USER ROLE [PATH OPTIONS]: connect, the auth message with a token, auth_success. */
static void actor_login(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text user = { 0 }, role = { 0 }, text = { 0 };

	run_word(run, &line, &user);
	run_word(run, &line, &role);
	peer = actor_handshake(run, name, line);
	if (peer != NULL && !run->stopped)
		expect_status(run, peer, "101");
	if (peer != NULL && !run->stopped) {
		text_format(&text, "{\"type\":\"auth\",\"method\":\"jwt\",\"token\":\"${token:%s:%s}\"}",
			    text_get(&user), text_get(&role));
		run_rest(run, text_get(&text), &user);
		peer_message(peer, ITEM_TEXT, user.data, user.size);
		expect_json(run, peer, "{\"type\":\"auth_success\"}", false);
	}
	text_clear(&user);
	text_clear(&role);
	text_clear(&text);
}

static void actor_raw(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text text = { 0 };

	(void)name;
	run_rest(run, line, &text);
	text_add(&peer->out, text.data, text.size);
	text_clear(&text);
}

static void actor_send(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text text = { 0 };

	(void)name;
	run_rest(run, line, &text);
	peer_message(peer, ITEM_TEXT, text.data, text.size);
	text_clear(&text);
}

/* One text message, compressed. */
static void actor_deflate(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct frame frame = { .fin = 1, .rsv = 4, .opcode = ITEM_TEXT, .masked = !peer->upstream };
	struct text text = { 0 }, payload = { 0 };

	(void)name;
	run_rest(run, line, &text);
	deflate_write(text.data, text.size, &payload);
	peer_frame(peer, &frame, payload.data, payload.size);
	text_clear(&text);
	text_clear(&payload);
}

static void actor_hex(const struct text *hex, struct text *ret_octets)
{
	for (size_t i = 0; i + 1 < hex->size; i += 2) {
		char pair[3] = { hex->data[i], hex->data[i + 1], '\0' };
		char octet = (char)strtoul(pair, NULL, 16);

		text_add(ret_octets, &octet, 1);
	}
}

static void actor_binary(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text hex = { 0 }, octets = { 0 };

	(void)name;
	run_rest(run, line, &hex);
	actor_hex(&hex, &octets);
	peer_message(peer, ITEM_BINARY, octets.data, octets.size);
	text_clear(&hex);
	text_clear(&octets);
}

static void actor_ping(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text text = { 0 };

	(void)name;
	run_rest(run, line, &text);
	peer_message(peer, ITEM_PING, text.data, text.size);
	text_clear(&text);
}

static void actor_pong(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text text = { 0 };

	(void)name;
	run_rest(run, line, &text);
	peer_message(peer, ITEM_PONG, text.data, text.size);
	text_clear(&text);
}

/* One field of a raw frame; false when the word is none: then the payload begins. */
static bool actor_frame_field(struct frame *frame, const char *word)
{
	const char *equals = strchr(word, '=');
	uint64_t value = 0;

	if (equals == NULL || strcspn(word, "\"{[ ") < (size_t)(equals - word))
		return false;
	text_number(equals + 1, &value);
	if (strncmp(word, "fin=", 4) == 0)
		frame->fin = (unsigned)value;
	else if (strncmp(word, "rsv=", 4) == 0)
		frame->rsv = (unsigned)value;
	else if (strncmp(word, "opcode=", 7) == 0)
		frame->opcode = (unsigned)value;
	else if (strncmp(word, "form=", 5) == 0)
		frame->form = (unsigned)value;
	else if (strncmp(word, "mask=", 5) == 0)
		frame->masked = value != 0 || (frame->zero_mask = strcmp(equals + 1, "zero") == 0);
	else if (strncmp(word, "length=", 7) == 0) {
		frame->has_length = true;
		frame->length = value;
	} else {
		return false;
	}
	return true;
}

/* c1 frame fin=0 opcode=1 rsv=4 mask=0|1|zero length=DECLARED form=7|16|64 PAYLOAD */
static void actor_frame(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct frame frame = { .fin = 1, .opcode = ITEM_TEXT, .masked = !peer->upstream };
	struct text word = { 0 }, all = { 0 };
	const char *before;

	(void)name;
	text_say(&all, line);
	run_expand(run, &all);
	line = before = text_get(&all);
	while (text_word(&line, &word, NULL) && actor_frame_field(&frame, text_get(&word)))
		before = line;
	text_rest(before, &word);
	peer_frame(peer, &frame, word.data, word.size);
	text_clear(&word);
	text_clear(&all);
}

static void actor_close(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text code = { 0 }, reason = { 0 };
	uint64_t number = 0;

	(void)name;
	if (run_word(run, &line, &code) && !text_number(text_get(&code), &number))
		run_fail(run, "close CODE REASON", text_get(&code));
	run_rest(run, line, &reason);
	peer_close(peer, (unsigned)number, reason.data, reason.size);
	text_clear(&code);
	text_clear(&reason);
}

static void actor_abort(struct run *run, const char *name, struct peer *peer, const char *line)
{
	(void)run;
	(void)name;
	(void)line;
	peer->out.size = 0;
	peer->gone = true;
}

/* Closes the socket behind what was sent. */
static void actor_finish(struct run *run, const char *name, struct peer *peer, const char *line)
{
	(void)run;
	(void)name;
	(void)line;
	peer->finish = true;
}

static void actor_pause(struct run *run, const char *name, struct peer *peer, const char *line)
{
	(void)run;
	(void)name;
	(void)line;
	peer->paused = true;
}

static void actor_resume(struct run *run, const char *name, struct peer *peer, const char *line)
{
	(void)run;
	(void)name;
	(void)line;
	peer->paused = false;
}

/* What is sent from here on leaves in one piece with `release`. */
static void actor_hold(struct run *run, const char *name, struct peer *peer, const char *line)
{
	(void)run;
	(void)name;
	(void)line;
	peer->held = true;
}

static void actor_release(struct run *run, const char *name, struct peer *peer, const char *line)
{
	(void)run;
	(void)name;
	(void)line;
	peer->held = false;
}

static void actor_manual(struct run *run, const char *name, struct peer *peer, const char *line)
{
	(void)run;
	(void)name;
	(void)line;
	peer->manual = true;
}

static void actor_ignore(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text rest = { 0 };

	(void)name;
	run_rest(run, line, &rest);
	strncpy(peer->ignore, text_get(&rest), sizeof(peer->ignore) - 1);
	text_clear(&rest);
}

static bool actor_has_request(struct peer *peer)
{
	return peer->has_head;
}

/* u1 accept [header "N: V"]… */
static void actor_accept(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct request request = { 0 };

	(void)name;
	actor_options(run, line, &request);
	if (expect_until(run, peer, actor_has_request))
		world_accept(peer, text_get(&request.lines));
	else if (run->checking)
		run_fail(run, "a request to accept", "none came");
	actor_request_clear(&request);
}

static void actor_refuse(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text status = { 0 };

	(void)name;
	run_word(run, &line, &status);
	if (expect_until(run, peer, actor_has_request))
		text_format(&peer->out, "HTTP/1.1 %s Refused\r\nContent-Length: 0\r\n\r\n", text_get(&status));
	else if (run->checking)
		run_fail(run, "a request to refuse", "none came");
	text_clear(&status);
}

/* c1 keep NAME PATH: a value of the message that was looked at last becomes ${NAME}. */
static void actor_keep(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text variable = { 0 }, path = { 0 }, value = { 0 };

	(void)name;
	run_word(run, &line, &variable);
	run_word(run, &line, &path);
	if (run->checking && !check_lookup(text_get(&peer->last), peer->last.size, text_get(&path), &value))
		run_fail(run, text_get(&path), text_get(&peer->last));
	macro_set(&run->macros, text_get(&variable), &value);
	text_clear(&variable);
	text_clear(&path);
	text_clear(&value);
}

static const struct {
	const char *name;
	void (*function)(struct run *run, const char *name, struct peer *peer, const char *line);
	bool makes; /* needs no peer of this name */
} actor_verbs[] = {
	{ "connect", actor_connect, true }, { "login", actor_login, true },	 { "open", actor_open, true },
	{ "expect", NULL, true },	    { "raw", actor_raw, false },	 { "send", actor_send, false },
	{ "binary", actor_binary, false },  { "ping", actor_ping, false },	 { "pong", actor_pong, false },
	{ "frame", actor_frame, false },    { "close", actor_close, false },	 { "abort", actor_abort, false },
	{ "hold", actor_hold, false },	    { "release", actor_release, false }, { "finish", actor_finish, false },
	{ "pause", actor_pause, false },    { "resume", actor_resume, false },	 { "manual", actor_manual, false },
	{ "ignore", actor_ignore, false },  { "accept", actor_accept, false },	 { "refuse", actor_refuse, false },
	{ "keep", actor_keep, false },	    { "deflate", actor_deflate, false },
};

void actor_line(struct run *run, const char *name, const char *line)
{
	struct text verb = { 0 };
	struct peer *peer = world_find(run->world, name);
	size_t i;

	run_word(run, &line, &verb);
	for (i = 0; i < sizeof(actor_verbs) / sizeof(actor_verbs[0]); i++)
		if (run_is(&verb, actor_verbs[i].name))
			break;
	text_clear(&verb);
	if (i == sizeof(actor_verbs) / sizeof(actor_verbs[0])) {
		run_fail(run, "a command, or NAME and a verb", NULL);
	} else if (peer == NULL && !actor_verbs[i].makes) {
		if (run->checking)
			run_fail(run, "a client or an upstream of this name", NULL);
	} else if (actor_verbs[i].function == NULL) {
		expect_line(run, name, peer, line);
	} else {
		actor_verbs[i].function(run, name, peer, line);
		run->world->operations->turn(run->world);
	}
}
