/* The ledger's key, which never changes, and the keys of its epochs: each is announced in a record that the one before
 * signs for, and that one is erased then. Who reads today's keys can sign nothing in the name of an epoch that is over.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/event_type.h"
#include "base/mem.h"
#include "base/slice.h"
#include "record/ledger_key.h"
#include "record/ledger_parts.h"

enum { SEED_TEXT = 44, KEY_FILE = 640, TYPED_SEED = 1 + NOTE_KEY };

static const char private_prefix[] = "PRIVATE+KEY+";

/* What the second line of a key says, the verifier's keys: that there is one of ML-DSA-65, which is made of the seed
 * again. Where OpenSSL has none any more the key is strong, and has no pair for it. */
static bool read_second(struct fw_slice line, const uint8_t seed[NOTE_KEY], struct note_key *key)
{
	char ours[NOTE_VERIFIER + 1];
	struct note_key said;
	bool same;

	if (line.size == 0)
		return true;
	if (!note_key_read(line, &said))
		return false;
	if (!note_key_strengthen(key, seed)) {
		key->strong = said.strong;
		note_key_fini(&said);
		return !mldsa_available();
	}
	note_key_write(key, ours);
	same = slice_is(line, ours);
	note_key_fini(&said);
	return same;
}

/* "PRIVATE+KEY+name+id+base64": the form of golang.org/x/mod/sumdb/note. */
static bool read_first(struct fw_slice text, struct fw_slice second, struct note_key *ret_key)
{
	uint8_t seed[SEED_TEXT / 4 * 3 + 3];
	char name[NOTE_NAME + 1], id[8];
	const uint8_t *plus;
	size_t size;
	bool made;

	if (!slice_starts(text, private_prefix))
		return false;
	text = slice_from(text, sizeof(private_prefix) - 1);
	plus = text.size != 0 ? memchr(text.data, '+', text.size) : NULL;
	size = plus != NULL ? (size_t)(plus - text.data) : 0;
	if (size == 0 || size > NOTE_NAME || text.size != size + 1 + sizeof(id) + 1 + SEED_TEXT)
		return false;
	memcpy(name, text.data, size);
	name[size] = '\0';
	made = plus[1 + sizeof(id)] == '+' &&
	       decode_base64((const char *)plus + 2 + sizeof(id), SEED_TEXT, 0, seed) == TYPED_SEED && seed[0] == 1 &&
	       note_key_private(name, seed + 1, ret_key);
	if (made) {
		encode_hex(ret_key->id, sizeof(ret_key->id), id);
		made = memcmp(plus + 1, id, sizeof(id)) == 0 && read_second(second, seed + 1, ret_key);
		if (!made)
			note_key_fini(ret_key);
	}
	mem_wipe(seed, sizeof(seed));
	return made;
}

static bool read_key(struct fw_slice text, struct note_key *ret_key)
{
	const uint8_t *end = text.size != 0 ? memchr(text.data, '\n', text.size) : NULL;
	size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
	struct fw_slice second = slice_from(text, end != NULL ? size + 1 : size);

	if (second.size != 0 && second.data[second.size - 1] == '\n')
		second.size--;
	return read_first(slice(text.data, size), second, ret_key);
}

static size_t write_key(const struct note_key *key, const uint8_t seed[NOTE_KEY], char ret_text[KEY_FILE])
{
	uint8_t typed[TYPED_SEED] = { 1 };
	size_t size = (size_t)snprintf(ret_text, KEY_FILE, "%s%s+%02x%02x%02x%02x+", private_prefix, key->name,
				       key->id[0], key->id[1], key->id[2], key->id[3]);

	memcpy(typed + 1, seed, NOTE_KEY);
	size += encode_base64(typed, sizeof(typed), 0, ret_text + size);
	ret_text[size++] = '\n';
	if (key->strong) {
		size += note_key_write(key, ret_text + size);
		ret_text[size++] = '\n';
	}
	mem_wipe(typed, sizeof(typed));
	return size;
}

/* A key of that name into its file, and the key; strong: with one of ML-DSA-65, where there is that. False: errno says
 * why. */
static bool make_key(struct ledger *ledger, const char *name, bool strong, const char *path, struct note_key *ret_key)
{
	uint8_t seed[NOTE_KEY];
	char text[KEY_FILE];
	size_t size;
	bool made;

	ledger->options.random.fill(ledger->options.random.user, seed, sizeof(seed));
	errno = ENOMEM;
	made = note_key_private(name, seed, ret_key);
	if (made) {
		if (strong)
			(void)note_key_strengthen(ret_key, seed);
		size = write_key(ret_key, seed, text);
		made = storage_replace(ledger->storage, path, text, size, true) == 0 &&
		       storage_sync_folder(ledger->storage, ledger->options.key_directory) == 0;
		if (!made)
			note_key_fini(ret_key);
	}
	mem_wipe(seed, sizeof(seed));
	mem_wipe(text, sizeof(text));
	return made;
}

int ledger_key_read(const char *path, struct note_key *ret_key)
{
	char text[KEY_FILE];
	ssize_t size = storage_read(path, text, sizeof(text));
	bool made;

	if (size < 0)
		return errno == ENOENT ? 0 : -1;
	made = read_key(slice(text, (size_t)size), ret_key);
	mem_wipe(text, sizeof(text));
	if (!made)
		errno = EINVAL;
	return made ? 1 : -1;
}

static bool key_path(const struct ledger *ledger, const char *name, char ret_path[STORAGE_PATH])
{
	return storage_path(ledger->options.key_directory, name, ret_path);
}

