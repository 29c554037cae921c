/* path_names.c: paths that stand within talk, by what they name. Of most files of a system people speak all day. Of
 * some they do not, since hardly a system has them there: where servers kept their logs and their configuration once,
 * or where nobody's package puts them, and what systems of old have. Who does not know the machine guesses those, to
 * see what is there, or to have a log run into which he wrote. */
#include "engine/detect/path.h"

enum { NAME = 128 };

/* What stands around a path. */
static const bool around[256] = {
	['\0'] = true, ['\t'] = true, ['\n'] = true, ['\v'] = true, ['\f'] = true, ['\r'] = true, [' '] = true,
	['"'] = true,  ['\''] = true, ['('] = true,  [')'] = true,  [','] = true,  [';'] = true,  ['<'] = true,
	['='] = true,  ['>'] = true,  ['['] = true,  [']'] = true,  ['`'] = true,  ['{'] = true,  ['}'] = true,
};

static const bool slashes[256] = { ['/'] = true, ['\\'] = true };

/* Is this slash the root of a path, or that of a drive? */
static bool is_root(const uint8_t *text, size_t at)
{
	if (at == 0 || around[text[at - 1]])
		return true;
	return text[at - 1] == ':' && at >= 2 && ascii_is_alpha(text[at - 2]) && (at == 2 || around[text[at - 3]]);
}

/* Copies the path behind its root, with slashes of one kind. Returns its size, NAME where it is longer. */
static size_t read_name(const struct detect_view *view, size_t at, uint8_t name[NAME])
{
	size_t n = 0;

	for (; at < view->size && n < NAME && !around[view->text[at]]; at++)
		name[n++] = view->text[at] == '\\' ? '/' : view->text[at];
	return n;
}

/* Has one of its folders, or its file, a name of the list, or one that begins so? */
static bool has(const struct detect_words *words, enum detect_list list, const uint8_t *name, const uint8_t *end)
{
	for (const uint8_t *at = name; at < end; at++) {
		if (detect_any(words, list, at, end) != 0)
			return true;
		at = memchr(at, '/', (size_t)(end - at));
		if (at == NULL)
			return false;
	}
	return false;
}

/* Does it end with one of the list, as ssl.access_log does? */
static bool is_log(const struct detect_words *words, const uint8_t *name, const uint8_t *end)
{
	for (const uint8_t *at = name; at < end; at++)
		if (detect_any(words, LIST_PATH_LOGS, at, end) == (size_t)(end - at))
			return true;
	return false;
}

static bool is_guessed(const struct detect_words *words, const uint8_t *name, const uint8_t *end)
{
	/* in a folder of one's own is what one has made, in those of today's systems what all speak of */
	if (detect_any(words, LIST_PATH_OWN, name, end) != 0 || detect_any(words, LIST_PATH_TODAY, name, end) != 0)
		return false;
	return detect_any(words, LIST_PATH_OLD, name, end) != 0 || has(words, LIST_PATH_RELICS, name, end) ||
	       (has(words, LIST_PATH_SERVERS, name, end) && is_log(words, name, end));
}

void path_names(const struct detect_view *view)
{
	uint8_t name[NAME];

	for (size_t i = 0; i < view->size; i++) {
		size_t size;

		if (!slashes[view->text[i]] || !is_root(view->text, i))
			continue;
		size = read_name(view, i + 1, name);
		if (size > 4 && size < NAME && ascii_is_alpha(name[0]) && is_guessed(view->words, name, name + size)) {
			detect_hit(view, RULE_PATH_GUESSED, i);
			return;
		}
		i += size;
	}
}
