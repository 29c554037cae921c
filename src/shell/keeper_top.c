#include "shell/keeper_top.h"

#include <string.h>

#include "base/addr.h"
#include "base/event_type.h"
#include "base/slice.h"

#define MINUTE_NS ((uint64_t)60 * 1000000000)

void keeper_top_init(struct keeper_top *top, uint64_t now_ns)
{
	uv_mutex_init(&top->lock);
	top->since_ns = now_ns;
}

void keeper_top_fini(struct keeper_top *top)
{
	uv_mutex_destroy(&top->lock);
}

/* Under the lock. */
static void advance(struct keeper_top *top, uint64_t now_ns)
{
	uint64_t passed = now_ns - top->since_ns;

	if (passed < MINUTE_NS)
		return;
	if (passed < 2 * MINUTE_NS) {
		memcpy(top->recent[1], top->recent[0], sizeof(top->recent[1]));
		top->before_ns = top->since_ns;
		top->since_ns += MINUTE_NS;
	} else {
		memset(top->recent[1], 0, sizeof(top->recent[1]));
		top->before_ns = 0;
		top->since_ns = now_ns;
	}
	for (unsigned i = 0; i < TOPS; i++)
		top->recent[0][i].used = 0, top->recent[0][i].total = 0;
}

static void add(struct keeper_top *top, enum top row, struct fw_slice name, uint64_t count)
{
	sketch_add(&top->recent[0][row], name, count);
	sketch_add(&top->all[row], name, count);
}

static const struct fw_detail *detail_of(const struct fw_record *record, const char *key, enum fw_detail_kind kind)
{
	for (unsigned i = 0; i < record->detail_count; i++)
		if (record->details[i].kind == kind && strcmp(record->details[i].key, key) == 0)
			return &record->details[i];
	return NULL;
}

/* Something that a client was refused, or would have been. */
static bool refuses(uint16_t type)
{
	switch (type) {
	case EVENT_auth_failure:
	case EVENT_blocked_attempt:
	case EVENT_connection_limit_exceeded:
	case EVENT_rate_limit_violation:
	case EVENT_invalid_message:
	case EVENT_dangerous_content:
	case EVENT_csrf_violation:
	case EVENT_permission_denied:
		return true;
	default:
		return false;
	}
}

void keeper_top_see(struct keeper_top *top, const struct fw_record *record, uint64_t now_ns)
{
	bool in = record->type == EVENT_data_modification, out = record->type == EVENT_data_access;
	const struct fw_detail *rule = detail_of(record, "rule", FW_DETAIL_TEXT);
	const struct fw_detail *count = detail_of(record, "count", FW_DETAIL_INTEGER);
	const struct fw_detail *type = detail_of(record, "type", FW_DETAIL_TEXT);
	uint64_t messages = count != NULL && count->number > 0 ? (uint64_t)count->number : 1;
	char address[ADDR_TEXT] = "";

	if (!in && !out && !refuses(record->type) && rule == NULL)
		return;
	if (record->source.family != 0)
		addr_format(&record->source, address);
	uv_mutex_lock(&top->lock);
	advance(top, now_ns);
	if (in) {
		add(top, TOP_users, record->user_id, messages);
		add(top, TOP_addresses, slice_text(address), messages);
	}
	if ((in || out) && type != NULL)
		add(top, TOP_types, type->text, messages);
	if (refuses(record->type)) {
		add(top, TOP_refused_users, record->user_id, 1);
		add(top, TOP_refused_addresses, slice_text(address), 1);
	}
	if (rule != NULL)
		add(top, TOP_rules, rule->text, 1);
	uv_mutex_unlock(&top->lock);
}

void keeper_top_ask(struct keeper_top *top, uint64_t now_ns, struct sketch *ret_recent, struct sketch *ret_all,
		    uint64_t *ret_ns)
{
	uv_mutex_lock(&top->lock);
	advance(top, now_ns);
	memcpy(ret_recent, top->recent[0], sizeof(top->recent[0]));
	for (unsigned i = 0; i < TOPS; i++)
		sketch_merge(&ret_recent[i], &top->recent[1][i]);
	memcpy(ret_all, top->all, sizeof(top->all));
	*ret_ns = now_ns - (top->before_ns != 0 ? top->before_ns : top->since_ns);
	uv_mutex_unlock(&top->lock);
}
