/* ${file:PATH} and ${env:NAME} in values: secrets stay out of the configuration. What they stand for is not read again
 * for further references. Other ${…} are placeholders of templates and stay. */
#include "policy/config_build.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"

struct config_expansion {
	struct config_expansion *next;
	size_t size;
	bool file; /* what a file had, not a text made of it */
	uint8_t text[];
};

/* A text under construction; its memory is wiped when the load ends. */
struct builder {
	struct config_expansion *to;
	size_t room;
};

enum { SHORTEST = 4 };
enum reference { REFERENCE_NONE, REFERENCE_FILE, REFERENCE_ENV };

static struct config_expansion *room(struct config *config, size_t size)
{
	struct config_expansion *expansion;
	size_t bytes;

	expansion = size_add(sizeof(*expansion), size, &bytes) ? arena_alloc(&config->scratch, bytes) : NULL;
	if (expansion == NULL) {
		config->short_of_memory = true;
		return NULL;
	}
	expansion->next = config->expansions;
	expansion->size = 0;
	expansion->file = false;
	config->expansions = expansion;
	return expansion;
}

void config_expand_forget(struct config *config)
{
	for (struct config_expansion *e = config->expansions; e != NULL; e = e->next)
		mem_wipe(e->text, e->size);
	config->expansions = NULL;
}

bool config_expand_is_in(const struct config *config, const char *text)
{
	/* A shorter one is in too many texts to be looked for; the row it is in is known to be secret. */
	for (const struct config_expansion *e = config->expansions; e != NULL; e = e->next)
		if (e->file && e->size >= SHORTEST && memmem(text, strlen(text), e->text, e->size) != NULL)
			return true;
	return false;
}

void config_expand_hide(const struct config *config, char *text)
{
	const char *end = text + strlen(text);

	for (const struct config_expansion *e = config->expansions; e != NULL; e = e->next)
		for (char *at = text;
		     e->file && e->size >= SHORTEST && (at = memmem(at, (size_t)(end - at), e->text, e->size)) != NULL;
		     at += e->size)
			memset(at, '*', e->size);
}

static bool add(struct config *config, struct builder *builder, struct fw_slice text)
{
	struct config_expansion *larger;

	if (text.size > builder->room - builder->to->size) {
		size_t wanted = builder->to->size + text.size + LIMIT_SECRET_BYTES;

		larger = room(config, wanted);
		if (larger == NULL)
			return false;
		memcpy(larger->text, builder->to->text, builder->to->size);
		larger->size = builder->to->size;
		*builder = (struct builder){ larger, wanted };
	}
	if (text.size != 0)
		memcpy(builder->to->text + builder->to->size, text.data, text.size);
	builder->to->size += text.size;
	return true;
}

/* In a trial nothing is said: on the machine where the overlay counts the file may be there. */
static bool fails(struct config *config)
{
	config->errors += config->trial;
	return config->trial;
}

static bool add_file(struct config *config, struct config_place place, const char *what, const char *path,
		     struct builder *builder)
{
	const struct config_source *source = config->options->source;
	struct config_expansion *content = room(config, LIMIT_SECRET_BYTES);
	struct utf8 state = { 0 };
	bool open = false;
	int error;

	if (content == NULL)
		return false;
	error = source->file(source->user, path, content->text, LIMIT_SECRET_BYTES, &content->size, &open);
	if (error != 0)
		content->size = LIMIT_SECRET_BYTES; /* who knows what was read: all of it is wiped */
	if (error == EFBIG) {
		config_report_error(config, place, "%s: the file \"%s\" has more than %d bytes", what, path,
				    (int)LIMIT_SECRET_BYTES);
		return false;
	}
	if (error != 0) {
		if (!fails(config))
			config_report_error(config, place, "%s: cannot read \"%s\": %s", what, path, strerror(error));
		return false;
	}
	config->secret = true;
	if (open && !config->trial)
		config_report_warning(config, place,
				      "%s: every user of this machine can read \"%s\"; \"chmod o-r\" changes that",
				      what, path);
	if (utf8_check(&state, content->text, content->size) != content->size || state.due != 0) {
		config_report_error(config, place,
				    "%s: \"%s\" is not UTF-8 text; keys of any octets are written as base64:…", what,
				    path);
		return false;
	}
	/* Editors and "echo" end a file with one line end, which is not meant. */
	content->size -= content->size != 0 && content->text[content->size - 1] == '\n';
	content->file = true;
	return add(config, builder, slice(content->text, content->size));
}

