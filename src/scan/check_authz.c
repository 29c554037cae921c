/* check_authz.c: what one who is logged in may do and hear. */
#include "base/slice.h"
#include "scan/check.h"

/* Sends it as this identity, or with a token of its own; ACCEPTED when an answer looks so. */
static enum check_tried does(struct scan_trial *trial, const struct profile_forbidden *forbidden, unsigned as,
			     const char *name, const char *token)
{
	struct client *client;
	const struct profile *profile = &trial->work->profile;
	uint64_t end = link_now() + TRIAL_PATIENCE_MS;
	struct speak_values values = { .to = profile->identities[(as + 1) % profile->identity_count].user };

	if (token == NULL)
		client = check_client(trial, as, name, NULL);
	else if (speak_login(trial, &(struct speak_as){ .token = token, .name = name }, &client) != SPEAK_IN)
		return client != NULL && (client->closed || client->status != 0) ? CHECK_DENIED : CHECK_UNDECIDED;
	if (client == NULL)
		return CHECK_UNDECIDED;
	values.answer = client->login_answer;
	values.user = speak_identity(trial, as).user;
	(void)client_send_text(client, slice_text(speak_fill(trial, forbidden->send, &values)));
	while (link_now() < end) {
		struct client_item item = client_next(client, (unsigned)(end - link_now()));

		if (item.event == CLIENT_MESSAGE && profile_matches(&forbidden->done, item.text))
			return CHECK_ACCEPTED;
		if (item.event == CLIENT_MESSAGE && profile_matches(&profile->refused, item.text))
			return CHECK_DENIED;
		if (item.event == CLIENT_CLOSED || item.event == CLIENT_ENDED)
			return CHECK_DENIED;
		if (item.event == CLIENT_TIMEOUT || item.event == CLIENT_STOPPED)
			break;
	}
	return CHECK_UNDECIDED;
}

static void kind(struct scan_trial *trial, enum profile_kind kind, const char *word)
{
	const struct profile *profile = &trial->work->profile;
	unsigned tried = 0;

	if (!trial->work->logs_in || trial->work->serves_anyone) {
		trial_skip(trial, "%s",
			   trial->work->logs_in ? "clients are served without any login" : trial->work->no_login);
		return;
	}
	for (unsigned i = 0; i < profile->forbidden_count; i++) {
		const struct profile_forbidden *forbidden = &profile->forbidden[i];
		const char *name = profile->identities[forbidden->as].name;
		enum check_tried done;

		if (forbidden->kind != kind)
			continue;
		tried++;
		done = does(trial, forbidden, forbidden->as, name != NULL ? name : "identity", NULL);
		if (done == CHECK_ACCEPTED) {
			trial_finding(trial, "\"%s\" did what he may not do (entry %u of forbidden)", name, i + 1);
			return;
		}
		if (done == CHECK_UNDECIDED) {
			trial_error(trial, "what \"%s\" may not do had no answer (entry %u of forbidden)", name, i + 1);
			return;
		}
		if (forbidden->control >= 0 &&
		    does(trial, forbidden, (unsigned)forbidden->control, "control", NULL) != CHECK_ACCEPTED) {
			trial_error(trial,
				    "who may do it could not either (entry %u of forbidden): the profile's message is "
				    "wrong",
				    i + 1);
			return;
		}
	}
	if (tried == 0)
		trial_skip(trial, "the profile has no entry of the kind \"%s\" in forbidden", word);
	else
		trial_pass(trial, "%u that may not be done were refused", tried);
}

void check_vertical(struct scan_trial *trial)
{
	kind(trial, PROFILE_VERTICAL, "vertical");
}

void check_horizontal(struct scan_trial *trial)
{
	kind(trial, PROFILE_HORIZONTAL, "horizontal");
}

void check_field_level(struct scan_trial *trial)
{
	kind(trial, PROFILE_FIELD, "field");
}

