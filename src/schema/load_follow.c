/* load_follow.c: where references lead, and how a place is named. */
#include <stdio.h>

#include "base/slice.h"
#include "codec/json_pointer.h"
#include "schema/load.h"
#include "schema/uri.h"

uint32_t loader_resource_of(const struct loader *loader, struct loader_place place)
{
	uint32_t best = loader->documents[place.document].resource;

	for (uint32_t i = 0; i < loader->resource_count; i++) {
		const struct loader_resource *resource = &loader->resources[i];
		const struct json_node *nodes = loader->documents[place.document].json.nodes;

		if (resource->document == place.document && resource->root <= place.node &&
		    place.node < nodes[resource->root].next && resource->root >= loader->resources[best].root)
			best = i;
	}
	return best;
}

bool loader_follow(struct loader *loader, struct loader_place at, struct loader_place *ret_target,
		   struct fw_slice *ret_fragment)
{
	struct fw_slice text = { 0 }, uri;
	uint32_t resource;

	if (!loader_text(loader, at, &text))
		return false;
	uri = jsonschema_uri_resolve(loader->resources[loader_resource_of(loader, at)].uri, text, loader->arena,
				     ret_fragment);
	if (uri.data == NULL)
		return loader_memory(loader);
	if (!loader_resource(loader, uri, &resource))
		return false;
	if (resource == loader->resource_count)
		return loader_fail(loader, at, "leads to a document that is not given: \"%.*s\"", (int)uri.size,
				   uri.data);
	ret_target->document = loader->resources[resource].document;
	ret_target->node = loader->resources[resource].root;
	if (ret_fragment->size == 0)
		return true;
	if (ret_fragment->data[0] == '/') {
		ret_target->node = json_pointer_find_from(&loader->documents[ret_target->document].json,
							  ret_target->node, *ret_fragment);
		if (ret_target->node != 0)
			return true;
	} else {
		for (uint32_t i = 0; i < loader->anchor_count; i++)
			if (loader->anchors[i].resource == resource &&
			    slice_equal(loader->anchors[i].name, *ret_fragment)) {
				ret_target->node = loader->anchors[i].node;
				return true;
			}
	}
	return loader_fail(loader, at, "leads nowhere: \"%.*s\"", (int)text.size, text.data);
}

const char *loader_where(struct loader *loader, struct loader_place place)
{
	const struct loader_document *document = &loader->documents[place.document];
	char pointer[1024];
	size_t size;
	char *text;

	json_pointer_write(&document->json, 0, place.node, pointer, sizeof(pointer));
	size = document->uri.size + strlen(pointer) + 2;
	text = arena_alloc(loader->arena, size);
	if (text != NULL)
		snprintf(text, size, "%.*s#%s", place.document != 0 ? (int)document->uri.size : 0, document->uri.data,
			 pointer);
	return text;
}
