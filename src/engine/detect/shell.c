/* shell.c: a separator, a command, its argument, as a shell reads them. */
#include "engine/detect/octets.h"
#include "engine/detect/view.h"

enum { WORD = 24, TALK = 24, AIM = 40, VALUE = 32 };
/* What it costs to judge the same command for one more separator. */
enum { AGAIN = 64, AGAIN_PART = 16 };

struct place {
	size_t at;   /* of the separator */
	size_t next; /* behind it */
	size_t line; /* where its line begins */
	bool opens;  /* ` or $( */
};

/* What was read for one separator is not read again for the next, so that the work stays linear. */
struct looked {
	size_t value; /* what could be a value in front of a separator ends here at the latest */
	size_t words[3], word_count, counted; /* where the last three words begin, of those in front of there */
	size_t from, to, target;	      /* the first target there; view->size: none */
	size_t open, word;		      /* between them nothing but what may stand in front of a word */
	size_t size, after, gap;	      /* of that word, its end, and that of the blanks behind it */
	uint8_t name[WORD];
	/* The last word of more than one folder, or too long: whoever comes to a slash of it, or has too much of it,
	 * reads on as was read then. */
	struct {
		size_t from, to, slash, size;
		uint8_t name[WORD];
	} path;
};

static bool in_span(const struct detect_view *view, size_t at)
{
	for (unsigned i = 0; i < view->span_count; i++)
		if (at + 1 >= view->spans[i].start && at <= view->spans[i].end)
			return true;
	return false;
}

/* Behind what closes at this place two words follow: who opens with code goes on to speak. */
static bool talk_follows(const struct detect_view *view, size_t close)
{
	size_t words = 0;

	if (close + 1 >= view->size || view->text[close + 1] != ' ')
		return false;
	for (size_t i = close + 1; i + 1 < view->size && i < close + 60 && view->text[i] != '\n' && words < 2; i++)
		words += view->text[i] == ' ' && ascii_is_alpha(view->text[i + 1]);
	return words == 2;
}

/* What markup of chat has around code: **`make`**, (`make`). */
static bool is_around(uint8_t c)
{
	return is_blank(c) || c == '*' || c == '(';
}

/* The backtick of a code span in somebody's words: it quotes a command and runs none. */
static bool quotes(const struct detect_view *view, size_t at)
{
	/* `so' has a manual of old */
	if (view->text[at] == '`' && at != 0 && is_blank(view->text[at - 1]) && !in_span(view, at)) {
		size_t end = detect_find_within(view, at, at + 60 < view->size ? at + 60 : view->size, "'");

		return end < view->size && memchr(view->text + at + 1, '`', end - at - 1) == NULL;
	}
	for (unsigned i = 0; i < view->span_count; i++) {
		size_t start = view->spans[i].start, end = view->spans[i].end;

		if (at + 1 < start || at > end)
			continue;
		if (at + 1 != start)
			return true;
		if (at == 0)
			return view->begins && talk_follows(view, end);
		return is_around(view->text[at - 1]) &&
		       (end - start + 24 < view->size || (view->text[at - 1] == '*' && view->text[end + 1] == '*') ||
			(view->text[at - 1] == '(' && view->text[end + 1] == ' ' &&
			 ascii_is_alpha(view->text[end + 2])));
	}
	return false;
}

/* `vi pod.yaml`: a span with a command and what it works on. Where nothing stands in front of it, what it works on must
 * be no number or address. */
static bool shows(const struct detect_view *view, size_t at)
{
	bool blank = false;

	if (view->text[at] != '`' || view->span_count == 0 || view->spans[0].start != at + 1)
		return false;
	for (size_t i = at + 1; i < view->spans[0].end; i++) {
		blank = blank || view->text[i] == ' ';
		if (at == 0 && blank &&
		    ((ascii_is_digit(view->text[i]) && view->text[i - 1] != '$') || view->text[i] == ':'))
			return false;
	}
	return blank && (at == 0 || is_blank(view->text[at - 1]));
}

/* Behind what may stand in front of a word. */
static size_t find_word(const struct detect_view *view, size_t at)
{
	while (at < view->size && (is_blank(view->text[at]) || view->text[at] == '+' || view->text[at] == '{' ||
				   view->text[at] == '(' || view->text[at] == '"' || view->text[at] == '\''))
		at++;
	return at;
}

/* Was the rest of the word read before? Behind a slash it is the same for whoever comes there, and what is too long has
 * no other name than that behind a later slash. */
