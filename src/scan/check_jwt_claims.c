/* check_jwt_claims.c: tokens with the right signature whose claims, or header, must make the server refuse them. */
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/slice.h"
#include "scan/check.h"

static const char *name_of(struct scan_trial *trial)
{
	return trial_text(trial, "scan-%04x-%u", trial->work->seed & 0xffff, ++trial->work->marks);
}

static const char *role_of(const struct scan_trial *trial)
{
	const struct profile *profile = &trial->work->profile;

	return profile->identity_count != 0 ? profile->identities[0].role : NULL;
}

/* CHECK_UNDECIDED also where the key does not sign. */
static enum check_tried tried(struct scan_trial *trial, const struct token_claims *claims, const char *head_more,
			      const char *what)
{
	struct token_claims with = *claims;
	char *token;

	with.user = name_of(trial);
	if (with.role == NULL)
		with.role = role_of(trial);
	token = token_mint(trial, &with, head_more);
	if (token == NULL)
		trial_error(trial, "the key of the profile does not sign");
	return token != NULL ? check_token_try(trial, token, what) : CHECK_UNDECIDED;
}

/* False: one with these claims is taken, which is a finding, or nothing decided it. */
static bool refused(struct scan_trial *trial, const struct token_claims *claims, const char *head_more,
		    const char *what)
{
	return check_not_accepted(trial, tried(trial, claims, head_more, what), what);
}

static void refuse(struct scan_trial *trial, const struct token_claims *claims, const char *head_more, const char *what)
{
	if (check_mint_ready(trial) && refused(trial, claims, head_more, what))
		trial_pass(trial, "refused: %s", what);
}

void check_jwt_expired(struct scan_trial *trial)
{
	/* A clock may be wrong by five minutes. */
	if (check_mint_ready(trial) &&
	    refused(trial, &(struct token_claims){ .expires = -3600 }, NULL, "a token that expired an hour ago") &&
	    refused(trial, &(struct token_claims){ .expires = -600 }, NULL, "a token that expired ten minutes ago"))
		trial_pass(trial, "refused: tokens that expired an hour and ten minutes ago");
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

/* One letter is Cyrillic. */
static const char *homoglyph(struct scan_trial *trial, const char *own)
{
	static const char latin[] = "aceopxy";
	static const char *const cyrillic[] = { "\u0430", "\u0441", "\u0435", "\u043e", "\u0440", "\u0445", "\u0443" };
	size_t at = strcspn(own, latin);

	return own[at] == '\0' ? "another"
			       : trial_text(trial, "%.*s%s%s", (int)at, own, cyrillic[strchr(latin, own[at]) - latin],
					    own + at + 1);
}

/* Texts that are not this one, but that who compares without care takes for it; the last one leaves it out. */
enum { LIKE = 7 };
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
	ret_like[5] = homoglyph(trial, own);
	ret_like[6] = "";
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
	if (refused(trial,
		    &(struct token_claims){
			    .expires = 3600, .issuer = "", .more = trial_text(trial, ",\"iss\":[\"%s\"]", own) },
		    NULL, "a token whose issuer is a list"))
		trial_pass(trial,
			   "refused: tokens of another issuer, of one that looks like it, of a list, and of none");
}

void check_jwt_party(struct scan_trial *trial)
{
	const char *own = trial->work->profile.party, *others[LIKE];

	if (own == NULL) {
		trial_skip(trial, "the profile names no client that tokens are made for (jwt.authorized_party)");
		return;
	}
	if (!check_mint_ready(trial))
		return;
	like(trial, own, others);
	for (unsigned i = 0; i + 1 < LIKE; i++)
		if (!refused(trial, &(struct token_claims){ .expires = 3600, .party = others[i] }, NULL,
			     trial_text(trial, "a token that was given to the client \"%s\" (azp)", others[i])))
			return;
	trial_pass(trial, "refused: tokens that were given to another client, and to those that look like it");
}

