/* diff.c: what another configuration, or another AsyncAPI document, opens and closes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/asyncapi_files.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "policy/compare.h"
#include "shell/load.h"
#include "shell/problem.h"

struct value {
	char *path, *text;
	struct value *next;
};

struct one {
	const char *path;
	struct fw_policy *policy;
	struct value *values; /* of its settings */
	bool short_of_memory;
};

struct differing {
	struct asyncapi_options asked;
	const char *root;
	unsigned counts[3];
	bool json;
	struct json_out out;
};

static void report(void *user, const char *text)
{
	(void)user;
	if (problem_is_error(text)) /* notes and warnings are of who reads one of them */
		fprintf(stderr, "%s\n", text);
}

static char *text_of(const struct config_shown *shown)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	if (shown->type == CONFIG_TYPE_INTEGER)
		fprintf(out, "%" PRId64, shown->number);
	else if (shown->type == CONFIG_TYPE_BOOLEAN)
		fputs(shown->number != 0 ? "true" : "false", out);
	else if (shown->type == CONFIG_TYPE_TEXT)
		fprintf(out, "\"%s\"", shown->text);
	else if (shown->type == CONFIG_TYPE_SECRET)
		fputs("(secret)", out);
	for (size_t i = 0; shown->type == CONFIG_TYPE_TEXTS && i < shown->texts.count; i++)
		fprintf(out, "%s%s", i != 0 ? ", " : "", shown->texts.items[i]);
	return fclose(out) == 0 ? text : NULL;
}

/* What policy_compare says in its own words is left out here. */
static void keep(void *user, const struct config_shown *shown)
{
	static const char *const said[] = { "routes", "messages.", "rbac.roles", "upstream.url",
					    "validation.message_sizes." };
	struct one *one = user;
	struct value *value;

	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		if (strncmp(shown->path, said[i], strlen(said[i])) == 0)
			return;
	value = mem_zero(1, sizeof(*value));
	if (value == NULL) {
		one->short_of_memory = true;
		return;
	}
	value->path = mem_text(shown->path, strlen(shown->path));
	value->text = text_of(shown);
	value->next = one->values;
	one->values = value;
	one->short_of_memory = one->short_of_memory || value->path == NULL || value->text == NULL;
}

static void drop(struct one *one)
{
	fw_policy_unref(one->policy);
	while (one->values != NULL) {
		struct value *next = one->values->next;

		mem_free(one->values->path);
		free(one->values->text);
		mem_free(one->values);
		one->values = next;
	}
}

/* A configuration as it is, a document by way of one. */
static int load(struct differing *differing, struct one *one)
{
	struct load_options load = { .path = one->path, .report = report, .show = keep, .user = one };
	struct asyncapi_options asked = differing->asked;
	struct asyncapi_files files;
	char *text = NULL;
	size_t size;
	int result = FW_OK;

	if (asyncapi_files_open(&files, one->path, differing->root, &asked) != 0) {
		asyncapi_files_free(&files);
		return FW_ERR_IO;
	}
	if (asyncapi_is(asked.text)) {
		result = asyncapi_import(&asked, &text, &size);
		load.path = NULL;
		load.text = text;
	}
	if (result == FW_OK)
		result = load_policy(&load, &one->policy);
	asyncapi_files_free(&files);
	mem_free(text);
	return one->short_of_memory ? FW_ERR_MEMORY : result;
}

static void say(void *user, enum difference effect, const char *text)
{
	static const char *const names[] = { "opens", "closes", "changes" };
	struct differing *differing = user;

	differing->counts[effect]++;
	if (!differing->json) {
		printf("%-7s %s\n", names[effect], text);
		return;
	}
	json_write_open(&differing->out.writer, '{');
	json_write_key(&differing->out.writer, "effect");
	json_write_string(&differing->out.writer, names[effect]);
	json_write_key(&differing->out.writer, "what");
	json_write_string(&differing->out.writer, text);
	json_write_close(&differing->out.writer, '}');
}

static const struct value *value_as(const struct one *one, const char *path, unsigned number)
{
	for (const struct value *value = one->values; value != NULL; value = value->next)
		if (strcmp(value->path, path) == 0 && number-- == 0)
			return value;
	return NULL;
}

/* Of several of one path each with that of the same place. */
static unsigned number_of(const struct one *one, const struct value *value)
{
	unsigned number = 0;

	for (const struct value *other = one->values; other != value; other = other->next)
		number += strcmp(other->path, value->path) == 0;
	return number;
}

