#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/encode.h"
#include "shell/admin_parts.h"
#include "shell/clock.h"

#define HOUR_NS ((uint64_t)3600 * 1000000000)

enum { NAME = ADDR_TEXT + 4, REASON = 120, HOURS_MOST = 8760 };

/* What a block covers: an IPv4 address, or the /64 of an IPv6 one. */
static void covered(const struct fw_addr *address, char ret_name[NAME])
{
	struct fw_addr prefix = addr_prefix(address);
	size_t size = addr_format(&prefix, ret_name);

	if (prefix.family == 6)
		memcpy(ret_name + size, "/64", 4);
}

/* An address, or what covered() makes of one. */
static bool read_address(struct fw_slice text, struct fw_addr *ret_address)
{
	struct addr_net net;

	if (addr_parse(text, ret_address))
		return true;
	if (!addr_net_parse(text, &net) || net.bits != (net.base.family == 4 ? 32 : 64))
		return false;
	*ret_address = net.base;
	return true;
}

struct listing {
	struct json_writer writer;
	uint64_t wall_us;
};

static void list_one(void *user, const struct fw_addr *address, uint64_t left_ns, const char *reason)
{
	struct listing *listing = user;
	struct json_writer *w = &listing->writer;
	char name[NAME], end[ENCODE_RFC3339];

	covered(address, name);
	encode_rfc3339(listing->wall_us + left_ns / 1000, end);
	json_write_open(w, '{');
	json_write_key(w, "address");
	json_write_string(w, name);
	json_write_key(w, "seconds_left");
	json_write_integer(w, (int64_t)(left_ns / 1000000000));
	json_write_key(w, "expires_at");
	json_write_text(w, slice(end, sizeof(end)));
	json_write_key(w, "reason");
	json_write_string(w, reason);
	json_write_close(w, '}');
}

void admin_blocks_list(struct admin_conn *conn)
{
	struct listing listing = { admin_answer_json(conn), clock_wall_us() };

	json_write_open(&listing.writer, '{');
	json_write_key(&listing.writer, "blocks");
	json_write_open(&listing.writer, '[');
	store_block_list(conn->admin->keeper->options.store, uv_hrtime(), list_one, &listing);
	json_write_close(&listing.writer, ']');
	json_write_close(&listing.writer, '}');
	admin_answer_written(conn, 200, &listing.writer);
}

struct wish {
	struct fw_addr address;
	int64_t hours;
	char reason[REASON + 1];
};

/* NULL, or what does not hold. */
static const char *read_wish(struct admin_conn *conn, struct wish *wish)
{
	struct arena *arena = &conn->admin->arena;
	struct fw_slice text = slice_text("by an operator");
	uint32_t address, hours, reason;
	struct json json;

	if (json_parse(arena, conn->content, 0, &json, NULL) != JSON_OK || json.nodes[0].kind != JSON_OBJECT)
		return "the body must be a JSON object {address, hours, reason}";
	address = json_member(&json, 0, "address", 7);
	hours = json_member(&json, 0, "hours", 5);
	reason = json_member(&json, 0, "reason", 6);
	if (json.nodes[0].count != (unsigned)(address != 0) + (hours != 0) + (reason != 0))
		return "the body has a member besides address, hours, reason";
	if (address == 0 || json.nodes[address].kind != JSON_STRING ||
	    !read_address(json_text(&json, address, arena), &wish->address))
		return "address must be an IPv4 or IPv6 address";
	wish->hours = conn->admin->keeper->options.policy->settings.block_duration;
	if (hours != 0 && (!json_integer(&json, hours, &wish->hours) || wish->hours < 1 || wish->hours > HOURS_MOST))
		return "hours must be a whole number from 1 to 8760";
	if (!admin_text_member(conn, &json, reason, REASON, &text))
		return "reason must be a text of at most 120 bytes";
	if (text.size != 0)
		memcpy(wish->reason, text.data, text.size);
	wish->reason[text.size] = '\0';
	return NULL;
}

static void record_change(struct admin_conn *conn, const char *action, const char *name, const struct wish *wish)
{
	struct fw_record record;

	admin_record_init(&record, conn, EVENT_admin_action, action);
	admin_record_text(&record, "address", slice_text(name));
	if (wish != NULL) {
		admin_record_number(&record, "hours", wish->hours);
		admin_record_text(&record, "reason", slice_text(wish->reason));
	}
	keeper_record(conn->admin->keeper, &record);
}

static void end_connections(struct keeper *keeper, const struct fw_addr *address)
{
	struct ipc_end_address message = { *address };

	(void)keeper_figures_tell(&keeper->figures, IPC_END_ADDRESS, &message, sizeof(message));
}

void admin_blocks_add(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct listing listing;
	struct wish wish = { 0 };
	const char *wrong = read_wish(conn, &wish);
	uint64_t life = (uint64_t)wish.hours * HOUR_NS;
	char name[NAME];

	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	if (keeper_store_block_add(keeper, &wish.address, life, wish.reason) != 0) {
		admin_answer_problem(conn, 507, "the block list is full of blocks by operators", "");
		return;
	}
	covered(&wish.address, name);
	record_change(conn, "block add", name, &wish);
	end_connections(keeper, &wish.address);
	listing = (struct listing){ admin_answer_json(conn), clock_wall_us() };
	list_one(&listing, &wish.address, life, wish.reason);
	admin_answer_written(conn, 201, &listing.writer);
}

void admin_blocks_remove(struct admin_conn *conn)
{
	struct fw_addr address;
	char text[NAME], name[NAME];
	size_t size;

	if (!admin_text_decode(conn->rest, text, sizeof(text), &size) || !read_address(slice(text, size), &address)) {
		admin_answer_problem(conn, 400, "the path must end in an IPv4 or IPv6 address", "");
		return;
	}
	if (!keeper_store_block_remove(conn->admin->keeper, &address)) {
		admin_answer_problem(conn, 404, "this address is not on the block list", "");
		return;
	}
	covered(&address, name);
	record_change(conn, "block remove", name, NULL);
	buf_clear(&conn->body, &conn->admin->pool);
	admin_answer(conn, 204, "", "");
}
