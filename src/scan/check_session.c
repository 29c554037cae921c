/* check_session.c: sessions and passwords: what is guessed, fixed, reused, and what must end. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/slice.h"
#include "scan/check.h"

const struct profile_identity *check_password_identity(struct scan_trial *trial)
{
	const struct profile *profile = &trial->work->profile;

	if (profile->password == NULL) {
		trial_skip(trial, "the profile has no login with a password (login.password)");
		return NULL;
	}
	for (unsigned i = 0; i < profile->identity_count; i++)
		if (profile->identities[i].password != NULL && profile->identities[i].user != NULL)
			return &profile->identities[i];
	trial_skip(trial, "no identity of the profile has a user name and a password");
	return NULL;
}

enum speak_login check_password_login(struct scan_trial *trial, const struct profile_identity *identity)
{
	struct speak_as as = { .user = identity->user, .password = identity->password, .name = "control" };
	struct client *client;

	return speak_login(trial, &as, &client);
}

bool check_password_works(struct scan_trial *trial, const struct profile_identity *identity)
{
	enum speak_login login = check_password_login(trial, identity);

	if (login != SPEAK_IN)
		trial_error(trial, "the profile's own password was %s", speak_login_text(login));
	return login == SPEAK_IN;
}

void check_default_password(struct scan_trial *trial)
{
	const struct profile *profile = &trial->work->profile;
	static const char *const pairs[][2] = { { "admin", "admin" },
						{ "admin", "password" },
						{ "admin", "changeme" },
						{ "admin", "123456" },
						{ "root", "root" },
						{ "root", "toor" },
						{ "user", "user" },
						{ "test", "test" },
						{ "guest", "guest" },
						{ "demo", "demo" },
						{ "administrator", "administrator" },
						{ "admin", "" },
						{ "alice", "alice" },
						{ "operator", "operator" } };

	if (trial->work->profile.password == NULL) {
		trial_skip(trial, "the profile has no login with a password (login.password)");
		return;
	}
	if (trial->work->serves_anyone) {
		trial_skip(trial, "clients are served without any login");
		return;
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		const struct speak_as as = { .user = pairs[i][0], .password = pairs[i][1], .name = "attacker" };
		struct client *client;
		enum speak_login login = speak_login(trial, &as, &client);

		if (login == SPEAK_IN) {
			trial_finding(trial, "\"%s\" with the password \"%s\" logs in", pairs[i][0], pairs[i][1]);
			return;
		}
		if (login != SPEAK_OUT) {
			trial_error(trial, "the try number %zu was %s", i + 1, speak_login_text(login));
			return;
		}
	}
	/* A refusal says nothing where no password logs in. */
	for (unsigned i = 0; i < profile->identity_count; i++)
		if (profile->identities[i].password != NULL && profile->identities[i].user != NULL) {
			if (check_password_works(trial, &profile->identities[i]))
				trial_pass(trial,
					   "%zu usual pairs of name and password were refused, a right one was not",
					   sizeof(pairs) / sizeof(*pairs));
			return;
		}
	trial_skip(trial,
		   "%zu usual pairs of name and password did not log in, which says nothing without an identity whose "
		   "password does",
		   sizeof(pairs) / sizeof(*pairs));
}

/* count wrong guesses, then the right password: if that logs in they were all judged. */
static void guesses(struct scan_trial *trial, const struct profile_identity *identity, bool one_account)
{
	long most = trial->work->profile.guesses_per_minute, done = 0;
	struct fw_addr source = trial_address(trial);
	struct client *client;
	struct speak_as right = { .user = identity->user, .password = identity->password, .name = "control" };
	enum speak_login login = SPEAK_OUT;
	uint64_t began = link_now();

	if (!check_password_works(trial, identity))
		return;
	for (done = 0; done <= most && login == SPEAK_OUT; done++) {
		struct speak_as as = { .user = one_account ? identity->user : trial_text(trial, "nobody%ld", done),
				       .password = trial_text(trial, "Wrong-guess-%ld", done),
				       .name = "attacker" };

		if (!one_account)
			as.source = &source;
		trial->quiet = done >= 3;
		login = speak_login(trial, &as, &client);
		if (client != NULL)
			client_close(client);
	}
	trial->quiet = false;
	if (login == SPEAK_IN) {
		trial_error(trial, "a wrong password logged in");
		return;
	}
	if (login == SPEAK_UNANSWERED && done < 2) {
		trial_error(trial, "a wrong password had no answer");
		return;
	}
	if (login != SPEAK_OUT) {
		trial_pass(trial, "after %ld guesses %s the next was %s", done - 1,
			   one_account ? "at one account" : "from one address", speak_login_text(login));
		return;
	}
	if (!one_account)
		right.source = &source;
	login = speak_login(trial, &right, &client);
	trial_say(trial, "%ld wrong guesses in %lu ms, then the right password: %s", done,
		  (unsigned long)(link_now() - began), speak_login_text(login));
	if (login == SPEAK_IN)
		trial_finding(trial, "%ld guesses %s within %lu ms were all judged, at most %ld a minute are wanted",
			      done, one_account ? "at one account, from as many addresses," : "from one address",
			      (unsigned long)(link_now() - began), most);
	else
		trial_pass(trial, "behind %ld guesses %s even the right password was %s: they are limited", done,
			   one_account ? "at one account" : "from one address", speak_login_text(login));
}

