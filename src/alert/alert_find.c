/* Which alert an event is one of, and its labels. */
#include <stdio.h>
#include <string.h>

#include "alert/alert_parts.h"
#include "base/encode.h"
#include "base/slice.h"
#include "record/where.h"

/* Cut, not within a character; what could end a label is none of it. */
static void copy(struct fw_slice text, char ret_text[ALERT_VALUE])
{
	size_t size = text.size;

	if (size > ALERT_VALUE - 1)
		for (size = ALERT_VALUE - 1; size != 0 && (text.data[size] & 0xc0) == 0x80;)
			size--;
	for (size_t i = 0; i < size; i++)
		ret_text[i] =
			text.data[i] < 0x20 || text.data[i] == '"' || text.data[i] == '\\' ? '?' : (char)text.data[i];
	ret_text[size] = '\0';
}

/* The whole of it decides which alert it is, and the beginning is shown. False: the event has none. */
static bool take_field(const struct alerts *alerts, const struct alert_field *field, const struct fw_record *record,
		       char ret_text[ALERT_VALUE], uint64_t *hash)
{
	char room[ADDR_TEXT];
	struct fw_slice text = slice(NULL, 0);
	const struct fw_detail *detail;
	struct fw_addr prefix;

	switch (field->kind) {
	case ALERT_ADDRESS:
		prefix = addr_prefix(&record->source);
		if (prefix.family != 0)
			text = slice(room, addr_format(&prefix, room));
		break;
	case ALERT_USER:
		text = record->user_id;
		break;
	case ALERT_SESSION:
		text = record->session_id;
		break;
	case ALERT_CONNECTION:
		if (record->connection_id != 0)
			text = slice(room, encode_u64(record->connection_id, room));
		break;
	case ALERT_EVENT:
		text = slice_text(fw_event_name(record->type));
		break;
	default:
		detail = where_detail(record, field->detail);
		if (detail != NULL && detail->kind == FW_DETAIL_TEXT)
			text = detail->text;
		else if (detail != NULL)
			text = slice(room, encode_i64(detail->number, room));
	}
	copy(text, ret_text);
	*hash = hash_bytes(&alerts->key, text.data, text.size) + *hash * UINT64_C(0x9e3779b97f4a7c15);
	return text.size != 0;
}

bool alert_is_cooling(const struct alerts *alerts, const struct alert *alert, uint64_t now_ns)
{
	const struct alert_rule *rule = alert_rule_of(alerts, alert);
	uint64_t cooldown = rule->cooldown_ >= 0 ? (uint64_t)rule->cooldown_ * SECOND_NS : alerts->rules.cooldown_ns;

	return alert->told_ns != 0 && now_ns - alert->told_ns < cooldown;
}

/* What gives way is neither there nor cooling, and of that the one whose last event is the longest ago. */
static struct alert *place(struct alerts *alerts, unsigned rule, uint64_t hash, uint64_t now_ns)
{
	struct alert *set = &alerts->list[hash % (LIMIT_ALERTS / WAYS) * WAYS], *found = NULL;

	for (unsigned i = 0; i < WAYS; i++) {
		struct alert *at = &set[i];

		if (at->used && at->hash == hash && at->rule == rule)
			return at;
		if (at->used && (at->state != ALERT_QUIET || at->over || alert_is_cooling(alerts, at, now_ns)))
			continue;
		if (found == NULL || !at->used || (found->used && at->last_ns < found->last_ns))
			found = at;
	}
	return found;
}

static struct alert *take(struct alerts *alerts, unsigned rule, uint64_t hash, char values[ALERT_BY][ALERT_VALUE],
			  const struct fw_addr *address, uint64_t now_ns)
{
	struct alert *alert = place(alerts, rule, hash, now_ns);

	if (alert == NULL) { /* eight that fire: one for all others of this rule */
		alerts->figures.shared++;
		alert = &alerts->spare[rule];
		for (unsigned i = 0; i < ALERT_BY; i++)
			memcpy(values[i], "(others)", sizeof("(others)"));
		hash = rule;
		address = NULL;
	}
	if (alert->used && alert->hash == hash && alert->rule == rule)
		return alert;
	*alert = (struct alert){ .used = true,
				 .hash = hash,
				 .rule = (uint16_t)rule,
				 .group = NO_GROUP,
				 .shared = address == NULL && alert == &alerts->spare[rule] };
	if (address != NULL)
		alert->address = *address;
	memcpy(alert->values, values, sizeof(alert->values));
	alert->last_ns = now_ns;
	return alert;
}

