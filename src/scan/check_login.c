/* check_login.c: who gets in without what lets others in. */
#include "base/slice.h"
#include "scan/check.h"

void check_anonymous(struct scan_trial *trial)
{
	const struct speak_as nobody = { .name = "anonymous" };
	const char *mark = trial_mark(trial);
	struct client *client;
	enum speak_login login;
	enum speak_seen seen;

	if (trial->work->profile.is_public) {
		trial_skip(trial, "the profile says that the server is public");
		return;
	}
	login = speak_login(trial, &nobody, &client);
	if (login == SPEAK_OUT && client->status != 0 && client->status != 101) {
		trial_pass(trial, "without a credential the handshake was answered with HTTP %u", client->status);
		return;
	}
	if (login != SPEAK_IN) {
		trial_error(trial, "a client without a credential was %s", speak_login_text(login));
		return;
	}
	if (!trial->work->speaks) {
		trial_skip(trial, "the handshake needs no login; whether messages do is not known: %s",
			   trial->work->no_message);
		return;
	}
	(void)client_send_text(client, slice_text(speak_message(trial, client, slice_text(mark))));
	seen = speak_seen(trial, client, mark, NULL);
	if (seen == SPEAK_SEEN)
		trial_finding(trial, "the message of a client that did not log in was delivered");
	else if (seen == SPEAK_UNKNOWN)
		trial_error(trial, "the message of a client that did not log in %s", speak_seen_text(seen));
	else
		trial_pass(trial, "the message of a client that did not log in %s", speak_seen_text(seen));
}

void check_any_token(struct scan_trial *trial)
{
	struct speak_as as = speak_identity(trial, 0);

	if (as.token == NULL || trial->work->serves_anyone || !trial->work->logs_in) {
		trial_skip(trial, "%s",
			   as.token == NULL		? "the profile has no token"
			   : trial->work->serves_anyone ? "clients are served without any login"
							: trial->work->no_login);
		return;
	}
	if (check_not_accepted(trial,
			       check_token_try(trial, "aW52YWxpZA.aW52YWxpZA.aW52YWxpZA",
					       "a token that says \"invalid\" three times"),
			       "a text that is no token"))
		trial_pass(trial, "a text that is no token was refused, and the right one after it taken");
}

void check_empty_credential(struct scan_trial *trial)
{
	static const char *const texts[] = { "null", "undefined", "", "0", "true" };

	if (check_token_ready(trial) == NULL)
		return;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *what = trial_text(trial, "the token \"%s\"", texts[i]);

		if (!check_not_accepted(trial, check_token_try(trial, texts[i], what), what))
			return;
	}
	trial_pass(trial, "null, undefined, 0, true and nothing in the token's place were refused");
}

/* Names that servers behind a proxy believe, each with what would make it an administrator. */
void check_identity_headers(struct scan_trial *trial)
{
	static const char fields[] =
		"X-User-ID: admin\r\nX-User: admin\r\nX-Forwarded-User: admin\r\nX-Remote-User: admin\r\n"
		"X-Authenticated-User: admin\r\nX-WEBAUTH-USER: admin\r\nX-User-Role: admin\r\nRemote-User: admin\r\n";
	const struct client_hello hello = { .fields = fields };
	const struct speak_as as = { .hello = &hello };
	const char *mark = trial_mark(trial);
	struct client *client;
	enum speak_login login;
	enum speak_seen seen;

	if (trial->work->serves_anyone || !trial->work->logs_in || trial->work->profile.is_public) {
		trial_skip(trial, "%s",
			   trial->work->logs_in ? "clients are served without any login" : trial->work->no_login);
		return;
	}
	login = speak_login(trial, &as, &client);
	if (client != NULL && client->status != 0 && client->status != 101) {
		trial_pass(trial, "with them and no credential the handshake was answered with HTTP %u",
			   client->status);
		return;
	}
	if (login != SPEAK_IN || !trial->work->speaks) {
		if (login == SPEAK_OUT)
			trial_pass(trial, "with them and no credential the connection was closed");
		else
			trial_error(trial, "no answer that decides it");
		return;
	}
	(void)client_send_text(client, slice_text(speak_message(trial, client, slice_text(mark))));
	seen = speak_seen(trial, client, mark, NULL);
	if (seen == SPEAK_SEEN)
		trial_finding(trial, "a client that only named itself in a header field of proxies was served");
	else if (seen == SPEAK_UNKNOWN)
		trial_error(trial, "its message %s", speak_seen_text(seen));
	else
		trial_pass(trial, "its message %s", speak_seen_text(seen));
}

void check_token_in_query(struct scan_trial *trial)
{
	static const char *const names[] = { "token", "access_token", "jwt", "auth" };
	const char *token = check_token_ready(trial);

	if (token == NULL)
		return;
	if (trial->work->profile.query != NULL && trial->work->profile.header == NULL &&
	    trial->work->profile.message == NULL) {
		trial_finding(trial,
			      "the profile's only login has the token in the URL, where logs and proxies keep it");
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct client_hello hello = {
			.path = trial_text(trial, "%s%c%s=%s", trial->work->target.path,
					   strchr(trial->work->target.path, '?') != NULL ? '&' : '?', names[i], token)
		};
		const struct speak_as as = { .hello = &hello, .name = "attacker" };
		const char *mark = trial_mark(trial);
		struct client *client;
		enum speak_login login = speak_login(trial, &as, &client);

		if (login == SPEAK_UNANSWERED && (client == NULL || client->status == 0)) {
			trial_error(trial, "no answer to a handshake with the token in the query");
			return;
		}
		if (login != SPEAK_IN || !trial->work->speaks)
			continue;
		(void)client_send_text(client, slice_text(speak_message(trial, client, slice_text(mark))));
		if (speak_seen(trial, client, mark, NULL) == SPEAK_SEEN) {
			trial_finding(
				trial,
				"a token in the query (%s=…) logs in: logs, proxies and the browser's history keep it",
				names[i]);
			return;
		}
		client_close(client);
	}
	trial_pass(trial, "a good token in the query logged nobody in");
}
