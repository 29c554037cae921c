/* learned_har.c: who logged in how, and which of the sent messages has a text that others were told. */
#include <string.h>

#include "base/slice.h"
#include "codec/http1.h"
#include "codec/json.h"
#include "scan/learned.h"

enum { ARENA = 256 << 20, MESSAGES = 512, INPUTS = 8, IDENTITIES = 8, TEMPLATE = 8192 };

struct said {
	bool sent;
	struct fw_slice text, made; /* made: its template; size 0: none */
	unsigned score;
};

struct har {
	struct arena arena;
	struct json json;
	struct said said[MESSAGES];
	unsigned count;
	struct fw_slice origin, header, query, cookie, subprotocol, login_subprotocol, token, user, password, login,
		answer, refused;
	struct fw_slice tokens[IDENTITIES], cookies[IDENTITIES];
	unsigned identities;
	bool by_password;
};

static struct fw_slice text_at(struct har *har, uint32_t node, const char *name)
{
	uint32_t at = json_member(&har->json, node, name, strlen(name));

	return at != 0 && har->json.nodes[at].kind == JSON_STRING ? json_text(&har->json, at, &har->arena)
								  : slice(NULL, 0);
}

static bool is_jwt(struct fw_slice text)
{
	return slice_starts(text, "eyJ") && memchr(text.data, '.', text.size) != NULL;
}

/* The value of "token=…" of a URL; ret_name: what it is called. */
static struct fw_slice token_in(struct fw_slice url, struct fw_slice *ret_name)
{
	static const char *const names[] = { "token", "access_token", "jwt", "auth", "api_key", "ticket" };
	const uint8_t *mark = url.size != 0 ? memchr(url.data, '?', url.size) : NULL;
	size_t at = mark != NULL ? (size_t)(mark - url.data) + 1 : url.size;

	while (at < url.size) {
		struct fw_slice part = slice_from(url, at);
		const uint8_t *end = memchr(part.data, '&', part.size), *is;

		part.size = end != NULL ? (size_t)(end - part.data) : part.size;
		is = memchr(part.data, '=', part.size);
		for (size_t i = 0; is != NULL && i < sizeof(names) / sizeof(*names); i++)
			if (slice_is(slice(part.data, (size_t)(is - part.data)), names[i])) {
				*ret_name = slice(part.data, (size_t)(is - part.data));
				return slice_from(part, ret_name->size + 1);
			}
		at += part.size + 1;
	}
	return slice(NULL, 0);
}

/* The whole with something in place of a part of it. */
static struct fw_slice with(struct har *har, struct fw_slice whole, struct fw_slice raw, const char *value)
{
	size_t before = (size_t)(raw.data - whole.data), size = strlen(value), all = whole.size - raw.size + size;
	char *made = all <= TEMPLATE ? arena_alloc(&har->arena, all) : NULL;

	if (made == NULL)
		return slice(NULL, 0);
	memcpy(made, whole.data, before);
	memcpy(made + before, value, size);
	memcpy(made + before + size, raw.data + raw.size, whole.size - before - raw.size);
	return slice(made, all);
}

/* Pages cannot set header fields: they bring their token along among the subprotocols. */
static struct fw_slice read_subprotocol(struct har *har, struct fw_slice value)
{
	struct fw_slice list = value, word;

	while (http1_next_element(&list, &word))
		if (is_jwt(word)) {
			har->login_subprotocol = with(har, value, word, "${token}");
			return word;
		}
	har->subprotocol = value;
	return slice(NULL, 0);
}

static void read_request(struct har *har, uint32_t request)
{
	uint32_t headers = json_member(&har->json, request, "headers", 7);
	struct fw_slice name, token = token_in(text_at(har, request, "url"), &name), cookie = slice(NULL, 0), found;

	if (token.size != 0)
		har->query = name;
	for (uint32_t at = headers + 1, left = headers != 0 && har->json.nodes[headers].kind == JSON_ARRAY
						       ? har->json.nodes[headers].count
						       : 0;
	     left != 0; left--, at = har->json.nodes[at].next) {
		struct fw_slice value;

		if (har->json.nodes[at].kind != JSON_OBJECT)
			continue;
		name = text_at(har, at, "name");
		value = text_at(har, at, "value");
		if (slice_equal_nocase(name, slice_text("Origin")))
			har->origin = value;
		else if (slice_equal_nocase(name, slice_text("Sec-WebSocket-Protocol")))
			found = read_subprotocol(har, value), token = found.size != 0 ? found : token;
		else if (slice_equal_nocase(name, slice_text("Authorization")) && slice_starts(value, "Bearer "))
			har->header = token = slice_from(value, 7);
		else if (slice_equal_nocase(name, slice_text("Cookie")))
			cookie = value;
	}
	if (har->identities < IDENTITIES && (token.size != 0 || cookie.size != 0)) {
		har->tokens[har->identities] = token;
		har->cookies[har->identities++] = cookie;
	}
}