struct alert *alert_find(struct alerts *alerts, unsigned number, const struct fw_record *record, uint64_t now_ns)
{
	const struct alert_rule *rule = &alerts->rules.rules[number];
	char values[ALERT_BY][ALERT_VALUE] = { "" };
	struct fw_addr address = { 0 };
	uint64_t hash = number + 1;

	for (unsigned i = 0; i < rule->field_count; i++) {
		if (!take_field(alerts, &rule->fields[i], record, values[i], &hash))
			return NULL;
		if (rule->fields[i].kind == ALERT_ADDRESS)
			address = addr_prefix(&record->source);
	}
	return take(alerts, number, hash, values, &address, now_ns);
}

struct alert *alert_find_values(struct alerts *alerts, unsigned number, const char *const *texts,
				const struct fw_addr *address, uint64_t now_ns)
{
	const struct alert_rule *rule = &alerts->rules.rules[number];
	char values[ALERT_BY][ALERT_VALUE] = { "" };
	uint64_t hash = number + 1;

	for (unsigned i = 0; i < rule->field_count; i++) {
		copy(slice_text(texts[i]), values[i]);
		hash = hash_bytes(&alerts->key, texts[i], strlen(texts[i])) + hash * UINT64_C(0x9e3779b97f4a7c15);
	}
	return take(alerts, number, hash, values, address, now_ns);
}

const char *alert_label(const struct alerts *alerts, const struct alert *alert, const char *label)
{
	const struct alert_rule *rule = alert_rule_of(alerts, alert);

	if (strcmp(label, "alert") == 0)
		return rule->name;
	if (strcmp(label, "level") == 0)
		return fw_level_name(alert->level);
	for (unsigned i = 0; i < rule->field_count; i++)
		if (strcmp(label, rule->fields[i].label) == 0)
			return alert->values[i];
	return "";
}

size_t alert_labels(const struct alerts *alerts, const struct alert *alert, char ret_text[ALERT_LINE])
{
	const struct alert_rule *rule = alert_rule_of(alerts, alert);
	size_t used = 0;

	ret_text[0] = '\0';
	for (unsigned i = 0; i < rule->field_count; i++) {
		int size = snprintf(ret_text + used, ALERT_LINE - used, "%s%s=\"%s\"", i != 0 ? ", " : "",
				    rule->fields[i].label, alert->values[i]);

		if (size < 0 || (size_t)size >= ALERT_LINE - used) {
			ret_text[used] = '\0';
			break;
		}
		used += (size_t)size;
	}
	return used;
}

/* Of what it is called alone, so that it is the same after a restart and on another machine. */
void alert_id(const struct alerts *alerts, const struct alert *alert, char ret_id[17])
{
	static const struct hash_key fixed;
	char labels[ALERT_LINE];
	size_t size = alert_labels(alerts, alert, labels);
	const char *name = alert_rule_of(alerts, alert)->name;
	uint64_t id = hash_bytes(&fixed, name, strlen(name)) * UINT64_C(0x9e3779b97f4a7c15) +
		      hash_bytes(&fixed, labels, size);
	uint8_t octets[8];

	for (unsigned i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(id >> (8 * (7 - i)));
	encode_hex(octets, sizeof(octets), ret_id);
	ret_id[16] = '\0';
}

bool alert_seen(struct alerts *alerts, const struct fw_addr *address, uint64_t now_ns)
{
	struct fw_addr prefix = addr_prefix(address);
	uint8_t octets[1 + sizeof(prefix.bytes)] = { prefix.family };
	bool here = true, before = true;
	uint64_t hash;

	if (alerts->seen_ns == 0)
		alerts->seen_ns = now_ns;
	if (now_ns - alerts->seen_ns >= SEEN_NS) {
		memcpy(alerts->seen[1], alerts->seen[0], sizeof(alerts->seen[1]));
		memset(alerts->seen[0], 0, sizeof(alerts->seen[0]));
		alerts->seen_ns = now_ns;
	}
	memcpy(octets + 1, prefix.bytes, prefix.family == 4 ? 4 : 8);
	hash = hash_bytes(&alerts->key, octets, prefix.family == 4 ? 5 : 9);
	for (unsigned i = 0; i < 3; i++, hash = hash >> 20 | hash << 44) {
		unsigned bit = hash % SEEN_BITS;

		here = here && (alerts->seen[0][bit / 64] >> (bit % 64) & 1) != 0;
		before = before && (alerts->seen[1][bit / 64] >> (bit % 64) & 1) != 0;
		alerts->seen[0][bit / 64] |= UINT64_C(1) << (bit % 64);
	}
	return here || before;
}