static bool knows_rest(const struct looked *looked, size_t at, bool slash)
{
	return looked != NULL && at >= looked->path.from && at < looked->path.to &&
	       (!slash || at <= looked->path.slash);
}

/* The word at this place as a shell has it: quotes, backslashes and ${ifs} gone, without its folder. Returns where it
 * ends, end at the latest. looked: NULL, or what was read before. */
static size_t read_name(const struct detect_view *view, size_t at, size_t end, struct looked *looked,
			uint8_t word[WORD], size_t *ret_size)
{
	size_t n = 0, slash = 0, from = view->size;

	for (; at < end; at++) {
		uint8_t c = view->text[at];

		if (c == '\\' && at + 1 < view->size && (view->text[at + 1] == 'n' || view->text[at + 1] == 'r') &&
		    (at + 2 == view->size || !ascii_is_alpha(view->text[at + 2])))
			break; /* id\n */
		if (c == '\\' || c == '\'' || c == '"') {
			if (at + 1 == view->size || !is_word(view->text[at + 1]))
				break;
			if (c == '\\' || (n != 0 && c != '"'))
				continue;
		}
		if (c != '/' && !is_word(c) && c != '.' && c != '-')
			break;
		if (c == '/' || n == WORD) {
			if (knows_rest(looked, at, c == '/')) {
				*ret_size = at <= looked->path.slash ? looked->path.size : 0;
				memcpy(word, looked->path.name, WORD);
				return looked->path.to;
			}
			from = at < from ? at : from;
			slash = c == '/' ? at : slash;
			n = c == '/' ? 0 : n;
			continue;
		}
		word[n++] = c;
	}
	*ret_size = n < WORD ? n : 0;
	if (looked != NULL && from < at) {
		looked->path.from = from;
		looked->path.to = at;
		looked->path.slash = slash;
		looked->path.size = *ret_size;
		memcpy(looked->path.name, word, WORD);
	}
	return at;
}

static size_t read_word(const struct detect_view *view, size_t at, uint8_t word[WORD], size_t *ret_size)
{
	return read_name(view, find_word(view, at), view->size, NULL, word, ret_size);
}

/* What a value could look like in front of a separator: nothing, a quote, or one short word. Where it ends at the
 * latest: behind the first word, and what may stand between it and the separator. */
static size_t value_end(const struct detect_view *view)
{
	size_t at = 0;

	while (at < view->size && at < VALUE && !is_blank(view->text[at]))
		at++;
	while (at < view->size && (is_blank(view->text[at]) || memchr("\"'+$^", view->text[at], 5) != NULL))
		at++;
	return at;
}

static bool behind_value(const struct detect_view *view, size_t at, const struct looked *looked)
{
	return view->begins && at <= looked->value;
}

/* Does the line in front begin with a command, or a prompt? Then somebody shows a command line: no value is left. */
static bool behind_command(const struct detect_view *view, const struct place *place)
{
	uint8_t word[WORD];
	size_t at = place->at, from = at - place->line < 200 ? place->line : at - 200, size;

	while (from < at && is_blank(view->text[from]))
		from++;
	if (from < at && (view->text[from] == '$' || view->text[from] == '#' || view->text[from] == '%' ||
			  view->text[from] == '>' || view->text[from] == '.'))
		return true;
	/* a word that goes on behind the place is none in front of it */
	return read_name(view, find_word(view, from), at + 1, NULL, word, &size) <= at && size != 0 &&
	       (detect_word(view->words, LIST_SHELL_COMMANDS, word, size) ||
		detect_word(view->words, LIST_SHELL_TOOLS, word, size));
}

/* Two words or more in front of it: somebody speaks of commands, unless it is set off as none of them would. */
static bool talks(const struct detect_view *view, size_t at, struct looked *looked)
{
	for (; looked->counted < at; looked->counted++) {
		size_t i = looked->counted;

		if (ascii_is_alpha(view->text[i]) && (i == 0 || is_blank(view->text[i - 1])))
			looked->words[looked->word_count++ % 3] = i;
	}
	return looked->word_count > 2 && looked->words[looked->word_count % 3] + 200 >= at;
}

/* Behind a pipe it takes what somebody's command in front says: `lspci | grep -i vga`. */
static bool is_filter(const struct detect_view *view, const uint8_t *word, size_t size)
{
	return detect_word(view->words, LIST_SHELL_FILTERS, word, size);
}

