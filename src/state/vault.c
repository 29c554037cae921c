#include "state/vault.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "state/vault_parts.h"

enum { VERSION = 1, ID = 1, NONCE = 5, TEXT = 17, ABOUT = 512 };

void vault_forget(struct vault_options *options)
{
	mem_wipe(options->sources, sizeof(options->sources));
	options->source_count = 0;
}

static void put_id(uint8_t at[4], uint32_t id)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(id >> (24 - 8 * i));
}

static uint32_t get_id(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Each part ends where the next begins: names have no NUL. False: it does not fit. */
static bool about(const struct vault_place *place, uint32_t id, uint8_t ret_about[ABOUT], size_t *ret_size)
{
	size_t table = strlen(place->table) + 1, column = strlen(place->column) + 1;

	*ret_size = 4 + table + column + place->record.size;
	if (*ret_size > ABOUT)
		return false;
	put_id(ret_about, id);
	memcpy(ret_about + 4, place->table, table);
	memcpy(ret_about + 4 + table, place->column, column);
	if (place->record.size != 0)
		memcpy(ret_about + 4 + table + column, place->record.data, place->record.size);
	return true;
}

struct fw_slice vault_seal(struct vault *vault, const struct vault_place *place, struct fw_slice text)
{
	const struct vault_key *key = &vault->keys[vault->current];
	uint8_t named[ABOUT];
	size_t size;

	if (text.size > VAULT_FIELD || key->used + vault->sealed >= VAULT_USES || !about(place, key->id, named, &size))
		return slice(NULL, 0);
	vault->out[0] = VERSION;
	put_id(vault->out + ID, key->id);
	vault->random.fill(vault->random.user, vault->out + NONCE, SEAL_NONCE);
	vault->sealed++;
	if (!seal_close(key->key, vault->out + NONCE, slice(named, size), text, vault->out + TEXT))
		return slice(NULL, 0);
	return slice(vault->out, text.size + VAULT_OVERHEAD);
}

static const struct vault_key *find(const struct vault *vault, uint32_t id)
{
	for (unsigned i = 0; i < vault->count; i++)
		if (vault->keys[i].id == id && vault->keys[i].known)
			return &vault->keys[i];
	return NULL;
}

struct fw_slice vault_open(struct vault *vault, const struct vault_place *place, struct fw_slice sealed)
{
	const struct vault_key *key = NULL;
	uint8_t named[ABOUT];
	size_t size;

	if (sealed.size >= VAULT_OVERHEAD && sealed.size <= sizeof(vault->out) && sealed.data[0] == VERSION)
		key = find(vault, get_id(sealed.data + ID));
	if (key == NULL || !about(place, key->id, named, &size) ||
	    !seal_open(key->key, sealed.data + NONCE, slice(named, size), slice_from(sealed, TEXT), vault->text))
		return slice(NULL, 0);
	return slice(vault->text, sealed.size - VAULT_OVERHEAD);
}

bool vault_is_current(const struct vault *vault, struct fw_slice sealed)
{
	return sealed.size >= VAULT_OVERHEAD && sealed.data[0] == VERSION &&
	       get_id(sealed.data + ID) == vault->keys[vault->current].id;
}
