/* path.c: paths by what they come to: how often one climbs, and where it ends. */
#include "engine/detect/path.h"

#include "codec/views.h"

/* Octets that something may become of. */
static const bool counts[256] = { ['\\'] = true, ['0'] = true, ['2'] = true, ['5'] = true, ['%'] = true, ['/'] = true };

/* The view as a path: backslashes and the forms in which readers see slashes and dots become '/' and '.'. without: a
 * backslash is nothing, as where it takes the meaning of what follows (.\./.\./). ret_doubled: slashes behind two dots
 * and a slash. */
static size_t canonical(const struct detect_view *view, uint8_t *out, bool without, bool *ret_odd,
			unsigned *ret_doubled)
{
	size_t n = 0;

	*ret_odd = false;
	*ret_doubled = 0;
	for (size_t i = 0; i < view->size; i++) {
		const uint8_t *p = view->text + i;
		size_t left = view->size - i;
		uint8_t c = *p;

		if (!counts[c]) {
			out[n++] = c;
			continue;
		}
		if (c == '\\') {
			if (without) {
				*ret_odd = true;
				continue;
			}
			c = '/';
		} else if (c == '0' && left >= 4 && p[1] == 'x' &&
			   ((p[2] == '2' && (p[3] == 'e' || p[3] == 'f')) || (p[2] == '5' && p[3] == 'c'))) {
			c = p[3] == 'e' ? '.' : '/';
			i += 3;
			*ret_odd = true;
		} else if (left >= 2 && n >= 2 && out[n - 1] == '.' && out[n - 2] == '.' &&
			   (n == 2 || out[n - 3] != '.') && ((c == '2' && p[1] == 'f') || (c == '5' && p[1] == 'c'))) {
			c = '/'; /* ..2f */
			i++;
			*ret_odd = true;
		} else if (c == '%' && left >= 3 && p[1] == 'c' && ascii_is_digit(p[2])) {
			c = '/';
			*ret_odd = true;
		}
		/* \\\..\: what stands between slashes counts; of two at the beginning both */
		if (c != '/' || n <= 1 || out[n - 1] != '/')
			out[n++] = c;
		else
			*ret_doubled += n >= 3 && out[n - 2] == '.' && out[n - 3] == '.' && *p == '/';
	}
	return n;
}

/* ??/ and .?/ are ../ to what expands a name by what is there. */
static void expand(uint8_t *text, size_t size)
{
	for (size_t i = 0; i + 3 <= size; i++)
		if ((text[i] == '.' || text[i] == '?') && (text[i + 1] == '.' || text[i + 1] == '?') &&
		    text[i + 2] == '/' && (i == 0 || text[i - 1] == '/'))
			text[i] = text[i + 1] = '.';
}

/* Behind the steps up at a place (../../, ..//..//, .../, ..;/): how many, and where the rest begins. ret_strange: how
 * many of them are written as nobody does who names a file. */
static unsigned climb(const uint8_t *text, size_t size, size_t *at, unsigned *ret_strange)
{
	unsigned up = 0;

	*ret_strange = 0;
	for (;;) {
		size_t i = *at, dots = 0, slashes = 0;
		bool cut = false;

		while (i < size && text[i] == '/')
			i++;
		while (i < size && (text[i] == '.' || text[i] == '?' || text[i] == ';') && dots < 6) {
			dots += text[i] == '.';
			cut = cut || text[i] == ';';
			i++;
		}
		while (i < size && text[i] == '/') {
			i++;
			slashes++;
		}
		if (dots == 0 || (slashes == 0 && i < size)) {
			if (dots >= 2 && slashes == 0 && up != 0)
				*at = i;
			return up;
		}
		up += dots >= 2;
		*ret_strange += dots >= 2 && (dots != 2 || slashes > 1 || cut);
		if (i == *at || (slashes == 0 && i == size)) {
			*at = i;
			return up;
		}
		*at = i;
	}
}

/* The first two dots from there on; size: there are none. */
static size_t two_dots(const uint8_t *text, size_t size, size_t at)
{
	const uint8_t *end = text + size, *dot = text + at;

	for (; dot < end && (dot = memchr(dot, '.', (size_t)(end - dot))) != NULL; dot++)
		if (dot + 1 < end && dot[1] == '.')
			return (size_t)(dot - text);
	return size;
}

/* One character of three dots is how an editor, or who cuts a line, writes that something is left out. */
static bool left_out(const struct detect_view *view, const uint8_t *dots, const uint8_t *end, unsigned up)
{
	return up == 1 && (view->kinds & ~(unsigned)(VIEW_WIDE | VIEW_REMOVED | VIEW_SHORTER)) == 0 &&
	       end - dots >= 3 && dots[2] == '.';
}

