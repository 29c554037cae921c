/* reference.c: the files of a document, and where $ref leads: within a file, or to one beside it. Never to another
 * machine. */
#include <errno.h>
#include <string.h>

#include "asyncapi/import.h"

enum { STEPS_MOST = 32, PATH_ROOM = 1024, PATH_SEGMENTS = 64 };

static struct loaded *load(struct import *import, const char *path, struct fw_slice text)
{
	struct loaded *file = import_alloc(import, sizeof(*file));

	if (file == NULL)
		return NULL;
	file->path = path;
	file->next = import->files;
	import->files = file;
	import->file_count++;
	switch (document_read(path, text, &import->arena, import->options->report, import->options->report_user,
			      &file->root)) {
	case FW_OK:
		break;
	case FW_ERR_MEMORY:
		import->short_of_memory = true;
		/* fall through */
	default:
		import->errors++;
		file->root = NULL;
	}
	return file;
}

const struct document_node *import_read(struct import *import)
{
	struct loaded *file = load(import, import->options->name, import->options->text);

	return file != NULL ? file->root : NULL;
}

/* One segment more; ".." takes the one before away, if that is none itself. */
static bool push(struct fw_slice segments[PATH_SEGMENTS], size_t *count, struct fw_slice segment)
{
	if (segment.size == 0 || slice_is(segment, "."))
		return true;
	if (slice_is(segment, "..") && *count != 0 && !slice_is(segments[*count - 1], "..")) {
		--*count;
		return true;
	}
	if (*count == PATH_SEGMENTS)
		return false;
	segments[(*count)++] = segment;
	return true;
}

static bool push_all(struct fw_slice segments[PATH_SEGMENTS], size_t *count, struct fw_slice path)
{
	size_t start = 0;

	for (size_t i = 0; i <= path.size; i++) {
		if (i < path.size && path.data[i] != '/')
			continue;
		if (!push(segments, count, slice(path.data + start, i - start)))
			return false;
		start = i + 1;
	}
	return true;
}

/* dir/a.yaml and ../b/c.yaml: b/c.yaml. False: too long, or nothing that could be a file's name. */
static bool join(const char *from, struct fw_slice name, char ret_path[PATH_ROOM])
{
	const char *slash = strrchr(from, '/');
	struct fw_slice segments[PATH_SEGMENTS];
	size_t count = 0, size = 0;

	for (size_t i = 0; i < name.size; i++)
		if (name.data[i] < 0x20 || name.data[i] == 0x7f || name.data[i] == '\\')
			return false;
	if (!push_all(segments, &count, slice(from, slash != NULL ? (size_t)(slash - from) : 0)) ||
	    !push_all(segments, &count, name) || count == 0)
		return false;
	if (*from == '/')
		ret_path[size++] = '/';
	for (size_t i = 0; i < count; i++) {
		if (segments[i].size + 2 > PATH_ROOM - size)
			return false;
		memcpy(ret_path + size, segments[i].data, segments[i].size);
		size += segments[i].size;
		if (i + 1 < count)
			ret_path[size++] = '/';
	}
	ret_path[size] = '\0';
	return true;
}

static const struct document_node *another_file(struct import *import, const struct document_node *at,
						struct fw_slice name)
{
	char joined[PATH_ROOM];
	const char *path;
	struct fw_slice text;
	struct loaded *file;
	int error;

	for (size_t i = 0; i < name.size && name.data[i] != '/'; i++)
		if (name.data[i] == ':') {
			import_error(import, at,
				     "\"%s\" leads to another place: nothing is fetched; keep a copy beside "
				     "the document and refer to that",
				     import_shown(import, name));
			return NULL;
		}
	if (name.data[0] == '/' || !join(at->file, name, joined)) {
		import_error(import, at, "\"%s\" is no name of a file beside this one", import_shown(import, name));
		return NULL;
	}
	for (file = import->files; file != NULL; file = file->next)
		if (strcmp(file->path, joined) == 0)
			return file->root;
	if (import->file_count == LIMIT_ASYNCAPI_FILES) {
		import_error(import, at, "the document has more than %d files", (int)LIMIT_ASYNCAPI_FILES);
		return NULL;
	}
	path = import_text(import, slice_text(joined));
	error = import->options->read != NULL ? import->options->read(import->options->user, path, &text) : EPERM;
	if (error == EPERM)
		import_error(import, at,
			     "\"%s\" is outside of the folder of the document: name a folder that has "
			     "both by --root",
			     import_shown(import, slice_text(path)));
	else if (error != 0)
		import_error(import, at, "cannot read \"%s\": %s", import_shown(import, slice_text(path)),
			     strerror(error));
	else
		file = load(import, path, text);
	return file != NULL ? file->root : NULL;
}

