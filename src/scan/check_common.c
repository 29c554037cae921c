/* check_common.c: what several checks share. */
#include "base/slice.h"
#include "scan/check.h"

enum check_tried check_login_try(struct scan_trial *trial, const struct speak_as *as, const char *what)
{
	struct speak_as with = *as, right = speak_identity(trial, 0);
	struct fw_addr source = as->source != NULL ? *as->source : trial_address(trial);
	struct client *client;
	enum speak_login login;
	enum speak_seen seen = SPEAK_SEEN;
	const char *mark;

	with.source = right.source = &source;
	with.name = "attacker";
	trial_say(trial, "%s", what);
	login = speak_login(trial, &with, &client);
	if (login == SPEAK_IN && !profile_match_set(&trial->work->profile.answer)) {
		if (!trial->work->speaks)
			return client_answers(client, TRIAL_PATIENCE_MS) ? CHECK_ACCEPTED : CHECK_UNDECIDED;
		mark = trial_mark(trial);
		(void)client_send_text(client, slice_text(speak_message(trial, client, slice_text(mark))));
		seen = speak_seen(trial, client, mark, NULL);
	}
	if (login == SPEAK_IN && seen == SPEAK_SEEN)
		return CHECK_ACCEPTED;
	if (client != NULL)
		client_close(client);
	if (login == SPEAK_LIMITED || login == SPEAK_UNANSWERED || seen == SPEAK_UNKNOWN)
		return CHECK_UNDECIDED;
	/* Was it judged at all? The same address with what is right. */
	if (!speak_has_credentials(&right))
		return CHECK_DENIED;
	right.name = "control";
	trial->quiet = true;
	login = speak_login(trial, &right, &client);
	trial->quiet = false;
	if (client != NULL)
		client_close(client);
	trial_say(trial, "from the same address, with what is right: %s", speak_login_text(login));
	return login == SPEAK_IN ? CHECK_DENIED : CHECK_UNDECIDED;
}

enum check_tried check_token_try(struct scan_trial *trial, const char *token, const char *what)
{
	const struct speak_as as = { .token = token };

	return check_login_try(trial, &as, what);
}

const char *check_token_ready(struct scan_trial *trial)
{
	struct speak_as as = speak_identity(trial, 0);

	if (as.token == NULL)
		trial_skip(trial, "the profile has no token and no key to make one with");
	else if (!trial->work->logs_in)
		trial_skip(trial, "%s", trial->work->no_login);
	else if (trial->work->serves_anyone)
		trial_skip(trial, "clients are served without any login, so that tokens say nothing");
	else if (trial->work->takes_any_token)
		trial_skip(trial, "any text is taken for a token (auth.any_token)");
	else
		return as.token;
	return NULL;
}

bool check_mint_ready(struct scan_trial *trial)
{
	if (!token_can_mint(trial->work)) {
		trial_skip(trial,
			   "tokens are made for this check: the profile has no key (jwt.secret_file, jwt.key_file)");
		return false;
	}
	if (check_token_ready(trial) == NULL)
		return false;
	if (trial->work->verifies_nothing) {
		trial_skip(trial, "signatures are not verified at all (jwt.signature)");
		return false;
	}
	return true;
}

bool check_not_accepted(struct scan_trial *trial, enum check_tried tried, const char *what)
{
	if (tried == CHECK_ACCEPTED)
		trial_finding(trial, "accepted: %s", what);
	else if (tried == CHECK_UNDECIDED)
		trial_error(trial, "no answer that decides it: %s", what);
	return tried == CHECK_DENIED;
}

struct client *check_client(struct scan_trial *trial, unsigned at, const char *name, const struct client_hello *hello)
{
	struct speak_as as = speak_identity(trial, at);
	struct client *client;
	enum speak_login login;

	as.name = name;
	as.hello = hello;
	login = speak_login(trial, &as, &client);
	if (login == SPEAK_IN && client->open)
		return client;
	trial_error(trial, "an honest client was %s", speak_login_text(login));
	return NULL;
}

static enum check_tried origin_try(struct scan_trial *trial, const char *origin, const char *host)
{
	const struct client_hello hello = { .origin = origin, .host = host };
	struct speak_as as = speak_identity(trial, 0);
	struct client *client;
	enum speak_login login;

	as.hello = &hello;
	login = speak_login(trial, &as, &client);
	if (client == NULL)
		return CHECK_UNDECIDED;
	if (client->status != 0 && client->status != 101 && client->status < 500 && client->status != 429)
		return CHECK_DENIED;
	if (login == SPEAK_OUT)
		return CHECK_DENIED;
	if (!client->open)
		return CHECK_UNDECIDED;
	if (!client_answers(client, TRIAL_PATIENCE_MS))
		return client->closed ? CHECK_DENIED : CHECK_UNDECIDED;
	client_close(client);
	return CHECK_ACCEPTED;
}

/* Denied counts only where an honest client, with the profile's own origin, is served. */
enum check_tried check_origin_try(struct scan_trial *trial, const char *origin, const char *host)
{
	enum check_tried tried = origin_try(trial, origin, host);
	struct speak_as right = speak_identity(trial, 0);
	struct client *client;
	bool quiet = trial->quiet, served;

	if (tried != CHECK_DENIED)
		return tried;
	right.name = "control";
	trial->quiet = true;
	served = speak_login(trial, &right, &client) == SPEAK_IN && client_answers(client, TRIAL_PATIENCE_MS);
	trial->quiet = quiet;
	if (client != NULL)
		client_close(client);
	trial_say(trial, "with the profile's own origin: %s", served ? "served" : "not served");
	return served ? CHECK_DENIED : CHECK_UNDECIDED;
}

bool check_jwt_ready(struct scan_trial *trial, struct fw_slice *ret_claims, struct fw_slice *ret_header)
{
	const char *token = check_token_ready(trial);

	if (token == NULL)
		return false;
	*ret_claims = token_claims_of(trial, token, ret_header);
	if (ret_claims->data == NULL)
		trial_skip(trial, "the token is no JWT");
	else if (trial->work->verifies_nothing)
		trial_skip(trial, "signatures are not verified at all (jwt.signature)");
	else
		return true;
	return false;
}