/* Behind what Socket.IO has in front. */
static struct fw_slice json_part(struct fw_slice text)
{
	size_t at = 0;

	while (at < text.size && at < 16 && text.data[at] != '{' && text.data[at] != '[')
		at++;
	return at < text.size && at < 16 ? slice_from(text, at) : slice(NULL, 0);
}

static bool was_told(const struct har *har, unsigned behind, struct fw_slice text)
{
	for (unsigned i = behind + 1; i < har->count; i++)
		if (!har->said[i].sent && har->said[i].text.size != 0 &&
		    memmem(har->said[i].text.data, har->said[i].text.size, text.data, text.size) != NULL)
			return true;
	return false;
}

static bool is_plain(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || (text.data[i] == '$' && i + 1 < text.size && text.data[i + 1] == '{'))
			return false;
	return text.size != 0;
}

static bool is_token(struct fw_slice key, struct fw_slice text)
{
	return is_jwt(text) ||
	       (text.size != 0 && (slice_is(key, "token") || slice_is(key, "access_token") || slice_is(key, "jwt")));
}

/* Is it the login? Else its text that is most likely one of people. */
static void read_sent(struct har *har, unsigned number)
{
	struct said *said = &har->said[number];
	struct json json;
	struct fw_slice part = json_part(said->text), user = slice(NULL, 0), password = user, token = user, best = user;
	struct fw_slice user_text = user, password_text = user;

	if (!is_plain(said->text))
		return;
	if (part.size == 0 || json_parse(&har->arena, part, 0, &json, NULL) != JSON_OK) {
		if (memchr(said->text.data, ' ', said->text.size) != NULL || was_told(har, number, said->text)) {
			said->made = slice_text("${text}");
			said->score = was_told(har, number, said->text) ? 8 : 2;
		} else if (number < 3 && har->login.size == 0 && said->text.size < 8) {
			har->login = said->text; /* as "40" of Socket.IO */
		}
		return;
	}
	for (uint32_t i = 0; i < json.count; i++) {
		struct fw_slice key = i != 0 && json.nodes[i - 1].is_key ? json_text(&json, i - 1, &har->arena)
									 : slice_text("text"),
				text;
		unsigned score;

		if (json.nodes[i].kind != JSON_STRING || json.nodes[i].is_key)
			continue;
		text = json_text(&json, i, &har->arena);
		if (text.size == 0)
			continue;
		if (slice_is(key, "password"))
			password = json_raw(&json, i), password_text = text;
		else if (slice_is(key, "user") || slice_is(key, "username") || slice_is(key, "user_id") ||
			 slice_is(key, "login") || slice_is(key, "email"))
			user = json_raw(&json, i), user_text = text;
		else if (is_token(key, text))
			token = json_raw(&json, i), har->token = text;
		score = learned_is_text(key);
		if (score == 0 || is_jwt(text) || (part.data[0] == '[' && i == 1)) /* an event's name */
			continue;
		score += (was_told(har, number, text) ? 10U : 0U) +
			 (memchr(text.data, ' ', text.size) != NULL ? 3U : 0U);
		if (score > said->score)
			said->score = score, best = json_raw(&json, i);
	}
	if (token.size != 0 && har->login.size == 0) {
		har->login = with(har, said->text, token, "\"${token}\"");
		said->score = 0;
	} else if (password.size != 0 && user.size != 0 && har->login.size == 0) {
		bool first = user.data < password.data;
		struct fw_slice once =
			with(har, said->text, first ? password : user, first ? "\"${password}\"" : "\"${user}\"");

		har->user = user_text;
		har->password = password_text;
		har->by_password = once.size != 0;
		if (once.size != 0)
			har->login = with(har, once,
					  slice(once.data + ((first ? user : password).data - said->text.data),
						(first ? user : password).size),
					  first ? "\"${user}\"" : "\"${password}\"");
		said->score = 0;
	} else if (best.size != 0) {
		said->made = with(har, said->text, best, "\"${text}\"");
	}
}

