#include "scan/trial.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/slice.h"
#include "scan/client.h"

enum { ARENA_MOST = 64 << 20, OCTETS_MOST = 96 << 20, CONNECTIONS_MOST = 1500, SECRET_LEAST = 4, SECONDS_MOST = 60 };

/* What the profile asks to wait for, in one check. */
static uint64_t waits(const struct profile *profile)
{
	long most = profile->handshake_seconds > profile->login_seconds ? profile->handshake_seconds
									: profile->login_seconds;

	return (uint64_t)(profile->idle_seconds > most ? profile->idle_seconds : most) * 1000;
}

void trial_begin(struct scan_trial *trial, struct scan_work *work, const struct scan_check *check, unsigned number,
		 struct scan_result *result)
{
	memset(trial, 0, sizeof(*trial));
	*result = (struct scan_result){ .check = check, .ms = link_now() };
	trial->work = work;
	trial->result = result;
	trial->number = number;
	trial->budget =
		(struct link_budget){ .most = OCTETS_MOST,
				      .most_connections = CONNECTIONS_MOST,
				      .until = link_now() + SECONDS_MOST * UINT64_C(1000) + waits(&work->profile) };
	arena_init(&trial->arena, ARENA_MOST);
	pool_init(&trial->pool);
}

static char *keep(struct arena *arena, const char *text, size_t size)
{
	char *copy = arena_alloc(arena, size + 1);

	if (copy != NULL) {
		memcpy(copy, text, size);
		copy[size] = '\0';
	}
	return copy;
}

int trial_end(struct scan_trial *trial, struct arena *arena)
{
	struct scan_result *result = trial->result;

	while (trial->clients != NULL) {
		struct client *client = trial->clients;

		trial->clients = client->next;
		client_free(client);
	}
	if (!trial->decided)
		trial_error(trial, "the check came to no answer");
	result->ms = link_now() - result->ms;
	result->sent = trial->budget.sent;
	result->received = trial->budget.received;
	result->connections = trial->budget.connections;
	result->reason = result->reason != NULL ? keep(arena, result->reason, strlen(result->reason)) : NULL;
	result->evidence = keep(arena, trial->evidence, trial->evidence_size);
	arena_fini(&trial->arena);
	pool_fini(&trial->pool);
	return result->reason != NULL && result->evidence != NULL ? FW_OK : FW_ERR_MEMORY;
}

struct fw_addr trial_address(struct scan_trial *trial)
{
	const uint8_t *network = trial->work->network;
	unsigned at = trial->addresses++;
	struct fw_addr addr = { 0 };

	if (!trial->work->loopback)
		return addr;
	addr.family = 4;
	addr.bytes[0] = 127;
	addr.bytes[1] = network[0];
	addr.bytes[2] = (uint8_t)(network[1] + trial->number);
	addr.bytes[3] = (uint8_t)(at % 250 + 2);
	if (at >= 250)
		addr.bytes[1] = (uint8_t)(network[0] ^ 0x80 ^ (at / 250));
	return addr;
}

