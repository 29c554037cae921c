/* HTML is read as the tokenizer of the HTML standard reads a fragment in the data state (HTML 13.2.5). No element that
 * changes this state is ever let through, so one state machine for the inside of tags is all that is needed. */
#include "engine/sanitize.h"

#include "base/mem.h"
#include "base/slice.h"
#include "engine/sanitize_url.h"

enum { TAG_NAME = 32 }; /* longer names are not allowed */

/* Elements whose content is read by other rules, or parsed twice: never let through, whatever the configuration lists.
 */
static const char *const never[] = { "script",	  "style",    "xmp",	"iframe",   "noembed",	"noframes",
				     "plaintext", "textarea", "title",	"noscript", "template", "svg",
				     "math",	  "select",   "option", "optgroup", "frameset", "listing" };

/* States of the inside of a tag, behind its name. "Self-closing start tag" and "after attribute value (quoted)" of the
 * standard go on exactly as "before attribute name" does once their flag and errors are left out. */
enum state { BEFORE_NAME, NAME, AFTER_NAME, BEFORE_VALUE, DOUBLE, SINGLE, UNQUOTED, STATES, DONE = STATES };
enum class { BLANK, SLASH, CLOSE, EQUALS, QUOTE, APOSTROPHE, OTHER, CLASSES };

static const uint8_t transitions[STATES][CLASSES] = {
	[BEFORE_NAME] = { BEFORE_NAME, BEFORE_NAME, DONE, NAME, NAME, NAME, NAME },
	[NAME] = { AFTER_NAME, BEFORE_NAME, DONE, BEFORE_VALUE, NAME, NAME, NAME },
	[AFTER_NAME] = { AFTER_NAME, BEFORE_NAME, DONE, BEFORE_VALUE, NAME, NAME, NAME },
	[BEFORE_VALUE] = { BEFORE_VALUE, UNQUOTED, DONE, UNQUOTED, DOUBLE, SINGLE, UNQUOTED },
	[DOUBLE] = { DOUBLE, DOUBLE, DOUBLE, DOUBLE, BEFORE_NAME, DOUBLE, DOUBLE },
	[SINGLE] = { SINGLE, SINGLE, SINGLE, SINGLE, SINGLE, BEFORE_NAME, SINGLE },
	[UNQUOTED] = { BEFORE_NAME, UNQUOTED, DONE, UNQUOTED, UNQUOTED, UNQUOTED, UNQUOTED },
};

struct sanitizer {
	const struct fw_policy *policy;
	struct arena *arena;
	const uint8_t *at;
	const uint8_t *start;
	const uint8_t *end;
	const uint8_t *ends; /* for each octet a bit a state: from here in this state the tag comes to its end. Made
				when needed */
	uint8_t *out;
	size_t size;
	size_t capacity;
	bool failed;
};

