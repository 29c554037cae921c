/* pipeline.c: the stages of a message in the order of tables/stages.def, with those of an embedding program among them,
 * and what goes on when all have passed it. */
#include <stdatomic.h>

#include "base/limits.h"
#include "base/slice.h"
#include "engine/conn_state.h"
#include "engine/custom.h"
#include "engine/dialects.h"
#include "engine/message.h"
#include "engine/tallies_parts.h"

enum { IN = 1, OUT = 2, BOTH = 3, NAME_SIZE = 32 };
enum {
#define STAGE(name, directions, keys, help) STAGE_##name,
#include "tables/stages.def"
#undef STAGE
	OWN_STAGES
};

/* Written by fw_stage_register alone, which is refused once there is an engine. */
static struct stage stages[OWN_STAGES + LIMIT_STAGES] = {
#define STAGE(name, directions, keys, help) { #name, stage_##name, directions, keys, help, NULL, NULL, false },
#include "tables/stages.def"
#undef STAGE
};
const struct stage *const pipeline_stages = stages;
unsigned pipeline_count = OWN_STAGES;
static struct {
	char names[LIMIT_STAGES][NAME_SIZE + 1];
	unsigned count;
	bool looks_out;
	_Atomic bool sealed;
} custom;

void pipeline_seal(void)
{
	atomic_store_explicit(&custom.sealed, true, memory_order_relaxed);
}

bool pipeline_looks_out(void)
{
	return custom.looks_out;
}

static bool good_name(const char *name)
{
	size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	return size != 0 && size <= NAME_SIZE && name[size] == '\0';
}

static unsigned find(const char *name)
{
	unsigned i = 0;

	while (i < pipeline_count && !slice_is(slice_text(name), stages[i].name))
		i++;
	return i;
}

int fw_stage_register(const struct fw_stage_position *position, const char *name, fw_stage_function *function,
		      void *user)
{
	struct stage made = { .directions = (uint8_t)position->direction,
			      .keys = "",
			      .help = "of the embedding program",
			      .function = function,
			      .user = user };
	unsigned at = position->stage != NULL ? find(position->stage) : pipeline_count;

	if (atomic_load_explicit(&custom.sealed, memory_order_relaxed))
		return FW_ERR_STATE;
	if (function == NULL || at == pipeline_count || !good_name(name) || find(name) != pipeline_count ||
	    (unsigned)position->place < FW_STAGE_BEFORE || position->place > FW_STAGE_INSTEAD ||
	    (unsigned)position->direction < FW_STAGE_IN || position->direction > FW_STAGE_BOTH)
		return FW_ERR_INVALID;
	if (custom.count == LIMIT_STAGES)
		return FW_ERR_MEMORY;
	made.name = memcpy(custom.names[custom.count++], name, strlen(name) + 1);
	if (position->place == FW_STAGE_INSTEAD) {
		made.routes = stages[at].judge == stage_route;
	} else {
		at += position->place == FW_STAGE_AFTER;
		memmove(&stages[at + 1], &stages[at], (pipeline_count - at) * sizeof(stages[0]));
		pipeline_count++;
	}
	stages[at] = made;
	custom.looks_out = custom.looks_out || (made.directions & OUT) != 0;
	return FW_OK;
}

enum verdict pipeline_ask(unsigned stage, struct message *message)
{
	const struct stage *asked = &stages[stage];

	return asked->function == NULL ? asked->judge(message) : custom_judge(asked, message);
}

static void tell_stage(const struct message *message, unsigned stage, enum verdict verdict)
{
	if (message->engine->trial != NULL)
		explain_stage(message, stage, verdict, false);
	if (message->engine->timing.runs)
		tallies_time_stage(message->engine, stage, message->outbound);
}

/* Stops at the first stage that says so: *ret_stage. */
static enum verdict judge(struct message *message, unsigned *ret_stage)
{
	enum verdict worst = VERDICT_PASS;
	unsigned direction = message->outbound ? OUT : IN;
	bool told = message->engine->trial != NULL || message->engine->timing.runs;

	for (unsigned i = 0; i < pipeline_count; i++) {
		enum verdict verdict;

		if (!(stages[i].directions & direction))
			continue;
		verdict = pipeline_ask(i, message);
		if (told)
			tell_stage(message, i, verdict);
		if (verdict >= VERDICT_REFUSE) {
			*ret_stage = i;
			return verdict;
		}
		if (verdict > worst)
			worst = verdict;
	}
	*ret_stage = pipeline_count;
	return worst;
}

static void skip_rest(const struct message *message, unsigned stage)
{
	unsigned direction = message->outbound ? OUT : IN;

	while (++stage < pipeline_count)
		if (stages[stage].directions & direction)
			explain_stage(message, stage, VERDICT_PASS, true);
}

enum verdict pipeline_judge(struct message *message, unsigned *ret_stage)
{
	enum verdict worst = VERDICT_PASS, verdict;

	if (tallies_times(message->engine))
		tallies_time_begin(message->engine);
	do {
		verdict = judge(message, ret_stage);
		if (verdict > worst)
			worst = verdict;
	} while (worst < VERDICT_REFUSE && !message->outbound && dialects_next(message, &worst));
	if (worst >= VERDICT_REFUSE && *ret_stage == pipeline_count) {
		*ret_stage = pipeline_count - 1;
		if (message->engine->trial != NULL)
			explain_stage(message, *ret_stage, worst, false);
	} else if (worst >= VERDICT_REFUSE && message->engine->trial != NULL) {
		skip_rest(message, *ret_stage);
	}
	if (message->engine->timing.runs)
		tallies_time_end(message->engine, message->outbound);
	return worst;
}

struct replacing {
	const struct message *message;
	bool remove_csrf;
	bool strip;
};

static bool replace(void *user, uint32_t node, struct fw_slice *ret_text, bool *ret_skip)
{
	const struct replacing *r = user;
	const struct message *message = r->message;
	const struct json_node *n = &message->json.nodes[node];

	if (n->is_key) {
		*ret_skip = (r->remove_csrf && node + 1 == message->csrf_node) ||
			    (r->strip && message->problems->stripped[node] != 0);
		return false;
	}
	if (message->rewritten == NULL || message->rewritten[node].data == NULL)
		return false;
	*ret_text = message->rewritten[node];
	return true;
}

static bool strips(const struct message *message)
{
	return message->problems != NULL && message->problems->unknown != 0 && message->problems->stripped != NULL;
}

bool pipeline_rewrites(const struct message *message)
{
	return message->rewritten != NULL || strips(message);
}

int pipeline_forward(struct message *message, bool remove_csrf, struct fw_slice *ret_text, bool *ret_changed)
{
	struct replacing replacing = { message, remove_csrf && message->csrf_node != 0, strips(message) };
	struct json_writer writer;

	*ret_changed = pipeline_rewrites(message) || replacing.remove_csrf;
	if (message->rule == NULL || (!*ret_changed && (message->route == NULL || !message->route->canonical)) ||
	    (message->said != NULL && (message->said->units > 1 || message->said->place.data == NULL))) {
		*ret_text = message->text; /* the client's own octets */
		return FW_OK;
	}
	writer = engine_writer(message->engine);
	json_write_value(&writer, &message->json, 0, &message->engine->arena, replace, &replacing);
	*ret_text = engine_written(message->engine);
	if (message->said != NULL && !writer.failed) {
		*ret_text = dialects_write(message, *ret_text);
		return ret_text->data != NULL ? FW_OK : FW_ERR_MEMORY;
	}
	return writer.failed ? FW_ERR_MEMORY : FW_OK;
}
