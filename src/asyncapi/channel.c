/* channel.c: channels, operations and messages of both versions to routes and what is said on them. */
#include <string.h>

#include "asyncapi/import.h"

static bool is_chosen(const struct import *import, struct fw_slice name)
{
	const char *list = import->options->channels;

	if (list == NULL)
		return true;
	while (*list != '\0') {
		size_t size = strcspn(list, ",");

		if (slice_equal(slice_trim(slice(list, size)), name))
			return true;
		list += size + (list[size] == ',');
	}
	return false;
}

static void look_at_bindings(struct import *import, const struct document_node *channel)
{
	const struct document_node *bindings = import_follow(import, document_named(channel, "bindings"));

	if (bindings == NULL || bindings->kind != DOCUMENT_MAP)
		return;
	for (const struct document_node *binding = bindings->first; binding != NULL; binding = binding->next) {
		const struct document_node *of_ws = import_follow(import, binding);
		struct fw_slice method;

		if (!slice_is(binding->key, "ws")) {
			import_note(import, binding, "bindings of \"%s\" have no effect on a WebSocket",
				    import_shown(import, binding->key));
			continue;
		}
		method = import_member_text(import, of_ws, "method");
		if (method.size != 0 && !slice_is(method, "GET"))
			import_note(import, binding, "a WebSocket begins with GET, whatever the binding says");
		import_list(import, OBJECT_BINDING, of_ws);
	}
}

static void look_at_parameters(struct import *import, const struct document_node *channel)
{
	const struct document_node *parameters = import_follow(import, document_named(channel, "parameters"));

	if (parameters == NULL || parameters->kind != DOCUMENT_MAP)
		return;
	for (const struct document_node *node = parameters->first; node != NULL; node = node->next)
		import_list(import, OBJECT_PARAMETER, import_follow(import, node));
}

struct route *import_route(struct import *import, const struct document_node *named, struct fw_slice name)
{
	const struct document_node *channel = import_follow(import, named), *address;
	struct route *route;
	const char *path;

	if (channel == NULL || !is_chosen(import, name) || !import_is_of_server(import, channel, named))
		return NULL;
	import_list(import, OBJECT_CHANNEL, channel);
	look_at_bindings(import, channel);
	look_at_parameters(import, channel);
	address = import->three ? import_follow(import, document_named(channel, "address")) : named;
	if (import->three && (address == NULL || address->kind == DOCUMENT_NULL))
		import_note(import, named, "the channel has no address: its path is that of the server");
	path = import_path(import, address != NULL ? address : named,
			   !import->three				      ? name
			   : address != NULL && address->kind > DOCUMENT_NULL ? address->text
									      : slice("", 0));
	if (path == NULL)
		return NULL;
	for (route = import->routes; route != NULL; route = route->next)
		if (strcmp(route->path, path) == 0)
			return route;
	route = import_alloc(import, sizeof(*route));
	if (route == NULL)
		return NULL;
	if (import->route_count++ == LIMIT_ROUTES)
		import_error(import, named, "there are more than %d channels", (int)LIMIT_ROUTES);
	route->path = path;
	route->place = named;
	route->in.last = &route->in.first;
	route->out.last = &route->out.first;
	*import->last_route = route;
	import->last_route = &route->next;
	return route;
}

/* application/vnd.aai.asyncapi+json;version=2.6.0 and JSON Schema are read. */
static bool is_read(struct fw_slice format, bool *ret_draft7)
{
	static const char *const known[] = { "application/vnd.aai.asyncapi", "application/schema" };

	*ret_draft7 = true;
	for (size_t i = 0; i < 2; i++) {
		struct fw_slice rest = slice_from(format, strlen(known[i]));

		if (!slice_starts(format, known[i]))
			continue;
		if (slice_starts(rest, "+json") || slice_starts(rest, "+yaml"))
			rest = slice_from(rest, 5);
		if (i == 0)
			return rest.size == 0 || rest.data[0] == ';';
		*ret_draft7 = !slice_is(rest, ";version=2020-12") &&
			      !slice_is(rest, ";version=https://json-schema.org/draft/2020-12/schema");
		return rest.size == 0 || !*ret_draft7 || slice_is(rest, ";version=draft-07");
	}
	return false;
}