/* A name of a pointer in a fragment: %41, ~0, ~1. */
static bool next_name(struct fw_slice *pointer, struct fw_slice *ret_name, char room[256])
{
	size_t size = 0;

	if (pointer->size == 0 || pointer->data[0] != '/')
		return false;
	*pointer = slice_from(*pointer, 1);
	while (pointer->size != 0 && pointer->data[0] != '/') {
		uint8_t c = pointer->data[0];
		size_t taken = 1;

		if (c == '%' && pointer->size >= 3 && ascii_hex(pointer->data[1]) >= 0 &&
		    ascii_hex(pointer->data[2]) >= 0) {
			c = (uint8_t)(ascii_hex(pointer->data[1]) * 16 + ascii_hex(pointer->data[2]));
			taken = 3;
		} else if (c == '~' && pointer->size >= 2 && (pointer->data[1] | 1) == '1') {
			c = pointer->data[1] == '0' ? '~' : '/';
			taken = 2;
		}
		if (size == 256)
			return false;
		room[size++] = (char)c;
		*pointer = slice_from(*pointer, taken);
	}
	*ret_name = slice(room, size);
	return true;
}

static const struct document_node *element(const struct document_node *list, struct fw_slice name)
{
	unsigned index = 0;
	const struct document_node *node = list->first;

	if (name.size == 0 || name.size > 6)
		return NULL;
	for (size_t i = 0; i < name.size; i++) {
		if (!ascii_is_digit(name.data[i]))
			return NULL;
		index = index * 10 + (unsigned)(name.data[i] - '0');
	}
	while (node != NULL && index-- != 0)
		node = node->next;
	return node;
}

static const struct document_node *within(struct import *import, const struct document_node *at,
					  const struct document_node *root, struct fw_slice pointer)
{
	const struct document_node *node = root;
	struct fw_slice rest = pointer, name;
	char room[256];

	while (node != NULL && rest.size != 0) {
		if (!next_name(&rest, &name, room)) {
			import_error(import, at,
				     "\"#%s\" is no JSON Pointer: a reference is written as "
				     "#/components/messages/name",
				     import_shown(import, pointer));
			return NULL;
		}
		node = node->kind == DOCUMENT_LIST ? element(node, name) : document_member(node, name);
	}
	if (node == NULL)
		import_error(import, at, "\"#%s\" leads nowhere%s%s", import_shown(import, pointer),
			     root->file != at->file ? " in " : "", root->file != at->file ? root->file : "");
	return node;
}

static const struct document_node *reference_of(const struct document_node *node)
{
	const struct document_node *reference = document_named(node, "$ref");

	return reference != NULL && reference->kind == DOCUMENT_TEXT ? reference : NULL;
}

const struct document_node *import_step(struct import *import, const struct document_node *node)
{
	const struct document_node *at = reference_of(node), *root;
	struct fw_slice text, name;
	const uint8_t *hash;

	if (at == NULL)
		return node;
	text = at->text;
	hash = text.size != 0 ? memchr(text.data, '#', text.size) : NULL;
	name = hash != NULL ? slice(text.data, (size_t)(hash - text.data)) : text;
	if (name.size != 0) {
		root = another_file(import, at, name);
	} else {
		for (root = node; root->parent != NULL;)
			root = root->parent;
	}
	if (root == NULL)
		return NULL;
	return within(import, at, root, hash != NULL ? slice_from(text, name.size + 1) : slice("", 0));
}

const struct document_node *import_follow(struct import *import, const struct document_node *node)
{
	const struct document_node *at = node;

	for (unsigned steps = 0; node != NULL && reference_of(node) != NULL; steps++) {
		if (steps == STEPS_MOST) {
			import_error(import, at, "the reference leads to a reference, and so on without an end");
			return NULL;
		}
		node = import_step(import, node);
	}
	return node;
}

struct fw_slice import_name(const struct document_node *node)
{
	return node->key.data != NULL ? node->key : slice_text("item");
}

/* In AsyncAPI 3 what an object says itself counts before its traits, in 2.x the other way round. */
const struct document_node *import_member(struct import *import, const struct document_node *object, const char *name)
{
	const struct document_node *own = document_named(object, name), *of_trait = NULL;
	const struct document_node *traits = import_follow(import, document_named(object, "traits"));

	if (traits != NULL && traits->kind == DOCUMENT_LIST)
		for (const struct document_node *item = traits->first; item != NULL; item = item->next) {
			const struct document_node *found = document_named(import_follow(import, item), name);

			if (found != NULL)
				of_trait = found; /* the last one counts */
		}
	if (own == NULL || (!import->three && of_trait != NULL))
		own = of_trait;
	return import_follow(import, own);
}

struct fw_slice import_member_text(struct import *import, const struct document_node *object, const char *name)
{
	const struct document_node *member = import_member(import, object, name);

	if (member == NULL || member->kind == DOCUMENT_NULL)
		return slice("", 0);
	if (member->kind != DOCUMENT_LIST && member->kind != DOCUMENT_MAP)
		return member->text;
	import_error(import, member, "\"%s\" is a text", name);
	return slice("", 0);
}
