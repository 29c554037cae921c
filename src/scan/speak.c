#include "scan/speak.h"

#include "base/mem.h"
#include "base/slice.h"
#include "scan/token.h"

const char speak_nothing[] = "";

const char *speak_login_text(enum speak_login login)
{
	return login == SPEAK_IN	? "logged in"
	       : login == SPEAK_OUT	? "refused"
	       : login == SPEAK_LIMITED ? "turned away, as there were too many"
					: "not answered";
}

static void append(struct scan_trial *trial, char **text, struct fw_slice more)
{
	*text = trial_text(trial, "%s%.*s", *text, (int)more.size, more.size != 0 ? (const char *)more.data : "");
}

/* As part of a JSON string: what a client's JSON.stringify would make of it. */
static struct fw_slice escaped(struct scan_trial *trial, struct fw_slice text)
{
	uint8_t *out = arena_alloc(&trial->arena, text.size * 6 + 1);
	size_t size = 0;

	if (out == NULL)
		return slice("", 0);
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (c == '"' || c == '\\') {
			out[size++] = '\\';
			out[size++] = c;
		} else if (c < 0x20) {
			static const char digits[] = "0123456789abcdef";

			memcpy(out + size, "\\u00", 4);
			out[size + 4] = (uint8_t)digits[c >> 4];
			out[size + 5] = (uint8_t)digits[c & 15];
			size += 6;
		} else {
			out[size++] = c;
		}
	}
	arena_trim(&trial->arena, out, text.size * 6 + 1, size);
	return slice(out, size);
}

static struct fw_slice value_of(struct scan_trial *trial, struct fw_slice name, const struct speak_values *values)
{
	if (slice_is(name, "text"))
		return values->raw_text ? values->text : escaped(trial, values->text);
	if (slice_is(name, "token"))
		return slice_text(values->token != NULL ? values->token : "");
	if (slice_is(name, "user"))
		return escaped(trial, slice_text(values->user != NULL ? values->user : ""));
	if (slice_is(name, "password"))
		return escaped(trial, slice_text(values->password != NULL ? values->password : ""));
	if (slice_is(name, "session"))
		return slice_text(values->session != NULL ? values->session : "");
	if (slice_is(name, "to"))
		return escaped(trial, slice_text(values->to != NULL ? values->to : ""));
	if (slice_starts(name, "answer:") && values->answer != NULL) {
		char *value = profile_value(slice_text(values->answer), trial_copy(trial, slice_from(name, 7)),
					    &trial->arena);

		return escaped(trial, slice_text(value != NULL ? value : ""));
	}
	return slice("", 0);
}

char *speak_fill(struct scan_trial *trial, const char *pattern, const struct speak_values *values)
{
	char *text = trial_text(trial, "%s", "");

	while (*pattern != '\0') {
		const char *begin = strstr(pattern, "${"), *end = begin != NULL ? strchr(begin, '}') : NULL;

		if (end == NULL) {
			append(trial, &text, slice_text(pattern));
			break;
		}
		append(trial, &text, slice(pattern, (size_t)(begin - pattern)));
		append(trial, &text, value_of(trial, slice(begin + 2, (size_t)(end - begin - 2)), values));
		pattern = end + 1;
	}
	return text;
}

char *speak_message(struct scan_trial *trial, const struct client *client, struct fw_slice text)
{
	const struct speak_values values = { .text = text, .answer = client != NULL ? client->login_answer : NULL };

	if (trial->work->speaks)
		(void)speak_parties(trial);
	return speak_fill(trial, trial->work->profile.send, &values);
}

struct speak_as speak_identity(struct scan_trial *trial, unsigned at)
{
	const struct profile *profile = &trial->work->profile;
	struct profile_identity none = { .role = "user" };
	const struct profile_identity *identity = at < profile->identity_count ? &profile->identities[at] : &none;
	struct speak_as as = { .token = identity->token,
			       .user = identity->user,
			       .password = identity->password,
			       .cookie = identity->cookie };

	if (at >= profile->identity_count && (profile->identity_count != 0 || at > 1 || !token_can_mint(trial->work)))
		return as;
	if (as.token == NULL && as.cookie == NULL && as.password == NULL && token_can_mint(trial->work)) {
		const struct token_claims claims = {
			.user = as.user != NULL ? as.user
						: trial_text(trial, "scan-%04x-%u", trial->work->seed & 0xffff,
							     ++trial->work->marks),
			.role = identity->role,
			.expires = 3600,
		};

		as.user = claims.user;
		as.token = token_mint(trial, &claims, NULL);
	}
	return as;
}

bool speak_has_credentials(const struct speak_as *as)
{
	return as->token != NULL || as->password != NULL || as->cookie != NULL || as->session != NULL;
}

static const char *encoded(struct scan_trial *trial, const char *text)
{
	char *out = arena_alloc(&trial->arena, strlen(text) * 3 + 1);
	size_t size = 0;

	if (out == NULL)
		return "";
	for (; *text != '\0'; text++) {
		uint8_t c = (uint8_t)*text;

		if (ascii_is_alpha(c) || ascii_is_digit(c) || strchr("-._~", c) != NULL)
			out[size++] = (char)c;
		else
			size += (size_t)snprintf(out + size, 4, "%%%02X", c);
	}
	out[size] = '\0';
	return out;
}

