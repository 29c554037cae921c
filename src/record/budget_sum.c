/* A sum of records: begun, written as one record, put into octets and back. */
#include <stddef.h>
#include <string.h>

#include "base/encode.h"
#include "base/slice.h"
#include "record/budget_parts.h"
#include "record/jsonl.h"

/* A text of details in texts: kind, size of the key, key with its NUL, size of the value (2 octets), value. */
enum { DETAIL_HEAD = 2, VALUE_HEAD = 2, KEY_MOST = 32, OWN_DETAILS = 5 };

_Static_assert(sizeof(struct budget_sum) <= 1024, "BUDGET_IMAGE");
_Static_assert(EVENT_TYPES <= 64, "BUDGET_IMAGE");

/* Names of the details that a sum has of its own. */
static const char *const own[OWN_DETAILS] = { "count", "first_at", "last_at", "last_event_id", "others" };

static bool is_own(const char *key)
{
	for (unsigned i = 0; i < OWN_DETAILS; i++)
		if (strcmp(key, own[i]) == 0)
			return true;
	return strcmp(key, "several_addresses") == 0;
}

static uint16_t add_text(struct budget_sum *sum, size_t at, struct fw_slice text)
{
	text = jsonl_cut(text);
	if (text.size > BUDGET_TEXTS - at)
		return 0;
	if (text.size != 0)
		memcpy(sum->texts + at, text.data, text.size);
	return (uint16_t)text.size;
}

static size_t texts_size(const struct budget_sum *sum)
{
	return (size_t)sum->user_size + sum->session_size + sum->details_size;
}

static void add_detail(struct budget_sum *sum, const struct fw_detail *detail)
{
	size_t key = strlen(detail->key) + 1, at = texts_size(sum);
	struct fw_slice value = detail->kind == FW_DETAIL_TEXT ? jsonl_cut(detail->text)
							       : slice(&detail->number, sizeof(detail->number));
	uint16_t size = (uint16_t)value.size;
	uint8_t *to = sum->texts + at;

	if (is_own(detail->key) || key > KEY_MOST || DETAIL_HEAD + key + VALUE_HEAD + value.size > BUDGET_TEXTS - at ||
	    sum->detail_count == FW_RECORD_DETAILS - OWN_DETAILS)
		return;
	to[0] = (uint8_t)detail->kind;
	to[1] = (uint8_t)key;
	memcpy(to + DETAIL_HEAD, detail->key, key);
	memcpy(to + DETAIL_HEAD + key, &size, sizeof(size));
	if (size != 0)
		memcpy(to + DETAIL_HEAD + key + VALUE_HEAD, value.data, size);
	sum->details_size = (uint16_t)(sum->details_size + DETAIL_HEAD + key + VALUE_HEAD + size);
	sum->detail_count++;
}

void budget_sum_begin(struct budget_sum *sum, const struct fw_record *record)
{
	unsigned count = record->detail_count < FW_RECORD_DETAILS ? record->detail_count : FW_RECORD_DETAILS;

	sum->first_us = sum->last_us = record->wall_us;
	sum->connection_id = record->connection_id;
	sum->source = record->source;
	sum->type = record->type;
	sum->level = record->level;
	memcpy(sum->first_id, record->event_id, sizeof(sum->first_id));
	sum->user_size = add_text(sum, 0, record->user_id);
	sum->session_size = add_text(sum, sum->user_size, record->session_id);
	/* the cause first: it is what sums are told apart by, and so that of all in it */
	for (unsigned i = 0; i < count; i++)
		if (strcmp(record->details[i].key, "cause") == 0)
			add_detail(sum, &record->details[i]);
	for (unsigned i = 0; i < count; i++)
		if (strcmp(record->details[i].key, "cause") != 0)
			add_detail(sum, &record->details[i]);
}

static bool is_key(const uint8_t *key, size_t size)
{
	if (size < 2 || size > KEY_MOST || key[size - 1] != '\0')
		return false;
	for (size_t i = 0; i < size - 1; i++)
		if ((key[i] < 'a' || key[i] > 'z') && (key[i] < '0' || key[i] > '9') && key[i] != '_')
			return false;
	return true;
}

/* The next detail out of what is left of them; false: there is none that holds together. */
static bool take_detail(struct fw_slice *rest, struct fw_detail *ret_detail)
{
	const uint8_t *at = rest->data;
	size_t key, head;
	uint16_t size;

	if (rest->size < DETAIL_HEAD || at[0] > FW_DETAIL_BOOLEAN)
		return false;
	key = at[1];
	head = DETAIL_HEAD + key + VALUE_HEAD;
	if (head > rest->size || !is_key(at + DETAIL_HEAD, key))
		return false;
	memcpy(&size, at + DETAIL_HEAD + key, sizeof(size));
	*ret_detail = (struct fw_detail){ .key = (const char *)at + DETAIL_HEAD, .kind = at[0] };
	if (size > rest->size - head || (at[0] != FW_DETAIL_TEXT && size != sizeof(ret_detail->number)))
		return false;
	if (at[0] == FW_DETAIL_TEXT)
		ret_detail->text = slice(at + head, size);
	else
		memcpy(&ret_detail->number, at + head, sizeof(ret_detail->number));
	*rest = slice_from(*rest, head + size);
	return true;
}

