#include "scan/profile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/slice.h"
#include "policy/document.h"

enum { FILE_MOST = 65536, PROFILE_NUMBER_MOST = 64 << 20 };

/* Framewall's own contract: docs/reference/messages.md. */
static const char built_in[] =
	"login:\n"
	"  message: '{\"type\":\"auth\",\"method\":\"jwt\",\"token\":\"${token}\"}'\n"
	"  password: "
	"'{\"type\":\"auth\",\"method\":\"password\",\"user_id\":\"${user}\",\"password\":\"${password}\"}'\n"
	"  session: '{\"type\":\"auth\",\"method\":\"session\",\"session_token\":\"${session}\"}'\n"
	"  session_at: /data/session_token\n"
	"  answer: {type: auth_success}\n"
	"message:\n"
	"  send: '{\"type\":\"chat_message\",\"text\":\"${text}\"}'\n"
	"  refused: {type: error}\n"
	"  limited: {data/code: RATE_LIMITED}\n";

struct reading {
	struct arena *arena;
	fw_report_function *report;
	void *user;
	struct profile *profile;
	bool failed, memory;
};

static void fault(struct reading *reading, const struct document_node *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void fault(struct reading *reading, const struct document_node *at, const char *format, ...)
{
	char what[400], line[600];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments); /* NOLINT: va_start is above; clang-tidy 14 forgets it */
	va_end(arguments);
	snprintf(line, sizeof(line), "%s:%u:%u: error: %s", at->file, at->line, at->column, what);
	reading->failed = true;
	if (reading->report != NULL)
		reading->report(reading->user, line);
}

static bool is_text(const struct document_node *node)
{
	return node->kind == DOCUMENT_TEXT || node->kind == DOCUMENT_NUMBER || node->kind == DOCUMENT_TRUTH;
}

/* Texts of a document end with a NUL. */
static void take_text(struct reading *reading, const struct document_node *node, const char **ret_text)
{
	if (!is_text(node))
		fault(reading, node, "a text is wanted here");
	else
		*ret_text = (const char *)node->text.data;
}

static void take_truth(struct reading *reading, const struct document_node *node, bool *ret_truth)
{
	if (node->kind != DOCUMENT_TRUTH)
		fault(reading, node, "true or false is wanted here");
	else
		*ret_truth = slice_is(node->text, "true");
}

static void take_number(struct reading *reading, const struct document_node *node, long *ret_number)
{
	char *end = NULL;
	long number = node->kind == DOCUMENT_NUMBER ? strtol((const char *)node->text.data, &end, 10) : 0;

	if (end == NULL || *end != '\0' || number < 1 || number > PROFILE_NUMBER_MOST)
		fault(reading, node, "a whole number from 1 to %d is wanted here", PROFILE_NUMBER_MOST);
	else
		*ret_number = number;
}

static void take_file(struct reading *reading, const struct document_node *node, const char **ret_text,
		      size_t *ret_size)
{
	const char *name = NULL;
	FILE *file;
	char *text;
	size_t size;

	take_text(reading, node, &name);
	file = name != NULL ? fopen(name, "rbe") : NULL;
	if (file == NULL) {
		fault(reading, node, "the file cannot be read");
		return;
	}
	text = arena_alloc(reading->arena, FILE_MOST + 1);
	size = text != NULL ? fread(text, 1, FILE_MOST, file) : 0;
	if (text == NULL)
		reading->memory = true;
	else
		text[size] = '\0';
	if (ferror(file) != 0 || (text != NULL && size == FILE_MOST))
		fault(reading, node, "the file cannot be read, or is too large");
	(void)fclose(file);
	*ret_text = text;
	if (ret_size != NULL)
		*ret_size = size;
}

static void take_match(struct reading *reading, const struct document_node *node, struct profile_match *ret_match)
{
	if (is_text(node)) {
		ret_match->contains = (const char *)node->text.data;
		return;
	}
	if (node->kind != DOCUMENT_MAP) {
		fault(reading, node, "a text that is in the message, or its members ({type: error}), are wanted here");
		return;
	}
	for (const struct document_node *at = node->first; at != NULL; at = at->next) {
		if (ret_match->count == PROFILE_MEMBERS || !is_text(at)) {
			fault(reading, at, "a member is a text, and there are %d at most", PROFILE_MEMBERS);
			return;
		}
		ret_match->members[ret_match->count].pointer = (const char *)at->key.data;
		ret_match->members[ret_match->count++].value = (const char *)at->text.data;
	}
}

