/* The lists of threat_intelligence.lists: shown, asked, fetched at once. */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"
#include "state/threats.h"

enum { LINE = 512 };

/* Whatever came from elsewhere may be no UTF-8. */
static void write_reason(struct json_writer *w, const char *text)
{
	char shown[LINE];
	size_t size = 0;

	for (; text[size] != '\0' && size + 1 < sizeof(shown); size++)
		shown[size] = (uint8_t)text[size] >= 0x20 && (uint8_t)text[size] < 0x7f ? text[size] : '?';
	shown[size] = '\0';
	admin_text_write(w, "cause", shown);
}

static void write_list(void *user, const struct threat_status *status)
{
	struct json_writer *w = user;
	json_write_open(w, '{');
	admin_text_write(w, "name", status->name);
	admin_text_write(w, "state",
			 status->failing  ? (status->in_use ? "old" : "failing")
			 : status->in_use ? "good"
					  : "new");
	admin_text_write(w, "action", status->action);
	admin_text_write(w, "format", status->format);
	admin_text_write(w, "url", status->url);
	if (status->in_use) {
		admin_text_write_number(w, "networks", status->loaded.networks);
		admin_text_write_number(w, "covered_ipv4", status->loaded.covered);
		admin_text_write_number(w, "left_out", status->loaded.left_out);
		admin_text_write_number(w, "unsupported", status->loaded.unsupported);
		admin_text_write_number(w, "invalid", status->loaded.invalid);
		admin_text_write(w, "digest", status->loaded.digest);
	}
	if (status->fetched_us != 0)
		admin_time_write(w, "fetched_at", status->fetched_us);
	admin_text_write_number(w, "hits", status->hits);
	if (status->failing)
		write_reason(w, status->why);
	json_write_close(w, '}');
}

