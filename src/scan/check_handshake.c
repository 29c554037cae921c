/* check_handshake.c: handshakes that RFC 6455 4.2.1 forbids. */
#include "base/slice.h"
#include "scan/check.h"

static void refuse(struct scan_trial *trial, const struct client_hello *hello, const char *what)
{
	struct speak_as as = speak_identity(trial, 0);
	struct client *client;

	as.hello = hello;
	(void)speak_login(trial, &as, &client);
	if (client == NULL)
		return;
	if (client->status == 101)
		trial_finding(trial, "%s was accepted", what);
	else if (client->status != 0)
		trial_pass(trial, "%s was answered with HTTP %u", what, client->status);
	else if (client->why == LINK_CLOSED || client->why == LINK_BROKEN)
		trial_pass(trial, "%s ended the connection", what);
	else
		trial_error(trial, "%s had no answer: %s", what, link_result_text(client->why));
}

void check_handshake_version(struct scan_trial *trial)
{
	refuse(trial, &(struct client_hello){ .version = "12" }, "a handshake of version 12");
}

void check_handshake_key(struct scan_trial *trial)
{
	refuse(trial, &(struct client_hello){ .key = "" }, "a handshake without a key");
}

void check_handshake_short_key(struct scan_trial *trial)
{
	refuse(trial, &(struct client_hello){ .key = "c2hvcnQ=" }, "a handshake with a key of 5 octets");
}

void check_handshake_method(struct scan_trial *trial)
{
	refuse(trial, &(struct client_hello){ .method = "POST" }, "a handshake by POST");
}

void check_handshake_http10(struct scan_trial *trial)
{
	refuse(trial, &(struct client_hello){ .http = "HTTP/1.0" }, "a handshake by HTTP/1.0");
}

void check_handshake_hixie(struct scan_trial *trial)
{
	refuse(trial,
	       &(struct client_hello){ .version = "",
				       .key = "",
				       .fields = "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: "
						 "12998 5 Y3 1  .P00\r\n" },
	       "a handshake of the draft hixie-76");
}

/* A protocol that nobody offered, or one of those offered that it cannot know. */
void check_handshake_subprotocol(struct scan_trial *trial)
{
	const char *name = trial_mark(trial);
	const struct client_hello hello = { .subprotocol = trial_text(trial, "%s", name) };
	struct speak_as as = speak_identity(trial, 0);
	struct client *client;

	if (trial->work->profile.subprotocol != NULL || trial->work->profile.login_subprotocol != NULL) {
		trial_skip(trial, "the profile has a subprotocol of its own");
		return;
	}
	as.hello = &hello;
	(void)speak_login(trial, &as, &client);
	if (client == NULL)
		return;
	if (client->status == 101 && client->answered_subprotocol != NULL)
		trial_finding(trial, "the server agreed to a subprotocol that nobody knows (%s)",
			      client->answered_subprotocol);
	else if (client->status != 0)
		trial_pass(trial, "a subprotocol that nobody knows was not agreed to (HTTP %u)", client->status);
	else
		trial_error(trial, "the handshake had no answer");
}

enum { FIELDS = 2000 };
void check_handshake_size(struct scan_trial *trial)
{
	char *fields = arena_alloc(&trial->arena, FIELDS * 40 + 1);
	size_t size = 0;

	if (fields == NULL) {
		trial_error(trial, "out of memory");
		return;
	}
	for (unsigned i = 0; i < FIELDS; i++)
		size += (size_t)snprintf(fields + size, 40, "X-%05u: %s\r\n", i, "aaaaaaaaaaaaaaaaaaaaaaaa");
	trial->quiet = true;
	refuse(trial, &(struct client_hello){ .fields = fields },
	       trial_text(trial, "a handshake with %d fields, %zu octets,", FIELDS, size));
	trial->quiet = false;
	trial_say(trial, "sent: GET with %d fields X-00000 …", FIELDS);
}
