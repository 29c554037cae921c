#include "scenario/value.h"

#include <string.h>

#include "base/addr.h"
#include "base/encode.h"
#include "base/slice.h"
#include "record/where.h"

/* Those of one provider's customer, or of one site. */
static struct fw_addr network_of(const struct fw_addr *address)
{
	struct fw_addr base = *address;
	size_t kept = base.family == 4 ? 3 : 6;

	memset(base.bytes + kept, 0, sizeof(base.bytes) - kept);
	return base;
}

/* Everybody who need not log in has one name, and is nobody. */
static bool is_somebody(struct fw_slice user)
{
	return user.size != 0 && !slice_is(user, "anonymous");
}

static bool hash_text(struct fw_slice text, const struct hash_key *key, uint64_t *ret_hash)
{
	*ret_hash = hash_bytes(key, text.data, text.size);
	return text.size != 0;
}

static bool hash_number(uint64_t number, const struct hash_key *key, uint64_t *ret_hash)
{
	*ret_hash = hash_bytes(key, &number, sizeof(number));
	return true;
}

static bool hash_address(struct fw_addr address, const struct hash_key *key, uint64_t *ret_hash)
{
	uint8_t octets[1 + sizeof(address.bytes)] = { address.family };

	memcpy(octets + 1, address.bytes, address.family == 4 ? 4 : sizeof(address.bytes));
	*ret_hash = hash_bytes(key, octets, sizeof(octets));
	return address.family != 0;
}

bool value_hash(const struct scenario_field *field, const struct fw_record *record, const struct hash_key *key,
		uint64_t *ret_hash)
{
	const struct fw_detail *detail;

	switch (field->kind) {
	case SCENARIO_ADDRESS:
		return hash_address(addr_prefix(&record->source), key, ret_hash);
	case SCENARIO_NETWORK:
		return hash_address(network_of(&record->source), key, ret_hash);
	case SCENARIO_USER:
		return hash_text(record->user_id, key, ret_hash) && is_somebody(record->user_id);
	case SCENARIO_SESSION:
		return hash_text(record->session_id, key, ret_hash);
	case SCENARIO_CONNECTION:
		return hash_number(record->connection_id, key, ret_hash) && record->connection_id != 0;
	case SCENARIO_EVENT:
		return hash_number(record->type, key, ret_hash);
	default:
		detail = where_detail(record, field->detail);
		if (detail == NULL)
			return false;
		return detail->kind == FW_DETAIL_TEXT ? hash_text(detail->text, key, ret_hash)
						      : hash_number((uint64_t)detail->number, key, ret_hash);
	}
}

/* Not cut within a character. A comma divides them, so none is in them. */
static void copy(struct fw_slice text, char ret_text[SCENARIO_SAMPLE])
{
	size_t size = text.size;

	if (size > SCENARIO_SAMPLE - 1)
		for (size = SCENARIO_SAMPLE - 1; size != 0 && (text.data[size] & 0xc0) == 0x80;)
			size--;
	for (size_t i = 0; i < size; i++)
		ret_text[i] = text.data[i] == ',' || text.data[i] == '\0' ? ' ' : (char)text.data[i];
	ret_text[size] = '\0';
}

static void copy_number(uint64_t number, char ret_text[SCENARIO_SAMPLE])
{
	ret_text[encode_u64(number, ret_text)] = '\0';
}

static void copy_address(struct fw_addr address, char ret_text[SCENARIO_SAMPLE])
{
	char text[ADDR_TEXT];

	copy(slice(text, addr_format(&address, text)), ret_text);
}

void value_text(const struct scenario_field *field, const struct fw_record *record, char ret_text[SCENARIO_SAMPLE])
{
	const char *name = fw_event_name(record->type);
	const struct fw_detail *detail;

	switch (field->kind) {
	case SCENARIO_ADDRESS:
		copy_address(addr_prefix(&record->source), ret_text);
		break;
	case SCENARIO_NETWORK:
		copy_address(network_of(&record->source), ret_text);
		break;
	case SCENARIO_USER:
		copy(record->user_id, ret_text);
		break;
	case SCENARIO_SESSION:
		copy(record->session_id, ret_text);
		break;
	case SCENARIO_CONNECTION:
		copy_number(record->connection_id, ret_text);
		break;
	case SCENARIO_EVENT:
		copy(slice_text(name != NULL ? name : ""), ret_text);
		break;
	default:
		detail = where_detail(record, field->detail);
		if (detail == NULL)
			ret_text[0] = '\0';
		else if (detail->kind == FW_DETAIL_TEXT)
			copy(detail->text, ret_text);
		else
			copy_number((uint64_t)detail->number, ret_text);
	}
}