void admin_threats_list(struct admin_conn *conn)
{
	struct json_writer w = admin_answer_json(conn);

	json_write_open(&w, '{');
	json_write_key(&w, "lists");
	json_write_open(&w, '[');
	threat_feeds_each(conn->admin->keeper->threats.feeds, write_list, &w);
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

static void write_hit(struct json_writer *w, const struct threats_hit *hit)
{
	static const char *const actions[THREAT_ACTIONS] = { "block", "flag", "count" };
	char text[ADDR_TEXT + 4];
	size_t size = addr_format(&hit->net.base, text);

	snprintf(text + size, sizeof(text) - size, "/%u", hit->net.bits);
	json_write_open(w, '{');
	admin_text_write(w, "list", hit->name);
	admin_text_write(w, "action", actions[hit->action]);
	admin_text_write(w, "network", text);
	json_write_close(w, '}');
}

void admin_threats_look_up(struct admin_conn *conn)
{
	struct threats_hit hits[LIMIT_THREAT_LISTS];
	char text[ADDR_TEXT + 1], shown[ADDR_TEXT];
	struct json_writer w;
	struct fw_addr address;
	unsigned count;
	size_t size;

	if (!admin_text_decode(conn->rest, text, sizeof(text), &size) || !addr_parse(slice(text, size), &address)) {
		admin_answer_problem(conn, 400, "the path must end in an IPv4 or IPv6 address", "");
		return;
	}
	count = threats_find(store_threats(conn->admin->keeper->options.store), &address, hits);
	addr_format(&address, shown);
	w = admin_answer_json(conn);
	json_write_open(&w, '{');
	admin_text_write(&w, "address", shown);
	json_write_key(&w, "on");
	json_write_open(&w, '[');
	for (unsigned i = 0; i < count; i++)
		write_hit(&w, &hits[i]);
	json_write_close(&w, ']');
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}

struct in_use {
	struct fw_slice name; /* empty: all */
	unsigned lists;
	uint64_t networks;
};

static void count_in_use(void *user, const struct threat_status *status)
{
	struct in_use *in_use = user;

	if (!status->in_use || (in_use->name.size != 0 && !slice_is(in_use->name, status->name)))
		return;
	in_use->lists++;
	in_use->networks += status->loaded.networks;
}

/* What is in use stays so until what is fetched is there and good, of which there is a record of its own. */
static void record_states(struct admin_conn *conn, struct fw_slice name, unsigned asked)
{
	struct json_writer w = admin_record_state(conn->admin, ADMIN_BEFORE);
	struct in_use in_use = { .name = name };

	threat_feeds_each(conn->admin->keeper->threats.feeds, count_in_use, &in_use);
	json_write_open(&w, '{');
	admin_text_write_number(&w, "lists", in_use.lists);
	admin_text_write_number(&w, "networks", in_use.networks);
	json_write_close(&w, '}');
	w = admin_record_state(conn->admin, ADMIN_AFTER);
	json_write_open(&w, '{');
	admin_text_write_number(&w, "fetched_anew", asked);
	json_write_close(&w, '}');
}

/* {"list": NAME}, or {}: all. What came of it the list of lists says, and the record. */
void admin_threats_reload(struct admin_conn *conn)
{
	struct arena *arena = &conn->admin->arena;
	struct fw_slice name = slice(NULL, 0);
	struct fw_record record;
	struct json_writer w;
	struct json json;
	uint32_t list;
	unsigned count;

	if (json_parse(arena, conn->content, 0, &json, NULL) != JSON_OK || json.nodes[0].kind != JSON_OBJECT) {
		admin_answer_problem(conn, 400, "the body must be a JSON object {list}", "");
		return;
	}
	list = json_member(&json, 0, "list", 4);
	if (json.nodes[0].count != (unsigned)(list != 0) || !admin_text_member(conn, &json, list, THREAT_NAME, &name) ||
	    (list != 0 && name.size == 0)) {
		admin_answer_problem(conn, 400, "list must be the name of a list, and is the only member", "");
		return;
	}
	count = threat_feeds_hurry(conn->admin->keeper->threats.feeds, name);
	if (list != 0 && count == 0) {
		admin_answer_problem(conn, 404, "there is no list of this name in threat_intelligence.lists", "");
		return;
	}
	admin_record_init(&record, conn, EVENT_admin_action, "threat reload");
	admin_record_text(&record, "list", name);
	record_states(conn, name, count);
	admin_record_change(conn->admin, &record);
	w = admin_answer_json(conn);
	json_write_open(&w, '{');
	admin_text_write_number(&w, "asked", count);
	json_write_close(&w, '}');
	admin_answer_written(conn, 202, &w);
}

struct page {
	struct admin_page_out out;
	enum admin_series series;
	uint64_t now_us;
};

static uint64_t figure(const struct page *page, const struct threat_status *status)
{
	switch (page->series) {
	case SERIES_threat_list_networks:
		return status->in_use ? status->loaded.networks : 0;
	case SERIES_threat_list_age_seconds:
		return status->fetched_us != 0 && status->fetched_us < page->now_us
			       ? (page->now_us - status->fetched_us) / 1000000
			       : 0;
	case SERIES_threat_list_failing:
		return status->failing;
	default:
		return status->hits;
	}
}

static void write_figure(void *user, const struct threat_status *status)
{
	struct page *page = user;
	char labels[LINE];

	snprintf(labels, sizeof(labels), "{list=\"%s\",action=\"%s\"}", status->name, status->action);
	admin_series_add(&page->out, page->series, labels, figure(page, status));
}

bool admin_threats_metrics(struct keeper *keeper, struct buf *out, struct pool *pool)
{
	static const enum admin_series figures[] = { SERIES_threat_list_networks, SERIES_threat_list_age_seconds,
						     SERIES_threat_list_failing, SERIES_threat_list_hits_total };
	struct page page = { .out = { .out = out, .pool = pool }, .now_us = clock_wall_us() };

	if (keeper->options.policy->threat_list_count == 0)
		return true;
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
		page.series = figures[i];
		admin_series_begin(&page.out, page.series);
		threat_feeds_each(keeper->threats.feeds, write_figure, &page);
	}
	return !page.out.failed;
}
