/* check_schema.c: messages that are not what the profile's is: types, members, sizes, what is no JSON. */
#include "base/slice.h"
#include "scan/check.h"
#include "scan/input.h"

static const char quoted_text[] = "\"${text}\"";

/* The template is one JSON object with a member that is the text: where, and what the member is called. */
static bool json_template(struct scan_trial *trial, const char **ret_at, const char **ret_key)
{
	const char *send = trial->work->profile.send, *at, *end, *begin;

	if (!speak_parties(trial))
		return false;
	at = strstr(send, quoted_text);
	end = at;
	while (at != NULL && end > send && end[-1] != '"')
		end--;
	begin = end != NULL && end > send ? end - 1 : NULL;
	while (begin != NULL && begin > send && begin[-1] != '"')
		begin--;
	if (at == NULL || begin == NULL || begin == send || send[0] != '{' || send[strlen(send) - 1] != '}') {
		trial_skip(trial, "the profile's message is no JSON object with a member that is the text");
		return false;
	}
	*ret_at = at;
	*ret_key = trial_copy(trial, slice(begin, (size_t)(end - 1 - begin)));
	return true;
}

/* The template with something else in place of "${text}", and something in front of its last bracket. */
static char *changed(struct scan_trial *trial, const struct client *client, const char *at, const char *value,
		     const char *more)
{
	const char *send = trial->work->profile.send, *behind = at + sizeof(quoted_text) - 1;
	const char *pattern = trial_text(trial, "%.*s%s%.*s%s}", (int)(at - send), send, value,
					 (int)(strlen(behind) - 1), behind, more);

	return speak_fill(trial, pattern, &(struct speak_values){ .answer = client->login_answer });
}

/* Sends it, and is it delivered? */
static void refuse(struct scan_trial *trial, struct client *client, const char *message, const char *mark,
		   const char *what)
{
	enum speak_seen seen;

	(void)client_send_text(client, slice_text(message));
	seen = speak_seen(trial, client, mark, NULL);
	if (seen == SPEAK_SEEN)
		trial_finding(trial, "delivered: %s", what);
	else if (seen == SPEAK_UNKNOWN)
		trial_error(trial, "%s %s", what, speak_seen_text(seen));
	else
		trial_pass(trial, "%s %s", what, speak_seen_text(seen));
}

void check_wrong_type(struct scan_trial *trial)
{
	const char *at, *key, *mark = trial_mark(trial);
	struct client *client;

	if (json_template(trial, &at, &key) && (client = check_client(trial, 0, "attacker", NULL)) != NULL)
		refuse(trial, client, changed(trial, client, at, trial_text(trial, "{\"of\":[\"%s\"]}", mark), ""),
		       mark, trial_text(trial, "a message whose \"%s\" is an object, not a text", key));
}

void check_unknown_field(struct scan_trial *trial)
{
	const char *at, *key, *mark = trial_mark(trial), *own = trial_mark(trial);
	struct client *client;

	if (json_template(trial, &at, &key) && (client = check_client(trial, 0, "attacker", NULL)) != NULL)
		refuse(trial, client,
		       changed(trial, client, at, trial_text(trial, "\"%s\"", own),
			       trial_text(trial, ",\"fw_scan_role\":\"%s\"", mark)),
		       mark, "a member that no message has (\"fw_scan_role\")");
}

void check_duplicate_keys(struct scan_trial *trial)
{
	const char *at, *key, *mark = trial_mark(trial);
	struct client *client;

	if (json_template(trial, &at, &key) && (client = check_client(trial, 0, "attacker", NULL)) != NULL)
		refuse(trial, client,
		       changed(trial, client, at, trial_text(trial, "\"%s\"", mark),
			       trial_text(trial, ",\"%s\":\"%s\"", key, mark)),
		       mark, trial_text(trial, "a message with two members \"%s\"", key));
}

void check_no_json(struct scan_trial *trial)
{
	const char *at, *key, *mark = trial_mark(trial);
	struct client *client;

	if (json_template(trial, &at, &key) && (client = check_client(trial, 0, "attacker", NULL)) != NULL)
		refuse(trial, client, trial_text(trial, "this is no JSON: %s", mark), mark, "a text that is no JSON");
}

