/* rehearsal_seen.c: what stages said, what was recorded and what the client was told, as one reason for people. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/slice.h"
#include "codec/json.h"
#include "shell/rehearsal_parts.h"

static void keep(char *to, size_t room, struct fw_slice text)
{
	size_t size = text.size < room ? text.size : room - 1;

	while (size < text.size && size != 0 && (text.data[size] & 0xc0) == 0x80)
		size--;
	if (size != 0)
		memcpy(to, text.data, size);
	to[size] = '\0';
}

static void add(char to[REHEARSAL_TEXT], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char to[REHEARSAL_TEXT], const char *format, ...)
{
	size_t used = strlen(to);
	va_list values;

	va_start(values, format);
	/* NOLINTNEXTLINE: va_start is the line above, which clang-tidy 14 forgets */
	vsnprintf(to + used, REHEARSAL_TEXT - used, format, values);
	va_end(values);
}

static void add_problem(char to[REHEARSAL_TEXT], const struct fw_trace_problem *problem)
{
	add(to, "%s%s: %s", *to != '\0' ? "; " : "", problem->field, problem->rule);
	if (problem->has_limit)
		add(to, " %lld", (long long)problem->limit);
	else if (problem->expected != NULL)
		add(to, " (%s)", problem->expected);
}

void rehearsal_see_stage(void *user, const struct fw_trace *said)
{
	struct rehearsal *r = user;
	struct rehearsal_seen *seen = &r->seen;

	if (r->trace != NULL)
		r->trace(r->trace_user, said);
	if (said->type != NULL)
		keep(seen->type, sizeof(seen->type), slice_text(said->type));
	if (seen->refused || strcmp(said->verdict, "pass") == 0 || strcmp(said->verdict, "skip") == 0)
		return;
	seen->refused = strcmp(said->verdict, "refuse") == 0 || strcmp(said->verdict, "close") == 0;
	keep(seen->stage, sizeof(seen->stage), slice_text(said->stage));
	keep(seen->code, sizeof(seen->code), slice_text(said->code));
	keep(seen->rule, sizeof(seen->rule), slice_text(said->rule));
	*seen->reason = '\0';
	/* Where it is the first problem it is said with the others. */
	if (said->problem_count == 0 || !slice_is(said->detail, said->problems[0].rule)) {
		add(seen->reason, "%.*s", (int)said->detail.size, (const char *)said->detail.data);
		if (said->field.size != 0)
			add(seen->reason, " (%.*s)", (int)said->field.size, (const char *)said->field.data);
	}
	for (unsigned i = 0; i < said->problem_count; i++)
		add_problem(seen->reason, &said->problems[i]);
	if (said->problem_total > said->problem_count)
		add(seen->reason, "; and %u more", said->problem_total - said->problem_count);
}

/* The last one that says why something did not go on. */
void rehearsal_see_record(struct rehearsal *r, const struct fw_record *record)
{
	for (unsigned i = 0; i < record->detail_count; i++) {
		const struct fw_detail *detail = &record->details[i];

		if (detail->kind == FW_DETAIL_TEXT && detail->text.size != 0 &&
		    (strcmp(detail->key, "cause") == 0 || strcmp(detail->key, "rule") == 0))
			keep(r->seen.cause, sizeof(r->seen.cause), detail->text);
	}
}

static void read_error(struct rehearsal *r, const struct json *json, struct arena *arena)
{
	uint32_t type = json_member(json, 0, "type", 4), data, code;

	if (type == 0 || !json_string_is(json, type, "error", 5))
		return;
	data = json_member(json, 0, "data", 4);
	if (data == 0 || json->nodes[data].kind != JSON_OBJECT)
		return;
	code = json_member(json, data, "code", 4);
	if (code == 0 || json->nodes[code].kind != JSON_STRING)
		return;
	r->seen.told = true;
	keep(r->seen.error, sizeof(r->seen.error), json_text(json, code, arena));
}

void rehearsal_see_reply(struct rehearsal *r, struct fw_slice message)
{
	struct arena arena;
	struct json json;

	buf_clear(&r->reply, &r->pool);
	if (buf_append(&r->reply, &r->pool, message.data, message.size) < 0)
		r->failed = true;
	arena_init(&arena, (size_t)64 << 20);
	if (json_parse(&arena, message, 0, &json, NULL) == JSON_OK && json.nodes[0].kind == JSON_OBJECT)
		read_error(r, &json, &arena);
	arena_fini(&arena);
}
