/* check_evasion.c: is what is caught in one form let through in another? */
#include "base/slice.h"
#include "codec/deflater.h"
#include "scan/check.h"
#include "scan/input.h"

static const struct input_markup markup = { "<img src=x onerror=alert(1)>", "<img", "onerror" };

/* Is the plain form neutralised, so that there is something to evade? */
static bool is_caught(struct scan_trial *trial)
{
	const char *mark = trial_mark(trial);
	struct client *sender;
	struct fw_slice got;
	enum speak_seen seen;

	if (!trial->work->profile.html) {
		trial_skip(trial, "the profile says that texts are no HTML (expect.html: false)");
		return false;
	}
	if (!speak_parties(trial) || (sender = input_sender(trial, NULL)) == NULL)
		return false;
	(void)client_send_text(
		sender,
		slice_text(speak_message(trial, sender, slice_text(trial_text(trial, "%s %s", mark, markup.text)))));
	seen = speak_seen(trial, sender, mark, &got);
	if (seen == SPEAK_UNKNOWN)
		trial_error(trial, "markup in its plain form %s", speak_seen_text(seen));
	else if (seen == SPEAK_SEEN && input_is_live(got, &markup))
		trial_skip(trial, "markup in its plain form is not caught either (input.xss)");
	else
		return true;
	return false;
}

static void judge(struct scan_trial *trial, struct client *sender, const char *mark, const char *what)
{
	struct fw_slice got;
	enum speak_seen seen = speak_seen(trial, sender, mark, &got);

	if (seen == SPEAK_SEEN && input_is_live(got, &markup)) {
		trial_note(trial, "got", got);
		trial_finding(trial, "markup that is caught in its plain form arrives %s", what);
	} else if (seen == SPEAK_UNKNOWN) {
		trial_error(trial, "markup %s %s", what, speak_seen_text(seen));
	} else {
		trial_pass(trial, "markup %s was caught, too", what);
	}
}

void check_evasion_fragments(struct scan_trial *trial)
{
	const char *mark = trial_mark(trial);
	struct client *sender;
	char *text;
	size_t cut;

	if (!is_caught(trial) || (sender = input_sender(trial, NULL)) == NULL)
		return;
	text = speak_message(trial, sender, slice_text(trial_text(trial, "%s %s", mark, markup.text)));
	cut = (size_t)(strstr(text, "onerror") - text) + 2;
	trial_note(trial, "attacker>", slice_text(trial_text(trial, "[text, not final] %.*s", (int)cut, text)));
	(void)client_send_frame(sender, &(struct client_frame){ .first = 0x01, .payload = slice(text, cut) });
	trial_note(trial, "attacker>", slice_text(trial_text(trial, "[continuation, final] %s", text + cut)));
	(void)client_send_frame(sender, &(struct client_frame){ .first = 0x80, .payload = slice_text(text + cut) });
	judge(trial, sender, mark, "in two fragments");
}

void check_evasion_compression(struct scan_trial *trial)
{
	static const struct client_hello deflating = { .deflate = true };
	const char *mark = trial_mark(trial);
	struct deflater deflater = { 0 };
	struct client *sender;
	uint8_t octets[2048];
	char *text;
	size_t size;

	if (!trial->work->compresses) {
		trial_skip(trial, "the server does not negotiate permessage-deflate");
		return;
	}
	if (!is_caught(trial) || (sender = check_client(trial, 0, "attacker", &deflating)) == NULL)
		return;
	text = speak_message(trial, sender,
			     slice_text(trial_text(trial, "%s %s %s", mark, markup.text,
						   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
	size = deflater_message(&deflater, 15, slice_text(text), octets, sizeof(octets));
	deflater_fini(&deflater);
	trial_note(trial, "attacker>", slice_text(trial_text(trial, "[compressed] %s", text)));
	(void)client_send_frame(sender, &(struct client_frame){ .first = 0xc1, .payload = slice(octets, size) });
	judge(trial, sender, mark, "compressed");
}

void check_evasion_escapes(struct scan_trial *trial)
{
	const char *mark = trial_mark(trial), *send = trial->work->profile.send;
	struct client *sender;

	if (send[0] != '{' && send[0] != '[') {
		trial_skip(trial, "the profile's message is no JSON");
		return;
	}
	if (!is_caught(trial) || (sender = input_sender(trial, NULL)) == NULL)
		return;
	(void)client_send_text(
		sender, slice_text(speak_fill(
				trial, send,
				&(struct speak_values){
					.text = slice_text(trial_text(
						trial, "%s \\u003cimg src=x \\u006fnerror=alert(1)\\u003e", mark)),
					.raw_text = true,
					.answer = sender->login_answer })));
	judge(trial, sender, mark, "with escapes in JSON");
}
