/* jsonschema.h: JSON Schema 2020-12 and draft 7, compiled once to a program that runs over the tape of a message.
 *
 * Owns: a program owns its memory, the texts of its schemas included, and never changes after it was compiled: any
 * thread may run it. A run has its own state on the stack; what it needs beyond that (decoded escapes, the memory of
 * PCRE2, marks of objects of more than 256 members under unevaluated…) comes from the caller's arena.
 * Errors: a schema that does not compile is refused with a JSON Pointer and a line. A run that would take too long, too
 * deep or too much memory ends with a result of its own and is never "valid".
 * Never: fetches. A reference leads within the schema, to a document the caller gives, or to the meta-schemas of the
 * two drafts, which are in here; any other is refused. */
#ifndef SCHEMA_JSONSCHEMA_H
#define SCHEMA_JSONSCHEMA_H
#include <framewall/types.h>

#include "base/limits.h"
#include "codec/json.h"

struct jsonschema;

struct jsonschema_document {
	struct fw_slice uri; /* absolute, or relative as a reference names it */
	struct fw_slice text;
};

enum jsonschema_draft { JSONSCHEMA_2020_12, JSONSCHEMA_7 };

struct jsonschema_error {
	char document[128]; /* its URI; "" for the schema itself */
	char pointer[256];  /* to what is wrong; cut when longer */
	char keyword[32];   /* that is wrong; "" when it is no keyword's fault */
	unsigned line;	    /* in the text of the document, from 1 */
	char what[192];
};

/* What has no effect: a keyword that is not known, a format that cannot be judged. */
typedef void jsonschema_warn_function(void *user, const struct jsonschema_error *what);

/* Classes of texts, which are the caller's: "x-framewall" names one, else format or contentMediaType chooses one. */
enum { JSONSCHEMA_CLASSED = 256 };
struct jsonschema_classes {
	int (*find)(const char *keyword, struct fw_slice word); /* the number of a class; -1: there is none */
	const char *words;					/* that there are, for whoever wrote another one */
};

struct jsonschema_options {
	const struct jsonschema_classes *classes;    /* NULL: "x-framewall" is an annotation */
	const struct jsonschema_document *documents; /* what references may lead to */
	size_t document_count;
	enum jsonschema_draft draft; /* of a schema without "$schema" */
	bool closed;  /* an object whose schema lists members takes no others, unless it says so: see compile_close.c */
	bool formats; /* "format" is asserted, not only said */
	size_t memory;			/* of the program; 0: 16 MiB */
	jsonschema_warn_function *warn; /* NULL: nobody is told */
	void *user;
};

/* NULL: see reterr_error. The texts are copied. */
struct jsonschema *jsonschema_compile(struct fw_slice text, const struct jsonschema_options *options,
				      struct jsonschema_error *reterr_error);
void jsonschema_free(struct jsonschema *schema);		/* NULL-safe */
uint64_t jsonschema_class_set(const struct jsonschema *schema); /* a bit for each class that a part of it has */

enum jsonschema_result {
	JSONSCHEMA_VALID = 0,
	JSONSCHEMA_INVALID = 1, /* see the problems */
	JSONSCHEMA_BUDGET = -1, /* more steps than allowed, or a pattern that takes too long */
	JSONSCHEMA_DEPTH = -2,	/* references within references: LIMIT_SCHEMA_DEPTH */
	JSONSCHEMA_MEMORY = -3,
};

struct jsonschema_problem {
	char instance[128];   /* JSON Pointer from the value judged; cut at a whole name. Of a missing member: where it
				 should be */
	const char *keyword;  /* "maxLength"; "false" of a schema that is false */
	const char *schema;   /* where the schema with that keyword stands: "#/properties/text" */
	const char *expected; /* of type and format; or NULL */
	int64_t limit;	      /* of lengths, counts, and of bounds that are integers */
	bool has_limit;
	bool unknown; /* a member that the schema does not list, where it takes no others */
};

/* Which texts of a value have a class by those schemas that held. A text of which several say so is there as often. */
struct jsonschema_classed {
	/* Given. NULL, or what the text should have been: then the schema does not hold. */
	const char *(*fault)(const void *user, unsigned class, struct fw_slice text);
	const void *user;
	/* Found. */
	uint32_t count, nodes[JSONSCHEMA_CLASSED];
	uint8_t classes[JSONSCHEMA_CLASSED];
};

struct jsonschema_problems {
	struct jsonschema_problem list[LIMIT_PROBLEMS];
	unsigned count; /* at most LIMIT_PROBLEMS */
	unsigned total;
	unsigned unknown;	/* of total */
	uint32_t known[2];	/* given by the caller: nodes of members that are never unknown; 0: none */
	uint64_t *unknown_keys; /* given by the caller, cleared: a bit for each node of the tape; the keys of unknown
				   members are set. NULL: not asked for */
	struct jsonschema_classed *classed; /* given by the caller; NULL: classes say nothing */
};

/* Judges a value of a tape. steps: what it may take, about one a keyword, member, element, and 64 octets of text.
 * ret_problems NULL: stops at the first. */
enum jsonschema_result jsonschema_check(const struct jsonschema *schema, const struct json *json, uint32_t node,
					struct arena *arena, uint64_t steps, struct jsonschema_problems *ret_problems);
/* For a whole message: what a schema of some 50 keywords for each of its values could take. */
static inline uint64_t jsonschema_steps(size_t message_size)
{
	return 100000 + (uint64_t)message_size * 16;
}

/* "title", "examples": does a keyword say something to people alone? */
bool jsonschema_is_annotation(struct fw_slice keyword);
/* The formats that are asserted: the i-th name, or NULL behind the last. */
const char *jsonschema_format_known(unsigned i);
int jsonschema_format_find(struct fw_slice name); /* -1: unknown */
/* arena: for "regex" alone. */
bool jsonschema_format_holds(unsigned format, struct fw_slice text, struct arena *arena);
#endif