void check_jwt_critical(struct scan_trial *trial)
{
	static const char *const heads[] = { ",\"crit\":[\"fw-scan\"],\"fw-scan\":true",
					     ",\"crit\":[]",
					     ",\"crit\":[\"alg\"]",
					     ",\"crit\":\"fw-scan\"",
					     ",\"crit\":[\"fw-scan\",\"fw-scan\"],\"fw-scan\":1",
					     ",\"b64\":false,\"crit\":[\"b64\"]" };
	const struct token_claims claims = { .expires = 3600 },
				  named = { .expires = 3600, .user = name_of(trial), .role = role_of(trial) };
	const char *token;

	if (!check_mint_ready(trial))
		return;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		if (!refused(trial, &claims, heads[i],
			     trial_text(trial, "a token whose header demands what the server cannot do (%s)",
					heads[i] + 1)))
			return;
	/* RFC 7797 6: b64 without crit is an extension that is not announced; whoever obeys it verifies another text.
	 */
	token = token_sign(trial, ",\"b64\":false", slice_text(token_payload(trial, &named)), true);
	if (token == NULL)
		trial_error(trial, "the key of the profile does not sign");
	else if (check_not_accepted(trial, check_token_try(trial, token, "b64 false without crit, signed as it is"),
				    "a token whose claims are signed unencoded (b64: false) without crit"))
		trial_pass(trial, "seven tokens whose header demands what the server cannot know (crit) were refused");
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
	static const char *const ends[] = { "\"never\"", "\"99999999999\"",    "true", "null", "[99999999999]", "{}",
					    "1e400",	 "9223372036854775808" };

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

/* Numbers whose meaning is plain and whose reading is not: an end that was, a beginning that is far. */
void check_jwt_time_edges(struct scan_trial *trial)
{
	static const char *const past[] = { "0",
					    "-0",
					    "-1",
					    "-1e0",
					    "1e-400",
					    "-1e400",
					    "-1e308",
					    "-2147483649",
					    "-9223372036854775808",
					    "-18446744073709551615",
					    "1.9999999999999999999" },
				 *const future[] = { "9223372036854775807",
						     "9223372036854775808",
						     "18446744073709551617",
						     "1e300",
						     "1e400",
						     "4294967296000",
						     "340282366920938463463374607431768211457" };
	const long now = (long)time(NULL);
	enum check_tried ends, begins;

	if (!check_mint_ready(trial))
		return;
	/* Where neither is looked at, there is no edge. */
	ends = tried(trial, &(struct token_claims){ .expires = -3600 }, NULL, "a token that expired an hour ago");
	begins = tried(trial, &(struct token_claims){ .expires = 7200, .not_before = 3600 }, NULL,
		       "a token that is not valid before an hour from now (nbf)");
	if (ends == CHECK_UNDECIDED || begins == CHECK_UNDECIDED)
		trial_error(trial, "no answer that decides whether ends and beginnings are looked at");
	else if (ends == CHECK_ACCEPTED && begins == CHECK_ACCEPTED)
		trial_skip(trial, "neither exp nor nbf is looked at (jwt.expired, jwt.not_before)");
	for (size_t i = 0; i <= sizeof(past) / sizeof(*past) && ends == CHECK_DENIED; i++) {
		const char *end = i < sizeof(past) / sizeof(*past) ? past[i] : trial_text(trial, "%ld.5", now - 3600);

		if (!refused(trial, &(struct token_claims){ .expires_json = end }, NULL,
			     trial_text(trial, "a token whose end (exp) is %s", end)))
			return;
	}
	for (size_t i = 0; i <= sizeof(future) / sizeof(*future) && begins == CHECK_DENIED; i++) {
		const char *begin =
			i < sizeof(future) / sizeof(*future) ? future[i] : trial_text(trial, "%ld.5", now + 3600);

		if (!refused(trial, &(struct token_claims){ .expires = 7200, .not_before_json = begin }, NULL,
			     trial_text(trial, "a token whose beginning (nbf) is %s", begin)))
			return;
	}
	trial_pass(trial, "refused: tokens whose %s, in numbers at their edges",
		   ends != CHECK_DENIED	    ? "beginning is far"
		   : begins != CHECK_DENIED ? "end was"
					    : "end was, or whose beginning is far");
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
	const char *own = trial->work->profile.type;

	if (!check_mint_ready(trial))
		return;
	for (size_t i = 0; i < 3; i++)
		if (!refused(trial, &(struct token_claims){ .expires = 3600, .type = types[i] }, NULL,
			     trial_text(trial, "a token of the type %s", types[i])))
			return;
	/* RFC 9068 4: where the server wants one type, an ID token is none. */
	if (own != NULL && strcasecmp(own, "JWT") != 0 &&
	    !refused(trial, &(struct token_claims){ .expires = 3600, .type = "JWT" }, NULL,
		     trial_text(trial, "a token of the type JWT, where %s is wanted", own)))
		return;
	trial_pass(trial, "tokens of types that are no login (logout, DPoP proof, event%s) were refused",
		   own != NULL ? ", another than the profile's" : "");
}

void check_jwt_replay(struct scan_trial *trial)
{
	const struct token_claims claims = { .user = name_of(trial),
					     .role = role_of(trial),
					     .expires = 3600,
					     .more = trial_text(trial, ",\"jti\":\"%s\"", trial_mark(trial)) };
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
		.user = name_of(trial),
		.role = role_of(trial),
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
