#include <string.h>

#include "base/addr.h"
#include "shell/admin_parts.h"

#define REFUSED_PERIOD_NS ((uint64_t)60 * 1000000000)

enum { REFUSED_PER_PERIOD = 20 };

void admin_record_init(struct fw_record *record, const struct admin_conn *conn, uint16_t type, const char *action)
{
	const struct fw_policy *policy = conn->admin->keeper->options.policy;

	*record = (struct fw_record){ .type = type, .level = policy->event_levels[type], .source = conn->peer };
	admin_record_text(record, "action", slice_text(action));
	admin_record_text(record, "through", slice_text(conn->control ? "control socket" : "admin port"));
}

void admin_record_text(struct fw_record *record, const char *key, struct fw_slice text)
{
	if (record->detail_count < FW_RECORD_DETAILS)
		record->details[record->detail_count++] =
			(struct fw_detail){ .key = key, .kind = FW_DETAIL_TEXT, .text = text };
}

void admin_record_number(struct fw_record *record, const char *key, int64_t number)
{
	if (record->detail_count < FW_RECORD_DETAILS)
		record->details[record->detail_count++] =
			(struct fw_detail){ .key = key, .kind = FW_DETAIL_INTEGER, .number = number };
}

static void fold(struct admin_conn *conn)
{
	struct admin *admin = conn->admin;

	if (admin->refused_more.count++ == 0) {
		admin->refused_more.since_ns = uv_hrtime();
		admin->refused_more.source = conn->peer;
		admin->refused_more.several = false;
	}
	admin->refused_more.several |= !addr_equal(&admin->refused_more.source, &conn->peer);
}

void admin_record_folded(struct admin *admin, bool now)
{
	struct fw_record record = { .type = EVENT_auth_failure };

	if (admin->refused_more.count == 0 || (!now && uv_hrtime() - admin->refused_more.since_ns < REFUSED_PERIOD_NS))
		return;
	record.level = admin->keeper->options.policy->event_levels[EVENT_auth_failure];
	if (!admin->refused_more.several)
		record.source = admin->refused_more.source;
	admin_record_text(&record, "action", slice_text("admin login"));
	admin_record_text(
		&record, "cause",
		slice_text(admin->refused_more.several ? "more of them, from several addresses" : "more of them"));
	admin_record_number(&record, "count", (int64_t)admin->refused_more.count);
	keeper_record(admin->keeper, &record);
	admin->refused_more.count = 0;
}

void admin_record_refused(struct admin_conn *conn, const char *cause)
{
	struct gcra rate = gcra_per(REFUSED_PER_PERIOD, REFUSED_PERIOD_NS);
	struct fw_record record;

	/* Whoever may connect may try without end; the record is not to be filled by it. */
	if (gcra_take(&conn->admin->refused_cell, &rate, uv_hrtime()) != 0) {
		fold(conn);
		return;
	}
	admin_record_init(&record, conn, EVENT_auth_failure, "admin login");
	admin_record_text(&record, "cause", slice_text(cause));
	keeper_record(conn->admin->keeper, &record);
}
