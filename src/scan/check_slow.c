/* check_slow.c: clients that take their time: with a handshake, with a login, with reading. */
#include <sys/socket.h>

#include "base/slice.h"
#include "scan/check.h"

static void judge(struct scan_trial *trial, bool ended, uint64_t began, long seconds, const char *what)
{
	if (ended)
		trial_pass(trial, "%s was ended after %lu ms", what, (unsigned long)(link_now() - began));
	else
		trial_finding(trial, "%s is still open after %ld seconds", what, seconds);
}

/* Octets come one by one: an answer, or the end, before so long. */
static void drips(struct scan_trial *trial, struct client *client, long seconds, const char *drip, const char *what)
{
	uint64_t began = link_now(), end = began + (uint64_t)seconds * 1000 + 1500;
	uint8_t octets[512];
	size_t size;
	bool ended = false;

	while (link_now() < end && !ended) {
		enum link_result got = LINK_CLOSED;

		if (*drip == '\0' || link_send(&client->link, drip++, 1, 1000) == LINK_OK)
			got = link_receive(&client->link, octets, sizeof(octets), &size, 250);
		ended = (got != LINK_OK && got != LINK_TIMEOUT) ||
			(got == LINK_OK && size >= 5 && memcmp(octets, "HTTP/", 5) == 0);
	}
	judge(trial, ended, began, seconds, what);
}

/* A close frame is an end: the server may wait for the answer to it. */
static void waits(struct scan_trial *trial, struct client *client, long seconds, const char *what)
{
	uint64_t began = link_now(), end = began + (uint64_t)seconds * 1000 + 1500;

	while (client->open && link_now() < end)
		(void)client_next(client, 250);
	judge(trial, !client->open, began, seconds, what);
}

void check_slow_handshake(struct scan_trial *trial)
{
	struct client *client = client_new(trial, "slow", NULL);
	const char *text = trial_text(trial, "GET %s HTTP/1.1\r\nHost: %s\r\nX-Slow: %0500d", trial->work->target.path,
				      trial->work->target.authority, 0);

	if (client == NULL)
		return;
	if (client_connect(client) != CLIENT_OPEN) {
		trial_error(trial, "%s", link_result_text(client->why));
		return;
	}
	trial_say(trial, "sent: a handshake, an octet each quarter of a second");
	drips(trial, client, trial->work->profile.handshake_seconds, text, "a handshake that does not come to its end");
}

void check_silent_client(struct scan_trial *trial)
{
	const struct speak_as nobody = { .name = "silent" };
	struct client *client;

	if (trial->work->profile.is_public || trial->work->serves_anyone || !trial->work->logs_in) {
		trial_skip(trial, "%s",
			   trial->work->logs_in ? "clients are served without a login" : trial->work->no_login);
		return;
	}
	if (speak_login(trial, &nobody, &client) != SPEAK_IN || !client->open) {
		if (client != NULL && client->status != 0 && client->status != 101)
			trial_pass(trial, "without a credential there is no connection (HTTP %u)", client->status);
		else
			trial_error(trial, "a handshake without a credential had no answer");
		return;
	}
	trial_say(trial, "nothing is sent behind the handshake");
	waits(trial, client, trial->work->profile.login_seconds, "a connection that does not log in");
}

enum { PIECE = 4096, BATCH = 32, ROOM = 65536, ROOM_TO_READ = 1 << 20 };

/* What came until nothing does, or so many octets: without a look at it. */
static size_t read_all(struct client *client, size_t most, unsigned ms)
{
	static uint8_t octets[65536];
	size_t all = 0, size;

	while (all < most && link_receive(&client->link, octets, sizeof(octets), &size, ms) == LINK_OK)
		all += size;
	return all;
}

/* Sends messages until as much as this was taken. False: the server stops it, which is said. */
static bool ask(struct scan_trial *trial, struct client *sender, struct client *reader, size_t want, size_t *ret_sent)
{
	const struct profile *profile = &trial->work->profile;
	char text[PIECE + 1];
	const char *why = NULL;

	memset(text, 'a', PIECE);
	text[PIECE] = '\0';
	for (*ret_sent = 0; *ret_sent < want && why == NULL;) {
		char *message = speak_message(trial, sender, slice(text, PIECE));

		for (unsigned i = 0; i < BATCH && why == NULL; i++) {
			const struct client_frame frame = { .first = 0x81, .payload = slice_text(message) };

			if (client_send_frame(sender, &frame))
				*ret_sent += PIECE;
			else
				why = sender->why == LINK_TIMEOUT ? "the server reads no more from who sends"
								  : "the sender's connection was ended";
		}
		for (struct client *other = trial->clients; other != NULL; other = other->next)
			while (other != reader && other->open) {
				struct client_item item = client_next(other, 0);

				if (item.event != CLIENT_MESSAGE && item.event != CLIENT_PONG)
					break;
				if (other == sender && item.event == CLIENT_MESSAGE &&
				    (profile_matches(&profile->refused, item.text) ||
				     profile_matches(&profile->limited, item.text)))
					why = "the sender is refused";
			}
		if (why == NULL && !sender->open)
			why = "the sender's connection was ended";
	}
	if (why != NULL)
		trial_say(trial, "after %zu octets %s", *ret_sent, why);
	return why == NULL;
}

/* The witness may have been ended: while the sender waited to be read it did not read, either. */
static bool serves(struct scan_trial *trial)
{
	struct speak_as as = speak_identity(trial, 0);
	struct client *later;

	as.name = "honest, later";
	return client_answers(trial->witness, TRIAL_PATIENCE_MS * 2) ||
	       (speak_login(trial, &as, &later) == SPEAK_IN && client_answers(later, TRIAL_PATIENCE_MS * 2));
}

/* Who does not read what he is sent: it must not be kept for him without a bound. What the two kernels keep is less
 * than limits.unread_bytes. */
void check_slow_reader(struct scan_trial *trial)
{
	size_t want = (size_t)trial->work->profile.unread_bytes, sent, got;
	struct client *sender, *reader;
	int room = ROOM;
	bool all, quiet = trial->quiet;

	if (!speak_parties(trial) || (reader = check_client(trial, 1, "reader", NULL)) == NULL)
		return;
	sender = trial->work->seen_by_others ? check_client(trial, 0, "sender", NULL) : reader;
	if (sender == NULL)
		return;
	if (sender == reader)
		want = want / 2 * 5;
	(void)setsockopt(reader->link.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	trial_say(trial, "a client that reads nothing is sent messages of %d octets", PIECE);
	trial->quiet = true;
	all = ask(trial, sender, reader, want, &sent);
	trial->quiet = quiet;
	if (!serves(trial)) {
		trial_finding(trial, "beside a client that reads nothing an honest one is not served any more");
		return;
	}
	room = ROOM_TO_READ; /* what comes in drops of a small window takes minutes */
	(void)setsockopt(reader->link.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	got = all ? read_all(reader, want, 1000) : 0;
	trial_say(trial, "%zu octets were sent for it; when it read at last it was given %zu", sent, got);
	if (all && got >= want)
		trial_finding(trial, "%zu octets were kept for a client that reads nothing", got);
	else if (all)
		trial_pass(
			trial,
			"of %zu octets for a client that reads nothing %zu were kept; an honest one was served beside",
			sent, got);
	else
		trial_pass(trial,
			   "no more than %zu octets are taken for a client that reads nothing; an honest one was "
			   "served beside",
			   sent);
}
