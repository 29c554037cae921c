#include "base/detail.h"
#include "shell/admin_parts.h"

void admin_record_init(struct fw_record *record, const struct admin_conn *conn, uint16_t type, const char *action)
{
	const struct fw_policy *policy = conn->admin->keeper->options.policy;

	*record = (struct fw_record){ .type = type, .level = policy->event_levels[type], .source = conn->peer };
	admin_record_text(record, "action", slice_text(action));
	admin_record_text(record, "through", slice_text(conn->control ? "control socket" : "admin port"));
	if (!conn->control && conn->access.name[0] != '\0')
		admin_record_text(record, "by", slice_text(conn->access.name));
}

void admin_record_text(struct fw_record *record, const char *key, struct fw_slice text)
{
	detail_add(record, detail_text(key, text));
}

void admin_record_number(struct fw_record *record, const char *key, int64_t number)
{
	detail_add(record, detail_number(key, (uint64_t)number));
}

struct json_writer admin_record_state(struct admin *admin, enum admin_when state)
{
	buf_clear(&admin->states[state], &admin->pool);
	return (struct json_writer){ .out = &admin->states[state], .pool = &admin->pool };
}

static struct fw_slice state_of(const struct admin *admin, enum admin_when state)
{
	const struct buf *text = &admin->states[state];

	return buf_size(text) != 0 ? slice(buf_data(text), buf_size(text)) : slice_text("null");
}

void admin_record_forget(struct admin *admin)
{
	buf_clear(&admin->states[ADMIN_BEFORE], &admin->pool);
	buf_clear(&admin->states[ADMIN_AFTER], &admin->pool);
}

void admin_record_change(struct admin *admin, struct fw_record *record)
{
	admin_record_text(record, "before", state_of(admin, ADMIN_BEFORE));
	admin_record_text(record, "after", state_of(admin, ADMIN_AFTER));
	keeper_record(admin->keeper, record);
	admin_record_forget(admin);
}

void admin_record_refused(struct admin_conn *conn, const char *cause)
{
	struct fw_record record;

	admin_record_init(&record, conn, EVENT_auth_failure, "admin login");
	admin_record_text(&record, "cause", slice_text(cause));
	keeper_record(conn->admin->keeper, &record);
}

void admin_record_keep(struct fw_record *record, const struct admin_conn *conn, struct admin_access *ret_access)
{
	*ret_access = conn->access;
	for (unsigned i = 0; i < record->detail_count; i++)
		if (record->details[i].kind == FW_DETAIL_TEXT &&
		    record->details[i].text.data == (const uint8_t *)conn->access.name)
			record->details[i].text = slice_text(ret_access->name);
}
