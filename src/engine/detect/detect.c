/* detect.c: the gate, the views and the detectors of a text, in a row. */
#include "engine/detect/detect.h"

#include "codec/views.h"
#include "engine/detect/view.h"
#include "engine/detect/voice.h"

const struct detect_info detect_info[DETECT_RULES] = {
#define DETECT_RULE(name, class, id, points, reason) { id, reason, DETECT_##class, points },
#include "tables/detect_rules.def"
#undef DETECT_RULE
};

static const struct detector {
	void (*look)(const struct detect_view *view);
	unsigned gate;
} detectors[] = {
#define DETECTOR(name, gate, help) { detect_##name, gate },
#include "tables/detectors.def"
#undef DETECTOR
};

#define HIGH_16                                                                                                        \
	GATE_HIGH, GATE_HIGH, GATE_HIGH, GATE_HIGH, GATE_HIGH, GATE_HIGH, GATE_HIGH, GATE_HIGH, GATE_HIGH, GATE_HIGH,  \
		GATE_HIGH, GATE_HIGH, GATE_HIGH, GATE_HIGH, GATE_HIGH, GATE_HIGH
static const uint32_t gates[256] = {
	[0 ... 8] = GATE_NUL,
	[0x0e ... 0x1f] = GATE_NUL,
	[0x7f] = GATE_NUL,
	['\t'] = 0,
	['\n'] = GATE_LINE,
	['\r'] = GATE_LINE,
	['<'] = GATE_TAG,
	['>'] = GATE_TAG,
	['\''] = GATE_QUOTE,
	['"'] = GATE_QUOTE,
	['='] = GATE_EQUALS,
	['('] = GATE_PAREN,
	[')'] = GATE_PAREN,
	[';'] = GATE_SEMICOLON,
	['&'] = GATE_SEMICOLON | GATE_AMPERSAND,
	['|'] = GATE_PIPE,
	['`'] = GATE_BACKTICK,
	['$'] = GATE_DOLLAR,
	['/'] = GATE_SLASH,
	['\\'] = GATE_BACKSLASH,
	['{'] = GATE_BRACE,
	['}'] = GATE_BRACE,
	['['] = GATE_BRACE,
	[']'] = GATE_BRACE,
	['#'] = GATE_COMMENT,
	['*'] = GATE_COMMENT,
	['0'] = GATE_DIGIT,
	['1'] = GATE_DIGIT,
	['2'] = GATE_DIGIT,
	['3'] = GATE_DIGIT,
	['4'] = GATE_DIGIT,
	['5'] = GATE_DIGIT,
	['6'] = GATE_DIGIT,
	['7'] = GATE_DIGIT,
	['8'] = GATE_DIGIT,
	['9'] = GATE_DIGIT,
	['_'] = GATE_UNDERSCORE,
	['@'] = GATE_UNDERSCORE,
	['^'] = GATE_UNDERSCORE,
	['~'] = GATE_UNDERSCORE,
	[':'] = GATE_COLON,
	['-'] = GATE_DASH,
	[','] = GATE_DASH,
	['%'] = GATE_PERCENT,
	[0x80] = HIGH_16,
	HIGH_16,
	HIGH_16,
	HIGH_16,
	HIGH_16,
	HIGH_16,
	HIGH_16,
	HIGH_16,
};
/* Without any of these a text is words. */
enum { HARMLESS = GATE_DIGIT | GATE_COLON | GATE_HIGH | GATE_DASH };
/* Octets looked at a second time, by octets of the text: see detect_spend. Of what was undone half as many where the
 * text as it came took them all: no talk is looked at twice in both. */
enum { WORK = 6, WORK_LEAST = 2048, ALL = 256 };
enum { ENCODED = GATE_PERCENT | GATE_AMPERSAND | GATE_BACKSLASH | GATE_HIGH | GATE_NUL };

unsigned detect_gate(struct fw_slice text)
{
	const uint8_t *p = text.data;
	uint32_t a = 0, b = 0, c = 0, d = 0;
	size_t i = 0;

	for (; i + 4 <= text.size; i += 4) {
		a |= gates[p[i]];
		b |= gates[p[i + 1]];
		c |= gates[p[i + 2]];
		d |= gates[p[i + 3]];
	}
	for (; i < text.size; i++)
		a |= gates[p[i]];
	return a | b | c | d;
}

bool detect_is_encoded(unsigned gate)
{
	return (gate & ENCODED) != 0;
}

bool detect_is_piece(unsigned gate)
{
	return (gate & ~(unsigned)(HARMLESS & ~GATE_DIGIT)) != 0;
}

/* Code is what stands between backticks: a fence of three, or one that a word does not touch from within. One that
 * nothing closes is none. */