static bool add_variable(struct config *config, struct config_place place, const char *what, const char *name,
			 struct builder *builder)
{
	const struct config_source *source = config->options->source;
	const char *value = source->variable(source->user, name);
	struct utf8 state = { 0 };

	if (value == NULL) {
		if (!fails(config))
			config_report_error(config, place, "%s: the environment variable \"%s\" is not set", what,
					    name);
		return false;
	}
	if (strlen(value) > LIMIT_SECRET_BYTES ||
	    utf8_check(&state, (const uint8_t *)value, strlen(value)) != strlen(value) || state.due != 0) {
		config_report_error(config, place,
				    "%s: the environment variable \"%s\" is not UTF-8 text of at most "
				    "%d bytes",
				    what, name, (int)LIMIT_SECRET_BYTES);
		return false;
	}
	return add(config, builder, slice_text(value));
}

/* At "${": which reference starts here, and where its name does. */
static enum reference reference_at(struct fw_slice text, struct fw_slice *ret_name)
{
	if (slice_starts(text, "${file:")) {
		*ret_name = slice_from(text, 7);
		return REFERENCE_FILE;
	}
	if (slice_starts(text, "${env:")) {
		*ret_name = slice_from(text, 6);
		return REFERENCE_ENV;
	}
	return REFERENCE_NONE;
}

static bool resolve(struct config *config, struct config_place place, const char *what, enum reference kind,
		    struct fw_slice name, struct builder *builder)
{
	char text[1024];

	if (name.size == 0 || name.size >= sizeof(text) || memchr(name.data, '\0', name.size) != NULL) {
		config_report_error(config, place, "%s: ${%s} needs %s of at most %d bytes", what,
				    kind == REFERENCE_FILE ? "file:PATH" : "env:NAME",
				    kind == REFERENCE_FILE ? "a path" : "a name", (int)sizeof(text) - 1);
		return false;
	}
	memcpy(text, name.data, name.size);
	text[name.size] = '\0';
	if (config->options->source == NULL) {
		if (!fails(config))
			config_report_error(config, place, "%s: ${file:…} and ${env:…} are not available here", what);
		return false;
	}
	return kind == REFERENCE_FILE ? add_file(config, place, what, text, builder)
				      : add_variable(config, place, what, text, builder);
}

static bool expand(struct config *config, struct config_place place, const char *what, struct fw_slice text,
		   struct builder *builder)
{
	for (size_t i = 0, start = 0;; i++) {
		struct fw_slice name = { NULL, 0 };
		enum reference kind = reference_at(slice_from(text, i), &name);
		const uint8_t *end;

		if (kind == REFERENCE_NONE && i < text.size)
			continue;
		if (!add(config, builder, slice(text.data + start, i - start)) || i >= text.size)
			return !config->short_of_memory;
		end = name.size != 0 ? memchr(name.data, '}', name.size) : NULL;
		if (end == NULL) {
			config_report_error(config, place, "%s has a ${ without }", what);
			return false;
		}
		name.size = (size_t)(end - name.data);
		if (!resolve(config, place, what, kind, name, builder))
			return false;
		start = (size_t)(end - text.data) + 1;
		i = start - 1;
	}
}

bool config_expand(struct config *config, struct config_place place, const char *what, struct fw_slice text,
		   struct fw_slice *ret_text)
{
	struct builder builder = { NULL, LIMIT_SECRET_BYTES };
	struct fw_slice name;
	size_t i = 0;

	config->secret = false;
	*ret_text = text;
	while (i < text.size && reference_at(slice_from(text, i), &name) == REFERENCE_NONE)
		i++;
	if (i >= text.size)
		return true;
	builder.to = room(config, builder.room);
	if (builder.to == NULL || !expand(config, place, what, text, &builder))
		return false;
	*ret_text = slice(builder.to->text, builder.to->size);
	return true;
}
