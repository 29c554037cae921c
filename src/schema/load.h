/* load.h: the documents of a compilation: their tapes, the resources ($id) and anchors in them, and where a
 * reference leads. For this folder only. Lives as long as the compilation. */
#ifndef SCHEMA_LOAD_H
#define SCHEMA_LOAD_H
#include "schema/keyword_shape.h"
#include "schema/program.h"

enum keyword_id {
#define KEYWORD(id, name, drafts, shape) KEYWORD_##id,
#include "tables/schema_keywords.def"
#undef KEYWORD
	KEYWORDS
};
const char *loader_keyword_name(unsigned id);

struct loader_document {
	struct fw_slice uri, text;
	struct json json;
	bool read;
	uint32_t resource; /* of its root */
	uint32_t *blocks;  /* of each node: number of its block, 0: none */
};

struct loader_resource {
	uint32_t document, root;
	struct fw_slice uri;
	enum jsonschema_draft draft;
	bool validation, formats; /* vocabularies */
};

struct loader_anchor {
	uint32_t resource, node;
	struct fw_slice name;
	bool dynamic;
};

struct loader {
	struct arena *arena;
	const struct jsonschema_options *options;
	struct jsonschema_error *error;
	struct loader_document *documents;
	struct loader_resource *resources;
	struct loader_anchor *anchors;
	uint32_t document_count, resource_count, anchor_count, resource_room, anchor_room;
	unsigned reading; /* depth of documents that ask for their meta-schema */
	bool failed;
};

/* Where a schema stands. */
struct loader_place {
	uint32_t document, node;
};

bool loader_start(struct loader *loader, struct fw_slice text);
/* Returns false, and says what is wrong at a place. The first error stays. */
bool loader_fail(struct loader *loader, struct loader_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void loader_warn(struct loader *loader, struct loader_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool loader_memory(struct loader *loader); /* the same for memory */
/* The value of a keyword of an object, 0: it has none or the draft does not know it. */
void loader_keywords(const struct json *json, uint32_t node, enum jsonschema_draft draft, uint32_t ret_at[KEYWORDS]);
/* Warns of each keyword that counts for nothing. at: as loader_keywords has them. */
void loader_look(struct loader *loader, struct loader_place place, enum jsonschema_draft draft,
		 const uint32_t at[KEYWORDS]);
bool loader_text(struct loader *loader, struct loader_place place, struct fw_slice *ret_text); /* of a string */
/* A resource by its URI; the document is read if it must be. resource_count: there is none. */
bool loader_resource(struct loader *loader, struct fw_slice uri, uint32_t *ret_resource);
uint32_t loader_resource_of(const struct loader *loader, struct loader_place place); /* the innermost around it */
/* The schema a reference leads to; at: the text. ret_resource: the resource the reference names. */
bool loader_follow(struct loader *loader, struct loader_place at, struct loader_place *ret_target,
		   struct fw_slice *ret_fragment);
/* "#/properties/text", or with the document's URI before it; in the arena. NULL: memory is short. */
const char *loader_where(struct loader *loader, struct loader_place place);
#endif
