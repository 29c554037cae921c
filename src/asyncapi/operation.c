/* operation.c: who sends which message: operations of 3.x stand by themselves, those of 2.x in their channel. */
#include "asyncapi/import.h"

enum { DEPTH_MOST = 4 };

/* The path of an operation and what it is called, as messages name it. */
struct doing {
	const struct document_node *node;
	struct fw_slice name;
	bool from_client;
};

static void use_all(struct import *import, struct route *route, const struct doing *doing,
		    const struct document_node *messages)
{
	if (messages == NULL || messages->kind != DOCUMENT_MAP)
		return;
	for (const struct document_node *node = messages->first; node != NULL; node = node->next)
		import_use(import, route, doing->node, doing->name, node, node->key, doing->from_client);
}

/* Messages of an operation are some of its channel's, by reference. */
static void use_listed(struct import *import, struct route *route, const struct doing *doing,
		       const struct document_node *list)
{
	if (list->kind != DOCUMENT_LIST) {
		import_error(import, list, "\"messages\" is a list of references");
		return;
	}
	for (const struct document_node *item = list->first; item != NULL; item = item->next) {
		const struct document_node *named = import_step(import, item);

		if (named != NULL)
			import_use(import, route, doing->node, doing->name, named, import_name(named),
				   doing->from_client);
	}
}

/* The channel that is meant, as it stands in "channels". */
static const struct document_node *channel_of(struct import *import, const struct document_node *named)
{
	const struct document_node *channel = named;

	while (channel != NULL && document_named(channel, "$ref") != NULL &&
	       (channel->parent == NULL || !slice_is(import_name(channel->parent), "channels") ||
		channel->parent->parent != import->root)) {
		const struct document_node *next = import_step(import, channel);

		if (next == channel)
			break;
		channel = next;
	}
	return channel;
}

static void use_channel(struct import *import, const struct doing *doing, const struct document_node *object)
{
	const struct document_node *named = channel_of(import, document_named(object, "channel"));
	const struct document_node *messages = import_follow(import, document_named(object, "messages"));
	struct route *route;

	if (named == NULL)
		return;
	route = import_route(import, named, import_name(named));
	if (route == NULL)
		return;
	if (messages != NULL)
		use_listed(import, route, doing, messages);
	else
		use_all(import, route, doing,
			import_follow(import, document_named(import_follow(import, named), "messages")));
}

static void reply(struct import *import, const struct doing *doing)
{
	const struct document_node *reply = import_member(import, doing->node, "reply");
	const struct doing back = { doing->node, doing->name, !doing->from_client };

	if (reply == NULL)
		return;
	import_list(import, OBJECT_REPLY, reply);
	if (document_named(reply, "channel") != NULL) {
		use_channel(import, &back, reply);
	} else if (document_named(reply, "messages") != NULL) {
		const struct document_node *named = channel_of(import, document_named(doing->node, "channel"));
		struct route *route = named != NULL ? import_route(import, named, import_name(named)) : NULL;

		if (route != NULL)
			use_listed(import, route, &back, import_follow(import, document_named(reply, "messages")));
	}
}

static bool is_named(const struct import *import, const struct document_node *channel)
{
	for (const struct route *route = import->routes; route != NULL; route = route->next)
		if (route->place == channel)
			return true;
	return false;
}

void import_operations_3(struct import *import)
{
	const struct document_node *operations = import_follow(import, document_named(import->root, "operations"));
	const struct document_node *channels = import_follow(import, document_named(import->root, "channels"));

	for (const struct document_node *node = operations != NULL ? operations->first : NULL; node != NULL;
	     node = node->next) {
		struct doing doing = { import_follow(import, node), node->key, false };
		struct fw_slice action = import_member_text(import, doing.node, "action");

		if (doing.node == NULL)
			continue;
		import_list(import, OBJECT_OPERATION, doing.node);
		if (!slice_is(action, "send") && !slice_is(action, "receive")) {
			import_error(import, node, "the action of an operation is send or receive");
			continue;
		}
		if (document_named(doing.node, "channel") == NULL)
			import_error(import, node, "the operation has no channel");
		doing.from_client = slice_is(action, "receive") == (import->options->perspective == ASYNCAPI_SERVER);
		use_channel(import, &doing, doing.node);
		reply(import, &doing);
	}
	if (channels == NULL || channels->kind != DOCUMENT_MAP)
		return;
	for (const struct document_node *node = channels->first; node != NULL; node = node->next) {
		unsigned before = import->route_count;

		if (!is_named(import, node) && import_route(import, node, node->key) != NULL &&
		    import->route_count != before)
			import_note(import, node,
				    "no operation says who sends the messages of this channel: clients "
				    "send none");
	}
}

/* A message, or oneOf several. */
static void use_message(struct import *import, struct route *route, const struct doing *doing,
			const struct document_node *message, unsigned depth)
{
	const struct document_node *several = document_named(import_follow(import, message), "oneOf");
	struct fw_slice name;

	if (several != NULL && depth == DEPTH_MOST) {
		import_error(import, several, "\"oneOf\" in \"oneOf\", and so on");
		return;
	}
	if (several != NULL && several->kind == DOCUMENT_LIST) {
		for (const struct document_node *item = several->first; item != NULL; item = item->next)
			use_message(import, route, doing, item, depth + 1);
		return;
	}
	name = import_member_text(import, import_follow(import, message), "messageId");
	if (name.size == 0)
		name = import_member_text(import, import_follow(import, message), "name");
	if (name.size == 0 && import_step(import, message) != message && import_step(import, message) != NULL)
		name = import_name(import_step(import, message));
	import_use(import, route, doing->node, doing->name, message, name.size != 0 ? name : doing->name,
		   doing->from_client);
}

void import_operations_2(struct import *import)
{
	const struct document_node *channels = import_follow(import, document_named(import->root, "channels"));

	for (const struct document_node *node = channels != NULL ? channels->first : NULL; node != NULL;
	     node = node->next) {
		struct route *route = import_route(import, node, node->key);
		const struct document_node *channel = import_follow(import, node);

		for (unsigned i = 0; i < 2 && route != NULL; i++) {
			const char *verb = i == 0 ? "publish" : "subscribe";
			struct doing doing = { import_follow(import, document_named(channel, verb)), slice("", 0),
					       (i == 0) == (import->options->perspective == ASYNCAPI_SERVER) };
			const struct document_node *message;

			if (doing.node == NULL)
				continue;
			import_list(import, OBJECT_OPERATION, doing.node);
			doing.name = import_member_text(import, doing.node, "operationId");
			if (doing.name.size == 0)
				doing.name = node->key;
			message = import_member(import, doing.node, "message");
			if (message == NULL)
				import_error(import, doing.node, "the operation has no message");
			else
				use_message(import, route, &doing,
					    document_named(doing.node, "message") != NULL
						    ? document_named(doing.node, "message")
						    : message,
					    0);
		}
	}
}
