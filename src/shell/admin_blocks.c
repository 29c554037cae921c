#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/close_reason.h"
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

/* "user:NAME"; the name in ret_user. */
static bool read_user(struct fw_slice text, struct fw_slice *ret_user)
{
	static const char mark[] = "user:";

	*ret_user = slice_from(text, sizeof(mark) - 1 <= text.size ? sizeof(mark) - 1 : text.size);
	return text.size > sizeof(mark) - 1 && memcmp(text.data, mark, sizeof(mark) - 1) == 0 &&
	       ret_user->size <= STORE_NAME;
}

struct listing {
	struct json_writer writer;
	uint64_t wall_us;
};

/* Whom it is about. */
static void write_subject(struct json_writer *w, const struct fw_addr *address, struct fw_slice user)
{
	char name[NAME];

	if (address->family == 0) {
		json_write_key(w, "user");
		json_write_text(w, user);
		return;
	}
	covered(address, name);
	json_write_key(w, "address");
	json_write_string(w, name);
}

static void write_end(struct json_writer *w, const struct store_block *block, uint64_t wall_us)
{
	char end[ENCODE_RFC3339];

	encode_rfc3339(wall_us + block->left_ns / 1000, end);
	json_write_key(w, "seconds_left");
	json_write_integer(w, (int64_t)(block->left_ns / 1000000000));
	json_write_key(w, "expires_at");
	json_write_text(w, slice(end, sizeof(end)));
	json_write_key(w, "reason");
	json_write_string(w, block->reason);
	json_write_key(w, "by");
	json_write_string(w, block->automatic ? "violations" : "operator");
	json_write_key(w, "score");
	json_write_integer(w, block->score);
}

static void list_one(void *user, const struct store_block *block)
{
	struct listing *listing = user;
	struct json_writer *w = &listing->writer;

	json_write_open(w, '{');
	write_subject(w, &block->address, slice(block->user, block->user_size));
	write_end(w, block, listing->wall_us);
	json_write_key(w, "blocks");
	json_write_integer(w, block->blocks);
	json_write_close(w, '}');
}

void admin_blocks_list(struct admin_conn *conn)
{
	struct listing listing = { admin_answer_json(conn), clock_wall_us() };

	json_write_open(&listing.writer, '{');
	json_write_key(&listing.writer, "blocks");
	json_write_open(&listing.writer, '[');
	store_block_list(conn->admin->keeper->options.store, uv_hrtime(), false, list_one, &listing);
	json_write_close(&listing.writer, ']');
	json_write_close(&listing.writer, '}');
	admin_answer_written(conn, 200, &listing.writer);
}

struct wish {
	struct fw_addr address; /* family 0: user */
	struct fw_slice user;
	int64_t hours;
	char reason[REASON + 1];
};