static bool letter(uint8_t c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

/* The newline normalisation before the tokenizer makes CR a newline too. */
static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static enum class classify(uint8_t c) {
	switch (c){
		case ' ' : case '\t' : case '\n' : case '\f' : case '\r' : return BLANK; case '/' : return SLASH;
		case '>' : return CLOSE;
		case '=' : return EQUALS;
		case '"' : return QUOTE;
		case '\'' : return APOSTROPHE;
		default : return OTHER;
	}
}

static void write(struct sanitizer *s, const void *bytes, size_t size)
{
	if (s->failed || size == 0)
		return;
	if (size > s->capacity - s->size) {
		size_t need, capacity;
		uint8_t *out = NULL;

		if (size_add(s->size, size, &need) && size_mul(need, 2, &capacity))
			out = arena_alloc(s->arena, capacity);
		if (out == NULL) {
			s->failed = true;
			return;
		}
		memcpy(out, s->out, s->size);
		s->out = out;
		s->capacity = capacity;
	}
	memcpy(s->out + s->size, bytes, size);
	s->size += size;
}

static void write_text(struct sanitizer *s, const char *text)
{
	write(s, text, strlen(text));
}

/* The value as it was read, in double quotes: only what could end it or look like a tag is replaced, so that it means
 * the same. */
static void write_attribute(struct sanitizer *s, const char *name, struct fw_slice value)
{
	size_t clean = 0, i;

	write_text(s, " ");
	write_text(s, name);
	write_text(s, "=\"");
	for (i = 0; i < value.size; i++) {
		const char *instead;

		switch (value.data[i]) {
		case '"':
			instead = "&quot;";
			break;
		case '<':
			instead = "&lt;";
			break;
		case '>':
			instead = "&gt;";
			break;
		default:
			continue;
		}
		write(s, value.data + clean, i - clean);
		write_text(s, instead);
		clean = i + 1;
	}
	if (value.size != 0)
		write(s, value.data + clean, value.size - clean);
	write_text(s, "\"");
}

/* Words of [A-Za-z0-9_-], at least one. */
static bool tokens(struct fw_slice value)
{
	bool any = false;
	size_t i;

	for (i = 0; i < value.size; i++) {
		uint8_t c = value.data[i];

		if (letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-')
			any = true;
		else if (!blank(c))
			return false;
	}
	return any;
}

static bool value_allowed(const struct fw_policy *policy, uint8_t kind, struct fw_slice value)
{
	switch (kind) {
	case HTML_TEXT:
		return true;
	case HTML_URL:
		return sanitize_url_allowed(policy, value);
	case HTML_WORDS:
		return tokens(value);
	}
	return false;
}

/* A start tag that is being read. An attribute is judged when its value, if any, has ended. */
struct tag {
	const char *name;
	bool closing;
	uint64_t seen; /* which of the policy's attributes: of those of one name the first counts (HTML 13.2.5.33) */
	struct fw_slice attribute;
	struct fw_slice value;
};

static void attribute_ended(struct sanitizer *s, struct tag *tag)
{
	const struct policy_html_attribute *allowed = s->policy->html_attributes;
	unsigned i;

	for (i = 0; i < s->policy->html_attribute_count && !tag->closing && tag->attribute.size != 0; i++) {
		if (tag->seen & (UINT64_C(1) << i) || !slice_is_nocase(tag->attribute, allowed[i].name) ||
		    !slice_is_nocase(slice_text(tag->name), allowed[i].tag))
			continue;
		tag->seen |= UINT64_C(1) << i;
		if (value_allowed(s->policy, allowed[i].value, tag->value))
			write_attribute(s, allowed[i].name, tag->value);
	}
	tag->attribute = tag->value = slice(NULL, 0);
}

/* Follows one transition. at is the octet that caused it. */
static void step(struct sanitizer *s, struct tag *tag, enum state from, enum state to, const uint8_t *at)
{
	if (from == NAME)
		tag->attribute.size = (size_t)(at - tag->attribute.data);
	if (from == DOUBLE || from == SINGLE || from == UNQUOTED)
		tag->value.size = (size_t)(at - tag->value.data);
	if (to == BEFORE_NAME || to == DONE || (from == AFTER_NAME && to == NAME))
		attribute_ended(s, tag);
	if (to == NAME)
		tag->attribute.data = at;
	else if (to == UNQUOTED)
		tag->value.data = at;
	else if (to == DOUBLE || to == SINGLE)
		tag->value.data = at + 1;
}

/* Reads a tag from behind its name, writing what may stay. Returns what is behind ">", or NULL when the text ends
 * before. */
static const uint8_t *read_tag(struct sanitizer *s, struct tag *tag, const uint8_t *at)
{
	enum state state = BEFORE_NAME, to;

	write_text(s, tag->closing ? "</" : "<");
	write_text(s, tag->name);
	for (; at != s->end; at++) {
		to = transitions[state][classify(*at)];
		if (to != state)
			step(s, tag, state, to, at);
		if (to == DONE) {
			write_text(s, ">");
			return at + 1;
		}
		state = to;
	}
	return NULL;
}

/* A tag that does not come to its end was read up to the end of the text. That may happen once only, or a text of many
 * such tags would take quadratic time: from then on this table, made backwards in one pass, says which tags have an
 * end. */
static void find_ends(struct sanitizer *s)
{
	size_t size = (size_t)(s->end - s->start), i;
	uint8_t *ends = arena_alloc(s->arena, size);
	unsigned behind = 0; /* at the end of the text nothing has an end */
	enum state state;

	if (ends == NULL) {
		s->failed = true;
		return;
	}
	for (i = size; i-- > 0;) {
		const enum class class = classify(s->start[i]);
		unsigned here = 0;

		for (state = 0; state < STATES; state++) {
			enum state to = transitions[state][class];

			if (to == DONE || behind & (1u << to))
				here |= 1u << state;
		}
		ends[i] = (uint8_t)here;
		behind = here;
	}
	s->ends = ends;
}

static bool in_list(const char *const *list, size_t count, struct fw_slice name, const char **ret_name)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (slice_is_nocase(name, list[i])) {
			*ret_name = list[i];
			return true;
		}
	}
	return false;
}

