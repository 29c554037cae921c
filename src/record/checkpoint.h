/* checkpoint.h: C2SP tlog-checkpoint: origin, size and root of a tree as the text of a signed note. No files; any
 * thread.
 */
#ifndef RECORD_CHECKPOINT_H
#define RECORD_CHECKPOINT_H
#include "crypto/note.h"
#include "record/merkle.h"

enum {
	CHECKPOINT_KEYS = 2,
	CHECKPOINT_SIZE = NOTE_NAME + 1 + 21 + 45 + 10 + 1 + CHECKPOINT_KEYS * NOTE_LINE + NOTE_STRONG_LINE
};

struct checkpoint {
	struct fw_slice origin; /* of the note it was read from */
	uint64_t size;
	struct merkle_hash root;
	bool strong; /* a line of its text says that it has a signature with ML-DSA-65 */
};
/* The note, signed by each of count keys; the origin is the first one's name. strong: by the second one of the last
 * key, too, which the text says, so that it shows when that signature is taken away. Its size; 0 when a signature could
 * not be made. */
size_t checkpoint_make(const struct note_key *const keys[], unsigned count, bool strong, uint64_t size,
		       const struct merkle_hash *root, char ret_note[CHECKPOINT_SIZE]);
/* Reads the text of a note whose signature the caller verifies. False: it is no checkpoint. */
bool checkpoint_read(struct fw_slice note, struct checkpoint *ret_checkpoint);
/* The same note without its signature with ML-DSA-65, which holds by all other keys. */
struct fw_slice checkpoint_plain(struct fw_slice note);
/* The next note of several that stand in one file, each with an empty line behind it; false at the end. What is no note
 * is given all the same: nothing in such a file may hide. */
bool checkpoint_next(struct fw_slice *notes, struct fw_slice *ret_note);
/* Is it what a note is when its writing ended somewhere: text, or text, an empty line, and signatures, each of which
 * begins as one? How many of them are whole; -1: it is not, so that somebody changed it. When the last line is cut
 * short, what is missing of it is not known: 0. */
int checkpoint_cut_short(struct fw_slice note);
#endif