/* Roles that are not the one that may, but that who looks for its name in a text, or for any value, takes for it. */
void check_role_text(struct scan_trial *trial)
{
	const struct profile *profile = &trial->work->profile;
	const struct profile_forbidden *forbidden = NULL;
	const char *role, *roles[5];

	for (unsigned i = 0; i < profile->forbidden_count; i++)
		if (profile->forbidden[i].kind == PROFILE_VERTICAL && profile->forbidden[i].control >= 0)
			forbidden = &profile->forbidden[i];
	role = forbidden != NULL ? profile->identities[forbidden->control].role : NULL;
	if (role == NULL) {
		trial_skip(trial, "the profile has no entry of the kind \"vertical\" in forbidden with a control that "
				  "has a role");
		return;
	}
	if (!check_mint_ready(trial))
		return;
	if (does(trial, forbidden, (unsigned)forbidden->control, "control", NULL) != CHECK_ACCEPTED) {
		trial_error(trial, "who may do it could not either: the profile's message is wrong");
		return;
	}
	if (does(trial, forbidden, forbidden->as, "user", NULL) == CHECK_ACCEPTED) {
		trial_skip(trial, "any role may do it (authz.vertical)");
		return;
	}
	roles[0] = trial_text(trial, "\"not%s\"", role);
	roles[1] = trial_text(trial, "\"%s-not\"", role);
	roles[2] = trial_text(trial, "{\"%s\":false}", role);
	roles[3] = trial_text(trial, "[[\"%s\"]]", role);
	roles[4] = trial_text(trial, "\"user,%s\"", role);
	for (unsigned i = 0; i < 5; i++) {
		const struct token_claims claims = {
			.user = trial_text(trial, "scan-%04x-%u", trial->work->seed & 0xffff, ++trial->work->marks),
			.role_json = roles[i],
			.expires = 3600
		};
		const char *token = token_mint(trial, &claims, NULL);
		enum check_tried done;

		trial_say(trial, "the role %s", roles[i]);
		done = token != NULL ? does(trial, forbidden, forbidden->as, "attacker", token) : CHECK_UNDECIDED;
		if (done == CHECK_ACCEPTED)
			trial_finding(trial, "with the role %s in its token a client does what \"%s\" may", roles[i],
				      role);
		else if (done == CHECK_UNDECIDED)
			trial_error(trial, "with the role %s in its token there was no answer", roles[i]);
		if (done != CHECK_DENIED)
			return;
	}
	trial_pass(trial, "five roles that only look like \"%s\" may not do what it may", role);
}

/* Does somebody who did not log in hear what others say? */
void check_unauthenticated_listener(struct scan_trial *trial)
{
	const struct speak_as nobody = { .name = "listener" };
	const char *mark = trial_mark(trial);
	struct client *listener;
	enum speak_login login;

	if (trial->work->profile.is_public || trial->work->serves_anyone) {
		trial_skip(trial, "the server serves clients that did not log in");
		return;
	}
	if (!speak_parties(trial))
		return;
	if (!trial->work->seen_by_others) {
		trial_skip(trial, "messages go back to their sender alone");
		return;
	}
	login = speak_login(trial, &nobody, &listener);
	if (listener == NULL || !listener->open || login != SPEAK_IN) {
		if (listener != NULL && (listener->status != 0 || login == SPEAK_OUT))
			trial_pass(trial, "a client without a credential is not connected (HTTP %u)", listener->status);
		else
			trial_error(trial, "a client without a credential had no answer");
		return;
	}
	(void)client_send_text(trial->honest, slice_text(speak_message(trial, trial->honest, slice_text(mark))));
	if (!speak_hears(trial->witness, mark, TRIAL_PATIENCE_MS, NULL))
		trial_error(trial, "an honest message did not arrive");
	else if (speak_hears(listener, mark, 300, NULL))
		trial_finding(trial, "a client that did not log in heard what a user said");
	else
		trial_pass(
			trial,
			"a client that did not log in heard nothing, while a user's message arrived at another user");
}

void check_direct_leak(struct scan_trial *trial)
{
	const struct profile *profile = &trial->work->profile;
	struct speak_as to = speak_identity(trial, 1),
			third = speak_identity(trial, profile->identity_count > 2 ? 2 : 0),
			from = speak_identity(trial, 0);
	const char *mark = trial_mark(trial);
	struct client *sender, *receiver, *listener;

	if (profile->direct == NULL || to.user == NULL) {
		trial_skip(trial, "the profile has no message for one user alone (message.direct), or no name of the "
				  "second identity");
		return;
	}
	if (profile->identity_count < 3) {
		trial_skip(trial, "a third identity is needed, who must not hear it");
		return;
	}
	if (!trial->work->logs_in || trial->work->serves_anyone) {
		trial_skip(trial, "%s",
			   trial->work->logs_in ? "clients are served without any login" : trial->work->no_login);
		return;
	}
	from.name = "sender", to.name = "receiver", third.name = "third";
	if (speak_login(trial, &from, &sender) != SPEAK_IN || speak_login(trial, &to, &receiver) != SPEAK_IN ||
	    speak_login(trial, &third, &listener) != SPEAK_IN) {
		trial_error(trial, "three honest clients could not log in");
		return;
	}
	(void)client_send_text(sender,
			       slice_text(speak_fill(trial, profile->direct,
						     &(struct speak_values){ .text = slice_text(mark),
									     .to = to.user,
									     .answer = sender->login_answer })));
	if (!speak_hears(receiver, mark, TRIAL_PATIENCE_MS, NULL))
		trial_error(trial, "the message for one user did not reach him");
	else if (speak_hears(listener, mark, 300, NULL))
		trial_finding(trial, "a message for one user was heard by another");
	else
		trial_pass(trial, "a message for one user reached him, and not another");
}
