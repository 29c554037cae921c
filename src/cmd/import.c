/* import.c: a configuration made of a document that is there already. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "cmd/asyncapi_files.h"
#include "cmd/command.h"
#include "cmd/json_out.h"
#include "cmd/options.h"
#include "shell/file.h"
#include "shell/load.h"
#include "shell/problem.h"

struct importing {
	const char *name, *output, *root;
	bool json;
	struct json_out out;
};

static void report(void *user, const char *text)
{
	struct importing *importing = user;

	if (importing->json)
		problem_write(&importing->out.writer, importing->name, text);
	else
		fprintf(stderr, "%s\n", text);
}

/* What the document cannot say wrong, but an option: an upstream that is none, a role that nobody defined. */
static int check(struct importing *importing, const char *text)
{
	const struct load_options load = { .text = text, .report = report, .user = importing };
	struct fw_policy *policy = NULL;
	int result = load_policy(&load, &policy);

	fw_policy_unref(policy);
	return result;
}

static void begin_json(struct importing *importing)
{
	struct json_writer *w = &importing->out.writer;

	json_out_start(&importing->out);
	json_write_open(w, '{');
	json_write_key(w, "file");
	json_write_string(w, importing->name);
	json_write_key(w, "problems");
	json_write_open(w, '[');
}

static bool end_json(struct importing *importing, struct fw_slice text)
{
	struct json_writer *w = &importing->out.writer;

	json_write_close(w, ']');
	json_write_key(w, "configuration");
	if (text.data != NULL)
		json_write_text(w, text);
	else
		json_write_null(w);
	json_write_close(w, '}');
	return json_out_end(&importing->out, stdout);
}

static int give(struct importing *importing, struct fw_slice text)
{
	if (importing->output != NULL && text.data != NULL && file_replace(importing->output, text) != 0)
		return options_could_not("import", "cannot write \"%s\": %s", importing->output, strerror(errno));
	if (importing->json && !end_json(importing, text))
		return options_could_not("import", "out of memory");
	if (!importing->json && importing->output == NULL && text.data != NULL &&
	    (fwrite(text.data, 1, text.size, stdout) != text.size || fflush(stdout) != 0))
		return options_could_not("import", "cannot write: %s", strerror(errno));
	return text.data != NULL ? COMMAND_DONE : COMMAND_NOT_HELD;
}

static int run(struct importing *importing, struct asyncapi_options *asked)
{
	struct asyncapi_files files;
	char *text = NULL;
	size_t size = 0;
	int result = FW_ERR_MEMORY;

	if (asyncapi_files_open(&files, importing->name, importing->root, asked) != 0) {
		result = options_could_not("import", "cannot read \"%s\": %s", importing->name, strerror(errno));
		asyncapi_files_free(&files);
		return result;
	}
	if (importing->json)
		begin_json(importing);
	result = asyncapi_import(asked, &text, &size);
	asyncapi_files_free(&files);
	if (result == FW_OK)
		result = check(importing, text);
	if (result == FW_ERR_MEMORY)
		result = options_could_not("import", "%s: out of memory", importing->name);
	else
		result = give(importing, result == FW_OK ? slice(text, size) : slice(NULL, 0));
	mem_free(text);
	return result;
}

int command_import(int argc, char **argv)
{
	const char *operands[2] = { NULL, NULL }, *perspective = "server";
	struct importing importing = { 0 };
	struct asyncapi_options asked = { .report = report, .report_user = &importing };
	const struct option_row rows[] = {
		{ "--perspective", "WHOM", &perspective, NULL,
		  "whose document it is: server (default) or client; in a server's clients send what it receives" },
		{ "--upstream", "URL", &asked.upstream, NULL, "the server behind; default: that of the document" },
		{ "--server", "NAME", &asked.server, NULL,
		  "which server of the document; default: the first that speaks WebSocket" },
		{ "--channel", "NAMES", &asked.channels, NULL, "only these channels, with commas between" },
		{ "--discriminator", "POINTER", &asked.discriminator, NULL,
		  "where messages say their type (/event); default: found" },
		{ "--anonymous", "ROLE", &asked.anonymous, NULL, "the role of clients that do not log in" },
		{ "--root", "DIR", &importing.root, NULL,
		  "the folder that has all files of the document; default: that of the document" },
		{ "--clients-only", NULL, NULL, &asked.clients_only, "what the server sends is not looked at" },
		{ "--any-protocol", NULL, NULL, &asked.any_protocol,
		  "servers that speak neither ws nor wss are taken for WebSocket" },
		{ "--open", NULL, NULL, &asked.open,
		  "objects take members that nobody lists, unless the document forbids it" },
		{ "--output", "FILE", &importing.output, NULL, "where to write; default: standard output" },
		{ "--json", NULL, NULL, &importing.json, "notes, errors and the configuration as one JSON object" },
	};
	struct options options = { "import", rows, sizeof(rows) / sizeof(*rows), operands, 2, 0 };
	int result = options_read(&options, argc, argv);

	if (result != OPTIONS_GO_ON)
		return result;
	if (operands[0] == NULL || strcmp(operands[0], "asyncapi") != 0)
		return options_usage("import", "say what is imported: import asyncapi FILE");
	if (operands[1] == NULL)
		return options_usage("import", "name the document: import asyncapi FILE");
	if (strcmp(perspective, "server") != 0 && strcmp(perspective, "client") != 0)
		return options_usage("import", "--perspective is server or client, not \"%s\"", perspective);
	asked.perspective = strcmp(perspective, "server") == 0 ? ASYNCAPI_SERVER : ASYNCAPI_CLIENT;
	importing.name = operands[1];
	return run(&importing, &asked);
}
