/* Records as messages. What the reader gets is checked: the sender may be a process that somebody has taken over. */
#include <string.h>

#include "base/event_type.h"
#include "base/limits.h"
#include "base/slice.h"
#include "record/jsonl.h"
#include "shell/ipc.h"

enum { KEY_ROOM = 32 };

_Static_assert(IPC_RECORD_TEXTS == (FW_RECORD_DETAILS + 2) * LIMIT_RECORD_TEXT + FW_RECORD_DETAILS * KEY_ROOM,
	       "IPC_RECORD_TEXTS");

struct flat {
	uint8_t *bytes;
	size_t size;
};

/* Moves a text behind the others; what stays in the slice is its size. */
static void flatten(struct flat *flat, struct fw_slice *text)
{
	struct fw_slice cut = jsonl_cut(*text);

	if (cut.size != 0)
		memcpy(flat->bytes + flat->size, cut.data, cut.size);
	flat->size += cut.size;
	*text = slice(NULL, cut.size);
}

/* With its NUL. */
static uint8_t flatten_key(struct flat *flat, const char *key)
{
	size_t size = strnlen(key, KEY_ROOM - 1);

	memcpy(flat->bytes + flat->size, key, size);
	flat->bytes[flat->size + size] = '\0';
	flat->size += size + 1;
	return (uint8_t)(size + 1);
}

struct fw_slice ipc_make_record(const struct fw_record *record, struct ipc_record *ret_message,
				uint8_t ret_texts[IPC_RECORD_TEXTS])
{
	struct flat flat = { ret_texts, 0 };

	memset(ret_message, 0, sizeof(*ret_message));
	ret_message->record = *record;
	if (ret_message->record.detail_count > FW_RECORD_DETAILS)
		ret_message->record.detail_count = FW_RECORD_DETAILS;
	flatten(&flat, &ret_message->record.user_id);
	flatten(&flat, &ret_message->record.session_id);
	for (unsigned i = 0; i < ret_message->record.detail_count; i++) {
		struct fw_detail *detail = &ret_message->record.details[i];

		ret_message->key_sizes[i] = flatten_key(&flat, detail->key);
		detail->key = NULL;
		if (detail->kind == FW_DETAIL_TEXT)
			flatten(&flat, &detail->text);
	}
	return slice(flat.bytes, flat.size);
}

static bool send(struct ipc_channel *channel, const struct fw_record *record, uint16_t worker, bool wait)
{
	uint8_t texts[IPC_RECORD_TEXTS];
	struct ipc_record message;
	struct fw_slice tail = ipc_make_record(record, &message, texts);

	message.worker = worker;
	return ipc_send_numbered(channel, &message, tail, wait);
}

bool ipc_send_record(struct ipc_channel *channel, const struct fw_record *record, uint16_t worker)
{
	return send(channel, record, worker, true);
}

bool ipc_try_record(struct ipc_channel *channel, const struct fw_record *record, uint16_t worker)
{
	return send(channel, record, worker, false);
}

static bool unflatten(struct fw_slice *tail, struct fw_slice *text)
{
	if (text->size > tail->size || text->size > LIMIT_RECORD_TEXT)
		return false;
	*text = slice(tail->data, text->size);
	*tail = slice_from(*tail, text->size);
	return true;
}

static bool unflatten_key(struct fw_slice *tail, size_t size, const char **ret_key)
{
	const char *key = (const char *)tail->data;

	if (size < 2 || size > KEY_ROOM || size > tail->size || key[size - 1] != '\0')
		return false;
	for (size_t i = 0; i < size - 1; i++)
		if ((key[i] < 'a' || key[i] > 'z') && (key[i] < '0' || key[i] > '9') && key[i] != '_')
			return false;
	*ret_key = key;
	*tail = slice_from(*tail, size);
	return true;
}

static bool unflatten_details(const struct ipc_record *message, struct fw_slice *tail, struct fw_record *record)
{
	for (unsigned i = 0; i < record->detail_count; i++) {
		struct fw_detail *detail = &record->details[i];

		if ((unsigned)detail->kind > FW_DETAIL_BOOLEAN ||
		    !unflatten_key(tail, message->key_sizes[i], &detail->key))
			return false;
		if (detail->kind != FW_DETAIL_TEXT)
			detail->text = slice(NULL, 0);
		else if (!unflatten(tail, &detail->text))
			return false;
	}
	return true;
}

static bool is_address(const struct fw_addr *address)
{
	return address->family == 0 || address->family == 4 || address->family == 6;
}

bool ipc_read_record(const struct ipc_record *message, struct fw_slice tail, struct fw_record *ret_record)
{
	*ret_record = message->record;
	return ret_record->type < EVENT_TYPES && ret_record->level <= FW_LEVEL_EMERGENCY &&
	       ret_record->detail_count <= FW_RECORD_DETAILS && is_address(&ret_record->source) &&
	       unflatten(&tail, &ret_record->user_id) && unflatten(&tail, &ret_record->session_id) &&
	       unflatten_details(message, &tail, ret_record) && tail.size == 0;
}
