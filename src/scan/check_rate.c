/* check_rate.c: limits, measured: how many are served until the first is not. */
#include "base/mem.h"
#include "base/slice.h"
#include "scan/check.h"

enum { QUIET_MS = 500 };

/* What was told of messages that end in a number, numbered from 0: how many different ones of them arrived. */
static unsigned arrived(struct client *client, const char *mark, uint8_t *seen, unsigned count, unsigned ms,
			bool *ret_refused, bool all)
{
	const struct profile *profile = &client->trial->work->profile;
	unsigned found = 0;
	size_t size = strlen(mark);
	uint64_t end = link_now() + ms;

	while (link_now() < end) {
		struct client_item item = client_next(client, (unsigned)(end - link_now()));
		const uint8_t *at;

		if (item.event == CLIENT_PONG && slice_is(item.text, mark) && !all)
			break;
		if (all && item.event == CLIENT_MESSAGE) /* until nothing comes for so long */
			end = link_now() + ms;
		if (item.event != CLIENT_MESSAGE && item.event != CLIENT_PONG)
			break;
		if (item.event == CLIENT_MESSAGE &&
		    (profile_matches(&profile->refused, item.text) || profile_matches(&profile->limited, item.text)))
			*ret_refused = true;
		at = item.event == CLIENT_MESSAGE && item.text.size > size
			     ? memmem(item.text.data, item.text.size - 5, mark, size)
			     : NULL;
		if (at != NULL && at + size + 5 <= item.text.data + item.text.size) {
			unsigned number = 0;

			for (unsigned i = 0; i < 5 && ascii_is_digit(at[size + i]); i++)
				number = number * 10 + (unsigned)(at[size + i] - '0');
			if (number < count && !seen[number]) {
				seen[number] = 1;
				found++;
			}
		}
	}
	return found;
}

void check_message_rate(struct scan_trial *trial)
{
	unsigned count = (unsigned)trial->work->profile.messages_per_minute + 1, found = 0;
	const char *mark = trial_text(trial, "%sn", trial_mark(trial));
	const struct client_frame ping = { .first = 0x89, .payload = slice_text(mark) };
	bool refused = false;
	uint8_t *seen;
	struct client *sender, *hears;

	if (!speak_parties(trial) || (sender = check_client(trial, 0, "sender", NULL)) == NULL)
		return;
	hears = trial->work->seen_by_others ? trial->witness : sender;
	seen = arena_alloc(&trial->arena, count);
	if (seen == NULL) {
		trial_error(trial, "out of memory");
		return;
	}
	memset(seen, 0, count);
	for (unsigned i = 0; i < count && sender->open; i++) {
		trial->quiet = i >= 2;
		(void)client_send_text(
			sender,
			slice_text(speak_message(trial, sender, slice_text(trial_text(trial, "%s%05u", mark, i)))));
		if (i % 8 == 7) { /* so that neither side waits for the other */
			if (hears != sender)
				found += arrived(hears, mark, seen, count, 1, &refused, false);
			(void)client_send_frame(sender, &ping);
			found += arrived(sender, mark, seen, count, TRIAL_PATIENCE_MS, &refused, false);
		}
	}
	found += arrived(sender, mark, seen, count, QUIET_MS, &refused, true);
	if (hears != sender)
		found += arrived(hears, mark, seen, count, QUIET_MS, &refused, true);
	trial->quiet = false;
	trial_say(trial, "%u messages sent on one connection, %u of them delivered%s%s", count, found,
		  refused ? ", refusals said" : "", sender->open ? "" : ", the connection was closed");
	if (found == count)
		trial_finding(
			trial,
			"%u messages on one connection in a row were all delivered, at most %u a minute are wanted",
			count, count - 1);
	else if (found == 0)
		trial_error(trial, "of %u messages none arrived", count);
	else if (!refused && sender->open)
		trial_error(trial, "of %u messages %u arrived, and nobody said why", count, found);
	else
		trial_pass(trial, "measured: %u messages on one connection are delivered, the next is not", found);
}

enum { SHARING = 4 };

/* Several connections that share a limit: of one user from several addresses, or of several users from one. */
static bool share(struct scan_trial *trial, bool one_user, struct client *clients[static SHARING])
{
	struct speak_as user = speak_identity(trial, 0);
	struct fw_addr source = trial_address(trial);

	for (unsigned i = 0; i < SHARING; i++) {
		struct speak_as as = one_user ? user : speak_identity(trial, token_can_mint(trial->work) ? 0 : i % 2);

		as.name = "sender";
		as.source = one_user ? NULL : &source;
		if (speak_login(trial, &as, &clients[i]) != SPEAK_IN || !clients[i]->open) {
			trial_error(trial, "%u connections could not be opened", SHARING);
			return false;
		}
	}
	return true;
}

