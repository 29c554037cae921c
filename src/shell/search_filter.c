#include "shell/search_filter.h"

#include <string.h>

#include "base/event_type.h"
#include "base/slice.h"
#include "policy/config_event.h"

/* "2026", "2026-11-24", "2026-11-24T10:15", … with or without "Z": the beginning of a timestamp. */
static bool is_time(const char *text, char ret_time[28])
{
	static const char form[] = "0000-00-00T00:00:00.000000";
	size_t size = strlen(text);

	if (size != 0 && text[size - 1] == 'Z')
		size--;
	if (size < 4 || size > sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < size; i++)
		if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	memcpy(ret_time, text, size);
	ret_time[size] = '\0';
	return true;
}

static bool is_source(const char *text, struct addr_net *ret_net)
{
	return addr_net_parse(slice_text(text), ret_net);
}

static const char *find_level(const char *text)
{
	for (uint8_t level = 0; fw_level_name(level) != NULL; level++)
		if (slice_is_nocase(slice_text(text), fw_level_name(level)))
			return fw_level_name(level);
	return NULL;
}

static bool is_number(const char *text, uint64_t *ret_number)
{
	*ret_number = 0;
	for (const char *at = text; *at != '\0'; at++)
		if (*at < '0' || *at > '9' || __builtin_mul_overflow(*ret_number, 10u, ret_number) ||
		    __builtin_add_overflow(*ret_number, (unsigned)(*at - '0'), ret_number))
			return false;
	return *ret_number != 0;
}

static bool is_words(const char *text)
{
	struct fw_slice rest = slice_text(text), word;
	unsigned count = 0;

	while (filter_word(&rest, &word))
		count++;
	return count != 0 && count <= FILTER_WORDS;
}

struct search_problem search_filter_read(const struct search_texts *texts, struct search_filter *ret_filter)
{
	static const char time[] = "a time in UTC such as 2026-11-24 or 2026-11-24T10:15:00.000001Z";
	struct ledger_filter *filter = &ret_filter->filter;
	unsigned type;

	*ret_filter = (struct search_filter){ .filter = { .user_id = texts->user, .session_id = texts->session } };
	if (texts->type != NULL) {
		type = config_event_find(slice_text(texts->type));
		filter->event_type = type != EVENT_TYPES ? fw_event_name((uint16_t)type) : NULL;
		if (filter->event_type == NULL)
			return (struct search_problem){ "type", "an event of docs/reference/events.md", texts->type };
	}
	if (texts->ip != NULL && !is_source(texts->ip, &filter->source))
		return (struct search_problem){ "ip", "an address, or a network such as 192.0.2.0/24", texts->ip };
	if (texts->level != NULL) {
		filter->level = find_level(texts->level);
		if (filter->level == NULL)
			return (struct search_problem){ "level", "info, warning, critical or emergency", texts->level };
	}
	if (texts->connection != NULL && !is_number(texts->connection, &filter->connection))
		return (struct search_problem){ "connection", "a number, connection_id of a record",
						texts->connection };
	if (texts->text != NULL && !is_words(texts->text))
		return (struct search_problem){ "text", "words of letters and digits, 32 at most", texts->text };
	filter->text = texts->text;
	if (texts->from != NULL && !is_time(texts->from, ret_filter->from))
		return (struct search_problem){ "from", time, texts->from };
	if (texts->to != NULL && !is_time(texts->to, ret_filter->to))
		return (struct search_problem){ "to", time, texts->to };
	filter->from = texts->from != NULL ? ret_filter->from : NULL;
	filter->to = texts->to != NULL ? ret_filter->to : NULL;
	return (struct search_problem){ 0 };
}
