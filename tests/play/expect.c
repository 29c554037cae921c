/* What is expected of what came: `c1 expect …`, `record …`. In memory everything that will come has come; between real
 * sockets an expectation waits for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "check.h"
#include "run.h"

enum { PATIENCE = 30, QUIET_TURNS = 5 };

static double expect_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

bool expect_until(struct run *run, struct peer *peer, bool (*ready)(struct peer *peer))
{
	double until = expect_now() + PATIENCE;

	do {
		if (ready(peer))
			return true;
		run->world->operations->turn(run->world);
	} while (run->real && expect_now() < until);
	return ready(peer);
}

static bool expect_has_item(struct peer *peer)
{
	return peer_look(peer) != NULL;
}

static bool expect_has_head(struct peer *peer)
{
	return peer->has_head || peer->eof;
}

static bool expect_has_end(struct peer *peer)
{
	return peer->eof;
}

static void expect_nothing(struct run *run, struct peer *peer, const char *expected)
{
	struct text got = { 0 };

	text_say(&got, peer->eof ? "the end of the connection" : "nothing");
	if (peer->has_head && !peer->framed)
		text_format(&got, " (status %u)", peer->status);
	if (peer->broken[0] != '\0')
		text_format(&got, "; %s", peer->broken);
	run_fail(run, expected, text_get(&got));
	text_clear(&got);
}

static void expect_other(struct run *run, const char *expected, const struct item *item, const char *why)
{
	static const char *const kinds[] = { [ITEM_TEXT] = "text",
					     [ITEM_BINARY] = "binary",
					     [ITEM_CLOSE] = "close",
					     [ITEM_PING] = "ping",
					     [ITEM_PONG] = "pong" };
	struct text got = { 0 };

	text_say(&got, kinds[item->kind]);
	if (item->kind == ITEM_CLOSE)
		text_format(&got, " %u", item->code);
	text_say(&got, " ");
	check_show(item->payload, item->size, &got);
	if (why != NULL && *why != '\0')
		text_format(&got, "\n#   why:      %s", why);
	run_fail(run, expected, text_get(&got));
	text_clear(&got);
}

/* The next item if it is of this kind; otherwise the line fails. It stays the caller's: free it. */
static struct item *expect_item(struct run *run, struct peer *peer, enum item_kind kind, const char *expected)
{
	struct item *item;

	if (peer->broken[0] != '\0' || !expect_until(run, peer, expect_has_item)) {
		expect_nothing(run, peer, expected);
		return NULL;
	}
	item = peer_look(peer);
	if (item->kind != kind) {
		expect_other(run, expected, item, NULL);
		return NULL;
	}
	peer_take(peer);
	peer->last.size = 0;
	text_add(&peer->last, item->payload, item->size);
	return item;
}

void expect_json(struct run *run, struct peer *peer, const char *pattern, bool exact)
{
	struct text why = { 0 };
	struct item *item;

	if (!run->checking)
		return;
	item = expect_item(run, peer, ITEM_TEXT, pattern);
	if (item != NULL && !check_json(pattern, item->payload, item->size, exact, &why))
		expect_other(run, pattern, item, text_get(&why));
	free(item);
	text_clear(&why);
}

static void expect_octets(struct run *run, struct peer *peer, enum item_kind kind, const struct text *expected)
{
	struct text shown = { 0 };
	struct item *item;

	check_show(expected->data, expected->size, &shown);
	item = expect_item(run, peer, kind, text_get(&shown));
	if (item != NULL && kind >= ITEM_CLOSE && strchr(text_get(expected), '*') != NULL &&
	    check_glob(text_get(expected), item->payload))
		;
	else if (item != NULL &&
		 (item->size != expected->size || memcmp(item->payload, text_get(expected), item->size) != 0))
		expect_other(run, text_get(&shown), item, NULL);
	free(item);
	text_clear(&shown);
}

static void expect_text(struct run *run, struct peer *peer, const char *line)
{
	struct text text = { 0 };

	run_rest(run, line, &text);
	expect_octets(run, peer, ITEM_TEXT, &text);
	text_clear(&text);
}

/* A text message that came compressed, or that did not. Without a text it is not taken: another line looks at it. */
static void expect_way(struct run *run, struct peer *peer, const char *line, bool compressed)
{
	if (expect_until(run, peer, expect_has_item) && peer_look(peer)->kind == ITEM_TEXT &&
	    peer_look(peer)->compressed != compressed)
		run_fail(run, run->at->words, compressed ? "it is not compressed" : "it is compressed");
	else if (*text_skip(line) != '\0')
		expect_text(run, peer, line);
}