static void find_spans(struct detect_view *view)
{
	const uint8_t *at = view->text, *end = view->text + view->size;

	view->span_count = 0;
	if (!(view->gate & GATE_BACKTICK))
		return;
	while (view->span_count < VIEW_SPANS && (at = memchr(at, '`', (size_t)(end - at))) != NULL) {
		size_t fence = 1;
		const uint8_t *close;

		while (at + fence < end && at[fence] == '`')
			fence++;
		close = at + fence;
		while ((close = memchr(close, '`', (size_t)(end - close))) != NULL) {
			size_t run = 1;

			while (close + run < end && close[run] == '`')
				run++;
			if (run == fence)
				break;
			close += run;
		}
		if (close == NULL) {
			at += fence;
			continue;
		}
		view->spans[view->span_count].start = (uint16_t)(at + fence - view->text);
		view->spans[view->span_count++].end = (uint16_t)(close - view->text);
		at = close + fence;
	}
}

void detect_hit(const struct detect_view *view, enum detect_rule rule, size_t at)
{
	struct detect_rules *rules = &view->result->found;

	if (detect_info[rule].class != DETECT_XSS && rule != RULE_OTHER_LOOKUP)
		for (unsigned i = 0; i < view->span_count; i++)
			if (at >= view->spans[i].start && at < view->spans[i].end)
				rules = &view->result->fenced;
	detect_rules_add(rules, rule);
}

bool detect_has(const struct detect_view *view, enum detect_rule rule)
{
	return detect_rules_has(&view->result->found, rule);
}

bool detect_spend(const struct detect_view *view, size_t octets)
{
	if (*view->work >= octets) {
		*view->work -= octets;
		return true;
	}
	detect_rules_add(&view->result->found, RULE_OTHER_FLOOD);
	return false;
}

static bool found(const struct detect_result *result, enum detect_rule rule)
{
	return detect_rules_has(&result->found, rule) || detect_rules_has(&result->fenced, rule);
}

/* The rules that count: those of a set do not, and where one of them was found the voice, which speaks of the same
 * place, does not either. */
static struct detect_rules counting(const struct detect_result *result, unsigned class,
				    const struct detect_rules *without)
{
	struct detect_rules rules = { 0 };
	bool silent = false;

	for (enum detect_rule rule = 0; rule < DETECT_RULES; rule++)
		if (detect_info[rule].class == class && found(result, rule)) {
			if (without == NULL || !detect_rules_has(without, rule))
				detect_rules_add(&rules, rule);
			else
				silent = silent || !voice_says(rule);
		}
	for (enum detect_rule rule = 0; rule < DETECT_RULES && silent; rule++)
		if (voice_says(rule))
			rules.bits[rule / 64] &= ~(UINT64_C(1) << (rule % 64));
	return rules;
}

unsigned detect_points(const struct detect_result *result, unsigned class, const struct detect_rules *without)
{
	struct detect_rules rules = counting(result, class, without);
	unsigned points = 0;
	bool fenced = false;

	for (enum detect_rule rule = 0; rule < DETECT_RULES; rule++) {
		if (!detect_rules_has(&rules, rule))
			continue;
		if (detect_rules_has(&result->found, rule))
			points += detect_info[rule].points;
		else
			fenced = fenced || detect_info[rule].points >= DETECT_REFUSE;
	}
	return fenced && points < DETECT_FLAG ? DETECT_FLAG : points;
}

/* What was learned says less to who reads it than a rule. */
static bool leads(enum detect_rule rule, enum detect_rule than)
{
	bool learned = voice_says(rule), other = voice_says(than);

	return learned != other ? other : detect_info[rule].points > detect_info[than].points;
}

enum detect_rule detect_lead(const struct detect_result *result, unsigned class, const struct detect_rules *without)
{
	struct detect_rules rules = counting(result, class, without);
	enum detect_rule lead = DETECT_RULES;

	for (enum detect_rule rule = 0; rule < DETECT_RULES; rule++)
		if (detect_rules_has(&rules, rule) && (lead == DETECT_RULES || leads(rule, lead)))
			lead = rule;
	return lead;
}

static void look(struct detect_view *view)
{
	find_spans(view);
	for (size_t i = 0; i < sizeof(detectors) / sizeof(detectors[0]); i++)
		if (view->gate & detectors[i].gate)
			detectors[i].look(view);
	detect_scan(view);
}

bool detect_shortened(const struct detect_view *view)
{
	const uint8_t *end = view->text + view->size, *at = view->text;

	for (; (at = memchr(at, '.', (size_t)(end - at))) != NULL; at++)
		if (at[1] == '.' && end - at >= 4 && (at[2] == '2' || at[2] == '5'))
			return true;
	for (at = view->text; (at = memchr(at, 'x', (size_t)(end - at))) != NULL; at++)
		if (at != view->text && at[-1] == '0' && (at[1] == '2' || at[1] == '5'))
			return true;
	return false;
}

