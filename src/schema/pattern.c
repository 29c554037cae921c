/* pattern.c: regular expressions by PCRE2, which is interpreted, never compiled to machine code: the program may have
 * no memory that is both written and run. */
#include "base/mem.h"
#include "base/slice.h"
#include "schema/run.h"

enum {
	HEAP_KIB = 4096,
	SMALL = 24576,
	FIRST_CALLS = 256,
	FIRST_OCTETS = 64,
	MESSAGE = 120,
	OCTETS_A_CALL = 16,
	OCTETS_A_LOOK = 16
};

bool jsonschema_pattern_compile(struct fw_slice pattern, struct arena *arena, struct schema_regex *ret_regex,
				const char **reterr_what)
{
	struct fw_slice text = jsonschema_pattern_text(pattern, arena, reterr_what);
	uint32_t options = 0, kind = 0, first = 0;
	PCRE2_SIZE offset;
	char *what;
	int error;

	if (text.data == NULL)
		return false;
	ret_regex->code = pcre2_compile(text.data, text.size,
					PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_MATCH_UNSET_BACKREF |
						PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY,
					&error, &offset, NULL);
	if (ret_regex->code == NULL) {
		*reterr_what = "memory is short";
		what = arena_alloc(arena, MESSAGE);
		if (what == NULL)
			return false;
		pcre2_get_error_message(error, (PCRE2_UCHAR *)what, MESSAGE);
		*reterr_what = what;
		return false;
	}
	pcre2_pattern_info(ret_regex->code, PCRE2_INFO_ALLOPTIONS, &options);
	pcre2_pattern_info(ret_regex->code, PCRE2_INFO_FIRSTCODETYPE, &kind);
	pcre2_pattern_info(ret_regex->code, PCRE2_INFO_FIRSTCODEUNIT, &first);
	pcre2_pattern_info(ret_regex->code, PCRE2_INFO_FIRSTBITMAP, &ret_regex->starts);
	ret_regex->anchored = (options & PCRE2_ANCHORED) != 0;
	ret_regex->first = kind == 1 ? (int)first : -1;
	return true;
}

/* Expressions that go back far need more memory than a message has: that is taken from the system, and given back at
 * once. */
struct piece {
	size_t own; /* 0: it is of the arena */
	size_t fill;
};

static void *take(PCRE2_SIZE size, void *arena)
{
	size_t bytes = size + sizeof(struct piece);
	struct piece *piece = size <= SMALL ? arena_alloc(arena, bytes) : mem_alloc(bytes);

	if (piece == NULL)
		return NULL;
	piece->own = size > SMALL;
	return piece + 1;
}

static void give(void *memory, void *arena)
{
	struct piece *piece = memory;

	(void)arena;
	if (piece != NULL && piece[-1].own != 0)
		mem_free(piece - 1);
}

static bool prepare(struct run *run)
{
	pcre2_general_context *general;

	if (run->match != NULL)
		return true;
	general = pcre2_general_context_create(take, give, run->arena);
	run->context = general != NULL ? pcre2_match_context_create(general) : NULL;
	run->match = general != NULL ? pcre2_match_data_create(1, general) : NULL;
	if (run->context == NULL || run->match == NULL)
		return false;
	pcre2_set_heap_limit(run->context, HEAP_KIB);
	return true;
}

/* What PCRE2 used it does not say. So it gets few tries and little text first, and more when that was too little; what
 * it got is spent, which is at most some times what it used. Only one place is tried: its own search for one, and for
 * how far one try looks, has no bound. A text that is cut is matched with PCRE2_PARTIAL_HARD: it says when it saw the
 * cut. */
static bool matches_at(struct run *run, const struct schema_regex *regex, struct fw_slice text, size_t at)
{
	uint32_t calls = FIRST_CALLS;
	size_t room = FIRST_OCTETS;

	for (;;) {
		size_t end = text.size - at > room ? at + room : text.size;
		uint64_t cost;
		int got;

		while (end < text.size && (text.data[end] & 0xc0) == 0x80)
			end++;
		pcre2_set_match_limit(run->context, calls);
		got = pcre2_match(regex->code, text.data, end, at,
				  PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED | (end < text.size ? PCRE2_PARTIAL_HARD : 0),
				  run->match, run->context);
		cost = 1 + (end - at) / OCTETS_A_CALL;
		if (!run_spend(run, calls == FIRST_CALLS ? cost : calls / 4 * cost))
			return false;
		if (got >= 0 || got == PCRE2_ERROR_NOMATCH)
			return got >= 0;
		if (got == PCRE2_ERROR_PARTIAL) {
			room *= 4;
			continue;
		}
		if (got != PCRE2_ERROR_MATCHLIMIT || calls > UINT32_MAX / 8) {
			run_stop(run, got == PCRE2_ERROR_NOMEMORY ? JSONSCHEMA_MEMORY : JSONSCHEMA_BUDGET);
			return false;
		}
		if (!run_spend(run, calls * cost))
			return false;
		calls *= 4;
	}
}

/* Where it may begin, from a place on; beyond the end: nowhere. */
static size_t next_start(const struct schema_regex *regex, struct fw_slice text, size_t at)
{
	const uint8_t *found;

	if (regex->first >= 0) {
		found = at < text.size ? memchr(text.data + at, regex->first, text.size - at) : NULL;
		return found != NULL ? (size_t)(found - text.data) : text.size + 1;
	}
	while (at < text.size) {
		uint8_t c = text.data[at];

		if (regex->starts != NULL ? (regex->starts[c / 8] >> (c % 8)) & 1 : (c & 0xc0) != 0x80)
			return at;
		at++;
	}
	return regex->starts != NULL ? text.size + 1 : at;
}

bool run_matches(struct run *run, const struct schema_regex *regex, struct fw_slice text)
{
	uint64_t looked;

	if (text.size == 0)
		text.data = (const uint8_t *)"";
	if (regex->simple != NULL) {
		bool matched = jsonschema_simple_matches(regex->simple, text, &looked);

		return run_spend(run, 1 + looked / OCTETS_A_CALL) && matched;
	}
	if (!prepare(run)) {
		run_stop(run, JSONSCHEMA_MEMORY);
		return false;
	}
	if (regex->anchored)
		return matches_at(run, regex, text, 0);
	run_spend(run, text.size / OCTETS_A_LOOK);
	for (size_t at = next_start(regex, text, 0); at <= text.size && run->fatal == JSONSCHEMA_VALID;
	     at = next_start(regex, text, at + 1))
		if (matches_at(run, regex, text, at))
			return true;
	return false;
}

void run_matches_end(struct run *run)
{
	if (run->match != NULL)
		pcre2_match_data_free(run->match);
}