static void expect_deflated(struct run *run, struct peer *peer, const char *line)
{
	expect_way(run, peer, line, true);
}

static void expect_plain(struct run *run, struct peer *peer, const char *line)
{
	expect_way(run, peer, line, false);
}

static void expect_binary(struct run *run, struct peer *peer, const char *line)
{
	struct text hex = { 0 }, octets = { 0 };

	run_rest(run, line, &hex);
	for (size_t i = 0; i + 1 < hex.size; i += 2) {
		char pair[3] = { hex.data[i], hex.data[i + 1], '\0' };
		char octet = (char)strtoul(pair, NULL, 16);

		text_add(&octets, &octet, 1);
	}
	expect_octets(run, peer, ITEM_BINARY, &octets);
	text_clear(&hex);
	text_clear(&octets);
}

static void expect_ping(struct run *run, struct peer *peer, const char *line)
{
	struct text text = { 0 };

	run_rest(run, line, &text);
	expect_octets(run, peer, ITEM_PING, &text);
	text_clear(&text);
}

static void expect_pong(struct run *run, struct peer *peer, const char *line)
{
	struct text text = { 0 };

	run_rest(run, line, &text);
	expect_octets(run, peer, ITEM_PONG, &text);
	text_clear(&text);
}

static void expect_close(struct run *run, struct peer *peer, const char *line)
{
	struct text code = { 0 }, reason = { 0 };
	struct item *item;

	run_word(run, &line, &code);
	run_rest(run, line, &reason);
	item = expect_item(run, peer, ITEM_CLOSE, run->at->words);
	if (item != NULL && !run_is(&code, "*") && item->code != strtoul(text_get(&code), NULL, 10))
		expect_other(run, run->at->words, item, NULL);
	else if (item != NULL && reason.size != 0 && !check_glob(text_get(&reason), item->payload))
		expect_other(run, run->at->words, item, NULL);
	free(item);
	text_clear(&code);
	text_clear(&reason);
}

static void expect_end(struct run *run, struct peer *peer, const char *line)
{
	struct item *item;

	(void)line;
	if (!expect_until(run, peer, expect_has_end))
		run_fail(run, "the end of the connection", "it is open");
	item = peer_look(peer);
	if (item != NULL)
		expect_other(run, "the end of the connection", item, NULL);
}

static void expect_none(struct run *run, struct peer *peer, const char *line)
{
	struct item *item;

	(void)line;
	for (unsigned turn = 0; turn < QUIET_TURNS; turn++)
		run->world->operations->turn(run->world);
	item = peer_look(peer);
	if (item != NULL)
		expect_other(run, "nothing", item, NULL);
	else if (peer->eof)
		run_fail(run, "nothing, and the connection open", "the end of the connection");
	else if (peer->broken[0] != '\0')
		run_fail(run, "nothing", peer->broken);
}

void expect_status(struct run *run, struct peer *peer, const char *status)
{
	struct text expected = { 0 }, got = { 0 };
	char number[16];

	if (!run->checking)
		return;
	text_format(&expected, "status %s", status);
	expect_until(run, peer, expect_has_head);
	snprintf(number, sizeof(number), "%u", peer->status);
	if (!peer->has_head) {
		expect_nothing(run, peer, text_get(&expected));
	} else if (!check_glob(status, number) || peer->broken[0] != '\0') {
		text_format(&got, "status %u %s\n#   body:     %s", peer->status, peer->broken, text_get(&peer->body));
		run_fail(run, text_get(&expected), text_get(&got));
	}
	text_clear(&expected);
	text_clear(&got);
}

static void expect_status_line(struct run *run, struct peer *peer, const char *line)
{
	struct text word = { 0 };

	run_word(run, &line, &word);
	expect_status(run, peer, text_get(&word));
	text_clear(&word);
}

static void expect_header(struct run *run, struct peer *peer, const char *line)
{
	struct text name = { 0 }, pattern = { 0 }, value = { 0 };
	const char *got;
	unsigned count;

	run_word(run, &line, &name);
	run_rest(run, line, &pattern);
	expect_until(run, peer, expect_has_head);
	got = peer_header(peer, text_get(&name), &value, &count);
	if (got == NULL)
		run_fail(run, run->at->words, "no such header");
	else if (count != 1)
		run_fail(run, run->at->words, "more than one");
	else if (!check_glob(text_get(&pattern), got))
		run_fail(run, text_get(&pattern), got);
	text_clear(&name);
	text_clear(&pattern);
	text_clear(&value);
}