static void read_payload(struct import *import, struct message *message)
{
	struct fw_slice format = import_member_text(import, message->node, "schemaFormat");
	const struct document_node *place = import_member(import, message->node, "schemaFormat");
	const struct document_node *payload = document_named(message->node, "payload"), *followed, *schema;

	message->draft7 = true;
	followed = import_follow(import, payload);
	schema = document_named(followed, "schema");
	if (import->three && schema != NULL && document_named(followed, "schemaFormat") != NULL) {
		place = document_named(followed, "schemaFormat");
		format = import_member_text(import, followed, "schemaFormat");
		payload = schema;
	}
	message->payload = payload;
	if (format.size != 0 && !is_read(format, &message->draft7))
		import_error(import, place,
			     "the message \"%s\" is in \"%s\": only JSON Schema (draft 7, 2020-12) and "
			     "AsyncAPI's own schemas are read",
			     import_shown(import, message->name), import_shown(import, format));
	if (payload == NULL)
		import_note(import, message->place, "the message \"%s\" has no payload: nothing but its type passes",
			    import_shown(import, message->name));
	else if (import_follow(import, payload) != NULL && !import_is_object(import, payload))
		import_error(import, message->place,
			     "the payload of \"%s\" (line %u) is no object; a message is one, here",
			     import_shown(import, message->name), payload->line);
}

static void look_at_content(struct import *import, const struct message *message)
{
	const struct document_node *place = import_member(import, message->node, "contentType");
	struct fw_slice type = import_member_text(import, message->node, "contentType");

	if (type.size == 0) {
		place = document_named(import->root, "defaultContentType");
		type = import_member_text(import, import->root, "defaultContentType");
	}
	if (type.size != 0 && memmem(type.data, type.size, "json", 4) == NULL)
		import_error(import, place, "the message \"%s\" is \"%s\": only JSON is read",
			     import_shown(import, message->name), import_shown(import, type));
}

static struct message *message_of(struct import *import, const struct document_node *place, struct fw_slice name)
{
	const struct document_node *node = import_follow(import, place);
	struct message *message;

	if (node == NULL || node->kind != DOCUMENT_MAP)
		return NULL;
	for (message = import->messages; message != NULL; message = message->next)
		if (message->node == node)
			return message;
	message = import_alloc(import, sizeof(*message));
	if (message == NULL)
		return NULL;
	*message = (struct message){ .name = name, .place = place, .node = node, .next = import->messages };
	import->messages = message;
	import_list(import, OBJECT_MESSAGE, node);
	read_payload(import, message);
	look_at_content(import, message);
	return message;
}

/* x-roles: one role; x-rate-limit: messages a minute. Of the message, else of the operation. */
static void read_extensions(struct import *import, struct use *use)
{
	const struct document_node *objects[] = { use->message->node, use->operation };

	for (unsigned i = 0; i < 2; i++) {
		const struct document_node *roles = import_member(import, objects[i], "x-roles");
		struct fw_slice rate = import_member_text(import, objects[i], "x-rate-limit");

		if (use->rate.size == 0)
			use->rate = rate;
		if (roles != NULL && roles->kind == DOCUMENT_LIST && roles->count == 1)
			roles = roles->first;
		if (roles != NULL && (roles->kind == DOCUMENT_LIST || roles->kind == DOCUMENT_MAP))
			import_error(import, roles, "\"x-roles\" is one role: who inherits from it is one of it, too");
		else if (roles != NULL && use->role.size == 0)
			use->role = roles->text;
	}
	for (size_t i = 0; i < use->rate.size; i++)
		if (!ascii_is_digit(use->rate.data[i])) {
			import_error(import, use->message->place, "\"x-rate-limit\" is a number of messages a minute");
			return;
		}
}

void import_use(struct import *import, struct route *route, const struct document_node *operation,
		struct fw_slice operation_name, const struct document_node *place, struct fw_slice name,
		bool from_client)
{
	struct uses *uses = from_client ? &route->in : &route->out;
	struct message *message = message_of(import, place, name);
	struct fw_slice permission;
	struct use *use;

	if (message == NULL || (!from_client && import->options->clients_only))
		return;
	permission = import_permissions_both(
		import, operation, import->server_permission,
		import_permission(import, import_member(import, operation, "security"), operation_name),
		operation_name);
	for (use = uses->first; use != NULL; use = use->next) {
		if (use->message != message)
			continue;
		if (!slice_equal(use->permission, permission) && from_client)
			import_error(import, operation,
				     "the message \"%s\" asks for \"%s\" here and for \"%s\" in %s: it can be one",
				     import_shown(import, message->name), import_shown(import, permission),
				     import_shown(import, use->permission), import_place(import, use->operation));
		return;
	}
	use = import_alloc(import, sizeof(*use));
	if (use == NULL)
		return;
	if (import->use_count++ == LIMIT_OWN_TYPES)
		import_error(import, place, "there are more than %d messages", (int)LIMIT_OWN_TYPES);
	*use = (struct use){ .message = message, .operation = operation, .permission = permission };
	read_extensions(import, use);
	*uses->last = use;
	uses->last = &use->next;
	uses->count++;
}