static void read_received(struct har *har, unsigned number)
{
	struct json json;
	struct fw_slice part = json_part(har->said[number].text), type;
	uint32_t at;

	if (part.size == 0 || json_parse(&har->arena, part, 0, &json, NULL) != JSON_OK ||
	    json.nodes[0].kind != JSON_OBJECT)
		return;
	at = json_member(&json, 0, "type", 4);
	type = at != 0 && json.nodes[at].kind == JSON_STRING ? json_text(&json, at, &har->arena) : slice(NULL, 0);
	if (type.size != 0 && memmem(type.data, type.size, "error", 5) != NULL)
		har->refused = type;
	else if (type.size != 0 && har->login.size != 0 && har->answer.size == 0)
		har->answer = type;
}

/* The token of somebody else's first messages. */
static void read_other(struct har *har, uint32_t messages, bool listed)
{
	uint32_t at = messages + 1;

	for (unsigned left = har->json.nodes[messages].count; left != 0; left--, at = har->json.nodes[at].next) {
		struct json json;
		struct fw_slice part =
			har->json.nodes[at].kind == JSON_OBJECT && slice_is(text_at(har, at, "type"), "send")
				? json_part(text_at(har, at, "data"))
				: slice(NULL, 0);

		if (part.size == 0 || json_parse(&har->arena, part, 0, &json, NULL) != JSON_OK)
			continue;
		for (uint32_t i = 1; i < json.count; i++) {
			struct fw_slice text = json.nodes[i].kind == JSON_STRING && json.nodes[i - 1].is_key
						       ? json_text(&json, i, &har->arena)
						       : slice(NULL, 0);

			if (!is_token(json_text(&json, i - 1, &har->arena), text))
				continue;
			har->identities += !listed && har->identities == 0; /* the first is har->token's */
			if (!listed && har->identities++ == IDENTITIES)
				har->identities = IDENTITIES;
			else if (har->tokens[har->identities - 1].size == 0)
				har->tokens[har->identities - 1] = text;
			return;
		}
	}
}

static void read_entry(struct har *har, uint32_t entry)
{
	uint32_t messages = json_member(&har->json, entry, "_webSocketMessages", 18),
		 request = json_member(&har->json, entry, "request", 7);
	unsigned before = har->identities, left = messages != 0 && har->json.nodes[messages].kind == JSON_ARRAY
							  ? har->json.nodes[messages].count
							  : 0;

	if (left == 0 || request == 0)
		return;
	read_request(har, request);
	if (har->count != 0) { /* the first one is read; of others who logged in */
		read_other(har, messages, har->identities > before);
		return;
	}
	for (uint32_t at = messages + 1; left != 0 && har->count < MESSAGES; left--, at = har->json.nodes[at].next)
		if (har->json.nodes[at].kind == JSON_OBJECT)
			har->said[har->count++] = (struct said){ .sent = slice_is(text_at(har, at, "type"), "send"),
								 .text = text_at(har, at, "data") };
	for (unsigned i = 0; i < har->count; i++)
		if (har->said[i].sent)
			read_sent(har, i);
		else
			read_received(har, i);
}

static void line(FILE *out, const char *name, struct fw_slice text)
{
	if (text.size == 0)
		return;
	fprintf(out, "%s: ", name);
	learned_quote(out, text);
	(void)fputc('\n', out);
}

static void write_login(const struct har *har, FILE *out)
{
	bool has_cookie = false;

	for (unsigned i = 0; i < har->identities; i++)
		has_cookie = has_cookie || har->cookies[i].size != 0;
	fprintf(out, "login:\n");
	if (har->header.size != 0)
		fprintf(out, "  header: 'Authorization: Bearer ${token}'\n");
	else if (har->login_subprotocol.size != 0)
		line(out, "  subprotocol", har->login_subprotocol);
	else if (har->query.size != 0)
		fprintf(out, "  query: '%.*s=${token}'\n", (int)har->query.size, (const char *)har->query.data);
	line(out, har->by_password ? "  password" : "  message", har->login);
	if (har->login.size != 0 && har->answer.size != 0) {
		fprintf(out, "  answer: {type: ");
		learned_quote(out, har->answer);
		fprintf(out, "}\n");
	}
	if (har->header.size == 0 && har->query.size == 0 && har->login_subprotocol.size == 0 && !has_cookie &&
	    har->token.size == 0 && !har->by_password)
		fprintf(out, "  public: true # nobody logged in\n");
}

