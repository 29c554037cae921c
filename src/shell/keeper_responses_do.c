/* What each action of a response is, and how it is undone. */
#include "shell/keeper_responses_do.h"

#include <stdio.h>
#include <string.h>

#include "base/close_reason.h"
#include "base/slice.h"
#include "shell/clock.h"
#include "shell/keeper_parts.h"
#include "shell/log.h"

#define STORE_RESTRICT_NONE STORE_RESTRICTIONS

/* By enum response_action. */
static const uint8_t kinds[RESPONSE_ACTIONS] = {
#define RESPONSE_ACTION(name, restriction, of_address, help) STORE_RESTRICT_##restriction,
#include "tables/response_actions.def"
#undef RESPONSE_ACTION
};

static struct fw_slice user_of(const struct database_response *response)
{
	return slice(response->user, response->user_size);
}

static uint64_t left_ns(const struct database_response *response)
{
	uint64_t now = clock_wall_us();

	return response->until_wall_us > now ? (response->until_wall_us - now) * 1000 : 0;
}

/* By which a block is known as this one's. */
static int mark_of(const struct database_response *response, char ret_text[STORE_BLOCK_REASON])
{
	return snprintf(ret_text, STORE_BLOCK_REASON, "response %s", response->id);
}

static bool is_ours(const struct database_response *response, const struct store_block *block)
{
	char mark[STORE_BLOCK_REASON];
	int size = mark_of(response, mark);

	return strncmp(block->reason, mark, (size_t)size) == 0;
}

static void end_connections(struct keeper *keeper, const struct database_response *response)
{
	struct ipc_end_address of_address = { response->address };
	struct ipc_end_user of_user = { .size = (uint32_t)response->user_size, .reason = CLOSE_BLOCKED };

	if (response->address.family != 0) {
		(void)keeper_figures_tell(&keeper->figures, IPC_END_ADDRESS, &of_address, sizeof(of_address));
		return;
	}
	memcpy(of_user.user_id, response->user, response->user_size);
	(void)keeper_figures_tell(&keeper->figures, IPC_END_USER, &of_user, sizeof(of_user));
}

static bool block(struct keeper *keeper, struct database_response *response)
{
	char text[STORE_BLOCK_REASON], failed[DATABASE_ERROR];
	struct store_standing standing;
	struct store_block made;
	int size = mark_of(response, text);

	keeper_store_standing(keeper, &response->address, user_of(response), &standing);
	response->not_ours = standing.block.left_ns != 0 && !is_ours(response, &standing.block);
	if (response->not_ours)
		return true;
	snprintf(text + size, sizeof(text) - (size_t)size, ": %.100s", response->reason);
	if (keeper_store_block_add(keeper, &response->address, user_of(response), left_ns(response), text, &made) != 0)
		return false;
	end_connections(keeper, response);
	if (keeper->database != NULL && !keeper_blocks_write(keeper, failed))
		log_warn(keeper->options.log, admin, "a block is not kept: framewall.db: %s", failed);
	return true;
}

static void unblock(struct keeper *keeper, const struct database_response *response, char ret_error[DATABASE_ERROR])
{
	struct store_standing standing;

	keeper_store_standing(keeper, &response->address, user_of(response), &standing);
	if (response->not_ours || !is_ours(response, &standing.block))
		return; /* it is somebody else's by now */
	(void)keeper_store_block_remove(keeper, &response->address, user_of(response));
	if (keeper->database != NULL)
		(void)database_forget_block(keeper->database, &response->address, user_of(response), ret_error);
}

static bool revoke_user(struct keeper *keeper, struct database_response *response, bool again)
{
	struct store_revocation revocation = { .user = user_of(response), .before_wall_us = response->since_wall_us };
	char text[STORE_BLOCK_REASON], failed[DATABASE_ERROR];
	int size = mark_of(response, text);
	uint32_t sessions;
	bool disabled;

	revocation.reason = slice(text, (size_t)size);
	if (!again)
		response->not_ours = store_revoked(keeper->options.store, revocation.user, &disabled);
	if (keeper_store_revoke(keeper, &revocation, &sessions) != STORE_REVOKED)
		return false;
	(void)keeper_figures_end_user(&keeper->figures, revocation.user);
	if (keeper->database != NULL && !database_revoke(keeper->database, &revocation, failed))
		log_warn(keeper->options.log, admin, "a user is revoked until the next start: %s", failed);
	return true;
}

static void restore(struct keeper *keeper, const struct database_response *response, char ret_error[DATABASE_ERROR])
{
	bool disabled = false;

	if (response->not_ours || !store_revoked(keeper->options.store, user_of(response), &disabled) || disabled)
		return; /* he was disabled since, by an operator */
	(void)keeper_store_restore(keeper, user_of(response));
	if (keeper->database != NULL)
		(void)database_restore(keeper->database, user_of(response), ret_error);
}

static struct store_restriction restriction_of(const struct database_response *response, uint8_t kind, bool ends)
{
	struct store_restriction made = { .address = response->address,
					  .user_size = response->user_size,
					  .kind = kind,
					  .until_ns = ends ? 0 : uv_hrtime() + left_ns(response),
					  .since_wall_us = response->since_wall_us };

	memcpy(made.user, response->user, response->user_size);
	return made;
}

bool keeper_responses_do(struct keeper *keeper, struct database_response *response, bool again)
{
	unsigned action = response_action_find(response->action);
	struct store_restriction restriction;

	switch (action) {
	case RESPONSE_block:
		return block(keeper, response);
	case RESPONSE_revoke:
		return revoke_user(keeper, response, again);
	default:
		break;
	}
	if (action >= RESPONSE_ACTIONS || kinds[action] == STORE_RESTRICT_NONE)
		return action < RESPONSE_ACTIONS;
	restriction = restriction_of(response, kinds[action], false);
	return keeper_store_restrict(keeper, &restriction);
}

void keeper_responses_undo_one(struct keeper *keeper, const struct database_response *response,
			       char ret_error[DATABASE_ERROR])
{
	unsigned action = response_action_find(response->action);
	struct store_restriction restriction;

	if (action == RESPONSE_block)
		unblock(keeper, response, ret_error);
	if (action == RESPONSE_revoke)
		restore(keeper, response, ret_error);
	if (action >= RESPONSE_ACTIONS || kinds[action] == STORE_RESTRICT_NONE)
		return;
	restriction = restriction_of(response, kinds[action], true);
	(void)keeper_store_restrict(keeper, &restriction);
}

void keeper_responses_resume(struct keeper *keeper, const struct database_response *response)
{
	unsigned action = response_action_find(response->action);
	struct store_restriction restriction;

	if (response->dry_run || action >= RESPONSE_ACTIONS || kinds[action] == STORE_RESTRICT_NONE)
		return;
	restriction = restriction_of(response, kinds[action], false);
	(void)store_restrict(keeper->options.store, &restriction, uv_hrtime());
}