static char *format_text(struct scan_trial *trial, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static char *format_text(struct scan_trial *trial, const char *format, va_list arguments)
{
	va_list again;
	int size;
	char *text;

	va_copy(again, arguments);
	size = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = size >= 0 ? arena_alloc(&trial->arena, (size_t)size + 1) : NULL;
	if (text == NULL) {
		static char none[1];

		if (!trial->decided) {
			static char reason[] = "out of memory";

			trial->decided = true;
			trial->result->outcome = SCAN_ERROR;
			trial->result->reason = reason;
		}
		return none;
	}
	vsnprintf(text, (size_t)size + 1, format, arguments);
	return text;
}

char *trial_text(struct scan_trial *trial, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = format_text(trial, format, arguments);
	va_end(arguments);
	return text;
}

char *trial_copy(struct scan_trial *trial, struct fw_slice text)
{
	return trial_text(trial, "%.*s", (int)text.size, text.size != 0 ? (const char *)text.data : "");
}

const char *trial_mark(struct scan_trial *trial)
{
	struct scan_work *work = trial->work;

	return trial_text(trial, "fws%08x%06u", work->seed, ++work->marks);
}

/* Copied: what is learned within a check must stay hidden in those after it. */
void trial_secret(struct scan_work *work, const char *secret)
{
	char *copy;

	if (secret == NULL || strlen(secret) < SECRET_LEAST || work->secret_count == TRIAL_SECRETS)
		return;
	for (unsigned i = 0; i < work->secret_count; i++)
		if (strcmp(work->secrets[i], secret) == 0)
			return;
	copy = keep(&work->arena, secret, strlen(secret));
	if (copy != NULL)
		work->secrets[work->secret_count++] = copy;
}

static bool is_token_octet(uint8_t c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '_';
}

/* How many octets at the beginning are a secret of this scan, or a signed token; 0: none. */
static size_t secret_at(const struct scan_work *work, struct fw_slice text)
{
	size_t size = 0;

	for (unsigned i = 0; i < work->secret_count; i++)
		if (slice_starts(text, work->secrets[i]))
			return strlen(work->secrets[i]);
	if (!slice_starts(text, "eyJ"))
		return 0;
	while (size < text.size && (is_token_octet(text.data[size]) || text.data[size] == '.'))
		size++;
	return size > 20 ? size : 0;
}

/* "…token":"VALUE": the value's size, which begins behind the part that matches. */
static size_t named_secret(struct fw_slice text, size_t *ret_before)
{
	static const char *const names[] = { "token\":",  "password\":", "api_key\":", "secret\":",
					     "ticket\":", "set-cookie:", "cookie:" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t size = strlen(names[i]), at = size;

		if (text.size < size || !slice_equal_nocase(slice(text.data, size), slice_text(names[i])))
			continue;
		while (at < text.size && (text.data[at] == ' ' || text.data[at] == '"'))
			at++;
		*ret_before = at;
		for (size = at; size < text.size && text.data[size] != '"' && text.data[size] != ';'; size++)
			;
		return size - at;
	}
	return 0;
}

void trial_note(struct scan_trial *trial, const char *who, struct fw_slice text)
{
	char line[TRIAL_LINE + 64];
	size_t size = (size_t)snprintf(line, 32, "%.24s ", who), at = 0;

	if (trial->quiet)
		return;
	while (at < text.size && size < TRIAL_LINE) {
		struct fw_slice rest = slice_from(text, at);
		size_t before = 0, hidden = secret_at(trial->work, rest);
		uint8_t c = text.data[at];

		if (hidden == 0 && (hidden = named_secret(rest, &before)) >= SECRET_LEAST && before < 32) {
			memcpy(line + size, rest.data, before);
			size += before;
		} else if (hidden < SECRET_LEAST) {
			hidden = 0;
		}
		if (hidden != 0)
			size += (size_t)snprintf(line + size, 16, "[secret]");
		else if (c < 0x20 || c >= 0x7f)
			size += (size_t)snprintf(line + size, 8, "\\x%02x", c);
		else
			line[size++] = (char)c;
		at += hidden != 0 ? before + hidden : 1;
	}
	if (at < text.size)
		size += (size_t)snprintf(line + size, 48, " [… %zu octets]", text.size);
	line[size++] = '\n';
	if (size > TRIAL_EVIDENCE - trial->evidence_size)
		return;
	memcpy(trial->evidence + trial->evidence_size, line, size);
	trial->evidence_size += size;
}

void trial_say(struct scan_trial *trial, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	trial_note(trial, "#", slice_text(format_text(trial, format, arguments)));
	va_end(arguments);
}

static void decide_text(struct scan_trial *trial, enum scan_outcome outcome, char *reason)
{
	if (trial->decided)
		return;
	trial->decided = true;
	trial->result->outcome = outcome;
	trial->result->reason = reason;
}

static void decide(struct scan_trial *trial, enum scan_outcome outcome, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
static void decide(struct scan_trial *trial, enum scan_outcome outcome, const char *format, va_list arguments)
{
	decide_text(trial, outcome, format_text(trial, format, arguments));
}

#define DECIDES(name, outcome)                                                                                         \
	void trial_##name(struct scan_trial *trial, const char *format, ...)                                           \
	{                                                                                                              \
		va_list arguments;                                                                                     \
                                                                                                                       \
		va_start(arguments, format);                                                                           \
		decide(trial, outcome, format, arguments);                                                             \
		va_end(arguments);                                                                                     \
	}
DECIDES(pass, SCAN_PASS)
DECIDES(finding, SCAN_FINDING)
DECIDES(error, SCAN_ERROR)

/* What cannot be done because the profile does not fit is no matter of the check. */
void trial_skip(struct scan_trial *trial, const char *format, ...)
{
	const struct scan_work *work = trial->work;
	va_list arguments;
	char *reason;

	va_start(arguments, format);
	reason = format_text(trial, format, arguments);
	va_end(arguments);
	if (work->broken && ((work->no_login != NULL && strcmp(reason, work->no_login) == 0) ||
			     (work->no_message != NULL && strcmp(reason, work->no_message) == 0)))
		trial_error(trial, "%s", reason);
	else
		decide_text(trial, SCAN_NOT_APPLICABLE, reason);
}