/* /aaaa…/../ and ………/../: a name that no folder has, to make the path so long that what is put behind it is cut off. */
static bool padded(const uint8_t *text, size_t start, unsigned up)
{
	enum { PADDING = 32 };
	size_t end = start != 0 && text[start - 1] == '/' ? start - 1 : start;
	uint8_t c;

	if (end < PADDING)
		return false;
	c = text[end - 1];
	if (!is_word(c) && (c != '.' || up < 2))
		return false;
	for (size_t i = 2; i <= PADDING; i++)
		if (text[end - i] != c)
			return false;
	return true;
}

static void climbing(const struct detect_view *view, const uint8_t *text, size_t size, bool odd, unsigned doubled,
		     unsigned least)
{
	bool encoded = odd || (view->kinds & (VIEW_PERCENT | VIEW_OVERLONG | VIEW_WIDE | VIEW_TWICE)) != 0;

	for (size_t at = 0; at + 2 <= size;) {
		size_t start = two_dots(text, size, at), next = start;
		unsigned up, strange;
		bool file;

		if (start == size)
			return;
		up = climb(text, size, &next, &strange);
		file = false;
		for (size_t i = next; i < size && i < next + 3 && !file; i++)
			file = detect_any(view->words, LIST_PATH_FILES, text + i, text + size) != 0;
		if (up >= least) {
			bool alone = start <= 12 && view->begins && memchr(text, ' ', size) == NULL;

			if (file)
				detect_hit(view, RULE_PATH_FILE, start);
			if (padded(text, start, up))
				detect_hit(view, RULE_PATH_PADDED, start);
			if (left_out(view, text + start, text + size, up))
				;
			else if (encoded)
				detect_hit(view, RULE_PATH_ENCODED, start);
			else if (up >= 5 || (up >= 3 && alone) || strange >= 2 || (doubled >= 2 && up >= 2))
				detect_hit(view, RULE_PATH_CLIMB, start);
			else if (up >= 4 || alone)
				detect_hit(view, RULE_PATH_SHORT, start);
		}
		at = next > start + 1 ? next : start + 2;
	}
}

/* Files that every guide has the reader open: people answer each other with their path and nothing else. */
static bool is_plain(const struct detect_view *view, const uint8_t *at, const uint8_t *end)
{
	return detect_any(view->words, LIST_PATH_PLAIN, at, end) != 0;
}

/* A dot or what is expanded to one at this place: is it the first of two with a slash or the end behind them, in any
 * form in which readers see slashes? *at becomes where to go on where it is not: what stands in front of that is none.
 */
static bool may_step_up(const struct detect_view *view, const uint8_t **at)
{
	const uint8_t *end = view->text + view->size, *next = *at + 1;

	*at = next;
	if (*next == '\\') { /* .\./ to who takes the meaning of a dot away */
		while (next < end && *next == '\\')
			next++;
		return next < end && *next == '.';
	}
	if (*next != '.' && *next != '?')
		return false;
	while (next < end && (*next == '.' || *next == '?' || *next == ';'))
		next++;
	*at = next;
	return next == end || counts[*next];
}

/* Is there anything of which a step up could become? Most texts have none, and the rest is work for nothing. */
static bool may_climb(const struct detect_view *view)
{
	const uint8_t *end = view->text + view->size;

	for (const uint8_t *at = view->text; (at = memchr(at, '.', (size_t)(end - at))) != NULL;)
		if (may_step_up(view, &at))
			return true;
	for (const uint8_t *at = view->text; (at = memchr(at, '?', (size_t)(end - at))) != NULL;)
		if (may_step_up(view, &at))
			return true;
	return detect_find(view, 0, "0x2e") < view->size;
}

/* Can it be nothing but a path, by how it begins? Of these octets slashes become. */
static bool may_be_alone(const struct detect_view *view)
{
	uint8_t c = view->text[0];

	return view->begins && view->ends &&
	       (c == '/' || c == '\\' || c == '%' || c == '0' || (ascii_is_alpha(c) && view->text[1] == ':'));
}

/* Nothing but a path: no blank but within it, and no prose. */
static void alone(const struct detect_view *view, const uint8_t *text, size_t size)
{
	size_t from = 0, slashes = 0, blanks = 0;
	bool file = false;

	if (!view->begins || !view->ends || size > 200 || size < 5)
		return;
	if (ascii_is_alpha(text[0]) && text[1] == ':' && text[2] == '/')
		from = 2;
	if (text[from] != '/' || text[from + 1] == '/')
		return;
	for (size_t i = from; i < size; i++) {
		slashes += text[i] == '/';
		blanks += text[i] == ' ' || text[i] == '\n';
	}
	if (slashes < 2 || blanks > 2)
		return;
	for (size_t i = from; i < size && !file; i++)
		file = text[i] == '/' && detect_any(view->words, LIST_PATH_FILES, text + i + 1, text + size) != 0;
	/* /etc/init.d/x restart: somebody shows a command */
	/* a folder of a server's software on a drive */
	file = file || (from != 0 && detect_any(view->words, LIST_PATH_ROOTS, text + from, text + size) != 0);
	if (file && blanks == 0 && !is_plain(view, text + from, text + size))
		detect_hit(view, RULE_PATH_ALONE, 0);
	else if (file)
		detect_hit(view, RULE_PATH_NAMED, 0);
	else if (from != 0 || detect_any(view->words, LIST_PATH_ROOTS, text, text + size) != 0)
		detect_hit(view, RULE_PATH_SYSTEM, 0);
}

