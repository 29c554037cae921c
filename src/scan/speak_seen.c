/* speak_seen.c: did a message arrive? What did not is told from what is only late by an honest client's later message.
 */
#include "base/slice.h"
#include "scan/speak.h"

enum { GRACE_MS = 40 };

/* One that was closed has missed what was said since. */
static bool present(const struct scan_trial *trial)
{
	return trial->honest != NULL && trial->honest->open && trial->witness != NULL && trial->witness->open;
}

bool speak_parties(struct scan_trial *trial)
{
	struct scan_work *work = trial->work;
	struct speak_as first = speak_identity(trial, 0), second = speak_identity(trial, 1);
	bool quiet = trial->quiet;
	bool in;

	if (present(trial))
		return true;
	if (!work->speaks) {
		trial_skip(trial, "%s", work->no_message);
		return false;
	}
	if (!speak_has_credentials(&second))
		second = first;
	first.name = "honest";
	second.name = "witness";
	trial->quiet = true;
	in = speak_login(trial, &second, &trial->witness) == SPEAK_IN &&
	     speak_login(trial, &first, &trial->honest) == SPEAK_IN;
	trial->quiet = quiet;
	if (!in)
		trial_error(trial, "two honest clients could not log in again");
	return in;
}

const char *speak_seen_text(enum speak_seen seen)
{
	return seen == SPEAK_SEEN      ? "was delivered"
	       : seen == SPEAK_REFUSED ? "was refused with an answer"
	       : seen == SPEAK_CLOSED  ? "ended the sender's connection"
	       : seen == SPEAK_UNSEEN  ? "was not delivered, while an honest client's message was"
				       : "had no answer, and an honest client's message had none either";
}

static bool has(struct scan_trial *trial, struct fw_slice message, const char *mark, struct fw_slice *ret_text)
{
	struct fw_slice text = profile_text_with(message, mark, &trial->arena);

	if (text.data == NULL)
		return false;
	if (ret_text != NULL)
		*ret_text = slice_text(trial_copy(trial, text));
	return true;
}

/* What the sender hears of it: until a ping behind the message is answered, and nothing more comes. */
static enum speak_seen from_sender(struct scan_trial *trial, struct client *sender, const char *mark,
				   struct fw_slice *ret_text)
{
	const struct profile *profile = &trial->work->profile;
	const struct client_frame ping = { .first = 0x89, .payload = slice_text("settle") };
	uint64_t end = link_now() + TRIAL_PATIENCE_MS;
	bool settled = false;

	if (sender->open)
		(void)client_send_frame(sender, &ping);
	while (link_now() < end) {
		struct client_item item = client_next(sender, settled ? GRACE_MS : (unsigned)(end - link_now()));

		if (item.event == CLIENT_MESSAGE && trial->work->seen_by_sender &&
		    has(trial, item.text, mark, ret_text) && !profile_matches(&profile->refused, item.text))
			return SPEAK_SEEN;
		if (item.event == CLIENT_MESSAGE &&
		    (profile_matches(&profile->refused, item.text) || profile_matches(&profile->limited, item.text)))
			return SPEAK_REFUSED;
		if (item.event == CLIENT_PONG) {
			settled = true;
			end = link_now() + GRACE_MS;
		} else if (item.event != CLIENT_MESSAGE) {
			return item.event == CLIENT_TIMEOUT || item.event == CLIENT_STOPPED ? SPEAK_UNKNOWN
											    : SPEAK_CLOSED;
		}
	}
	return SPEAK_UNKNOWN;
}

static bool witness_has(struct scan_trial *trial, const char *mark, unsigned ms, struct fw_slice *ret_text)
{
	uint64_t end = link_now() + ms;

	while (trial->work->seen_by_others && link_now() < end) {
		struct client_item item = client_next(trial->witness, (unsigned)(end - link_now()));

		if (item.event == CLIENT_MESSAGE && has(trial, item.text, mark, ret_text))
			return true;
		if (item.event != CLIENT_MESSAGE && item.event != CLIENT_PONG)
			return false;
	}
	return false;
}

/* An honest message, and whether it arrives; what the witness got meanwhile is looked at, too. */
static enum speak_seen fence(struct scan_trial *trial, const char *mark, struct fw_slice *ret_text)
{
	const char *own = trial_mark(trial);
	struct client *hears = trial->work->seen_by_others ? trial->witness : trial->honest;
	uint64_t end = link_now() + TRIAL_PATIENCE_MS;
	enum speak_seen seen = SPEAK_UNKNOWN;
	bool quiet = trial->quiet;

	trial->quiet = true;
	(void)client_send_text(trial->honest, slice_text(speak_message(trial, trial->honest, slice_text(own))));
	while (link_now() < end && seen == SPEAK_UNKNOWN) {
		struct client_item item = client_next(hears, (unsigned)(end - link_now()));

		if (item.event == CLIENT_MESSAGE && has(trial, item.text, mark, ret_text))
			seen = SPEAK_SEEN;
		else if (item.event == CLIENT_MESSAGE && has(trial, item.text, own, NULL))
			seen = SPEAK_UNSEEN;
		else if (item.event != CLIENT_MESSAGE && item.event != CLIENT_PONG)
			break;
	}
	trial->quiet = quiet;
	if (seen == SPEAK_UNSEEN && witness_has(trial, mark, GRACE_MS, ret_text))
		seen = SPEAK_SEEN;
	return seen;
}

enum speak_seen speak_seen(struct scan_trial *trial, struct client *sender, const char *mark, struct fw_slice *ret_text)
{
	enum speak_seen seen;

	if (ret_text != NULL)
		*ret_text = slice(NULL, 0);
	if (!present(trial))
		return SPEAK_UNKNOWN;
	seen = from_sender(trial, sender, mark, ret_text);
	if (seen == SPEAK_SEEN)
		return seen;
	if (witness_has(trial, mark, GRACE_MS, ret_text))
		return SPEAK_SEEN;
	if (seen != SPEAK_UNKNOWN)
		return seen;
	seen = fence(trial, mark, ret_text);
	/* One that echoes may be later with that than with its answer to a ping. */
	if (seen == SPEAK_UNSEEN && trial->work->seen_by_sender && sender->open) {
		enum speak_seen late = from_sender(trial, sender, mark, ret_text);

		seen = late != SPEAK_UNKNOWN ? late : seen;
	}
	return seen;
}

bool speak_served(struct scan_trial *trial, const struct speak_as *as)
{
	const char *mark = trial_mark(trial);
	struct client *client;
	bool served = speak_login(trial, as, &client) == SPEAK_IN;

	if (served && trial->work->speaks) {
		(void)client_send_text(client, slice_text(speak_message(trial, client, slice_text(mark))));
		served = speak_seen(trial, client, mark, NULL) == SPEAK_SEEN;
	}
	if (client != NULL)
		client_close(client);
	return served;
}

bool speak_hears(struct client *client, const char *text, unsigned ms, struct fw_slice *ret_message)
{
	uint64_t end = link_now() + ms;

	while (link_now() < end) {
		struct client_item item = client_next(client, (unsigned)(end - link_now()));

		if (item.event == CLIENT_MESSAGE && item.text.size != 0 &&
		    memmem(item.text.data, item.text.size, text, strlen(text)) != NULL) {
			if (ret_message != NULL)
				*ret_message = slice_text(trial_copy(client->trial, item.text));
			return true;
		}
		if (item.event != CLIENT_MESSAGE && item.event != CLIENT_PONG)
			return false;
	}
	return false;
}