static void say_value(struct differing *differing, const char *path, const struct value *before,
		      const struct value *after)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s: %.300s, was %.300s", path, after != NULL ? after->text : "nothing",
		 before != NULL ? before->text : "nothing");
	say(differing, DIFFERENCE_CHANGES, text);
}

static void compare_values(struct differing *differing, const struct one *before, const struct one *after)
{
	for (const struct value *value = before->values; value != NULL; value = value->next) {
		const struct value *other = value_as(after, value->path, number_of(before, value));

		if (other == NULL || strcmp(value->text, other->text) != 0)
			say_value(differing, value->path, value, other);
	}
	for (const struct value *value = after->values; value != NULL; value = value->next)
		if (value_as(before, value->path, number_of(after, value)) == NULL)
			say_value(differing, value->path, NULL, value);
}

static bool compare(struct differing *differing, const struct one *before, const struct one *after)
{
	struct json_writer *w = &differing->out.writer;
	bool done;

	if (differing->json) {
		json_out_start(&differing->out);
		json_write_open(w, '{');
		json_write_key(w, "differences");
		json_write_open(w, '[');
	}
	done = policy_compare(before->policy, after->policy, say, differing);
	compare_values(differing, before, after);
	if (differing->json) {
		json_write_close(w, ']');
		json_write_close(w, '}');
		done = json_out_end(&differing->out, stdout) && done;
	} else if (differing->counts[0] + differing->counts[1] + differing->counts[2] != 0) {
		printf("%u open, %u close, %u change\n", differing->counts[0], differing->counts[1],
		       differing->counts[2]);
	}
	return done;
}

static int run(struct differing *differing, struct one ones[2])
{
	int result = FW_OK;

	for (unsigned i = 0; i < 2; i++) {
		result = load(differing, &ones[i]);
		if (result == FW_ERR_IO)
			return options_could_not("diff", "cannot read \"%s\": %s", ones[i].path, strerror(errno));
		if (result == FW_ERR_INVALID)
			return options_could_not("diff", "\"%s\" does not hold", ones[i].path);
		if (result != FW_OK)
			break;
	}
	if (result != FW_OK || !compare(differing, &ones[0], &ones[1]))
		return options_could_not("diff", "out of memory");
	return differing->counts[0] + differing->counts[1] + differing->counts[2] != 0 ? COMMAND_NOT_HELD
										       : COMMAND_DONE;
}

int command_diff(int argc, char **argv)
{
	const char *operands[2] = { NULL, NULL }, *perspective = "server";
	struct differing differing = { .asked = { .report = report, .upstream = "ws://localhost:9000" } };
	const struct option_row rows[] = {
		{ "--perspective", "WHOM", &perspective, NULL, "whose documents they are: server (default) or client" },
		{ "--server", "NAME", &differing.asked.server, NULL, "which server of the documents" },
		{ "--channel", "NAMES", &differing.asked.channels, NULL, "only these channels of the documents" },
		{ "--discriminator", "POINTER", &differing.asked.discriminator, NULL, "where messages say their type" },
		{ "--root", "DIR", &differing.root, NULL, "the folder that has all files of the documents" },
		{ "--clients-only", NULL, NULL, &differing.asked.clients_only,
		  "what the server sends is not looked at" },
		{ "--any-protocol", NULL, NULL, &differing.asked.any_protocol,
		  "servers that speak neither ws nor wss are taken for WebSocket" },
		{ "--open", NULL, NULL, &differing.asked.open, "objects take members that nobody lists" },
		{ "--json", NULL, NULL, &differing.json, "the differences as one JSON object" },
	};
	struct options options = { "diff", rows, sizeof(rows) / sizeof(*rows), operands, 2, 0 };
	struct one ones[2] = { 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	if (operands[1] == NULL)
		return options_usage("diff", "name both: diff OLD NEW");
	if (strcmp(perspective, "server") != 0 && strcmp(perspective, "client") != 0)
		return options_usage("diff", "--perspective is server or client, not \"%s\"", perspective);
	differing.asked.perspective = strcmp(perspective, "server") == 0 ? ASYNCAPI_SERVER : ASYNCAPI_CLIENT;
	ones[0].path = operands[0];
	ones[1].path = operands[1];
	result = run(&differing, ones);
	drop(&ones[0]);
	drop(&ones[1]);
	return result;
}
