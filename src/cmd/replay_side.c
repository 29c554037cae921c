#include "cmd/replay_side.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/slice.h"
#include "shell/random.h"

/* Connections at once: of a set of WAYS, found by hash, the one that said nothing for longest makes room. */
enum { SETS = 1024, WAYS = 4, NAME_ROOM = 512 };

struct replay_seat {
	uint64_t id; /* hash of all that makes it another connection */
	uint64_t turn;
	struct rehearsal_seat *seat; /* NULL: free */
};

int replay_side_init(struct replay_side *side, struct fw_policy *policy, uint64_t wall_us)
{
	const struct fw_random random = random_system();

	random.fill(random.user, (uint8_t *)&side->key, sizeof(side->key));
	side->policy = policy;
	side->seats = mem_zero((size_t)SETS * WAYS, sizeof(*side->seats));
	side->rehearsal = side->seats != NULL ? rehearsal_new(policy, wall_us) : NULL;
	return side->rehearsal != NULL ? FW_OK : FW_ERR_MEMORY;
}

void replay_side_fini(struct replay_side *side)
{
	for (size_t i = 0; side->rehearsal != NULL && i < (size_t)SETS * WAYS; i++)
		rehearsal_seat_free(side->rehearsal, side->seats[i].seat);
	rehearsal_free(side->rehearsal);
	mem_free(side->seats);
}

static uint64_t identify(const struct replay_side *side, const struct capture_line *line)
{
	const struct fw_slice parts[] = { line->connection, line->user, line->role, line->path, line->subprotocol };
	uint64_t id = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		id = (id << 7 | id >> 57) ^ hash_bytes(&side->key, parts[i].data, parts[i].size);
	return id;
}

static struct replay_seat *find(struct replay_side *side, uint64_t id)
{
	struct replay_seat *set = side->seats + (size_t)(id % SETS) * WAYS, *oldest = set;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].seat != NULL && set[i].id == id)
			return &set[i];
		if (set[i].seat == NULL || (oldest->seat != NULL && set[i].turn < oldest->turn))
			oldest = &set[i];
	}
	if (oldest->seat != NULL)
		oldest->seat = rehearsal_seat_free(side->rehearsal, oldest->seat);
	oldest->seat = rehearsal_seat_new();
	oldest->id = id;
	return oldest->seat != NULL ? oldest : NULL;
}

/* A text of a line for a head of HTTP; NULL: not said, or none that could stand there. */
static const char *text_of(struct fw_slice text, char room[NAME_ROOM])
{
	if (text.size == 0 || text.size >= NAME_ROOM)
		return NULL;
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] <= 0x20 || text.data[i] == 0x7f)
			return NULL;
	memcpy(room, text.data, text.size);
	room[text.size] = '\0';
	return room;
}

static int open_connection(struct replay_side *side, const struct capture_line *line, struct rehearsal_result *ret)
{
	char user[NAME_ROOM], role[NAME_ROOM], path[NAME_ROOM], subprotocol[NAME_ROOM];
	struct rehearsal_opening opening = {
		.user = text_of(line->user, user),
		.role = text_of(line->role, role),
		.path = text_of(line->path, path),
		.subprotocol = text_of(line->subprotocol, subprotocol),
		.alone = true,
	};
	int result;

	if (opening.role == NULL)
		opening.role = side->role;
	if (opening.path == NULL || *opening.path != '/')
		opening.path = side->path;
	result = rehearsal_open(side->rehearsal, &opening, ret);
	if (result != FW_ERR_INVALID)
		return result;
	*ret = (struct rehearsal_result){ .verdict = REHEARSAL_REFUSE,
					  .stage = "login",
					  .reason = "the policy has no such role" };
	return FW_OK;
}

static int message(struct replay_side *side, const struct capture_line *line, struct rehearsal_result *ret)
{
	if (!line->outbound)
		return rehearsal_send(side->rehearsal, line->binary, line->payload, ret);
	if (rehearsal_is_logged_in(side->rehearsal))
		return rehearsal_receive(side->rehearsal, line->binary, line->payload, ret);
	*ret = (struct rehearsal_result){ .verdict = REHEARSAL_REFUSE,
					  .stage = "login",
					  .reason = "nobody is logged in" };
	return FW_OK;
}

int replay_side_judge(struct replay_side *side, const struct capture_line *line, struct rehearsal_result *ret)
{
	struct replay_seat *seat = find(side, identify(side, line));
	int result;

	if (seat == NULL)
		return FW_ERR_MEMORY;
	seat->turn = ++side->turn;
	rehearsal_sit(side->rehearsal, seat->seat);
	if (line->has_time) {
		result = rehearsal_at(side->rehearsal, line->wall_us, ret);
		if (result != FW_OK)
			return result;
	}
	/* A connection that was closed is followed by the next one of that client: each message is judged. */
	if (!rehearsal_is_open(side->rehearsal)) {
		result = open_connection(side, line, ret);
		if (result != FW_OK || ret->verdict != REHEARSAL_PASS)
			return result;
	}
	return message(side, line, ret);
}