/* Words and numbers alone: pieces of SQL and shortened paths are the only things they can be. */
static bool harmless(const struct detect_view *view)
{
	if (view->gate & ~(unsigned)HARMLESS)
		return false;
	return (view->gate & GATE_DIGIT) == 0 ||
	       (memmem(view->text, view->size, "select", 6) == NULL &&
		memmem(view->text, view->size, "order by", 8) == NULL &&
		(view->size < 26 || memmem(view->text, view->size, "0x", 2) == NULL) && !detect_shortened(view));
}

/* Controls are blanks to some, nothing to others, for whom the decoded view is. */
static void separate(uint8_t *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (gates[text[i]] == GATE_NUL && text[i] != 0)
			text[i] = ' ';
}

/* One view of a text, window by window; text is in small letters. gate: of all of it, as it came. left: of the work
 * that each window may take, in 256ths. Returns what is left for the next view. */
static unsigned windows(const struct detect_words *words, const uint8_t *text, size_t size, unsigned kinds,
			unsigned gate, unsigned left, struct detect_result *result)
{
	uint8_t window[VIEW_SIZE + VIEW_PADDING];
	size_t at = 0, part, given = 0, kept = 0;

	do {
		size_t work;
		struct detect_view view = { .text = window, .kinds = kinds, .begins = at == 0, .words = words };

		part = size - at > VIEW_SIZE ? VIEW_SIZE : size - at;
		work = (WORK * part + WORK_LEAST) * left / ALL;
		given += work;
		memcpy(window, text + at, part);
		memset(window + part, 0, VIEW_PADDING);
		view.size = part;
		view.ends = at + part == size;
		view.gate = kinds == 0 && part == size ? gate : detect_gate(slice(window, part));
		view.work = &work;
		view.result = result;
		if ((view.gate & GATE_NUL) != 0 && kinds == 0)
			separate(window, part);
		if (!harmless(&view))
			look(&view);
		kept += work;
		at += VIEW_SIZE - VIEW_OVERLAP;
	} while (part == VIEW_SIZE && at + VIEW_OVERLAP < size);
	return ALL / 2 + (unsigned)(ALL / 2 * kept / given);
}

/* onload and nothing else: somebody tries which of them come through; where no browser has it, and nobody speaks of it,
 * nothing else. */
static void probe(const struct detect_words *words, struct fw_slice text, struct detect_result *result)
{
	uint8_t name[32];

	if (text.size < 5 || text.size > sizeof(name) || ascii_lower(text.data[0]) != 'o' ||
	    ascii_lower(text.data[1]) != 'n')
		return;
	views_lower(name, text.data, text.size);
	if (detect_word(words, LIST_XSS_PAST, name, text.size))
		detect_rules_add(&result->found, RULE_XSS_PAST);
	else if (detect_word(words, LIST_XSS_EVENTS, name, text.size))
		detect_rules_add(&result->found, RULE_XSS_PROBE);
}

/* union select, and little else. */
static bool is_union(struct fw_slice text)
{
	uint8_t words[64];

	text = slice_trim(text);
	if (text.size < 12 || text.size > sizeof(words) || ascii_lower(text.data[0]) != 'u')
		return false;
	views_lower(words, text.data, text.size);
	return memcmp(words, "union ", 6) == 0 && memmem(words, text.size < 24 ? text.size : 24, " select", 7) != NULL;
}

size_t detect_room(struct fw_slice text)
{
	return text.size > VIEW_SIZE ? text.size : 0;
}

unsigned detect_text(const struct detect_words *words, struct fw_slice text, uint8_t *room,
		     struct detect_result *result)
{
	unsigned gate = detect_gate(text), kinds = 0, left;
	uint8_t own[VIEW_SIZE], *view = text.size > VIEW_SIZE ? room : own;
	size_t size = text.size;

	if (is_union(text))
		detect_rules_add(&result->found, RULE_SQL_BARE_UNION);
	if ((gate & ~(unsigned)(HARMLESS & ~(GATE_DIGIT | GATE_HIGH))) == 0) {
		probe(words, text, result);
		return gate;
	}
	views_lower(view, text.data, text.size);
	left = windows(words, view, size, 0, gate, ALL, result);
	if (detect_is_encoded(gate))
		size = views_decode(view, size, &kinds);
	if ((kinds & VIEW_PERCENT) != 0 && memchr(text.data, ' ', text.size) == NULL) {
		for (size_t i = 0; i < size; i++) /* a form's way to write a blank */
			if (view[i] == '+')
				view[i] = ' ';
	}
	/* what stands far apart comes into one window */
	if (text.size > VIEW_SIZE)
		size = views_squeeze(view, size, &kinds);
	if (kinds != 0)
		(void)windows(words, view, size, kinds, gate, left, result);
	return gate;
}