enum key_kind { KEY_TEXT, KEY_TRUTH, KEY_NUMBER, KEY_MATCH };
struct key_row {
	const char *name;
	enum key_kind kind;
	size_t offset;
};
#define KEY(name, kind, member)                                                                                        \
	{                                                                                                              \
		name, kind, offsetof(struct profile, member)                                                           \
	}

static void take_row(struct reading *reading, const struct document_node *node, const struct key_row *row)
{
	void *to = (char *)reading->profile + row->offset;

	if (row->kind == KEY_TEXT)
		take_text(reading, node, to);
	else if (row->kind == KEY_TRUTH)
		take_truth(reading, node, to);
	else if (row->kind == KEY_NUMBER)
		take_number(reading, node, to);
	else
		take_match(reading, node, to);
}

static void take_rows(struct reading *reading, const struct document_node *map, const struct key_row *rows,
		      size_t count)
{
	if (map->kind != DOCUMENT_MAP) {
		fault(reading, map, "names with values are wanted here");
		return;
	}
	for (const struct document_node *at = map->first; at != NULL; at = at->next) {
		size_t i = 0;

		while (i < count && !slice_is(at->key, rows[i].name))
			i++;
		if (i == count)
			fault(reading, at, "there is no \"%.*s\" here", (int)at->key.size, (const char *)at->key.data);
		else
			take_row(reading, at, &rows[i]);
	}
}

static void take_login(struct reading *reading, const struct document_node *node)
{
	static const struct key_row rows[] = {
		KEY("header", KEY_TEXT, header),   KEY("query", KEY_TEXT, query),
		KEY("cookie", KEY_TEXT, cookie),   KEY("subprotocol", KEY_TEXT, login_subprotocol),
		KEY("message", KEY_TEXT, message), KEY("password", KEY_TEXT, password),
		KEY("session", KEY_TEXT, session), KEY("session_at", KEY_TEXT, session_at),
		KEY("preset", KEY_TEXT, preset),   KEY("logout", KEY_TEXT, logout),
		KEY("answer", KEY_MATCH, answer),  KEY("public", KEY_TRUTH, is_public),
	};

	take_rows(reading, node, rows, sizeof(rows) / sizeof(*rows));
}

static void take_message(struct reading *reading, const struct document_node *node)
{
	static const struct key_row rows[] = { KEY("send", KEY_TEXT, send), KEY("direct", KEY_TEXT, direct),
					       KEY("refused", KEY_MATCH, refused), KEY("limited", KEY_MATCH, limited) };

	take_rows(reading, node, rows, sizeof(rows) / sizeof(*rows));
}

static void take_limits(struct reading *reading, const struct document_node *node)
{
	static const struct key_row rows[] = {
		KEY("messages_per_minute", KEY_NUMBER, messages_per_minute),
		KEY("messages_per_minute_user", KEY_NUMBER, messages_per_minute_user),
		KEY("messages_per_minute_address", KEY_NUMBER, messages_per_minute_address),
		KEY("unread_bytes", KEY_NUMBER, unread_bytes),
		KEY("connections_per_address", KEY_NUMBER, connections_per_address),
		KEY("connections_per_user", KEY_NUMBER, connections_per_user),
		KEY("guesses_per_minute", KEY_NUMBER, guesses_per_minute),
		KEY("message_bytes", KEY_NUMBER, message_bytes),
		KEY("inflated_bytes", KEY_NUMBER, inflated_bytes),
		KEY("handshake_seconds", KEY_NUMBER, handshake_seconds),
		KEY("login_seconds", KEY_NUMBER, login_seconds),
		KEY("idle_seconds", KEY_NUMBER, idle_seconds),
	};

	take_rows(reading, node, rows, sizeof(rows) / sizeof(*rows));
}

static void take_expect(struct reading *reading, const struct document_node *node)
{
	static const struct key_row rows[] = { KEY("inspection", KEY_TRUTH, inspects), KEY("html", KEY_TRUTH, html) };

	take_rows(reading, node, rows, sizeof(rows) / sizeof(*rows));
}

