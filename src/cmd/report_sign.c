/* The signature of a report: a C2SP signed note beside it, by the ledger's key, as the anchor has it. */
#include <errno.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/slice.h"
#include "cmd/audit.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/report.h"
#include "crypto/digest.h"
#include "record/ledger_key.h"
#include "record/storage.h"

static const char verb[] = "report";
static const char opening[] = "framewall report\nsha256 ";

enum { HEX = 64, TEXT = sizeof(opening) - 1 + HEX + 1, NOTE = TEXT + 1 + NOTE_LINE };

/* The text that is signed; it begins like no checkpoint, so that neither can stand for the other. */
static bool make_text(const char *path, char ret_text[TEXT])
{
	FILE *file = fopen(path, "re");
	struct digest_stream *stream = file != NULL ? digest_stream_new() : NULL;
	uint8_t room[1 << 14], digest[32];
	bool made = stream != NULL;
	size_t got;

	while (made && (got = fread(room, 1, sizeof(room), file)) != 0)
		digest_stream_add(stream, slice(room, got));
	made = made && !ferror(file);
	if (made) {
		digest_stream_end(stream, digest);
		memcpy(ret_text, opening, sizeof(opening) - 1);
		encode_hex(digest, sizeof(digest), ret_text + sizeof(opening) - 1);
		ret_text[TEXT - 1] = '\n';
	}
	mem_free(stream);
	if (file != NULL)
		fclose(file);
	return made;
}

static bool signature_path(const char *path, char ret_path[REPORT_PATH])
{
	int size = snprintf(ret_path, REPORT_PATH, "%s.sig", path);

	return size > 0 && size < REPORT_PATH;
}

static int write_note(const char *path, const char *note, size_t size)
{
	char name[REPORT_PATH];
	FILE *file = signature_path(path, name) ? fopen(name, "we") : NULL;
	bool written = file != NULL && fwrite(note, 1, size, file) == size;

	if (file != NULL && fclose(file) != 0)
		written = false;
	return written ? 0 : options_could_not(verb, "cannot write \"%s.sig\": %s", path, strerror(errno));
}

int report_sign(const char *path, const char *data)
{
	char name[REPORT_PATH], note[NOTE];
	struct note_key key;
	size_t size;
	int found;

	if (snprintf(name, sizeof(name), "%s/keys/ledger.key", data) >= (int)sizeof(name))
		return 0;
	found = ledger_key_read(name, &key);
	if (found <= 0) {
		fprintf(stderr, "framewall report: \"%s\" is not signed: %s: %s\n", path, name,
			found == 0 ? "there is no such file" : strerror(errno));
		return 0;
	}
	if (!make_text(path, note)) {
		note_key_fini(&key);
		return options_could_not(verb, "cannot read \"%s\": %s", path, strerror(errno));
	}
	note[TEXT] = '\n';
	size = note_sign(&key, slice(note, TEXT), note + TEXT + 1);
	note_key_fini(&key);
	return size != 0 ? write_note(path, note, TEXT + 1 + size) : options_could_not(verb, "memory is short");
}

/* The ledger's key, as the anchor has it in its first line. */
static int read_anchor(const char *folder, const char *anchor, struct note_key *ret_key)
{
	char path[REPORT_PATH], text[4 * NOTE_VERIFIER];
	const uint8_t *end;
	ssize_t size;

	if (anchor == NULL) {
		snprintf(path, sizeof(path), "%s/anchor", folder);
		anchor = path;
	}
	size = storage_read(anchor, text, sizeof(text));
	if (size < 0)
		return options_could_not(verb, "cannot read \"%s\": %s", anchor, strerror(errno));
	end = memchr(text, '\n', (size_t)size);
	if (end == NULL || !note_key_read(slice(text, (size_t)(end - (const uint8_t *)text)), ret_key))
		return options_could_not(verb, "\"%s\" holds no key", anchor);
	return 0;
}

int report_check(const char *path, const char *folder, const char *anchor)
{
	char name[REPORT_PATH], note[NOTE * 4], text[TEXT];
	struct fw_slice said, lines;
	struct note_key key;
	ssize_t size;
	int result = read_anchor(folder, anchor, &key);
	bool holds;

	if (result != 0)
		return result;
	size = signature_path(path, name) ? storage_read(name, note, sizeof(note)) : -1;
	if (size < 0 || !make_text(path, text)) {
		note_key_fini(&key);
		return options_could_not(verb, "cannot read \"%s\" or its signature \"%s.sig\": %s", path, path,
					 strerror(errno));
	}
	holds = note_split(slice(note, (size_t)size), &said, &lines) && slice_equal(said, slice(text, TEXT)) &&
		note_verify(&key, slice(note, (size_t)size)) == NOTE_HOLDS;
	if (holds)
		printf("the signature holds: this is the report that %s signed\n", key.name);
	else
		printf("the signature does not hold: this is not what %s signed\n", key.name);
	note_key_fini(&key);
	return holds ? COMMAND_DONE : COMMAND_NOT_HELD;
}
