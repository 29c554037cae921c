/* check_jwt_claims.c: tokens with the right signature whose claims, or header, must make the server refuse them. */
#include <stdlib.h>
#include <unistd.h>

#include "base/slice.h"
#include "scan/check.h"

/* False: one with these claims is taken, which is a finding, or nothing decided it. */
static bool refused(struct scan_trial *trial, const struct token_claims *claims, const char *head_more,
		    const char *what)
{
	struct token_claims with = *claims;
	char *token;

	with.user = trial_text(trial, "scan-%04x-%u", trial->work->seed & 0xffff, ++trial->work->marks);
	if (with.role == NULL && trial->work->profile.identity_count != 0)
		with.role = trial->work->profile.identities[0].role;
	token = token_mint(trial, &with, head_more);
	if (token == NULL)
		trial_error(trial, "the key of the profile does not sign");
	return token != NULL && check_not_accepted(trial, check_token_try(trial, token, what), what);
}

static void refuse(struct scan_trial *trial, const struct token_claims *claims, const char *head_more, const char *what)
{
	if (check_mint_ready(trial) && refused(trial, claims, head_more, what))
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

/* Texts that are not this one, but that who compares without care takes for it; the last one leaves it out. */
enum { LIKE = 6 };
static void like(struct scan_trial *trial, const char *own, const char *ret_like[static LIKE])
{
	char *other = trial_text(trial, "%s", own);

	for (char *at = other; *at != '\0'; at++)
		*at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
	ret_like[0] = "https://another.example";
	ret_like[1] = trial_text(trial, "%sx", own);
	ret_like[2] = trial_text(trial, "%.*s", (int)(strlen(own) > 1 ? strlen(own) - 1 : 1), own);
	ret_like[3] = trial_text(trial, "%s/", own);
	ret_like[4] = strcmp(other, own) != 0 ? other : "another";
	ret_like[5] = "";
}

void check_jwt_audience(struct scan_trial *trial)
{
	const char *own = trial->work->profile.audience, *others[LIKE];

	if (own == NULL) {
		trial_skip(trial, "the profile names no audience (jwt.audience)");
		return;
	}
	if (!check_mint_ready(trial))
		return;
	like(trial, own, others);
	for (unsigned i = 0; i < LIKE; i++)
		if (!refused(trial, &(struct token_claims){ .expires = 3600, .audience = others[i] }, NULL,
			     others[i][0] != '\0' ? trial_text(trial, "a token for the audience \"%s\"", others[i])
						  : "a token for no audience"))
			return;
	if (refused(trial,
		    &(struct token_claims){
			    .expires = 3600, .audience = "", .more = ",\"aud\":[\"https://another.example\"]" },
		    NULL, "a token for a list of audiences that is of others"))
		trial_pass(trial, "refused: tokens for another audience, for one that looks like it, and for none");
}

void check_jwt_issuer(struct scan_trial *trial)
{
	const char *own = trial->work->profile.issuer, *others[LIKE];

	if (own == NULL) {
		trial_skip(trial, "the profile names no issuer (jwt.issuer)");
		return;
	}
	if (!check_mint_ready(trial))
		return;
	like(trial, own, others);
	for (unsigned i = 0; i < LIKE; i++)
		if (!refused(trial, &(struct token_claims){ .expires = 3600, .issuer = others[i] }, NULL,
			     others[i][0] != '\0' ? trial_text(trial, "a token of the issuer \"%s\"", others[i])
						  : "a token of no issuer"))
			return;
	trial_pass(trial, "refused: tokens of another issuer, of one that looks like it, and of none");
}

void check_jwt_critical(struct scan_trial *trial)
{
	static const char *const heads[] = { ",\"crit\":[\"fw-scan\"],\"fw-scan\":true",
					     ",\"crit\":[]",
					     ",\"crit\":[\"alg\"]",
					     ",\"crit\":\"fw-scan\"",
					     ",\"crit\":[\"fw-scan\",\"fw-scan\"],\"fw-scan\":1",
					     ",\"b64\":false,\"crit\":[\"b64\"]" };
	const struct token_claims claims = { .expires = 3600 };

	if (!check_mint_ready(trial))
		return;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		if (!refused(trial, &claims, heads[i],
			     trial_text(trial, "a token whose header demands what the server cannot do (%s)",
					heads[i] + 1)))
			return;
	trial_pass(trial, "six tokens whose header demands what the server cannot know (crit) were refused");
}

void check_jwt_duplicate(struct scan_trial *trial)
{
	const char *claim = trial->work->profile.role_claim;
	const struct token_claims plain = { .expires = 3600 },
				  twice = { .expires = 3600, .more = trial_text(trial, ",\"%s\":\"admin\"", claim) },
				  escaped = { .expires = 3600,
					      .more = trial_text(
						      trial, ",\"%s\\u%04x\":\"admin\"",
						      trial_text(trial, "%.*s", (int)strlen(claim) - 1, claim),
						      claim[0] != '\0' ? (uint8_t)claim[strlen(claim) - 1] : ' ') };

	if (check_mint_ready(trial) &&
	    refused(trial, &twice, NULL, trial_text(trial, "a token with two values of the claim \"%s\"", claim)) &&
	    refused(trial, &escaped, NULL, trial_text(trial, "the same, one of them written with an escape")) &&
	    refused(trial, &plain, ",\"al\\u0067\":\"none\"",
		    "a token with two algorithms, one of them written with an escape"))
		trial_pass(trial, "refused: tokens with two values of a claim, or of the algorithm");
}

void check_jwt_claim_types(struct scan_trial *trial)
{
	static const char *const ends[] = { "\"never\"", "\"99999999999\"", "true", "null", "[99999999999]", "{}",
					    "1e400" };

	if (!check_mint_ready(trial))
		return;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (!refused(trial, &(struct token_claims){ .expires_json = ends[i] }, NULL,
			     trial_text(trial, "a token whose end is %s", ends[i])))
			return;
	if (refused(trial, &(struct token_claims){ .expires = 3600, .more = ",\"nbf\":\"later\"" }, NULL,
		    "a token whose beginning (nbf) is a text"))
		trial_pass(trial, "tokens whose times are no numbers, or none that a clock can have, were refused");
}

void check_jwt_issued_later(struct scan_trial *trial)
{
	refuse(trial, &(struct token_claims){ .expires = 7200, .issued = 3600 }, NULL,
	       "a token that is to be issued in an hour (iat)");
}

/* RFC 8725 3.11: what is signed for one purpose is not taken for another. */
void check_jwt_type(struct scan_trial *trial)
{
	static const char *const types[] = { "logout+jwt", "dpop+jwt", "secevent+jwt" };

	if (!check_mint_ready(trial))
		return;
	for (size_t i = 0; i < 3; i++)
		if (!refused(trial, &(struct token_claims){ .expires = 3600, .type = types[i] }, NULL,
			     trial_text(trial, "a token of the type %s", types[i])))
			return;
	trial_pass(trial, "tokens of types that are no login (logout, DPoP proof, event) were refused");
}

void check_jwt_replay(struct scan_trial *trial)
{
	const struct token_claims claims = {
		.user = trial_text(trial, "scan-%04x-%u", trial->work->seed & 0xffff, ++trial->work->marks),
		.role = trial->work->profile.identity_count != 0 ? trial->work->profile.identities[0].role : NULL,
		.expires = 3600,
		.more = trial_text(trial, ",\"jti\":\"%s\"", trial_mark(trial))
	};
	struct speak_as as = { .name = "first" };
	struct client *client;

	if (!trial->work->profile.once) {
		trial_skip(trial, "the profile does not say that a token counts once (jwt.once)");
		return;
	}
	if (!check_mint_ready(trial))
		return;
	as.token = token_mint(trial, &claims, NULL);
	if (as.token == NULL || speak_login(trial, &as, &client) != SPEAK_IN)
		trial_error(trial, "a token with a jti did not log in once");
	else if (check_not_accepted(trial, check_token_try(trial, as.token, "the same token again"),
				    "a token that has logged in already"))
		trial_pass(trial, "a token logged in once, and not again");
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