static void take_jwt(struct reading *reading, const struct document_node *node)
{
	struct profile *profile = reading->profile;

	if (node->kind != DOCUMENT_MAP) {
		fault(reading, node, "names with values are wanted here");
		return;
	}
	for (const struct document_node *at = node->first; at != NULL; at = at->next) {
		if (slice_is(at->key, "secret")) {
			take_text(reading, at, &profile->secret);
			profile->secret_size = profile->secret != NULL ? strlen(profile->secret) : 0;
		} else if (slice_is(at->key, "secret_file")) {
			take_file(reading, at, &profile->secret, &profile->secret_size);
		} else if (slice_is(at->key, "key_file")) {
			take_file(reading, at, &profile->private_pem, NULL);
		} else if (slice_is(at->key, "public_key_file")) {
			take_file(reading, at, &profile->public_pem, NULL);
		} else if (slice_is(at->key, "audience")) {
			take_text(reading, at, &profile->audience);
		} else if (slice_is(at->key, "issuer")) {
			take_text(reading, at, &profile->issuer);
		} else if (slice_is(at->key, "authorized_party")) {
			take_text(reading, at, &profile->party);
		} else if (slice_is(at->key, "type")) {
			take_text(reading, at, &profile->type);
		} else if (slice_is(at->key, "user_claim")) {
			take_text(reading, at, &profile->user_claim);
		} else if (slice_is(at->key, "role_claim")) {
			take_text(reading, at, &profile->role_claim);
		} else if (slice_is(at->key, "once")) {
			take_truth(reading, at, &profile->once);
		} else {
			fault(reading, at, "there is no \"%.*s\" here", (int)at->key.size, (const char *)at->key.data);
		}
	}
}

static void take_identity(struct reading *reading, const struct document_node *node)
{
	struct profile_identity *identity = &reading->profile->identities[reading->profile->identity_count];

	if (node->kind != DOCUMENT_MAP || reading->profile->identity_count == PROFILE_IDENTITIES) {
		fault(reading, node, "an identity has names with values, and there are %d at most", PROFILE_IDENTITIES);
		return;
	}
	for (const struct document_node *at = node->first; at != NULL; at = at->next) {
		if (slice_is(at->key, "name"))
			take_text(reading, at, &identity->name);
		else if (slice_is(at->key, "role"))
			take_text(reading, at, &identity->role);
		else if (slice_is(at->key, "token"))
			take_text(reading, at, &identity->token);
		else if (slice_is(at->key, "user"))
			take_text(reading, at, &identity->user);
		else if (slice_is(at->key, "password"))
			take_text(reading, at, &identity->password);
		else if (slice_is(at->key, "cookie"))
			take_text(reading, at, &identity->cookie);
		else if (slice_is(at->key, "token_file"))
			take_file(reading, at, &identity->token, NULL);
		else
			fault(reading, at, "there is no \"%.*s\" here", (int)at->key.size, (const char *)at->key.data);
	}
	reading->profile->identity_count++;
	if (identity->token != NULL && identity->token[0] != '\0') {
		size_t size = strlen(identity->token);
		char *own = arena_alloc(reading->arena, size + 1);

		if (own == NULL) {
			reading->memory = true;
			return;
		}
		memcpy(own, identity->token, size + 1);
		while (size != 0 && (own[size - 1] == '\n' || own[size - 1] == ' ' || own[size - 1] == '\r'))
			own[--size] = '\0';
		identity->token = own;
	}
}

static int find_identity(struct reading *reading, const struct document_node *node)
{
	for (unsigned i = 0; i < reading->profile->identity_count; i++)
		if (reading->profile->identities[i].name != NULL &&
		    slice_is(node->text, reading->profile->identities[i].name))
			return (int)i;
	fault(reading, node, "no identity has this name; they stand in front of this list");
	return 0;
}

static void take_forbidden(struct reading *reading, const struct document_node *node)
{
	struct profile_forbidden *forbidden = &reading->profile->forbidden[reading->profile->forbidden_count];

	if (node->kind != DOCUMENT_MAP || reading->profile->forbidden_count == PROFILE_TEMPLATES) {
		fault(reading, node, "an entry has names with values, and there are %d at most", PROFILE_TEMPLATES);
		return;
	}
	forbidden->control = -1;
	for (const struct document_node *at = node->first; at != NULL; at = at->next) {
		if (slice_is(at->key, "send"))
			take_text(reading, at, &forbidden->send);
		else if (slice_is(at->key, "done"))
			take_match(reading, at, &forbidden->done);
		else if (slice_is(at->key, "as"))
			forbidden->as = (unsigned)find_identity(reading, at);
		else if (slice_is(at->key, "control"))
			forbidden->control = find_identity(reading, at);
		else if (slice_is(at->key, "kind") && slice_is(at->text, "vertical"))
			forbidden->kind = PROFILE_VERTICAL;
		else if (slice_is(at->key, "kind") && slice_is(at->text, "horizontal"))
			forbidden->kind = PROFILE_HORIZONTAL;
		else if (slice_is(at->key, "kind") && slice_is(at->text, "field"))
			forbidden->kind = PROFILE_FIELD;
		else
			fault(reading, at,
			      "there is no such thing here: kind (vertical, horizontal, field), as, control, send, "
			      "done");
	}
	if (forbidden->send == NULL || !profile_match_set(&forbidden->done))
		fault(reading, node, "an entry says what is sent (send) and how it looks when it was done (done)");
	reading->profile->forbidden_count++;
}