void check_brute_force(struct scan_trial *trial)
{
	const struct profile_identity *identity = check_password_identity(trial);

	if (identity != NULL && !trial->work->loopback)
		trial_skip(trial, "guesses from several addresses need a target on this machine");
	else if (identity != NULL && trial->work->guesses_limited != 0)
		trial_pass(trial, "after %u guesses at one account, from as many addresses, the next was not judged",
			   trial->work->guesses_limited);
	else if (identity != NULL)
		guesses(trial, identity, true);
}

void check_guesses_address(struct scan_trial *trial)
{
	const struct profile_identity *identity = check_password_identity(trial);

	if (identity != NULL)
		guesses(trial, identity, false);
}

/* An answer without what is different each time: numbers and marks. */
static char *shape(struct scan_trial *trial, const struct client *client)
{
	char *text = trial_text(trial, "%u %s", client->status, client->heard);
	size_t size = 0;

	for (char *at = text; *at != '\0'; at++)
		if (!ascii_is_digit((uint8_t)*at) && ascii_hex((uint8_t)*at) < 0)
			text[size++] = *at;
	text[size] = '\0';
	return text;
}

void check_user_enumeration(struct scan_trial *trial)
{
	const struct profile_identity *identity = check_password_identity(trial);
	struct client *known, *unknown;
	char *first, *second;

	if (identity == NULL || !check_password_works(trial, identity))
		return;
	if (speak_login(trial,
			&(struct speak_as){ .user = identity->user, .password = "Wrong-guess-1", .name = "known" },
			&known) != SPEAK_OUT ||
	    speak_login(trial,
			&(struct speak_as){ .user = "nobody-has-this", .password = "Wrong-guess-1", .name = "unknown" },
			&unknown) != SPEAK_OUT) {
		trial_error(trial, "a wrong password was not refused with an answer");
		return;
	}
	first = shape(trial, known);
	second = shape(trial, unknown);
	if (strcmp(first, second) != 0)
		trial_finding(trial, "the answers to a wrong password and to an unknown user differ");
	else
		trial_pass(trial, "a wrong password and an unknown user have the same answer");
}

/* The session token that this login was given. */
static char *session_of(struct scan_trial *trial, const struct client *client)
{
	const struct profile *profile = &trial->work->profile;
	char *session = client->login_answer != NULL && profile->session_at != NULL
				? profile_value(slice_text(client->login_answer), profile->session_at, &trial->arena)
				: NULL;

	return session;
}

static bool has_sessions(struct scan_trial *trial)
{
	const struct profile *profile = &trial->work->profile;

	if (profile->session == NULL || profile->session_at == NULL)
		trial_skip(trial, "the profile has no login with a session (login.session, login.session_at)");
	else if (!trial->work->logs_in)
		trial_skip(trial, "%s", trial->work->no_login);
	else
		return true;
	return false;
}

void check_session_reuse(struct scan_trial *trial)
{
	struct speak_as as = speak_identity(trial, 0);
	struct client *first, *second;
	char *one, *two;

	if (!has_sessions(trial))
		return;
	if (speak_login(trial, &as, &first) != SPEAK_IN || speak_login(trial, &as, &second) != SPEAK_IN) {
		trial_error(trial, "the same user could not log in twice");
		return;
	}
	one = session_of(trial, first);
	two = session_of(trial, second);
	if (one == NULL || two == NULL)
		trial_skip(trial, "the answer to the login has no session at %s", trial->work->profile.session_at);
	else if (strcmp(one, two) == 0)
		trial_finding(trial, "two logins of one user were given the same session token");
	else if (strlen(one) < 22)
		trial_finding(trial, "a session token has %zu characters: fewer than 128 bits", strlen(one));
	else
		trial_pass(trial, "each login is given a session token of its own, of %zu characters", strlen(one));
}