static void write_identities(const struct har *har, FILE *out)
{
	bool any = har->identities != 0 || har->token.size != 0 || har->by_password;

	if (any)
		fprintf(out, "identities: # of the recording; a second one, of another user, lets more be tested\n");
	for (unsigned i = 0; i < (har->identities != 0 ? har->identities : any ? 1 : 0); i++) {
		fprintf(out, "  - name: user%u\n", i + 1);
		line(out, "    token",
		     har->tokens[i].size != 0 ? har->tokens[i]
		     : i == 0		      ? har->token
					      : slice(NULL, 0));
		line(out, "    cookie", har->cookies[i]);
		if (i == 0 && har->by_password) {
			line(out, "    user", har->user);
			line(out, "    password", har->password);
		}
	}
}

static void write_messages(const struct har *har, const struct said *best, FILE *out)
{
	struct fw_slice inputs[INPUTS];
	unsigned count = 0;

	fprintf(out, "message:\n");
	line(out, "  send", best->made);
	if (har->refused.size != 0) {
		fprintf(out, "  refused: {type: ");
		learned_quote(out, har->refused);
		fprintf(out, "}\n");
	}
	for (unsigned i = 0; i < har->count && count < INPUTS; i++) {
		bool known = har->said[i].made.size == 0 || slice_equal(har->said[i].made, best->made);

		for (unsigned k = 0; k < count && !known; k++)
			known = slice_equal(har->said[i].made, inputs[k]);
		if (!known)
			inputs[count++] = har->said[i].made;
	}
	if (count != 0)
		fprintf(out, "inputs:\n");
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "  - "), learned_quote(out, inputs[i]), (void)fputc('\n', out);
}

static int learn(struct har *har, const char *name, struct fw_slice text, FILE *out, fw_report_function *report,
		 void *user)
{
	uint32_t log, entries;
	const struct said *best = NULL;
	char say[512] = "";

	if (json_parse(&har->arena, text, 0, &har->json, NULL) != JSON_OK)
		snprintf(say, sizeof(say), "%.300s: error: it is no JSON", name);
	log = say[0] == '\0' ? json_member(&har->json, 0, "log", 3) : 0;
	entries = log != 0 && har->json.nodes[log].kind == JSON_OBJECT ? json_member(&har->json, log, "entries", 7) : 0;
	if (entries != 0 && har->json.nodes[entries].kind == JSON_ARRAY) {
		uint32_t at = entries + 1;

		for (unsigned left = har->json.nodes[entries].count; left != 0; left--, at = har->json.nodes[at].next)
			if (har->json.nodes[at].kind == JSON_OBJECT)
				read_entry(har, at);
	}
	for (unsigned i = 0; i < har->count; i++)
		if (har->said[i].made.size != 0 && (best == NULL || har->said[i].score > best->score))
			best = &har->said[i];
	if (best == NULL && say[0] == '\0')
		snprintf(say, sizeof(say),
			 "%.300s: error: there is no WebSocket in it that sent a message with a text "
			 "(_webSocketMessages)",
			 name);
	if (best == NULL || say[0] != '\0') {
		if (report != NULL)
			report(user, say);
		return FW_ERR_INVALID;
	}
	fprintf(out, "# Made of a recorded session by framewall scan --print-profile: look it through.\n");
	line(out, "origin", har->origin);
	line(out, "subprotocol", har->subprotocol);
	write_login(har, out);
	write_messages(har, best, out);
	write_identities(har, out);
	return FW_OK;
}

int learned_har(const char *name, struct fw_slice text, FILE *out, fw_report_function *report, void *user)
{
	static struct har har; /* of one thread, as a scan is */
	int result;

	memset(&har, 0, sizeof(har));
	arena_init(&har.arena, ARENA);
	result = learn(&har, name, text, out, report, user);
	arena_fini(&har.arena);
	return result;
}
