#include "report/names.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/slice.h"

enum { SLOTS_FIRST = 1 << 12, HEAD = 4 };

/* Two hashes with keys that nobody knows stand for the text: who chooses texts cannot make two of them meet. */
struct slot {
	uint64_t hashes[2];
	uint64_t number; /* 0: free */
};

static struct slot *find(const struct names *names, const uint64_t hashes[2])
{
	struct slot *slots = names->slots.map;
	size_t at = (size_t)hashes[0] & (names->slot_count - 1);

	while (slots[at].number != 0 && (slots[at].hashes[0] != hashes[0] || slots[at].hashes[1] != hashes[1]))
		at = (at + 1) & (names->slot_count - 1);
	return &slots[at];
}

static bool enlarge(struct names *names)
{
	struct names larger = { .slot_count = names->slot_count != 0 ? names->slot_count * 2 : SLOTS_FIRST };
	const struct slot *slots = names->slots.map;

	if (!scratch_grow(&larger.slots, larger.slot_count * sizeof(struct slot))) {
		scratch_fini(&larger.slots);
		return false;
	}
	for (size_t i = 0; i < names->slot_count; i++)
		if (slots[i].number != 0)
			*find(&larger, slots[i].hashes) = slots[i];
	scratch_fini(&names->slots);
	names->slots = larger.slots;
	names->slot_count = larger.slot_count;
	return true;
}

static void hash(const struct names *names, uint16_t kind, struct fw_slice text, uint64_t ret_hashes[2])
{
	for (unsigned i = 0; i < 2; i++) {
		struct hash_key key = names->keys[i];

		key.a ^= kind;
		ret_hashes[i] = hash_bytes(&key, text.data, text.size);
	}
}

/* The number that the next name gets; 0: there is no room. */
static uint32_t take_number(struct names *names, uint64_t offset)
{
	if (names->count == UINT32_MAX - 1) {
		errno = EOVERFLOW;
		return 0;
	}
	if (((size_t)names->count + 2) * 10 > names->slot_count * 7 && !enlarge(names))
		return 0;
	if (!scratch_grow(&names->offsets, ((size_t)names->count + 2) * sizeof(uint64_t)))
		return 0;
	names->count++;
	((uint64_t *)names->offsets.map)[names->count] = offset;
	return names->count;
}

static uint32_t insert(struct names *names, const uint64_t hashes[2], uint64_t offset)
{
	uint32_t number = take_number(names, offset);

	if (number == 0)
		names->failed = errno;
	else
		*find(names, hashes) = (struct slot){ { hashes[0], hashes[1] }, number };
	return number;
}

/* So much of what comes is in the room. */
static bool hold(const struct spool *file, struct names_cursor *cursor, size_t size)
{
	uint64_t left = cursor->end - cursor->offset;
	size_t part;

	if (cursor->held - cursor->at >= size)
		return true;
	memmove(cursor->room, cursor->room + cursor->at, cursor->held - cursor->at);
	cursor->held -= cursor->at;
	cursor->at = 0;
	part = sizeof(cursor->room) - cursor->held;
	part = left < part ? (size_t)left : part;
	if (cursor->held + part < size) {
		errno = EINVAL;
		return false;
	}
	if (!spool_read(file, cursor->offset, cursor->room + cursor->held, part))
		return false;
	cursor->offset += part;
	cursor->held += part;
	return true;
}

int names_next(const struct spool *file, struct names_cursor *cursor, struct fw_slice *ret_text,
	       enum name_kind *ret_kind)
{
	uint16_t head[2];

	if (cursor->offset == cursor->end && cursor->at == cursor->held)
		return 0;
	if (!hold(file, cursor, HEAD))
		return -1;
	memcpy(head, cursor->room + cursor->at, HEAD);
	if (head[0] > NAME_ROLE || head[1] > NAME_ROOM) {
		errno = EINVAL;
		return -1;
	}
	if (!hold(file, cursor, HEAD + (size_t)head[1]))
		return -1;
	*ret_kind = (enum name_kind)head[0];
	*ret_text = slice(cursor->room + cursor->at + HEAD, head[1]);
	cursor->at += HEAD + (size_t)head[1];
	return 1;
}

bool names_open(struct names *names, int fd)
{
	*names = (struct names){ 0 };
	if (getrandom(names->keys, sizeof(names->keys), 0) != (ssize_t)sizeof(names->keys))
		errno = EIO;
	else if (spool_open(&names->texts, fd) && enlarge(names))
		return true;
	return false;
}

void names_fini(struct names *names)
{
	spool_fini(&names->texts);
	scratch_fini(&names->offsets);
	scratch_fini(&names->slots);
	names->count = 0;
}

uint32_t names_number(struct names *names, enum name_kind kind, struct fw_slice text)
{
	uint16_t head[2] = { (uint16_t)kind };
	uint64_t hashes[2], offset = names->texts.size;
	const struct slot *slot;

	if (text.size == 0 || names->failed != 0)
		return 0;
	if (text.size > NAME_ROOM)
		text.size = NAME_ROOM;
	hash(names, head[0], text, hashes);
	slot = find(names, hashes);
	if (slot->number != 0)
		return (uint32_t)slot->number;
	head[1] = (uint16_t)text.size;
	spool_add(&names->texts, head, HEAD);
	spool_add(&names->texts, text.data, text.size);
	return insert(names, hashes, offset);
}

bool names_text(const struct names *names, uint32_t number, char ret_text[NAME_ROOM], struct fw_slice *ret_name,
		enum name_kind *ret_kind)
{
	uint64_t offset;
	uint16_t head[2];

	*ret_name = slice(ret_text, 0);
	*ret_kind = NAME_USER;
	if (number == 0 || number > names->count)
		return true;
	offset = ((const uint64_t *)names->offsets.map)[number];
	if (!spool_read(&names->texts, offset, head, HEAD) || head[1] > NAME_ROOM ||
	    !spool_read(&names->texts, offset + HEAD, ret_text, head[1]))
		return false;
	*ret_kind = (enum name_kind)head[0];
	ret_name->size = head[1];
	return true;
}

bool names_flush(struct names *names)
{
	if (names->failed != 0) {
		errno = names->failed;
		return false;
	}
	return spool_flush(&names->texts);
}
