/* check_jwt_claims.c: tokens with the right signature whose claims, or header, must make the server refuse them. */
#include <stdlib.h>
#include <unistd.h>

#include "base/slice.h"
#include "scan/check.h"

/* Is a token with these claims taken? A finding if so. */
static void refuse(struct scan_trial *trial, const struct token_claims *claims, const char *head_more, const char *what)
{
	struct token_claims with = *claims;
	char *token;

	if (!check_mint_ready(trial))
		return;
	with.user = trial_text(trial, "scan-%04x-%u", trial->work->seed & 0xffff, ++trial->work->marks);
	with.role = trial->work->profile.identity_count != 0 ? trial->work->profile.identities[0].role : NULL;
	token = token_mint(trial, &with, head_more);
	if (token == NULL)
		trial_error(trial, "the key of the profile does not sign");
	else if (check_not_accepted(trial, check_token_try(trial, token, what), what))
		trial_pass(trial, "refused: %s", what);
}

void check_jwt_expired(struct scan_trial *trial)
{
	const struct token_claims claims = { .expires = -3600 };

	refuse(trial, &claims, NULL, "a token that expired an hour ago");
}

void check_jwt_not_before(struct scan_trial *trial)
{
	const struct token_claims claims = { .expires = 7200, .not_before = 3600 };

	refuse(trial, &claims, NULL, "a token that is not valid before an hour from now (nbf)");
}

void check_jwt_no_expiry(struct scan_trial *trial)
{
	const struct token_claims claims = { .expires = 0 };

	refuse(trial, &claims, NULL, "a token without an end (no exp)");
}

void check_jwt_audience(struct scan_trial *trial)
{
	const struct token_claims claims = { .expires = 3600, .audience = "https://another.example" };

	if (trial->work->profile.audience == NULL)
		trial_skip(trial, "the profile names no audience (jwt.audience)");
	else
		refuse(trial, &claims, NULL, "a token for another audience");
}

void check_jwt_issuer(struct scan_trial *trial)
{
	const struct token_claims claims = { .expires = 3600, .issuer = "https://another.example" };

	if (trial->work->profile.issuer == NULL)
		trial_skip(trial, "the profile names no issuer (jwt.issuer)");
	else
		refuse(trial, &claims, NULL, "a token of another issuer");
}

void check_jwt_critical(struct scan_trial *trial)
{
	const struct token_claims claims = { .expires = 3600 };

	refuse(trial, &claims, ",\"crit\":[\"fw-scan\"],\"fw-scan\":true",
	       "a token whose header demands something that the server cannot know (crit)");
}

void check_jwt_duplicate(struct scan_trial *trial)
{
	const char *claim = trial->work->profile.role_claim;
	const struct token_claims claims = { .expires = 3600, .more = trial_text(trial, ",\"%s\":\"admin\"", claim) };

	refuse(trial, &claims, NULL, trial_text(trial, "a token with two values of the claim \"%s\"", claim));
}

enum { LIVE_SECONDS = 3, LIVE_GRACE_MS = 4000 };

void check_expiry_live(struct scan_trial *trial)
{
	const struct token_claims claims = {
		.user = trial_text(trial, "scan-%04x-%u", trial->work->seed & 0xffff, ++trial->work->marks),
		.role = trial->work->profile.identity_count != 0 ? trial->work->profile.identities[0].role : NULL,
		.expires = LIVE_SECONDS,
	};
	const char *mark = trial_mark(trial);
	struct speak_as as = { .name = "expiring" };
	struct client *client;
	uint64_t end;
	enum speak_seen seen;

	if (!check_mint_ready(trial))
		return;
	as.token = token_mint(trial, &claims, NULL);
	if (!trial->work->speaks) {
		trial_skip(trial, "%s", trial->work->no_message);
		return;
	}
	if (as.token == NULL || speak_login(trial, &as, &client) != SPEAK_IN) {
		trial_error(trial, "a token that is valid for %d seconds did not log in", LIVE_SECONDS);
		return;
	}
	end = link_now() + LIVE_SECONDS * 1000 + LIVE_GRACE_MS;
	while (client->open && link_now() < end)
		(void)client_next(client, 500);
	if (!client->open) {
		trial_pass(trial, "the connection was closed when its token expired");
		return;
	}
	trial_say(trial, "%d seconds after the token's end the connection is still open", LIVE_GRACE_MS / 1000);
	(void)client_send_text(client, slice_text(speak_message(trial, client, slice_text(mark))));
	seen = speak_seen(trial, client, mark, NULL);
	if (seen == SPEAK_SEEN)
		trial_finding(
			trial,
			"an open connection goes on after its token's end: a message %d seconds later was delivered",
			LIVE_GRACE_MS / 1000);
	else if (seen == SPEAK_UNKNOWN)
		trial_error(trial, "its message %s", speak_seen_text(seen));
	else
		trial_pass(trial, "after its token's end its message %s", speak_seen_text(seen));
}
