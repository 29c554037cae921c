#include "record/checkpoint.h"

#include <string.h>

#include "base/encode.h"
#include "base/slice.h"

enum { ROOT_TEXT = 44 };

static const char strong_line[] = "ml-dsa-65";

size_t checkpoint_make(const struct note_key *const keys[], unsigned count, bool strong, uint64_t size,
		       const struct merkle_hash *root, char ret_note[CHECKPOINT_SIZE])
{
	size_t at = strlen(keys[0]->name), text, line;

	memcpy(ret_note, keys[0]->name, at);
	ret_note[at++] = '\n';
	at += encode_u64(size, ret_note + at);
	ret_note[at++] = '\n';
	at += encode_base64(root->bytes, MERKLE_HASH, 0, ret_note + at);
	ret_note[at++] = '\n';
	if (strong) {
		memcpy(ret_note + at, strong_line, sizeof(strong_line) - 1);
		at += sizeof(strong_line) - 1;
		ret_note[at++] = '\n';
	}
	text = at;
	ret_note[at++] = '\n';
	for (unsigned i = 0; i < count && i < CHECKPOINT_KEYS; i++) {
		line = note_sign(keys[i], slice(ret_note, text), ret_note + at);
		if (line == 0)
			return 0;
		at += line;
	}
	if (strong) {
		line = note_sign_strong(keys[count - 1], slice(ret_note, text), ret_note + at);
		at = line != 0 ? at + line : 0;
	}
	return at;
}

/* The next line of text without its LF, which every line of a note's text has. */
static struct fw_slice take_line(struct fw_slice *text)
{
	const uint8_t *end = text->size != 0 ? memchr(text->data, '\n', text->size) : NULL;
	struct fw_slice line = slice(text->data, end != NULL ? (size_t)(end - text->data) : 0);

	*text = slice_from(*text, line.size + 1);
	return line;
}

static bool read_size(struct fw_slice line, uint64_t *ret_size)
{
	*ret_size = 0;
	if (line.size == 0 || (line.size > 1 && line.data[0] == '0'))
		return false;
	for (size_t i = 0; i < line.size; i++)
		if (line.data[i] < '0' || line.data[i] > '9' || __builtin_mul_overflow(*ret_size, 10u, ret_size) ||
		    __builtin_add_overflow(*ret_size, (unsigned)(line.data[i] - '0'), ret_size))
			return false;
	return true;
}

bool checkpoint_read(struct fw_slice note, struct checkpoint *ret_checkpoint)
{
	uint8_t root[ROOT_TEXT / 4 * 3 + 3];
	struct fw_slice text, lines, line;

	if (!note_split(note, &text, &lines))
		return false;
	ret_checkpoint->origin = take_line(&text);
	line = take_line(&text);
	if (ret_checkpoint->origin.size == 0 || !read_size(line, &ret_checkpoint->size))
		return false;
	line = take_line(&text);
	if (line.size != ROOT_TEXT || decode_base64((const char *)line.data, ROOT_TEXT, 0, root) != MERKLE_HASH)
		return false;
	memcpy(ret_checkpoint->root.bytes, root, MERKLE_HASH);
	ret_checkpoint->strong = false;
	while (text.size != 0) { /* extension lines: opaque but for one, and none is empty */
		line = take_line(&text);
		if (line.size == 0)
			return false;
		ret_checkpoint->strong = ret_checkpoint->strong || slice_is(line, strong_line);
	}
	return true;
}

struct fw_slice checkpoint_plain(struct fw_slice note)
{
	size_t from = note.size;

	while (from > 1 && note.data[from - 2] != '\n')
		from--;
	return from > 1 && note.size - from > NOTE_LINE ? slice(note.data, from - 1) : note;
}

static const uint8_t *empty_line(const uint8_t *from, size_t size)
{
	return size != 0 ? memmem(from, size, "\n\n", 2) : NULL;
}

bool checkpoint_next(struct fw_slice *notes, struct fw_slice *ret_note)
{
	const uint8_t *text_end = empty_line(notes->data, notes->size), *end = NULL, *lines;

	if (notes->size == 0)
		return false;
	if (text_end != NULL) {
		lines = text_end + 2;
		end = empty_line(lines, notes->size - (size_t)(lines - notes->data));
	}
	if (end == NULL) {
		*ret_note = *notes;
		*notes = slice(NULL, 0);
		return true;
	}
	*ret_note = slice(notes->data, (size_t)(end + 1 - notes->data));
	*notes = slice_from(*notes, ret_note->size + 1);
	return true;
}

int checkpoint_cut_short(struct fw_slice note)
{
	static const uint8_t lead[] = { 0xe2, 0x80, 0x94 }; /* begins each signature, and stands nowhere else */
	const uint8_t *gap = memmem(note.data, note.size, "\n\n", 2), *end;
	struct fw_slice rest = gap != NULL ? slice_from(note, (size_t)(gap + 2 - note.data)) : slice(NULL, 0);
	int count = 0;

	if (memchr(note.data, lead[0], note.size - rest.size) != NULL)
		return -1;
	for (; rest.size != 0; count++) {
		if (memcmp(rest.data, lead, rest.size < sizeof(lead) ? rest.size : sizeof(lead)) != 0)
			return -1;
		end = memchr(rest.data, '\n', rest.size);
		if (end == NULL)
			return 0;
		rest = slice_from(rest, (size_t)(end + 1 - rest.data));
	}
	return count;
}