/* The number behind "/epoch/" in a key's name, 0 when that is not there. */
static uint64_t epoch_of(const struct ledger *ledger, const struct note_key *key)
{
	size_t size = strlen(ledger->key.name);
	static const char word[] = "/epoch/";

	if (strncmp(key->name, ledger->key.name, size) != 0 || strncmp(key->name + size, word, sizeof(word) - 1) != 0)
		return 0;
	return strtoull(key->name + size + sizeof(word) - 1, NULL, 10);
}

const char *ledger_keys_open(struct ledger *ledger)
{
	char path[STORAGE_PATH], name[64];
	uint8_t id[8];
	int found;

	if (!key_path(ledger, "ledger.key", path))
		return "cannot read the ledger's key";
	found = ledger_key_read(path, &ledger->key);
	if (found < 0)
		return "cannot read the ledger's key";
	if (found == 0) {
		ledger->options.random.fill(ledger->options.random.user, id, sizeof(id));
		memcpy(name, "framewall/", 10);
		encode_hex(id, sizeof(id), name + 10);
		name[10 + 2 * sizeof(id)] = '\0';
		if (!make_key(ledger, name, false, path, &ledger->key))
			return "cannot write the ledger's key";
	}
	if (!key_path(ledger, "ledger.epoch", path) || ledger_key_read(path, &ledger->epoch) < 0)
		return "cannot read the key of the ledger's epoch";
	if (ledger->epoch.pair != NULL) {
		ledger->epoch_number = epoch_of(ledger, &ledger->epoch);
		/* of another ledger; or it could not sign as verifiers want it */
		if (ledger->epoch_number == 0 || (ledger->epoch.strong && ledger->epoch.strong_pair == NULL))
			note_key_fini(&ledger->epoch);
	}
	return NULL;
}

static int rename_key(struct ledger *ledger, const char *old_name, const char *name, const char *suffix)
{
	char from[STORAGE_PATH], to[STORAGE_PATH], whole[128];

	snprintf(whole, sizeof(whole), "%s%s", name, suffix);
	if (!key_path(ledger, old_name, from) || !key_path(ledger, whole, to))
		return -1;
	return ledger->storage->rename(from, to) == 0 || errno == ENOENT ? 0 : -1;
}

int ledger_keys_set_aside(struct ledger *ledger, const char *suffix)
{
	note_key_fini(&ledger->key);
	note_key_fini(&ledger->epoch);
	ledger->epoch_number = 0;
	return rename_key(ledger, "ledger.key", "ledger.key", suffix) == 0 &&
			       rename_key(ledger, "ledger.epoch", "ledger.epoch", suffix) == 0
		       ? 0
		       : -1;
}

static int announce(struct ledger *ledger, struct ledger_time now, const struct note_key *key, uint64_t number)
{
	struct fw_record record = ledger_own_record(ledger, EVENT_ledger_epoch, now);
	char text[NOTE_VERIFIER + 1];

	note_key_write(key, text);
	ledger_detail_number(&record, "epoch", number);
	ledger_detail_text(&record, "key", slice_text(text));
	return ledger_add_own(ledger, &record);
}

/* The anchor is what an auditor keeps elsewhere: by which keys the ledger began. */
static int write_anchor(struct ledger *ledger)
{
	char path[STORAGE_PATH], text[2 * (NOTE_VERIFIER + 1)];
	size_t size = note_key_write(&ledger->key, text);

	text[size++] = '\n';
	size += note_key_write(&ledger->epoch, text + size);
	text[size++] = '\n';
	return storage_path(ledger->options.directory, "anchor", path) &&
			       storage_replace(ledger->storage, path, text, size, true) == 0 &&
			       storage_sync_folder(ledger->storage, ledger->options.directory) == 0
		       ? 0
		       : -1;
}

static int make_next_epoch(struct ledger *ledger, struct ledger_time now)
{
	char name[NOTE_NAME + 1], path[STORAGE_PATH];

	if (!key_path(ledger, "ledger.epoch.next", path))
		return -1;
	snprintf(name, sizeof(name), "%.80s/epoch/%llu", ledger->key.name,
		 (unsigned long long)ledger->epoch_number + 1);
	if (!make_key(ledger, name, true, path, &ledger->next_epoch))
		return -1;
	if (announce(ledger, now, &ledger->next_epoch, ledger->epoch_number + 1) == 0)
		return 0;
	note_key_fini(&ledger->next_epoch);
	errno = ENOMEM;
	return -1;
}

/* What must not be lost by a power failure is on the disk before the next step: the announcement, the old key's word
 * for it, the new key in place of the old one. Only then the new key signs. A step that fails is taken again. */
static int next_epoch(struct ledger *ledger, struct ledger_time now)
{
	bool first = ledger->epoch.pair == NULL;

	if (ledger->next_epoch.pair == NULL && make_next_epoch(ledger, now) != 0)
		return -1;
	if ((!first && ledger_checkpoint(ledger, now, true) != 0) ||
	    rename_key(ledger, "ledger.epoch.next", "ledger.epoch", "") != 0 ||
	    storage_sync_folder(ledger->storage, ledger->options.key_directory) != 0)
		return -1;
	note_key_fini(&ledger->epoch);
	ledger->epoch = ledger->next_epoch;
	memset(&ledger->next_epoch, 0, sizeof(ledger->next_epoch)); /* its pairs are the epoch's now */
	ledger->strong_ns = 0;
	ledger->epoch_number++;
	ledger->epoch_began_ns = now.monotonic_ns;
	if (first && write_anchor(ledger) != 0)
		return -1;
	return first ? ledger_checkpoint(ledger, now, true) : 0;
}

int ledger_keys_next_epoch(struct ledger *ledger, struct ledger_time now)
{
	int result = next_epoch(ledger, now);

	ledger->unsigned_reason = result == 0 ? 0 : errno != 0 ? errno : EIO;
	ledger->sign_tried_ns = now.monotonic_ns;
	return result;
}