static void expect_no_header(struct run *run, struct peer *peer, const char *line)
{
	struct text name = { 0 }, value = { 0 };
	const char *got;

	run_word(run, &line, &name);
	expect_until(run, peer, expect_has_head);
	got = peer_header(peer, text_get(&name), &value, NULL);
	if (got != NULL)
		run_fail(run, "no such header", got);
	text_clear(&name);
	text_clear(&value);
}

/* The first line of an upstream's request. */
static void expect_request(struct run *run, struct peer *peer, const char *line)
{
	struct text pattern = { 0 }, first = { 0 };

	run_rest(run, line, &pattern);
	expect_until(run, peer, expect_has_head);
	text_add(&first, text_get(&peer->head), strcspn(text_get(&peer->head), "\r\n"));
	if (!check_glob(text_get(&pattern), text_get(&first)))
		run_fail(run, text_get(&pattern), text_get(&first));
	text_clear(&pattern);
	text_clear(&first);
}

static void expect_body(struct run *run, struct peer *peer, const char *line)
{
	struct text pattern = { 0 }, why = { 0 };

	run_rest(run, line, &pattern);
	expect_until(run, peer, expect_has_end);
	peer->last.size = 0;
	text_add(&peer->last, peer->body.data, peer->body.size);
	if (!check_json(text_get(&pattern), text_get(&peer->body), peer->body.size, false, &why)) {
		text_format(&why, "\n#   body:     %s", text_get(&peer->body));
		run_fail(run, text_get(&pattern), text_get(&why));
	}
	text_clear(&pattern);
	text_clear(&why);
}

static void expect_exactly(struct run *run, struct peer *peer, const char *line)
{
	struct text pattern = { 0 };

	run_rest(run, line, &pattern);
	expect_json(run, peer, text_get(&pattern), true);
	text_clear(&pattern);
}

/* A text message that is no JSON, with * for what differs from run to run; up to its first NUL. */
static void expect_like(struct run *run, struct peer *peer, const char *line)
{
	struct text pattern = { 0 }, payload = { 0 };
	struct item *item;

	run_rest(run, line, &pattern);
	item = run->checking ? expect_item(run, peer, ITEM_TEXT, text_get(&pattern)) : NULL;
	if (item != NULL) {
		text_add(&payload, item->payload, item->size);
		if (!check_glob(text_get(&pattern), text_get(&payload)))
			expect_other(run, text_get(&pattern), item, NULL);
	}
	free(item);
	text_clear(&pattern);
	text_clear(&payload);
}

/* c1 expect wants yes|no: may the embedder read from this side now? */
static void expect_wants(struct run *run, struct peer *peer, const char *line)
{
	struct text word = { 0 };
	int wants;

	run_word(run, &line, &word);
	run->world->operations->turn(run->world);
	wants = run->world->operations->wants(run->world, peer);
	if (wants < 0)
		run_fail(run, NULL, "wants is for the world in memory: mark the play `virtual`");
	else if ((wants != 0) != run_is(&word, "yes"))
		run_fail(run, text_get(&word), wants != 0 ? "yes" : "no");
	text_clear(&word);
}

static const struct {
	const char *name;
	void (*function)(struct run *run, struct peer *peer, const char *line);
} expect_verbs[] = {
	{ "text", expect_text },	   { "exactly", expect_exactly },
	{ "binary", expect_binary },	   { "close", expect_close },
	{ "ping", expect_ping },	   { "pong", expect_pong },
	{ "none", expect_none },	   { "eof", expect_end },
	{ "status", expect_status_line },  { "header", expect_header },
	{ "no-header", expect_no_header }, { "body", expect_body },
	{ "request", expect_request },	   { "wants", expect_wants },
	{ "deflated", expect_deflated },   { "plain", expect_plain },
	{ "like", expect_like },
};

/* u1 expect connect: names the oldest upstream connection that has no name yet. */
static void expect_connect(struct run *run, const char *name)
{
	double until = expect_now() + PATIENCE;
	struct peer *peer;

	do {
		run->world->operations->turn(run->world);
		peer = world_dialled(run->world);
	} while (peer == NULL && run->real && expect_now() < until);
	if (peer == NULL) {
		if (run->checking)
			run_fail(run, "a connection to the upstream", "none");
		return;
	}
	strncpy(peer->name, name, sizeof(peer->name) - 1);
	peer->bound = true;
	if (!expect_until(run, peer, expect_has_head) && run->checking)
		run_fail(run, "a request head", "none");
}