/* ` ;id `, ` &&curl`: set off in front, tight behind, as nobody writes who shows a command line. */
static bool set_off(const struct detect_view *view, const struct place *place)
{
	return place->at != 0 && is_blank(view->text[place->at - 1]) && place->next < view->size &&
	       !is_blank(view->text[place->next]) && view->text[place->at] != '\\';
}

/* A pipe into what reads none, a single & : not what somebody shows. Nor what only tells where one is. */
static bool deaf(const struct detect_view *view, const struct place *place, const uint8_t *word, size_t size)
{
	uint8_t c = view->text[place->at];

	return (place->next == place->at + 1 && (c == '|' || c == '&') &&
		detect_word(view->words, LIST_SHELL_DEAF, word, size)) ||
	       detect_word(view->words, LIST_SHELL_SCOUTS, word, size);
}

/* Words in front, a blank, and none of the last words begins a command line: the separator goes on with nothing that is
 * said there. */
static bool behind_talk(const struct detect_view *view, size_t at)
{
	const uint8_t *text = view->text;
	size_t end = at, from, words = 0;

	while (end != 0 && is_blank(text[end - 1]))
		end--;
	if (end == at)
		return false;
	from = end > TALK ? end - TALK : 0;
	if (end - from < TALK)
		return false;
	for (size_t i = from; i < end; i++)
		if (!is_word(text[i]) && !is_blank(text[i]) && text[i] < 0x80 && memchr(".,!?:-'", text[i], 7) == NULL)
			return false;
	while (end > from && words < 4) {
		size_t word = end;

		while (word > from && is_word(text[word - 1]))
			word--;
		if (word == end) {
			end--;
			continue;
		}
		if (detect_word(view->words, LIST_SHELL_COMMANDS, text + word, end - word) ||
		    detect_word(view->words, LIST_SHELL_TOOLS, text + word, end - word))
			return false;
		words++;
		end = word;
	}
	return true;
}

/* -l, /tmp, \\host, $x, c:: what a word of talk is not. */
static bool is_argument(const uint8_t *at, const uint8_t *end)
{
	return end - at > 1 &&
	       ((memchr("-/\\$", *at, 4) != NULL && !is_blank(at[1])) || (ascii_is_alpha(*at) && at[1] == ':'));
}

/* x;id;y: nothing but a command from one separator to the next, as nobody writes who shows a command line. Between
 * pipes it is a choice: cat|head|tail. */
static bool alone_between(const struct detect_view *view, const struct place *place, const uint8_t *rest, size_t size)
{
	return rest < view->text + view->size && place->next + size == (size_t)(rest - view->text) &&
	       ((view->text[place->at] == ';' && memchr(";|&", *rest, 3) != NULL) ||
		(view->text[place->at] == '|' && *rest == ';'));
}

/* Does a target stand in the rest of the line, AIM octets from there on at most? */
static bool aims(const struct detect_view *view, size_t at, struct looked *looked)
{
	const uint8_t *text = view->text, *end = text + view->size;
	size_t most = view->size - at > AIM ? at + AIM : view->size;

	if (at < looked->from || at > looked->to || looked->target < at)
		looked->from = looked->to = at, looked->target = view->size;
	while (looked->target == view->size && looked->to < most) {
		if (detect_any(view->words, LIST_SHELL_TARGETS, text + looked->to, end) != 0)
			looked->target = looked->to;
		looked->to++;
	}
	return looked->target < most && memchr(text + at, '\n', looked->target - at) == NULL;
}

/* Reads the word behind a separator. Was it that of the one before, too? */
static bool read_again(const struct detect_view *view, const struct place *place, struct looked *looked)
{
	bool again = place->next >= looked->open && place->next <= looked->word;

	looked->open = place->next;
	if (!again) {
		size_t after;

		looked->word = find_word(view, place->next);
		after = read_name(view, looked->word, view->size, looked, looked->name, &looked->size);
		/* of many words with one end the gap behind it is the same */
		if (after != looked->after || after == 0) {
			looked->after = looked->gap = after;
			while (looked->gap < view->size &&
			       (is_blank(view->text[looked->gap]) || view->text[looked->gap] == '+'))
				looked->gap++;
		}
	}
	return again;
}