/* The allowed tag that begins at the "<" where s->at is, or false. *ret_at is behind its name. */
static bool tag_allowed(struct sanitizer *s, struct tag *tag, char ret_name[TAG_NAME + 1], const uint8_t **ret_at)
{
	const uint8_t *at = s->at + 1, *name;
	const char *found;
	size_t size, i;

	tag->closing = *at == '/';
	name = at += tag->closing;
	/* No further than a name could reach: "<a<a<a" is one long name in each of its places. */
	while (at != s->end && !blank(*at) && *at != '/' && *at != '>' && at - name <= TAG_NAME)
		at++;
	size = (size_t)(at - name);
	if (size == 0 || size > TAG_NAME || at == s->end || !letter(*name))
		return false;
	if (!in_list(s->policy->settings.html_tags.items, s->policy->settings.html_tags.count, slice(name, size),
		     &found) ||
	    in_list(never, sizeof(never) / sizeof(never[0]), slice(name, size), &found))
		return false;
	for (i = 0; i < size; i++)
		ret_name[i] = (char)ascii_lower(name[i]);
	ret_name[size] = '\0';
	tag->name = ret_name;
	*ret_at = at;
	return true;
}

/* At a "<" that starts a tag, a comment or a declaration. */
static void markup(struct sanitizer *s)
{
	char name[TAG_NAME + 1];
	struct tag tag = { 0 };
	size_t before = s->size;
	const uint8_t *at, *behind = NULL;

	if (tag_allowed(s, &tag, name, &at) && (s->ends == NULL || s->ends[at - s->start] & (1u << BEFORE_NAME))) {
		behind = read_tag(s, &tag, at);
		if (behind == NULL)
			find_ends(s);
	}
	if (behind != NULL) {
		s->at = behind;
		return;
	}
	s->size = before;
	write_text(s, "&lt;");
	s->at++;
}

static bool starts_markup(const uint8_t *at, const uint8_t *end)
{
	return end - at >= 2 && (letter(at[1]) || at[1] == '/' || at[1] == '!' || at[1] == '?');
}

/* The next "<" that starts a tag, a comment or a declaration, or end. */
static const uint8_t *find_markup(const uint8_t *at, const uint8_t *end)
{
	while (at != end) {
		at = memchr(at, '<', (size_t)(end - at));
		if (at == NULL)
			return end;
		if (starts_markup(at, end))
			return at;
		at++;
	}
	return end;
}

int sanitize_html(const struct fw_policy *policy, struct arena *arena, struct fw_slice html, struct fw_slice *ret_html)
{
	struct sanitizer s = { .policy = policy, .arena = arena, .at = html.data, .start = html.data };
	const uint8_t *found;

	*ret_html = html;
	if (html.size == 0)
		return FW_OK;
	s.end = html.data + html.size;
	found = find_markup(html.data, s.end);
	if (found == s.end)
		return FW_OK;
	if (!size_add(html.size, html.size / 8 + 64, &s.capacity))
		return FW_ERR_MEMORY;
	s.out = arena_alloc(arena, s.capacity);
	if (s.out == NULL)
		return FW_ERR_MEMORY;
	while (s.at != s.end && !s.failed) {
		write(&s, s.at, (size_t)(found - s.at));
		s.at = found;
		if (found != s.end)
			markup(&s);
		found = find_markup(s.at, s.end);
	}
	if (s.failed)
		return FW_ERR_MEMORY;
	arena_trim(arena, s.out, s.capacity, s.size);
	if (s.size != html.size || memcmp(s.out, html.data, s.size) != 0)
		*ret_html = slice(s.out, s.size);
	return FW_OK;
}