static bool is_id(const char id[FW_EVENT_ID_SIZE])
{
	for (unsigned i = 0; i < FW_EVENT_ID_SIZE; i++)
		if ((id[i] < '0' || id[i] > '9') && (id[i] < 'a' || id[i] > 'f'))
			return false;
	return true;
}

static bool holds(const struct budget_sum *sum)
{
	return event_type_is_summed(sum->type) && sum->level <= FW_LEVEL_EMERGENCY && sum->count != 0 &&
	       sum->count <= INT64_MAX && texts_size(sum) <= BUDGET_TEXTS &&
	       sum->detail_count <= FW_RECORD_DETAILS - OWN_DETAILS && is_id(sum->first_id) && is_id(sum->last_id) &&
	       (sum->source.family == 0 || sum->source.family == 4 || sum->source.family == 6);
}

static void say(struct fw_record *record, const char *key, enum fw_detail_kind kind, struct fw_slice text,
		int64_t number)
{
	record->details[record->detail_count++] =
		(struct fw_detail){ .key = key, .kind = kind, .text = text, .number = number };
}

/* Its time is the last one's, which it tells of; its id that of the first one, which no other record has. */
bool budget_sum_write(const struct budget_sum *sum, budget_write_function *write, void *user)
{
	char first[ENCODE_RFC3339], last[ENCODE_RFC3339];
	struct fw_record record = { .wall_us = sum->last_us,
				    .type = sum->type,
				    .level = sum->level,
				    .connection_id = sum->connection_id,
				    .source = sum->source };
	struct fw_slice rest = slice(sum->texts + sum->user_size + sum->session_size, sum->details_size);

	if (!holds(sum))
		return false;
	memcpy(record.event_id, sum->first_id, sizeof(record.event_id));
	record.user_id = slice(sum->texts, sum->user_size);
	if (sum->sessions == 0)
		record.session_id = slice(sum->texts + sum->user_size, sum->session_size);
	for (unsigned i = 0; i < sum->detail_count; i++)
		if (!take_detail(&rest, &record.details[record.detail_count++]))
			return false;
	encode_rfc3339(sum->first_us, first);
	encode_rfc3339(sum->last_us, last);
	say(&record, "count", FW_DETAIL_INTEGER, slice(NULL, 0), (int64_t)sum->count);
	say(&record, "first_at", FW_DETAIL_TEXT, slice(first, sizeof(first)), 0);
	say(&record, "last_at", FW_DETAIL_TEXT, slice(last, sizeof(last)), 0);
	say(&record, "last_event_id", FW_DETAIL_TEXT, slice(sum->last_id, sizeof(sum->last_id)), 0);
	if (sum->others != 0)
		say(&record, "others", FW_DETAIL_BOOLEAN, slice(NULL, 0), 1);
	else if (sum->several != 0)
		say(&record, "several_addresses", FW_DETAIL_BOOLEAN, slice(NULL, 0), 1);
	write(user, &record);
	return true;
}

/* Each sum up to the end of its texts. */
size_t budget_image(const struct budget *budget, uint8_t ret_image[BUDGET_IMAGE])
{
	size_t size = 0;

	for (const struct budget_sum *sum = NULL; (sum = budget_sum_next(budget, sum)) != NULL;) {
		size_t part = offsetof(struct budget_sum, texts) + texts_size(sum);

		memcpy(ret_image + size, sum, part);
		size += part;
	}
	return size;
}

static bool take_sum(struct fw_slice *rest, struct budget_sum *ret_sum)
{
	size_t head = offsetof(struct budget_sum, texts), texts;

	if (rest->size < head)
		return false;
	memcpy(ret_sum, rest->data, head);
	texts = texts_size(ret_sum);
	if (texts > BUDGET_TEXTS || texts > rest->size - head)
		return false;
	memcpy(ret_sum->texts, rest->data + head, texts);
	*rest = slice_from(*rest, head + texts);
	return true;
}

bool budget_write_image(struct fw_slice image, budget_write_function *write, void *user)
{
	struct budget_sum sum;
	bool whole = true;

	while (image.size != 0 && whole)
		whole = take_sum(&image, &sum) && budget_sum_write(&sum, write, user);
	return whole;
}