static void command(const struct detect_view *view, const struct place *place, struct looked *looked)
{
	const uint8_t *end = view->text + view->size, *rest, *word = looked->name;
	bool again = read_again(view, place, looked), ambiguous, argument, over;
	size_t size = looked->size, after = looked->after, gap = looked->gap;

	if (size == 0 || !detect_word(view->words, LIST_SHELL_COMMANDS, word, size) ||
	    (place->opens && quotes(view, place->at)))
		return;
	if (again && !detect_spend(view, AGAIN + (looked->word - place->next) / AGAIN_PART))
		return;
	if (after < view->size && (view->text[after] == '=' || view->text[after] == ':' || view->text[after] == ','))
		return;
	ambiguous = detect_word(view->words, LIST_SHELL_PLAIN, word, size);
	rest = view->text + gap;
	over = rest == end || *rest == ';' || *rest == '|' || *rest == '&' || *rest == '`' || *rest == ')' ||
	       *rest == '#' || *rest == '"' || *rest == '\'' || *rest == '>' || *rest == '<' || *rest == '%' ||
	       *rest == '}';
	argument = rest < end && (*rest == '-' || *rest == '/' || *rest == '$' || *rest == '\\' || *rest == '.' ||
				  ascii_is_digit(*rest) || (ascii_is_alpha(*rest) && rest + 1 < end && rest[1] == ':'));
	if (aims(view, gap, looked))
		detect_hit(view,
			   behind_value(view, place->at, looked) || !in_span(view, place->at) ? RULE_SHELL_TARGET
											      : RULE_SHELL_COMMAND,
			   place->at);
	if (behind_value(view, place->at, looked) && (over || argument || !ambiguous) && !shows(view, place->at) &&
	    !(place->opens && place->at == 0 && *rest == ')' && talk_follows(view, gap)) &&
	    (place->at == 0 || view->text[place->at] != '|' || !is_filter(view, word, size)))
		detect_hit(view, RULE_SHELL_START, place->at);
	else if (place->opens && (over || argument))
		detect_hit(view, RULE_SHELL_SUBSTITUTION, place->at);
	else if (!in_span(view, place->at) &&
		 (alone_between(view, place, rest, size) ||
		  (!place->opens && !is_filter(view, word, size) && behind_talk(view, place->at) &&
		   (is_argument(rest, end) ||
		    (!ambiguous && (over || detect_word(view->words, LIST_SHELL_DEAF, word, size)))))))
		detect_hit(view, RULE_SHELL_BEHIND, place->at);
	else if (!place->opens && !is_filter(view, word, size) && !in_span(view, place->at) &&
		 (deaf(view, place, word, size)
			  ? argument || !ambiguous
			  : (argument && !talks(view, place->at, looked) && !behind_command(view, place)) ||
				    ((argument || over) && set_off(view, place))))
		detect_hit(view, RULE_SHELL_BEHIND, place->at);
	else if ((over || argument) && !(is_filter(view, word, size) && view->text[place->at] == '|') &&
		 !detect_has(view, RULE_SHELL_COMMAND) &&
		 !detect_has(view, RULE_SHELL_SUBSTITUTION)) /* once is enough */
		detect_hit(view, ambiguous && !argument ? RULE_SHELL_SUBSTITUTION : RULE_SHELL_COMMAND, place->at);
	else if (!place->opens && !ambiguous && !in_span(view, place->at) && !behind_command(view, place) &&
		 detect_word(view->words, LIST_SHELL_DEAF, word, size))
		detect_hit(view, RULE_SHELL_COMMAND, place->at); /* words follow, of who goes on to speak */
}

/* `ls -l /srv/x` and nothing else. */
static void alone(const struct detect_view *view)
{
	uint8_t word[WORD];
	size_t size, after, words = 1;

	if (!view->begins || !view->ends || view->size > 120)
		return;
	after = read_word(view, 0, word, &size);
	if (size == 0 || after >= view->size || !detect_word(view->words, LIST_SHELL_COMMANDS, word, size))
		return;
	for (size_t i = after; i + 1 < view->size; i++)
		words += is_blank(view->text[i]) && ascii_is_alpha(view->text[i + 1]);
	while (after < view->size && is_blank(view->text[after]))
		after++;
	if (words <= 2 && after < view->size &&
	    (view->text[after] == '-' || view->text[after] == '/' || view->text[after] == '$' ||
	     view->text[after] == '"' || view->text[after] == '>'))
		detect_hit(view, RULE_SHELL_ALONE, 0);
}