/* \xampp\php\php.ini: from the root of whatever drive it is, as nobody names a file who has it. */
static void rooted(const struct detect_view *view)
{
	const uint8_t *end = view->text + view->size, *at = view->text;

	for (; (at = memchr(at, '\\', (size_t)(end - at))) != NULL; at++) {
		const uint8_t *next = at + 1;

		if ((at != view->text && !is_blank(at[-1])) || next == end || !ascii_is_alpha(*next))
			continue;
		while (next < end && (is_word(*next) || *next == '-' || *next == '.' || *next == '\\')) {
			if (*next == '\\' && detect_any(view->words, LIST_PATH_FILES, next + 1, end) != 0) {
				detect_hit(view, RULE_PATH_ROOTED, (size_t)(at - view->text));
				return;
			}
			next++;
		}
		at = next - 1;
	}
}

/* /x/y%00: a path that ends where its writer wants it to, to a reader in C. */
static bool ends_early(const struct detect_view *view)
{
	const uint8_t *text = view->text;
	size_t from = 0, seen = 0; /* of the last name */

	for (size_t at = 1; (at = detect_find(view, at, "%00")) < view->size; at++) {
		for (; seen < at; seen++)
			if (is_blank(text[seen]) || text[seen] == '/' || text[seen] == '\\')
				from = seen + 1;
		if (from != 0 && at - from < 128 && from != at && !is_blank(text[from - 1]))
			return true;
	}
	return false;
}

/* Slashes and dots in forms that no writer of an address makes and careless readers take: overlong UTF-8, which is
 * written %c0.. and so on (the last octet may be anything), percents of percents, characters that a code page turns
 * into them. Twice: that is no accident. */
static void forms(const struct detect_view *view)
{
	unsigned count = 0;

	if ((view->kinds & VIEW_TWICE) != 0) {
		/* still encoded behind all rounds */
		for (size_t at = 0; count < 2 && (at = detect_find(view, at, "%2")) < view->size; at += 2)
			count += VIEW_HAS(view, at, "%2e") || VIEW_HAS(view, at, "%2f") || VIEW_HAS(view, at, "%25");
	} else if (view->kinds == 0) {
		const uint8_t *end = view->text + view->size, *at = view->text;

		for (; count < 2 && (at = memchr(at, '%', (size_t)(end - at))) != NULL; at++)
			count += detect_any(view->words, LIST_PATH_FORMS, at, end) != 0;
	}
	if (count == 2 || (view->kinds == 0 && ends_early(view)))
		detect_hit(view, RULE_PATH_ENCODED, 0);
}

void detect_path(const struct detect_view *view)
{
	uint8_t text[VIEW_SIZE];
	unsigned doubled;
	bool odd, climbs, slashes = (view->gate & (GATE_SLASH | GATE_BACKSLASH)) != 0;
	size_t size;

	if (view->gate & GATE_PERCENT)
		forms(view);
	if (!slashes && !detect_shortened(view))
		return;
	if (view->gate & GATE_BACKSLASH)
		rooted(view);
	if (slashes) {
		size_t stays = detect_find(view, 0, "/./././");

		if (stays < view->size)
			detect_hit(view, RULE_PATH_PADDED, stays);
		path_names(view);
	}
	climbs = may_climb(view);
	if (!climbs && !may_be_alone(view))
		return;
	size = canonical(view, text, false, &odd, &doubled);
	if (slashes && memchr(text, '?', size) != NULL)
		expand(text, size);
	climbing(view, text, size, odd, doubled, 1);
	if (slashes)
		alone(view, text, size);
	if (climbs && (view->gate & GATE_BACKSLASH) != 0) {
		size = canonical(view, text, true, &odd, &doubled);
		climbing(view, text, size, odd, 0, 2);
	}
}

void detect_path_word(const struct detect_view *view, enum detect_list list, size_t at, size_t size)
{
	(void)size;
	detect_hit(view,
		   list == LIST_PATH_NAMED    ? RULE_PATH_NAMED
		   : list == LIST_PATH_BASE64 ? RULE_PATH_ENCODED
					      : RULE_PATH_WRAPPER,
		   at);
}
