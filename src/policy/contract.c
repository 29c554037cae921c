#include "policy/contract.h"

#include <string.h>

#include "base/mem.h"
#include "base/slice.h"

#define MAX_SAFE 9007199254740991 /* 2^53 - 1: the last integer that every JSON reader keeps exact */

enum { NOFLAG = 0, CSRF = 1, HERE = 2 };
enum { OPTIONAL = 0, REQUIRED = 1 };

struct message_row {
	const char *name;
	uint32_t max_bytes;
	const char *permission, *role;
	unsigned flags;
};
/* One row for FIELD, ITEM (name is NULL) and MEMBER (parent is the array it is in). */
struct field_row {
	const char *message, *parent, *name;
	uint8_t kind, class;
	bool required;
	int64_t min, max;
};
struct choice_row {
	const char *message, *field, *value;
};
struct outbound_row {
	const char *name, *permission, *role;
};

#define MESSAGE(name, max_bytes, permission, role, flags, help)
#define FIELD(message, name, kind, class, need, min, max, help)
#define ITEM(message, field, kind, class, min, max)
#define MEMBER(message, field, name, kind, class, need, min, max)
#define CHOICE(message, field, value)
#define OUTBOUND(name, permission, role, help) { #name, permission, role },

#undef MESSAGE
#define MESSAGE(name, max_bytes, permission, role, flags, help) { #name, max_bytes, permission, role, flags },
static const struct message_row message_rows[] = {
#include "tables/contract.def"
};
#undef MESSAGE
#define MESSAGE(name, max_bytes, permission, role, flags, help)

