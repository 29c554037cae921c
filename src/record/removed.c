#include "record/removed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"

enum {
	HASH_TEXT = (MERKLE_HASH + 2) / 3 * 4,
	LEVEL_TEXT = (MERKLE_TILE * MERKLE_HASH + 2) / 3 * 4,
	NOTE_MOST = MERKLE_LEVELS * (LEVEL_TEXT + 1) + (LEDGER_ANNOUNCED + 2) * (NOTE_VERIFIER + 16) + 4 * HASH_TEXT +
		    NOTE_LINE
};

static const char file_name[] = "removed", suffix[] = "/removed", vouched[] = "vouched ", announced[] = "announced ";

struct writing {
	char *text;
	size_t size;
};

static void put(struct writing *to, const char *text)
{
	size_t size = strlen(text);

	memcpy(to->text + to->size, text, size);
	to->size += size;
}

static void put_number(struct writing *to, uint64_t number)
{
	to->size += encode_u64(number, to->text + to->size);
	put(to, "\n");
}

static void put_octets(struct writing *to, const void *octets, size_t size)
{
	to->size += encode_base64(octets, size, 0, to->text + to->size);
	put(to, "\n");
}

/* In the order in which it is read below. */
static void write_text(struct writing *to, const struct note_key *key, const struct ledger_resume *state)
{
	struct merkle_hash root;

	merkle_root(&state->tree, &root);
	put(to, key->name);
	put(to, suffix);
	put(to, "\n");
	put_number(to, state->segment);
	put_octets(to, state->chain, sizeof(state->chain));
	put_octets(to, root.bytes, sizeof(root.bytes));
	put(to, state->epoch);
	put(to, "\n");
	put_number(to, state->announced_count);
	for (unsigned i = 0; i < state->announced_count; i++) {
		put(to, state->vouched[i] ? vouched : announced);
		put(to, state->announced[i]);
		put(to, "\n");
	}
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		unsigned width = merkle_width(state->tree.size, level);

		if (width != 0)
			put_octets(to, state->tree.tiles[level], (size_t)width * MERKLE_HASH);
	}
}

int removed_write(const struct storage *storage, const char *directory, const struct note_key *key,
		  const struct ledger_resume *state)
{
	struct writing to = { .text = mem_alloc(NOTE_MOST) };
	char path[STORAGE_PATH];
	size_t line = 0, text;
	int result = -1, reason;

	errno = ENOMEM;
	if (to.text != NULL) {
		write_text(&to, key, state);
		text = to.size;
		put(&to, "\n");
		line = note_sign(key, slice(to.text, text), to.text + to.size);
	}
	if (line != 0 && storage_path(directory, file_name, path) &&
	    storage_replace(storage, path, to.text, to.size + line, true) == 0)
		result = storage_sync_folder(storage, directory);
	reason = errno;
	mem_free(to.text);
	errno = reason;
	return result;
}

static bool take_line(struct fw_slice *text, struct fw_slice *ret_line)
{
	const uint8_t *end = text->size != 0 ? memchr(text->data, '\n', text->size) : NULL;

	if (end == NULL)
		return false;
	*ret_line = slice(text->data, (size_t)(end - text->data));
	*text = slice_from(*text, ret_line->size + 1);
	return true;
}

static bool take_number(struct fw_slice *text, uint64_t *ret_number)
{
	struct fw_slice line;

	*ret_number = 0;
	if (!take_line(text, &line) || line.size == 0)
		return false;
	for (size_t i = 0; i < line.size; i++)
		if (line.data[i] < '0' || line.data[i] > '9' || __builtin_mul_overflow(*ret_number, 10u, ret_number) ||
		    __builtin_add_overflow(*ret_number, (unsigned)(line.data[i] - '0'), ret_number))
			return false;
	return true;
}

static bool take_octets(struct fw_slice *text, void *ret_octets, size_t size)
{
	uint8_t octets[LEVEL_TEXT / 4 * 3 + 3];
	struct fw_slice line;

	if (!take_line(text, &line) || line.size > LEVEL_TEXT ||
	    decode_base64((const char *)line.data, line.size, 0, octets) != (ptrdiff_t)size)
		return false;
	memcpy(ret_octets, octets, size);
	return true;
}

static bool copy_key(struct fw_slice line, char ret_key[NOTE_VERIFIER + 1])
{
	if (line.size == 0 || line.size > NOTE_VERIFIER)
		return false;
	memcpy(ret_key, line.data, line.size);
	ret_key[line.size] = '\0';
	return true;
}

static bool take_announced(struct fw_slice *text, struct ledger_resume *state)
{
	uint64_t count;
	struct fw_slice line;

	if (!take_number(text, &count) || count > LEDGER_ANNOUNCED)
		return false;
	for (state->announced_count = 0; state->announced_count < count; state->announced_count++) {
		const char *word;

		if (!take_line(text, &line))
			return false;
		state->vouched[state->announced_count] = slice_starts(line, vouched);
		word = state->vouched[state->announced_count] ? vouched : announced;
		if (!slice_starts(line, word) ||
		    !copy_key(slice_from(line, strlen(word)), state->announced[state->announced_count]))
			return false;
	}
	return true;
}

static bool take_tree(struct fw_slice *text, uint64_t size, const struct merkle_hash *root, struct merkle_tree *tree)
{
	struct merkle_hash ours;

	tree->size = size;
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		unsigned width = merkle_width(size, level);

		if (width != 0 && !take_octets(text, tree->tiles[level], (size_t)width * MERKLE_HASH))
			return false;
	}
	merkle_root(tree, &ours);
	return memcmp(&ours, root, sizeof(ours)) == 0;
}

static bool read_note(struct fw_slice note, const struct note_key *key, struct ledger_resume *state)
{
	struct fw_slice text, lines, line;
	struct merkle_hash root;

	memset(state, 0, sizeof(*state));
	if (note_verify(key, note) != NOTE_HOLDS || !note_split(note, &text, &lines) || !take_line(&text, &line) ||
	    line.size != strlen(key->name) + sizeof(suffix) - 1 || !slice_starts(line, key->name) ||
	    memcmp(line.data + strlen(key->name), suffix, sizeof(suffix) - 1) != 0)
		return false;
	if (!take_number(&text, &state->segment) || state->segment < 2 ||
	    !take_octets(&text, state->chain, sizeof(state->chain)) || !take_octets(&text, root.bytes, sizeof(root)) ||
	    !take_line(&text, &line) || !copy_key(line, state->epoch) || !take_announced(&text, state))
		return false;
	state->holds_to = state->segment - 1;
	state->epochs = 1;
	state->begun = state->strong_last = 1; /* what it signed was verified before it was removed */
	return take_tree(&text, state->segment - 1, &root, &state->tree) && text.size == 0;
}

int removed_read(const char *directory, const struct note_key *key, struct ledger_resume *ret_state)
{
	char path[STORAGE_PATH];
	uint8_t *note;
	size_t size;
	bool holds;

	if (!storage_path(directory, file_name, path))
		return -1;
	if (storage_read_all(path, &note, &size) != 0)
		return errno == ENOENT ? 0 : -1;
	holds = size <= NOTE_MOST && read_note(slice(note, size), key, ret_state);
	mem_free(note);
	if (holds)
		return 1;
	errno = EBADMSG;
	return -1;
}