static void take_each(struct reading *reading, const struct document_node *list,
		      void (*take)(struct reading *reading, const struct document_node *node))
{
	if (list->kind != DOCUMENT_LIST)
		fault(reading, list, "a list is wanted here");
	else
		for (const struct document_node *at = list->first; at != NULL; at = at->next)
			take(reading, at);
}

static void take_input(struct reading *reading, const struct document_node *node)
{
	if (reading->profile->input_count == PROFILE_TEMPLATES)
		fault(reading, node, "there are %d at most", PROFILE_TEMPLATES);
	else
		take_text(reading, node, &reading->profile->inputs[reading->profile->input_count++]);
}

static void take_section(struct reading *reading, const struct document_node *node)
{
	struct profile *profile = reading->profile;

	if (slice_is(node->key, "origin"))
		take_text(reading, node, &profile->origin);
	else if (slice_is(node->key, "subprotocol"))
		take_text(reading, node, &profile->subprotocol);
	else if (slice_is(node->key, "revoke"))
		take_text(reading, node, &profile->revoke);
	else if (slice_is(node->key, "login"))
		take_login(reading, node);
	else if (slice_is(node->key, "message"))
		take_message(reading, node);
	else if (slice_is(node->key, "limits"))
		take_limits(reading, node);
	else if (slice_is(node->key, "expect"))
		take_expect(reading, node);
	else if (slice_is(node->key, "jwt"))
		take_jwt(reading, node);
	else if (slice_is(node->key, "identities"))
		take_each(reading, node, take_identity);
	else if (slice_is(node->key, "inputs"))
		take_each(reading, node, take_input);
	else if (slice_is(node->key, "forbidden"))
		take_each(reading, node, take_forbidden);
	else
		fault(reading, node, "there is no section \"%.*s\" in a profile", (int)node->key.size,
		      (const char *)node->key.data);
}

static int read_document(struct reading *reading, const char *name, struct fw_slice text)
{
	struct document_node *root;
	int result = document_read(name, text, reading->arena, reading->report, reading->user, &root);

	if (result != FW_OK)
		return result;
	if (root->kind != DOCUMENT_MAP) {
		fault(reading, root, "a profile is sections with values");
		return FW_ERR_INVALID;
	}
	for (const struct document_node *at = root->first; at != NULL; at = at->next)
		take_section(reading, at);
	return reading->memory ? FW_ERR_MEMORY : reading->failed ? FW_ERR_INVALID : FW_OK;
}

/* A profile that says how one logs in, or speaks, says all of it; else that of the contract counts. */
static void complete(struct profile *profile, const struct profile *contract)
{
	if (profile->header == NULL && profile->query == NULL && profile->cookie == NULL &&
	    profile->login_subprotocol == NULL && profile->message == NULL && profile->password == NULL &&
	    !profile->is_public) {
		profile->message = contract->message;
		profile->password = contract->password;
		profile->session = contract->session;
		profile->session_at = contract->session_at;
		profile->answer = contract->answer;
	}
	if (profile->send == NULL) {
		profile->send = contract->send;
		profile->refused = contract->refused;
		profile->limited = contract->limited;
	}
}

int profile_read(const char *name, struct fw_slice text, struct arena *arena, fw_report_function *report, void *user,
		 struct profile *ret_profile)
{
	const struct profile defaults = {
		.html = true,
		.user_claim = "sub",
		.role_claim = "role",
		.messages_per_minute = 300,
		.connections_per_address = 100,
		.connections_per_user = 50,
		.guesses_per_minute = 20,
		.message_bytes = 1048576,
		.inflated_bytes = 32 << 20,
		.unread_bytes = 16 << 20,
		.handshake_seconds = 20,
		.login_seconds = 35,
	};
	struct profile contract = defaults;
	struct reading reading = { .arena = arena, .report = report, .user = user, .profile = &contract };
	int result = read_document(&reading, "built-in profile", slice_text(built_in));

	*ret_profile = defaults;
	reading.profile = ret_profile;
	if (result == FW_OK && text.data != NULL)
		result = read_document(&reading, name, text);
	complete(ret_profile, &contract);
	return result;
}

bool profile_match_set(const struct profile_match *match)
{
	return match->count != 0 || match->contains != NULL;
}