/* The handshake with what the profile puts into it. */
static struct client_hello hello_of(struct scan_trial *trial, const struct speak_as *as)
{
	const struct profile *profile = &trial->work->profile;
	struct client_hello hello = as->hello != NULL ? *as->hello : (struct client_hello){ 0 };
	struct speak_values values = {
		.token = as->token, .user = as->user, .password = as->password, .session = as->session
	};
	const char *path = hello.path != NULL ? hello.path : trial->work->target.path;

	if (as->cookie != NULL)
		hello.fields =
			trial_text(trial, "Cookie: %s\r\n%s", as->cookie, hello.fields != NULL ? hello.fields : "");
	if (as->token == NULL)
		return hello;
	if (profile->header != NULL)
		hello.fields = trial_text(trial, "%s\r\n%s", speak_fill(trial, profile->header, &values),
					  hello.fields != NULL ? hello.fields : "");
	if (profile->cookie != NULL)
		hello.fields = trial_text(trial, "Cookie: %s\r\n%s", speak_fill(trial, profile->cookie, &values),
					  hello.fields != NULL ? hello.fields : "");
	if (profile->login_subprotocol != NULL)
		hello.subprotocol = speak_fill(trial, profile->login_subprotocol, &values);
	if (profile->query != NULL) {
		values.token = encoded(trial, as->token);
		hello.path = trial_text(trial, "%s%c%s", path, strchr(path, '?') != NULL ? '&' : '?',
					speak_fill(trial, profile->query, &values));
	}
	return hello;
}

/* What is said behind the handshake; NULL: nothing. */
static const char *first_message(struct scan_trial *trial, const struct speak_as *as)
{
	const struct profile *profile = &trial->work->profile;
	struct speak_values values = {
		.token = as->token, .user = as->user, .password = as->password, .session = as->session
	};
	const char *pattern = as->session != NULL    ? profile->session
			      : as->token != NULL    ? profile->message
			      : as->password != NULL ? profile->password
						     : NULL;

	/* What everybody says first, as "40" of Socket.IO. */
	if (pattern == NULL && profile->message != NULL && strstr(profile->message, "${") == NULL)
		pattern = profile->message;
	if (pattern != NULL && (pattern[0] == '{' || pattern[0] == '[') && values.token != NULL)
		values.token = trial_copy(trial, escaped(trial, slice_text(values.token)));
	return pattern != NULL ? speak_fill(trial, pattern, &values) : NULL;
}

static enum speak_login refused_by(unsigned status)
{
	if (status == 429 || status == 503)
		return SPEAK_LIMITED;
	/* 413, 414, 431: what was brought along is too large, which is a refusal of it. */
	return status == 400 || status == 401 || status == 403 || status == 407 || status == 413 || status == 414 ||
			       status == 431
		       ? SPEAK_OUT
		       : SPEAK_UNANSWERED;
}

static enum speak_login wait_answer(struct client *client, bool spoke)
{
	struct scan_trial *trial = client->trial;
	const struct profile *profile = &trial->work->profile;
	bool asks = profile_match_set(&profile->answer);
	uint64_t end = link_now() + TRIAL_PATIENCE_MS;

	if (!asks && !spoke)
		return SPEAK_IN;
	if (!asks) { /* who is refused is told so, or closed, before a ping behind it is answered */
		const struct client_frame ping = { .first = 0x89, .payload = slice_text("login") };

		(void)client_send_frame(client, &ping);
	}
	while (link_now() < end) {
		struct client_item item = client_next(client, (unsigned)(end - link_now()));

		if (item.event == CLIENT_MESSAGE && profile_matches(&profile->limited, item.text))
			return SPEAK_LIMITED;
		if (item.event == CLIENT_MESSAGE && profile_matches(&profile->answer, item.text)) {
			client->login_answer = trial_copy(trial, item.text);
			return SPEAK_IN;
		}
		if (item.event == CLIENT_MESSAGE && profile_matches(&profile->refused, item.text))
			return SPEAK_OUT;
		if (item.event == CLIENT_PONG && !asks)
			return SPEAK_IN;
		if (item.event == CLIENT_CLOSED && item.code == 1013)
			return SPEAK_LIMITED;
		if (item.event == CLIENT_CLOSED || item.event == CLIENT_ENDED)
			return SPEAK_OUT;
		if (item.event != CLIENT_MESSAGE && item.event != CLIENT_PONG)
			return SPEAK_UNANSWERED;
	}
	return SPEAK_UNANSWERED;
}

enum speak_login speak_login(struct scan_trial *trial, const struct speak_as *as, struct client **ret_client)
{
	struct client *client = client_new(trial, as->name != NULL ? as->name : "client", as->source);
	struct client_hello hello = hello_of(trial, as);
	enum client_opened opened;
	enum speak_login login;
	const char *message;
	uint64_t began;

	*ret_client = client;
	if (client == NULL)
		return SPEAK_UNANSWERED;
	opened = client_open(client, &hello);
	if (opened == CLIENT_GONE)
		return SPEAK_OUT;
	if (opened != CLIENT_OPEN)
		return opened == CLIENT_REFUSED ? refused_by(client->status) : SPEAK_UNANSWERED;
	message = first_message(trial, as);
	began = link_now_us();
	/* Who is closed while he sends has an answer: what it is may still be there to be read. */
	if (message != NULL && !client_send_text(client, slice_text(message)) && client->why != LINK_BROKEN &&
	    client->why != LINK_CLOSED)
		return SPEAK_UNANSWERED;
	if (!speak_has_credentials(as) && message == NULL)
		return SPEAK_IN;
	login = wait_answer(client, message != NULL);
	client->login_us = message != NULL ? link_now_us() - began : 0;
	return login;
}