/* NULL, or what does not hold. */
static const char *read_wish(struct admin_conn *conn, struct wish *wish)
{
	struct arena *arena = &conn->admin->arena;
	struct fw_slice text = slice_text("by an operator");
	uint32_t address, user, hours, reason;
	struct json json;

	if (json_parse(arena, conn->content, 0, &json, NULL) != JSON_OK || json.nodes[0].kind != JSON_OBJECT)
		return "the body must be a JSON object {address or user, hours, reason}";
	address = json_member(&json, 0, "address", 7);
	user = json_member(&json, 0, "user", 4);
	hours = json_member(&json, 0, "hours", 5);
	reason = json_member(&json, 0, "reason", 6);
	if (json.nodes[0].count != (unsigned)(address != 0) + (user != 0) + (hours != 0) + (reason != 0))
		return "the body has a member besides address, user, hours, reason";
	if (user != 0) {
		if (address != 0 || json.nodes[user].kind != JSON_STRING)
			return "one of address and user";
		wish->user = json_text(&json, user, arena);
		if (wish->user.size == 0 || wish->user.size > STORE_NAME)
			return "user must be a text of 1 to 128 bytes";
	} else if (address == 0 || json.nodes[address].kind != JSON_STRING ||
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

/* Nothing where it is not blocked: null. */
static void record_state(struct admin_conn *conn, enum admin_when state, const struct store_block *block)
{
	struct json_writer w = admin_record_state(conn->admin, state);

	if (block->left_ns == 0)
		return;
	json_write_open(&w, '{');
	admin_time_write(&w, "expires_at", clock_wall_us() + block->left_ns / 1000);
	admin_text_write(&w, "by", block->automatic ? "violations" : "operator");
	admin_text_write(&w, "reason", block->reason);
	json_write_close(&w, '}');
}

static void record_before(struct admin_conn *conn, const struct wish *wish)
{
	struct store_standing standing;

	(void)keeper_store_standing(conn->admin->keeper, &wish->address, wish->user, &standing);
	record_state(conn, ADMIN_BEFORE, &standing.block);
}

static void record_change(struct admin_conn *conn, const char *action, const struct wish *wish, const char *not_kept)
{
	struct fw_record record;
	char name[NAME];

	admin_record_init(&record, conn, EVENT_admin_action, action);
	if (wish->address.family != 0) {
		covered(&wish->address, name);
		admin_record_text(&record, "address", slice_text(name));
	} else {
		admin_record_text(&record, "user", wish->user);
	}
	if (wish->hours != 0) {
		admin_record_number(&record, "hours", wish->hours);
		admin_record_text(&record, "reason", slice_text(wish->reason));
	}
	if (not_kept != NULL)
		admin_record_text(&record, "not_kept", slice_text(not_kept));
	admin_record_change(conn->admin, &record);
}

static void end_connections(struct keeper *keeper, const struct wish *wish)
{
	struct ipc_end_address of_address = { wish->address };
	struct ipc_end_user of_user = { .size = (uint32_t)wish->user.size, .reason = CLOSE_BLOCKED };

	if (wish->address.family != 0) {
		(void)keeper_figures_tell(&keeper->figures, IPC_END_ADDRESS, &of_address, sizeof(of_address));
		return;
	}
	memcpy(of_user.user_id, wish->user.data, wish->user.size);
	(void)keeper_figures_tell(&keeper->figures, IPC_END_USER, &of_user, sizeof(of_user));
}

static void answer_not_kept(struct admin_conn *conn, const char *done, const char *failed)
{
	char text[DATABASE_ERROR + 128];

	snprintf(text, sizeof(text), "%s, but that does not outlive the server: framewall.db: %s", done, failed);
	admin_answer_problem(conn, 507, text, "");
}

void admin_blocks_add(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	struct listing listing;
	struct wish wish = { 0 };
	const char *wrong = read_wish(conn, &wish);
	char failed[DATABASE_ERROR];
	struct store_block block;
	bool kept;

	if (wrong != NULL) {
		admin_answer_problem(conn, 400, wrong, "");
		return;
	}
	record_before(conn, &wish);
	if (keeper_store_block_add(keeper, &wish.address, wish.user, (uint64_t)wish.hours * HOUR_NS, wish.reason,
				   &block) != 0) {
		admin_answer_problem(conn, 507, "the block list is full of blocks by operators", "");
		return;
	}
	kept = keeper_blocks_write(keeper, failed);
	record_state(conn, ADMIN_AFTER, &block);
	record_change(conn, "block add", &wish, kept ? NULL : failed);
	end_connections(keeper, &wish);
	if (!kept) {
		answer_not_kept(conn, "it is blocked", failed);
		return;
	}
	listing = (struct listing){ admin_answer_json(conn), clock_wall_us() };
	list_one(&listing, &block);
	admin_answer_written(conn, 201, &listing.writer);
}

/* What the path ends in: an address, or user:NAME. room: for a name. */
static bool read_path(struct admin_conn *conn, char *room, size_t most, struct wish *wish)
{
	size_t size;

	return admin_text_decode(conn->rest, room, most, &size) &&
	       (read_user(slice(room, size), &wish->user) || read_address(slice(room, size), &wish->address));
}

static const char wrong_path[] = "the path must end in an IPv4 or IPv6 address, or in user:NAME";

void admin_blocks_remove(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	char text[STORE_NAME + 8], failed[DATABASE_ERROR];
	struct wish wish = { 0 };
	bool kept;

	if (!read_path(conn, text, sizeof(text), &wish)) {
		admin_answer_problem(conn, 400, wrong_path, "");
		return;
	}
	if (wish.address.family != 0)
		wish.user = slice(NULL, 0);
	record_before(conn, &wish);
	if (!keeper_store_block_remove(keeper, &wish.address, wish.user)) {
		admin_answer_problem(conn, 404, "this is not on the block list", "");
		return;
	}
	kept = keeper->database == NULL || database_forget_block(keeper->database, &wish.address, wish.user, failed);
	record_change(conn, "block remove", &wish, kept ? NULL : failed);
	if (!kept) {
		answer_not_kept(conn, "it is not blocked any more", failed);
		return;
	}
	buf_clear(&conn->body, &conn->admin->pool);
	admin_answer(conn, 204, "", "");
}

static void write_kinds(struct json_writer *w, const struct store_standing *standing)
{
	json_write_key(w, "events");
	json_write_open(w, '[');
	for (unsigned i = 0; i < standing->kind_count; i++) {
		const char *name = fw_event_name((uint16_t)standing->kinds[i].event);

		json_write_open(w, '{');
		json_write_key(w, "event");
		json_write_string(w, name != NULL ? name : "others");
		json_write_key(w, "points");
		json_write_integer(w, standing->kinds[i].points);
		json_write_close(w, '}');
	}
	json_write_close(w, ']');
}

void admin_blocks_explain(struct admin_conn *conn)
{
	struct keeper *keeper = conn->admin->keeper;
	char text[STORE_NAME + 8], forgotten[ENCODE_RFC3339];
	struct store_standing standing;
	struct wish wish = { 0 };
	uint64_t wall_us = clock_wall_us();
	struct json_writer w;

	if (!read_path(conn, text, sizeof(text), &wish)) {
		admin_answer_problem(conn, 400, wrong_path, "");
		return;
	}
	if (wish.address.family != 0)
		wish.user = slice(NULL, 0);
	if (!keeper_store_standing(keeper, &wish.address, wish.user, &standing))
		standing.threshold = (uint32_t)keeper->options.policy->settings.violation_threshold;
	w = admin_answer_json(conn);
	json_write_open(&w, '{');
	write_subject(&w, &wish.address, wish.user);
	json_write_key(&w, "blocked");
	json_write_boolean(&w, standing.block.left_ns != 0);
	if (standing.block.left_ns != 0)
		write_end(&w, &standing.block, wall_us);
	json_write_key(&w, "blocks");
	json_write_integer(&w, standing.block.blocks);
	if (standing.block.blocks != 0) {
		encode_rfc3339(wall_us + standing.block.forgive_ns / 1000, forgotten);
		json_write_key(&w, "next_forgotten_at");
		json_write_text(&w, slice(forgotten, sizeof(forgotten)));
	}
	json_write_key(&w, "points");
	json_write_integer(&w, standing.score);
	json_write_key(&w, "threshold");
	json_write_integer(&w, standing.threshold);
	write_kinds(&w, &standing);
	json_write_key(&w, "users");
	json_write_integer(&w, standing.users);
	json_write_close(&w, '}');
	admin_answer_written(conn, 200, &w);
}