/* A value that the attacker has chosen beforehand, in the victim's login. */
void check_session_fixation(struct scan_trial *trial)
{
	const struct profile *profile = &trial->work->profile;
	const char *chosen = trial_text(trial, "%s%s%s", trial_mark(trial), trial_mark(trial), "AttackerChoseThis");
	struct speak_as as = speak_identity(trial, 0), attacker = { .session = chosen, .name = "attacker" };
	const char *preset;
	struct client_hello hello = { 0 };
	struct client *victim;
	char *given;
	enum check_tried tried;

	if (!has_sessions(trial))
		return;
	preset = profile->preset != NULL
			 ? speak_fill(trial, profile->preset, &(struct speak_values){ .session = chosen })
			 : trial_text(trial, "session=%s; session_token=%s; sid=%s; session_id=%s", chosen, chosen,
				      chosen, chosen);
	hello.fields = trial_text(trial, "Cookie: %s\r\n", preset);
	as.hello = &hello;
	as.name = "victim";
	if (speak_login(trial, &as, &victim) == SPEAK_UNANSWERED) {
		trial_error(trial, "a login with a session cookie of somebody else's choice had no answer");
		return;
	}
	given = victim != NULL ? session_of(trial, victim) : NULL;
	if (given != NULL && strcmp(given, chosen) == 0) {
		trial_finding(trial, "the session of a login is the one that was chosen before it");
		return;
	}
	tried = check_login_try(trial, &attacker, "the session that was chosen before the victim's login");
	if (check_not_accepted(trial, tried, "a session that was chosen before the victim's login"))
		trial_pass(trial, "a login takes no session from the client");
}

void check_logout_live(struct scan_trial *trial)
{
	const struct profile *profile = &trial->work->profile;
	struct speak_as as = speak_identity(trial, 0);
	struct client *first, *second;
	const char *mark = trial_mark(trial);
	char *session;
	enum speak_seen seen;

	if (profile->logout == NULL) {
		trial_skip(trial, "the profile has no message that logs out (login.logout)");
		return;
	}
	if (!has_sessions(trial) || !speak_parties(trial))
		return;
	as.name = "first";
	if (speak_login(trial, &as, &first) != SPEAK_IN || (session = session_of(trial, first)) == NULL) {
		trial_error(trial, "no session was given");
		return;
	}
	trial_secret(trial->work, session);
	if (speak_login(trial, &(struct speak_as){ .session = session, .name = "second" }, &second) != SPEAK_IN) {
		trial_error(trial, "the session does not log in a second connection");
		return;
	}
	(void)client_send_text(
		second, slice_text(speak_fill(trial, profile->logout, &(struct speak_values){ .session = session })));
	for (uint64_t end = link_now() + 1500; first->open && link_now() < end;)
		(void)client_next(first, 200);
	if (!first->open) {
		trial_pass(trial, "who logs out has the other connections of the session closed");
		return;
	}
	(void)client_send_text(first, slice_text(speak_message(trial, first, slice_text(mark))));
	seen = speak_seen(trial, first, mark, NULL);
	if (seen == SPEAK_SEEN)
		trial_finding(trial,
			      "after the logout another connection of the session goes on: its message was delivered");
	else if (seen == SPEAK_UNKNOWN)
		trial_error(trial, "its message %s", speak_seen_text(seen));
	else
		trial_pass(trial, "after the logout the session's other connection is not served: its message %s",
			   speak_seen_text(seen));
}

void check_revocation_live(struct scan_trial *trial)
{
	const struct profile *profile = &trial->work->profile;
	struct speak_as as = speak_identity(trial, 0);
	struct client *client;
	const char *mark = trial_mark(trial), *command;
	enum speak_seen seen;
	int status;

	if (profile->revoke == NULL || !trial->work->options->commands) {
		trial_skip(trial, "%s",
			   profile->revoke == NULL ? "the profile has no command that revokes a user (revoke)"
						   : "commands of a profile are run with --run-commands only");
		return;
	}
	if (!speak_parties(trial))
		return;
	for (const char *at = as.user != NULL ? as.user : ""; *at != '\0'; at++)
		if (!ascii_is_alpha((uint8_t)*at) && !ascii_is_digit((uint8_t)*at) && strchr("-_.@", *at) == NULL) {
			trial_error(trial, "the user's name is none that is put into a command");
			return;
		}
	if (speak_login(trial, &as, &client) != SPEAK_IN) {
		trial_error(trial, "the user could not log in");
		return;
	}
	command = speak_fill(trial, profile->revoke, &(struct speak_values){ .user = as.user });
	trial_say(trial, "run: %s", command);
	command = trial_text(trial, "{ %s\n} >&2 </dev/null", command);
	status = system(command); /* NOLINT: the profile is the operator's own, and he has asked for it */
	if (status != 0) {
		trial_error(trial, "the command that revokes ended with %d",
			    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
		return;
	}
	for (uint64_t end = link_now() + 2000; client->open && link_now() < end;)
		(void)client_next(client, 200);
	if (!client->open) {
		trial_pass(trial, "the connection of a user who was revoked was closed within two seconds");
		return;
	}
	(void)client_send_text(client, slice_text(speak_message(trial, client, slice_text(mark))));
	seen = speak_seen(trial, client, mark, NULL);
	if (seen == SPEAK_SEEN)
		trial_finding(trial, "two seconds after the user was revoked his message was delivered");
	else if (seen == SPEAK_UNKNOWN)
		trial_error(trial, "its message %s", speak_seen_text(seen));
	else
		trial_pass(trial, "after the user was revoked his message %s", speak_seen_text(seen));
}