/* | a row | of a table | : a shell reads a mistake in a line that begins with a pipe, and where a line ends with one
 * and the next begins so; nothing of it is run. at: the begin of a line. Returns its end, or at where it is no such
 * row. */
static size_t skip_row(const struct detect_view *view, size_t at)
{
	const uint8_t *text = view->text, *line = memchr(text + at, '\n', view->size - at);
	size_t end = line != NULL ? (size_t)(line - text) : view->size, last = end;

	while (last > at && is_blank(text[last - 1]))
		last--;
	if (last < at + 3 || text[last - 1] != '|')
		return at;
	if (at >= 2 ? text[at - 2] != '\\' : end + 1 < view->size && text[end + 1] == '|')
		return end;
	return at;
}

/* What may part commands, or open one. */
static const bool parts[256] = {
	[';'] = true,  ['|'] = true, ['&'] = true, ['\n'] = true, ['\r'] = true, ['\0'] = true,
	['\\'] = true, ['`'] = true, ['$'] = true, ['<'] = true,  ['>'] = true,
};
OCTETS_NEXT(next_part, parts,
	    _mm_or_si128(_mm_or_si128(_mm_or_si128(octets_range(sixteen, ';', '>'), octets_range(sixteen, '$', '&')),
				      _mm_or_si128(octets_range(sixteen, '\n', '\r'), octets_one(sixteen, '|'))),
			 _mm_or_si128(_mm_or_si128(octets_one(sixteen, '\\'), octets_one(sixteen, '`')),
				      octets_one(sixteen, '\0'))))

void detect_shell(const struct detect_view *view)
{
	const uint8_t *text = view->text;
	struct looked looked = { .value = value_end(view), .target = view->size, .open = view->size };
	size_t line = 0, seen = 0;

	for (size_t i = 0; (i = next_part(text, view->size, i)) < view->size; i++) {
		struct place place = { i, i + 1, 0, false };

		if (text[i] == '|' && (i == 0 || text[i - 1] == '\n')) {
			i = skip_row(view, i);
			if (i == view->size)
				break;
			place = (struct place){ i, i + 1, 0, false };
		}
		switch (text[i]) {
		case ';':
		case '|':
		case '&':
		case '\n':
		case '\r':
		case '\0':
			while (place.next < view->size && (text[place.next] == text[i] || text[place.next] == '\n'))
				place.next++;
			break;
		case '\\':
			if (i + 2 >= view->size || (text[i + 1] != 'n' && text[i + 1] != 'r'))
				continue;
			place.next = i + 2;
			break;
		case '`':
			while (place.next < view->size && text[place.next] == '`')
				place.next++;
			if (place.next > i + 1) { /* a fence, or nothing between two: it runs nothing */
				i = place.next - 1;
				continue;
			}
			place.opens = true;
			break;
		case '$':
		case '<':
		case '>':
			if (i + 1 >= view->size || text[i + 1] != '(')
				continue;
			place.opens = true;
			place.next = i + 2;
			break;
		default:
			continue;
		}
		if (place.next < view->size &&
		    !((text[i] == '\n' || text[i] == '\r') && !behind_value(view, i, &looked))) {
			for (; seen < i; seen++)
				if (text[seen] == '\n')
					line = seen + 1;
			place.line = line;
			command(view, &place, &looked);
		}
		i = place.next - 1;
	}
	alone(view);
}

void detect_shell_word(const struct detect_view *view, enum detect_list list, size_t at, size_t size)
{
	uint8_t word[WORD];
	size_t length;

	if (list == LIST_SHELL_REVERSE) {
		detect_hit(view, RULE_SHELL_REVERSE, at);
		return;
	}
	detect_hit(view, RULE_SHELL_CODE, at);
	if (VIEW_HAS(view, at, "<?php")) {
		size_t end = view->size - at > 200 ? at + 200 : view->size;

		if (detect_has(view, RULE_SHELL_CALL) || !detect_spend(view, 200))
			return;
		for (size_t i = at + size; i < end; i++)
			if (detect_any(view->words, LIST_SHELL_CODE, view->text + i, view->text + end) != 0)
				detect_hit(view, RULE_SHELL_CALL, at);
	} else if (memchr(view->text + at, '(', size) != NULL && detect_passage(view, at) < 120) {
		read_word(view, at + size, word, &length);
		if (length != 0 && detect_word(view->words, LIST_SHELL_COMMANDS, word, length))
			detect_hit(view, RULE_SHELL_CALL, at);
	}
}