static void shared_rate(struct scan_trial *trial, long most, bool one_user)
{
	const char *mark = trial_text(trial, "%sn", trial_mark(trial)),
		   *whose = one_user ? "of one user" : "from one address";
	const struct client_frame ping = { .first = 0x89, .payload = slice_text(mark) };
	unsigned count = (unsigned)most + 1, found = 0, open = 0;
	bool refused = false, apart = !trial->work->seen_by_others;
	struct client *clients[SHARING];
	uint8_t *seen;

	if (!speak_parties(trial) || !share(trial, one_user, clients))
		return;
	seen = arena_alloc(&trial->arena, count);
	if (seen == NULL) {
		trial_error(trial, "out of memory");
		return;
	}
	memset(seen, 0, count);
	for (unsigned i = 0; i < count; i++) {
		struct client *sender = clients[i % SHARING];

		trial->quiet = i >= SHARING;
		if (!sender->open)
			continue;
		(void)client_send_text(
			sender,
			slice_text(speak_message(trial, sender, slice_text(trial_text(trial, "%s%05u", mark, i)))));
		if (!apart)
			found += arrived(trial->witness, mark, seen, count, 1, &refused, false);
		if (i / SHARING % 8 == 7) {
			(void)client_send_frame(sender, &ping);
			found += arrived(sender, mark, seen, count, TRIAL_PATIENCE_MS, &refused, false);
		}
	}
	for (unsigned i = 0; i < SHARING; i++) {
		found += arrived(clients[i], mark, seen, count, QUIET_MS / 2, &refused, true);
		open += clients[i]->open;
	}
	if (!apart)
		found += arrived(trial->witness, mark, seen, count, QUIET_MS, &refused, true);
	trial->quiet = false;
	trial_say(trial, "%u messages sent on %d connections %s, %u of them delivered%s; %u connections are open",
		  count, SHARING, whose, found, refused ? ", refusals said" : "", open);
	if (found == count)
		trial_finding(trial,
			      "%u messages %s over %d connections were all delivered, at most %ld a minute are wanted",
			      count, whose, SHARING, most);
	else if (found == 0 || (!refused && open == SHARING))
		trial_error(trial, "of %u messages %u arrived, and nobody said why", count, found);
	else
		trial_pass(trial, "measured: %u messages %s over %d connections are delivered, the next is not", found,
			   whose, SHARING);
}

void check_rate_user(struct scan_trial *trial)
{
	struct speak_as as = speak_identity(trial, 0);

	if (trial->work->profile.messages_per_minute_user == 0)
		trial_skip(trial,
			   "the profile names no limit of a user over connections (limits.messages_per_minute_user)");
	else if (!speak_has_credentials(&as) || !trial->work->logs_in || trial->work->serves_anyone)
		trial_skip(trial, "nobody logs in, so that there are no users");
	else
		shared_rate(trial, trial->work->profile.messages_per_minute_user, true);
}

void check_rate_address(struct scan_trial *trial)
{
	if (trial->work->profile.messages_per_minute_address == 0)
		trial_skip(trial, "the profile names no limit of an address over connections "
				  "(limits.messages_per_minute_address)");
	else
		shared_rate(trial, trial->work->profile.messages_per_minute_address, false);
}

/* How many of these connections are served at the end. */
static unsigned alive(struct client **clients, unsigned count)
{
	unsigned served = 0;

	for (unsigned i = 0; i < count; i++)
		served += clients[i] != NULL && clients[i]->open && client_answers(clients[i], TRIAL_PATIENCE_MS);
	return served;
}

static void connections(struct scan_trial *trial, bool one_address, long most)
{
	struct client **clients = mem_zero((size_t)most + 1, sizeof(struct client *));
	struct fw_addr source = trial_address(trial);
	struct speak_as user = speak_identity(trial, 0);
	enum speak_login login = SPEAK_IN;
	unsigned count = 0, served;
	uint64_t began = link_now();

	if (clients == NULL) {
		trial_error(trial, "out of memory");
		return;
	}
	while (count <= (unsigned)most && login == SPEAK_IN) {
		struct speak_as as = one_address ? speak_identity(trial, 0) : user;

		if (one_address)
			as.source = &source;
		trial->quiet = count >= 1;
		login = speak_login(trial, &as, &clients[count]);
		if (login == SPEAK_IN && clients[count]->open)
			count++;
		else
			break;
	}
	served = alive(clients, count);
	mem_free(clients);
	trial->quiet = false;
	trial_say(trial, "%u connections were opened in %lu ms, %u of them are served; the next one was %s", count,
		  (unsigned long)(link_now() - began), served,
		  count > (unsigned)most ? "not tried" : speak_login_text(login));
	if (served > (unsigned)most)
		trial_finding(trial, "%u connections %s are served at once, at most %ld are wanted", served,
			      one_address ? "from one address" : "of one user", most);
	else if (served == 0)
		trial_error(trial, "not one connection is served");
	else
		trial_pass(trial, "measured: %u connections %s are served at once", served,
			   one_address ? "from one address" : "of one user");
}

void check_connections_address(struct scan_trial *trial)
{
	connections(trial, true, trial->work->profile.connections_per_address);
}

void check_connections_user(struct scan_trial *trial)
{
	struct speak_as as = speak_identity(trial, 0);

	if (!speak_has_credentials(&as) || !trial->work->logs_in || trial->work->serves_anyone)
		trial_skip(trial, "nobody logs in, so that there are no users");
	else if (!trial->work->loopback &&
		 trial->work->profile.connections_per_user >= trial->work->profile.connections_per_address)
		trial_skip(trial, "without several addresses the limit of an address comes first");
	else
		connections(trial, false, trial->work->profile.connections_per_user);
}