#undef FIELD
#define FIELD(message, name, kind, class, need, min, max, help)                                                        \
	{ #message, NULL, #name, KIND_##kind, CLASS_##class, (need) != 0, min, max },
static const struct field_row field_rows[] = {
#include "tables/contract.def"
};
#undef FIELD
#define FIELD(message, name, kind, class, need, min, max, help)

#undef ITEM
#define ITEM(message, field, kind, class, min, max)                                                                    \
	{ #message, #field, NULL, KIND_##kind, CLASS_##class, false, min, max },
static const struct field_row item_rows[] = {
#include "tables/contract.def"
};
#undef ITEM
#define ITEM(message, field, kind, class, min, max)

#undef MEMBER
#define MEMBER(message, field, name, kind, class, need, min, max)                                                      \
	{ #message, #field, #name, KIND_##kind, CLASS_##class, (need) != 0, min, max },
static const struct field_row member_rows[] = {
#include "tables/contract.def"
};
#undef MEMBER
#define MEMBER(message, field, name, kind, class, need, min, max)

#undef CHOICE
#define CHOICE(message, field, value) { #message, #field, #value },
static const struct choice_row choice_rows[] = {
#include "tables/contract.def"
};

static const struct outbound_row outbound_rows[] = {
#include "tables/outbound.def"
};

enum {
	MESSAGES = sizeof(message_rows) / sizeof(*message_rows),
	FIELDS = sizeof(field_rows) / sizeof(*field_rows),
	ITEMS = sizeof(item_rows) / sizeof(*item_rows),
	MEMBERS = sizeof(member_rows) / sizeof(*member_rows),
	CHOICES = sizeof(choice_rows) / sizeof(*choice_rows),
	OUTBOUNDS = sizeof(outbound_rows) / sizeof(*outbound_rows),
};
_Static_assert((int)MESSAGES <= (int)LIMIT_MESSAGE_TYPES && (int)OUTBOUNDS <= (int)LIMIT_MESSAGE_TYPES,
	       "more types than limits.def allows");

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void *cleared(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;
	void *memory = size_mul(count, size, &bytes) ? arena_alloc(arena, bytes) : NULL;

	return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

static void fill_field(struct policy_field *field, const struct field_row *row)
{
	const char *name = row->name != NULL ? row->name : "";

	*field = (struct policy_field){ .name = name,
					.name_size = (uint16_t)strlen(name),
					.kind = row->kind,
					.class = row->class,
					.required = row->required,
					.min = row->min,
					.max = row->max };
}

static int build_choices(struct arena *arena, struct policy_field *field, const char *message)
{
	const char **items = cleared(arena, CHOICES, sizeof(*items));
	size_t count = 0;

	if (items == NULL)
		return FW_ERR_MEMORY;
	for (unsigned i = 0; i < CHOICES; i++)
		if (same(choice_rows[i].message, message) && same(choice_rows[i].field, field->name))
			items[count++] = choice_rows[i].value;
	arena_trim(arena, items, CHOICES * sizeof(*items), count * sizeof(*items));
	field->choices = (struct texts){ items, count };
	return FW_OK;
}

static int build_members(struct arena *arena, struct policy_field *item, const char *message, const char *parent)
{
	struct policy_field *members = cleared(arena, MEMBERS, sizeof(*members));

	if (members == NULL)
		return FW_ERR_MEMORY;
	item->members = members;
	for (unsigned i = 0; i < MEMBERS; i++)
		if (same(member_rows[i].message, message) && same(member_rows[i].parent, parent))
			fill_field(&members[item->member_count++], &member_rows[i]);
	return FW_OK;
}

static int build_item(struct arena *arena, struct policy_field *field, const char *message)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		struct policy_field *item;

		if (!same(item_rows[i].message, message) || !same(item_rows[i].parent, field->name))
			continue;
		item = cleared(arena, 1, sizeof(*item));
		if (item == NULL)
			return FW_ERR_MEMORY;
		fill_field(item, &item_rows[i]);
		field->item = item;
		return item->kind == KIND_OBJECT ? build_members(arena, item, message, field->name) : FW_OK;
	}
	return FW_OK;
}

static int build_field(struct arena *arena, struct policy_field *field, const struct field_row *row)
{
	fill_field(field, row);
	if (field->class == CLASS_ENUMERATED)
		return build_choices(arena, field, row->message);
	return field->kind == KIND_ARRAY ? build_item(arena, field, row->message) : FW_OK;
}

static bool listed(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (same(texts->items[i], text))
			return true;
	return false;
}

int contract_token_field(struct arena *arena, struct policy_message *message)
{
	static const struct field_row token = {
		.name = "csrf_token", .kind = KIND_STRING, .class = CLASS_TOKEN, .max = 128
	};

	struct policy_field *fields;

	if (!message->csrf || schema_field(message, slice_text(token.name)) != NULL)
		return FW_OK;
	fields = cleared(arena, (size_t)message->field_count + 1, sizeof(*fields));
	if (fields == NULL)
		return FW_ERR_MEMORY;
	if (message->field_count != 0)
		memcpy(fields, message->fields, message->field_count * sizeof(*fields));
	fill_field(&fields[message->field_count++], &token);
	message->fields = fields;
	return FW_OK;
}

static int build_fields(struct arena *arena, struct policy_message *message)
{
	struct policy_field *fields;
	unsigned count = 0;

	for (unsigned i = 0; i < FIELDS; i++)
		count += same(field_rows[i].message, message->name);
	if (count >= LIMIT_FIELDS)
		return FW_ERR_INVALID;
	fields = cleared(arena, count, sizeof(*fields));
	if (fields == NULL && count != 0)
		return FW_ERR_MEMORY;
	message->fields = fields;
	for (unsigned i = 0; i < FIELDS; i++) {
		if (!same(field_rows[i].message, message->name))
			continue;
		if (build_field(arena, &fields[message->field_count], &field_rows[i]) != FW_OK)
			return FW_ERR_MEMORY;
		message->has_html = message->has_html || fields[message->field_count].class == CLASS_HTML;
		message->field_count++;
	}
	return contract_token_field(arena, message);
}

/* "" is nobody in particular; a name that the policy does not have would leave a type unguarded, so it is an error. */
static int find_guard(const struct fw_policy *policy, const char *permission, const char *role,
		      uint16_t *ret_permission, uint16_t *ret_role)
{
	*ret_permission = *permission != '\0' ? policy_permission_find(policy, slice_text(permission)) : POLICY_NONE;
	*ret_role = *role != '\0' ? policy_role_find(policy, slice_text(role)) : POLICY_NONE;
	if ((*permission != '\0' && *ret_permission == POLICY_NONE) || (*role != '\0' && *ret_role == POLICY_NONE))
		return FW_ERR_INVALID;
	return FW_OK;
}

static int build_message(struct fw_policy *policy, struct policy_message *message, const struct message_row *row)
{
	*message = (struct policy_message){ .name = row->name,
					    .name_size = (uint16_t)strlen(row->name),
					    .max_bytes = row->max_bytes,
					    .answered_here = (row->flags & HERE) != 0 };
	message->csrf = !message->answered_here && listed(&policy->settings.csrf_operations, row->name);
	if (find_guard(policy, row->permission, row->role, &message->permission, &message->role) != FW_OK)
		return FW_ERR_INVALID;
	return build_fields(&policy->arena, message);
}

static uint64_t load(const uint8_t *bytes, size_t size)
{
	uint64_t word = 0;

	memcpy(&word, bytes, size);
	return word;
}

/* Length and both ends, in a few steps whatever the length is. The keys are the tables' own names, so nobody chooses
 * what collides; a name that is not there is compared once at most in nearly every case. */
static uint32_t hash(const uint8_t *bytes, size_t size)
{
	uint64_t mixed = size;

	if (size >= 8)
		mixed ^= load(bytes, 8) ^ (load(bytes + size - 8, 8) << 1);
	else if (size >= 4)
		mixed ^= load(bytes, 4) << 8 ^ load(bytes + size - 4, 4) << 32;
	else if (size != 0)
		mixed ^= (uint64_t)bytes[0] << 8 ^ (uint64_t)bytes[size / 2] << 16 ^ (uint64_t)bytes[size - 1] << 24;
	return (uint32_t)((mixed * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
}

static uint16_t *index_new(struct arena *arena, size_t count, struct policy_index *index)
{
	uint32_t slots = 4;
	uint16_t *memory;

	while (slots < count * 4) /* a quarter full: names that are not there are mostly answered by one look */
		slots *= 2;
	memory = cleared(arena, slots, sizeof(*memory));
	*index = (struct policy_index){ memory, slots - 1 };
	return memory;
}

static void index_add(uint16_t *slots, const struct policy_index *index, const char *name, unsigned number)
{
	uint32_t at = hash((const uint8_t *)name, strlen(name)) & index->mask;

	while (slots[at] != 0)
		at = (at + 1) & index->mask;
	slots[at] = (uint16_t)(number + 1);
}

/* Without the others of the contract these stay: logins and their tokens are ours on every route. */
static bool needed(const char *name)
{
	return same(name, "auth") || same(name, "csrf_refresh");
}

static int build_messages(struct fw_policy *policy)
{
	struct policy_message *messages = cleared(&policy->arena, MESSAGES, sizeof(*messages));
	uint16_t *slots = index_new(&policy->arena, MESSAGES + LIMIT_OWN_TYPES, &policy->message_index);

	if (messages == NULL || slots == NULL)
		return FW_ERR_MEMORY;
	policy->messages = messages;
	policy->message_count = MESSAGES;
	for (unsigned i = 0; i < MESSAGES; i++) {
		int result = build_message(policy, &messages[i], &message_rows[i]);

		if (result != FW_OK)
			return result;
		if (policy->settings.builtin_messages || needed(messages[i].name))
			index_add(slots, &policy->message_index, messages[i].name, i);
	}
	return FW_OK;
}

static int build_outbound(struct fw_policy *policy)
{
	struct policy_outbound *outbound = cleared(&policy->arena, OUTBOUNDS, sizeof(*outbound));
	uint16_t *slots = index_new(&policy->arena, OUTBOUNDS, &policy->outbound_index);

	if (outbound == NULL || slots == NULL)
		return FW_ERR_MEMORY;
	policy->outbound = outbound;
	policy->outbound_count = policy->served_first = OUTBOUNDS;
	for (unsigned i = 0; i < OUTBOUNDS; i++) {
		const struct outbound_row *row = &outbound_rows[i];

		outbound[i].name = row->name;
		outbound[i].name_size = (uint16_t)strlen(row->name);
		if (find_guard(policy, row->permission, row->role, &outbound[i].permission, &outbound[i].role) != FW_OK)
			return FW_ERR_INVALID;
		index_add(slots, &policy->outbound_index, row->name, i);
	}
	return FW_OK;
}

int contract_build(struct fw_policy *policy)
{
	int result = build_messages(policy);

	return result == FW_OK ? build_outbound(policy) : result;
}

uint16_t policy_message_find(const struct fw_policy *policy, struct fw_slice name)
{
	const struct policy_index *index = &policy->message_index;

	if (name.data == NULL)
		return POLICY_NONE;
	for (uint32_t at = hash(name.data, name.size) & index->mask; index->slots[at] != 0;
	     at = (at + 1) & index->mask) {
		const struct policy_message *message = &policy->messages[index->slots[at] - 1];

		if (message->name_size == name.size && octets_equal(message->name, name.data, name.size))
			return (uint16_t)(index->slots[at] - 1);
	}
	return POLICY_NONE;
}

static uint16_t find_outbound(const struct fw_policy *policy, const struct policy_index *index, struct fw_slice name)
{
	if (name.data == NULL || index->slots == NULL)
		return POLICY_NONE;
	for (uint32_t at = hash(name.data, name.size) & index->mask; index->slots[at] != 0;
	     at = (at + 1) & index->mask) {
		const struct policy_outbound *outbound = &policy->outbound[index->slots[at] - 1];

		if (outbound->name_size == name.size && octets_equal(outbound->name, name.data, name.size))
			return (uint16_t)(index->slots[at] - 1);
	}
	return POLICY_NONE;
}

uint16_t policy_served_find(const struct fw_policy *policy, struct fw_slice name)
{
	return find_outbound(policy, &policy->served_index, name);
}

uint16_t policy_outbound_find(const struct fw_policy *policy, struct fw_slice name)
{
	uint16_t served = policy_served_find(policy, name);

	return served != POLICY_NONE ? served : find_outbound(policy, &policy->outbound_index, name);
}

void contract_permissions(void (*name)(void *user, const char *permission), void *user)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		if (*message_rows[i].permission != '\0')
			name(user, message_rows[i].permission);
	for (unsigned i = 0; i < OUTBOUNDS; i++)
		if (*outbound_rows[i].permission != '\0')
			name(user, outbound_rows[i].permission);
}

static unsigned limit_field(struct policy_field *field, const char *name, int64_t max)
{
	if (field->kind != KIND_STRING || !same(field->name, name))
		return 0;
	if (field->bounded) /* its definition says it */
		return 1;
	field->max = max;
	if (field->min > max)
		field->min = max;
	return 1;
}

unsigned contract_limit(struct fw_policy *policy, const char *field, int64_t max)
{
	unsigned found = 0;

	/* The policy is being built and is this thread's alone: its fields were written by build_fields above. */
	for (unsigned i = 0; i < policy->message_count; i++)
		for (unsigned k = 0; k < policy->messages[i].field_count; k++)
			found += limit_field((struct policy_field *)&policy->messages[i].fields[k], field, max);
	return found;
}

unsigned contract_limit_size(struct fw_policy *policy, const char *name, int64_t max)
{
	uint16_t type = policy_message_find(policy, slice_text(name));

	if (type == POLICY_NONE)
		return 0;
	((struct policy_message *)&policy->messages[type])->max_bytes = (uint32_t)max;
	return 1;
}

void contract_condition(struct fw_policy *policy, const char *name, const struct policy_condition *condition)
{
	uint16_t type = policy_message_find(policy, slice_text(name));

	if (type != POLICY_NONE)
		((struct policy_message *)&policy->messages[type])->when = condition;
}

bool contract_rate(struct fw_policy *policy, const char *name, int64_t per_minute)
{
	uint16_t type = policy_message_find(policy, slice_text(name));
	struct gcra *rate = arena_alloc(&policy->arena, sizeof(*rate));
	struct policy_message *message;

	if (type == POLICY_NONE || rate == NULL)
		return type == POLICY_NONE;
	*rate = gcra_per((uint64_t)per_minute, UINT64_C(60000000000));
	message = (struct policy_message *)&policy->messages[type];
	if (message->rate == NULL)
		message->rate_cell = (uint16_t)policy->rate_cells++;
	message->rate = rate;
	message->messages_per_minute = per_minute;
	return true;
}

struct policy_message *contract_extend(struct fw_policy *policy, unsigned count)
{
	struct policy_message *messages =
		cleared(&policy->arena, (size_t)policy->message_count + count, sizeof(*messages));

	if (messages == NULL)
		return NULL;
	memcpy(messages, policy->messages, policy->message_count * sizeof(*messages));
	policy->messages = messages;
	policy->message_count += count;
	return messages + policy->message_count - count;
}

void contract_name_own(struct fw_policy *policy, unsigned index)
{
	/* The index was made in build_messages, with room, and is this thread's alone. */
	index_add((uint16_t *)policy->message_index.slots, &policy->message_index, policy->messages[index].name, index);
}

struct policy_outbound *contract_serve(struct fw_policy *policy, unsigned count)
{
	struct policy_outbound *outbound =
		cleared(&policy->arena, (size_t)policy->outbound_count + count, sizeof(*outbound));

	if (outbound == NULL || index_new(&policy->arena, count, &policy->served_index) == NULL)
		return NULL;
	memcpy(outbound, policy->outbound, policy->outbound_count * sizeof(*outbound));
	policy->outbound = outbound;
	policy->outbound_count += count;
	return outbound + policy->served_first;
}

void contract_name_served(struct fw_policy *policy, unsigned index)
{
	index_add((uint16_t *)policy->served_index.slots, &policy->served_index, policy->outbound[index].name, index);
}

/* Types are compared as they are written, so what JSON writes with an escape would never be one. */
bool policy_type_is_name(struct fw_slice name)
{
	for (size_t i = 0; i < name.size; i++)
		if (name.data[i] < 0x20 || name.data[i] == 0x7f || name.data[i] == '"' || name.data[i] == '\\')
			return false;
	return name.size != 0 && name.size <= POLICY_TYPE_NAME;
}

bool contract_protectable(struct fw_slice name)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		if (slice_is(name, message_rows[i].name))
			return (message_rows[i].flags & HERE) == 0;
	return false;
}

const char *contract_name(unsigned i)
{
	return i < MESSAGES ? message_rows[i].name : NULL;
}
