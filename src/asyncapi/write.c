/* write.c: the configuration, and the import from its beginning to that. */
#include <stdlib.h>
#include <string.h>

#include "asyncapi/import.h"
#include "base/mem.h"

/* The schema of a message without a payload. */
#define NOTHING "{\"type\":\"object\",\"additionalProperties\":false}"

static void write_head(struct import *import, FILE *out)
{
	const struct document_node *info = import_follow(import, document_named(import->root, "info"));
	struct fw_slice title = import_member_text(import, info, "title");
	struct fw_slice version = import_member_text(import, info, "version");

	fprintf(out, "# Made of %s", import_shown(import, slice_text(import_beside(import, import->options->name))));
	if (title.size != 0)
		fprintf(out, ": %s", import_shown(import, title));
	if (version.size != 0)
		fprintf(out, ", version %s", import_shown(import, version));
	fprintf(out, ".\n# It was read as the document of the %s: clients send what %s.\n",
		import->options->perspective == ASYNCAPI_SERVER ? "server" : "client",
		!import->three ? (import->options->perspective == ASYNCAPI_SERVER ? "is published" : "is subscribed to")
		: import->options->perspective == ASYNCAPI_SERVER ? "it receives"
								  : "it sends");
	if (import->remark_count != 0)
		fputs("# What the document says and what has no effect here, or was decided:\n", out);
	import_remarks(import, out);
}

static void write_upstream(struct import *import, FILE *out)
{
	const char *url = import->options->upstream;

	fputs("\nupstream:\n  url: ", out);
	if (url != NULL)
		import_yaml_text(out, slice_text(url));
	else if (import->server.node != NULL)
		fprintf(out, "\"%.*s://%.*s\"", (int)import->server.scheme.size,
			(const char *)import->server.scheme.data, (int)import->server.host.size,
			(const char *)import->server.host.data);
	else
		fputs("\"ws://localhost:9000\" # the document names none", out);
	fputs("\nvalidation:\n  builtin_messages: false\n", out);
	if (import->options->open)
		fputs("  schema_objects: open\n", out);
	if (import->secured && (import->methods[0] || import->methods[1]))
		fprintf(out, "authentication:\n  methods: [%s%s%s, session]\n", import->methods[0] ? "jwt" : "",
			import->methods[0] && import->methods[1] ? ", " : "", import->methods[1] ? "api_key" : "");
}

static void write_type_name(FILE *out, struct fw_slice name)
{
	fputs("      ", out);
	import_yaml_text(out, name);
	fputs(":\n", out);
}

static void write_route(struct import *import, const struct route *route, FILE *out)
{
	fputs("  - path: ", out);
	import_yaml_text(out, slice_text(route->path));
	fputc('\n', out);
	if (import->options->anonymous != NULL) {
		fputs("    anonymous: ", out);
		import_yaml_text(out, slice_text(import->options->anonymous));
		fputc('\n', out);
	}
	if (route->untyped) {
		fputs("    discriminator: none\n", out);
	} else if (route->discriminator != NULL) {
		fputs("    discriminator: ", out);
		import_yaml_text(out, slice_text(route->discriminator));
		fputc('\n', out);
	}
	if (route->judges_out && !import->options->clients_only) {
		fputs("    outbound: { ", out);
		if (route->untyped_out) {
			fputs("type: ", out);
			import_yaml_text(out, route->out.first->type);
			fputs(", ", out);
		}
		fputs("unknown_types: stop, invalid: stop }\n", out);
	}
	if (route->in.first == NULL) {
		fputs("    types: {}\n", out);
		return;
	}
	fputs("    types:\n", out);
	for (const struct use *use = route->in.first; use != NULL; use = use->next) {
		if (route->untyped)
			write_type_name(out, use->type);
		for (unsigned i = 0; i < use->values.count && !route->untyped; i++)
			write_type_name(out, use->values.list[i]->text);
	}
}

static bool write_use(const struct use *use, bool rate, unsigned indent, FILE *out)
{
	fprintf(out, "%*spermission: ", (int)indent, "");
	import_yaml_text(out, use->permission);
	fputc('\n', out);
	if (use->role.size != 0) {
		fprintf(out, "%*srole: ", (int)indent, "");
		import_yaml_text(out, use->role);
		fputc('\n', out);
	}
	if (use->rate.size != 0 && rate)
		fprintf(out, "%*smessages_per_minute: %.*s\n", (int)indent, "", (int)use->rate.size,
			(const char *)use->rate.data);
	fprintf(out, "%*sschema:", (int)indent, "");
	return import_yaml_json(out, use->message->schema.data != NULL ? use->message->schema : slice_text(NOTHING),
				indent + 2);
}

static bool write_type(struct import *import, const struct type *type, FILE *out)
{
	const struct use *use = type->in != NULL ? type->in : type->out;
	bool both = type->in != NULL && type->out != NULL, same;

	fputs("  ", out);
	import_yaml_text(out, type->name);
	fprintf(out, ": # %s (%s)\n", import_shown(import, use->message->name),
		import_place(import, use->message->place));
	if (type->out != NULL)
		fprintf(out, "    direction: %s\n", both ? "both" : "server");
	if (!write_use(use, type->in != NULL, 4, out))
		return false;
	same = both && type->in->message == type->out->message &&
	       slice_equal(type->in->permission, type->out->permission) && slice_equal(type->in->role, type->out->role);
	if (!both || same)
		return true;
	fprintf(out, "    receive: # %s (%s)\n", import_shown(import, type->out->message->name),
		import_place(import, type->out->message->place));
	return write_use(type->out, false, 6, out);
}

bool import_write(struct import *import, FILE *out)
{
	bool done = true;

	write_head(import, out);
	write_upstream(import, out);
	fputs("routes:\n", out);
	for (const struct route *route = import->routes; route != NULL; route = route->next)
		write_route(import, route, out);
	if (import->types != NULL)
		fputs("messages:\n", out);
	for (const struct type *type = import->types; type != NULL; type = type->next)
		done = write_type(import, type, out) && done;
	return done && !import->short_of_memory;
}