void check_message_size(struct scan_trial *trial)
{
	size_t size = (size_t)trial->work->profile.message_bytes + 1024;
	const char *mark = trial_mark(trial);
	struct client *client;
	char *text;
	enum speak_seen seen;

	if (!speak_parties(trial) || (client = check_client(trial, 0, "attacker", NULL)) == NULL)
		return;
	text = arena_alloc(&trial->arena, size + 64);
	if (text == NULL) {
		trial_error(trial, "out of memory");
		return;
	}
	memset(text, 'a', size);
	memcpy(text, mark, strlen(mark));
	text[strlen(mark)] = ' ';
	(void)client_send_text(client, slice_text(speak_message(trial, client, slice(text, size))));
	seen = speak_seen(trial, client, mark, NULL);
	if (seen == SPEAK_SEEN)
		trial_finding(trial, "a message of %zu octets was delivered, at most %ld are wanted", size,
			      trial->work->profile.message_bytes);
	else if (seen == SPEAK_UNKNOWN)
		trial_error(trial, "a message of %zu octets %s", size, speak_seen_text(seen));
	else
		trial_pass(trial, "a message of %zu octets %s", size, speak_seen_text(seen));
}

/* What only the inside of a program says. */
static const char *leak_in(const char *text)
{
	static const char *const signs[] = { "Traceback (most recent call last)",
					     "\\n    at ",
					     "\n    at ",
					     ".py\\\", line ",
					     ".py\", line ",
					     "node_modules/",
					     "/usr/lib/python",
					     "java.lang.",
					     "NullPointerException",
					     "System.Exception",
					     "goroutine ",
					     "panic:",
					     "SQLSTATE[",
					     "sqlite3.",
					     "psycopg2.",
					     "undefined method `",
					     "SyntaxError: Unexpected",
					     "JSONDecodeError",
					     "Unexpected token",
					     "json.decoder" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (strstr(text, signs[i]) != NULL)
			return signs[i];
	return NULL;
}

void check_error_detail(struct scan_trial *trial)
{
	static const char *const texts[] = {
		"{", "[1,", "\"", "{\"type\":null}", "[]", "0", "{\"type\":{\"a\":1}}", "{\"type\":\"\\ud800\"}", ""
	};
	struct client *client = NULL;
	unsigned answered = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *sign;

		if (client == NULL || !client->open)
			client = check_client(trial, 0, "attacker", NULL);
		if (client == NULL)
			return;
		(void)client_send_text(client, slice_text(texts[i]));
		if (client_answers(client, TRIAL_PATIENCE_MS) || client->closed)
			answered++;
		(void)speak_hears(client, "no such text", 30, NULL);
		sign = leak_in(client->heard);
		if (sign != NULL) {
			trial_finding(trial, "an answer to \"%s\" has what only the program's inside says: %s",
				      texts[i], sign);
			return;
		}
	}
	if (answered == 0)
		trial_error(trial, "the server answered nothing any more");
	else
		trial_pass(trial, "answers to %zu broken messages say nothing of the program's inside",
			   sizeof(texts) / sizeof(*texts));
}

/* An honest client that was there before must be served behind each. */
void check_malformed(struct scan_trial *trial)
{
	struct client *client = NULL, *honest = check_client(trial, 1, "honest", NULL);
	char deep[8001];
	const struct fw_slice texts[] = { slice(deep, sizeof(deep) - 1),
					  slice_text("{\"type\":1e999999}"),
					  slice_text("{\"a\":\"\\u0000\"}"),
					  slice_text("{\"__proto__\":{\"a\":1}}"),
					  slice_text("[[[[[[[[[[[[[[[[[[[["),
					  slice_text("{\"type\":\"\\ud83d\"}"),
					  slice_text("nul"),
					  slice_text("-"),
					  slice_text("{\"constructor\":{\"prototype\":1}}") };

	memset(deep, '[', sizeof(deep) / 2);
	memset(deep + sizeof(deep) / 2, ']', sizeof(deep) / 2);
	if (honest == NULL)
		return;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (client == NULL || !client->open)
			client = check_client(trial, 0, "attacker", NULL);
		if (client == NULL)
			break;
		(void)client_send_text(client, texts[i]);
		(void)client_answers(client, TRIAL_PATIENCE_MS);
		if (!client_answers(honest, TRIAL_PATIENCE_MS)) {
			trial_finding(trial,
				      "after a message of another client (%.30s…) an honest one was no longer served",
				      (const char *)texts[i].data);
			return;
		}
	}
	trial_pass(trial, "behind %zu broken messages of another client an honest one was served",
		   sizeof(texts) / sizeof(*texts));
}
