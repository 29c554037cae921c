/* document.h: a YAML or JSON file as a tree of which every value knows its place: for files that are no configuration.
 * It is read as strictly as one: aliases, tags, keys that are there twice, a second document, control characters and
 * what is no UTF-8 are refused, each where it stands; a file has LIMIT_CONFIG_BYTES at most.
 *
 * Owns: nothing; the tree and its texts are of the caller's arena. One thread an arena; no state. */
#ifndef POLICY_DOCUMENT_H
#define POLICY_DOCUMENT_H
#include <framewall/policy.h>

#include "base/arena.h"

enum document_kind { DOCUMENT_NULL, DOCUMENT_TRUTH, DOCUMENT_NUMBER, DOCUMENT_TEXT, DOCUMENT_LIST, DOCUMENT_MAP };
enum { DOCUMENT_DEPTH = 64 };

struct document_node {
	enum document_kind kind;
	const char *file;      /* its name */
	unsigned line, column; /* of the value: of the first thing in a map or list */
	struct fw_slice key;   /* of a member of a map */
	unsigned key_line, key_column;
	struct fw_slice text; /* of all but lists and maps */
	struct document_node *first, *next, *parent;
	unsigned count; /* of members or elements */
};

/* FW_OK and the root; FW_ERR_INVALID: reported as "name:line:column: error: …"; FW_ERR_MEMORY. name stays the caller's.
 */
int document_read(const char *name, struct fw_slice text, struct arena *arena, fw_report_function *report, void *user,
		  struct document_node **ret_root);

/* The member of a map, or NULL. */
struct document_node *document_member(const struct document_node *map, struct fw_slice name);
struct document_node *document_named(const struct document_node *map, const char *name);
#endif