void expect_line(struct run *run, const char *name, struct peer *peer, const char *line)
{
	struct text word = { 0 };
	const char *rest = line;
	size_t i;

	text_word(&rest, &word, NULL);
	run->checks++;
	if (run_is(&word, "connect")) {
		expect_connect(run, name);
	} else if (peer == NULL && run->checking) {
		run_fail(run, "a client or an upstream of this name", NULL);
	} else if (run->checking && text_get(&word)[0] == '{') {
		run_rest(run, line, &word);
		expect_json(run, peer, text_get(&word), false);
	} else if (run->checking) {
		for (i = 0; i < sizeof(expect_verbs) / sizeof(expect_verbs[0]); i++)
			if (run_is(&word, expect_verbs[i].name))
				break;
		if (i == sizeof(expect_verbs) / sizeof(expect_verbs[0]))
			run_fail(run,
				 "a JSON object, text deflated plain exactly binary close ping pong none eof status "
				 "header no-header "
				 "body request wants connect",
				 text_get(&word));
		else
			expect_verbs[i].function(run, peer, rest);
	}
	text_clear(&word);
}

/* Does a record not looked at yet match? It is looked at then. */
static bool expect_find_record(struct run *run, const char *pattern)
{
	struct text why = { 0 };
	bool found = false;

	for (struct record *record = run->world->records; record != NULL && !found; record = record->next) {
		found = !record->looked && check_json(pattern, record->line, record->size, false, &why);
		record->looked |= found;
	}
	text_clear(&why);
	return found;
}

static void expect_show_records(struct run *run, struct text *ret_got)
{
	for (struct record *record = run->world->records; record != NULL; record = record->next)
		if (!record->looked)
			text_format(ret_got, "\n#     %s", record->line);
	if (ret_got->size == 0)
		text_say(ret_got, "no record that was not looked at yet");
}

/* record TYPE [LEVEL] [{details}]; record TYPE with {fields of the record} */
static void expect_pattern(struct run *run, const char *type, const char *line, struct text *ret_pattern)
{
	struct text word = { 0 };
	const char *rest = line;

	text_format(ret_pattern, "{\"event_type\":\"%s\"", type);
	if (*text_skip(rest) != '{' && strncmp(text_skip(rest), "with ", 5) != 0 && run_word(run, &rest, &word))
		text_format(ret_pattern, ",\"level\":\"%s\"", text_get(&word));
	if (strncmp(text_skip(rest), "with ", 5) == 0) {
		run_rest(run, text_skip(rest) + 5, &word);
		text_format(ret_pattern, ",%s", text_get(&word) + 1);
	} else {
		run_rest(run, rest, &word);
		if (word.size != 0)
			text_format(ret_pattern, ",\"details\":%s", text_get(&word));
		text_say(ret_pattern, "}");
	}
	text_clear(&word);
}

static void expect_no_record(struct run *run, const char *line)
{
	struct text type = { 0 }, pattern = { 0 };

	run_word(run, &line, &type);
	text_format(&pattern, "{\"event_type\":\"%s\"}", text_get(&type));
	for (unsigned turn = 0; turn < QUIET_TURNS; turn++)
		run->world->operations->turn(run->world);
	run->world->operations->records(run->world);
	if (expect_find_record(run, text_get(&pattern)))
		run_fail(run, run->at->words, "there is one");
	text_clear(&type);
	text_clear(&pattern);
}

static void expect_one_record(struct run *run, const char *type, const char *line)
{
	double until = expect_now() + PATIENCE;
	struct text pattern = { 0 }, got = { 0 };
	bool found;

	expect_pattern(run, type, line, &pattern);
	do {
		run->world->operations->turn(run->world);
		run->world->operations->records(run->world);
		found = expect_find_record(run, text_get(&pattern));
	} while (!found && run->real && expect_now() < until);
	if (found) {
		text_format(&run->events, "# event %s\n", type);
	} else {
		expect_show_records(run, &got);
		run_fail(run, text_get(&pattern), text_get(&got));
	}
	text_clear(&pattern);
	text_clear(&got);
}

/* record none TYPE · record forget · record TYPE … */
void expect_record(struct run *run, const char *line)
{
	struct text word = { 0 };

	if (run_world(run) == NULL || !run->checking)
		return;
	run->checks++;
	run_word(run, &line, &word);
	if (run_is(&word, "none")) {
		expect_no_record(run, line);
	} else if (run_is(&word, "forget")) {
		run->world->operations->turn(run->world);
		run->world->operations->records(run->world);
		for (struct record *record = run->world->records; record != NULL; record = record->next)
			record->looked = true;
	} else {
		expect_one_record(run, text_get(&word), line);
	}
	text_clear(&word);
}
