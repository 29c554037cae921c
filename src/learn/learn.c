#include "learn/learn.h"

#include "base/mem.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "learn/parts.h"

#define ARENA_BYTES ((size_t)512 << 20)
#define MESSAGE_BYTES ((size_t)256 << 20)
#define MINUTE_US 60000000u

static void ignore_report(void *user, const char *text)
{
	(void)user;
	(void)text;
}

struct learn *learn_new(void)
{
	struct learn *learn = mem_zero(1, sizeof(*learn));

	if (learn == NULL)
		return NULL;
	arena_init(&learn->arena, ARENA_BYTES);
	arena_init(&learn->message, MESSAGE_BYTES);
	learn->sample_end = &learn->sample;
	learn->connections = mem_zero(LEARN_CONNECTIONS, sizeof(*learn->connections));
	if (learn->connections == NULL ||
	    fw_policy_load("learn", slice_text(""), ignore_report, NULL, &learn->policy) != FW_OK)
		return learn_free(learn);
	return learn;
}

static void forget_sample(struct learn *learn)
{
	while (learn->sample != NULL) {
		struct learn_sampled *one = learn->sample;

		learn->sample = one->next;
		mem_free(one);
	}
	learn->sample_end = &learn->sample;
}

struct learn *learn_free(struct learn *learn)
{
	if (learn == NULL)
		return NULL;
	forget_sample(learn);
	arena_fini(&learn->arena);
	arena_fini(&learn->message);
	fw_policy_unref(learn->policy);
	mem_free(learn->connections);
	mem_free(learn);
	return NULL;
}

static bool take_name(char to[LEARN_NAME], struct fw_slice text)
{
	if (text.size == 0 || text.size >= LEARN_NAME)
		return false;
	memcpy(to, text.data, text.size);
	to[text.size] = '\0';
	return true;
}

/* What a configuration can name. */
static bool is_name(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] <= ' ' || text.data[i] == 0x7f || text.data[i] == '"' || text.data[i] == '\\')
			return false;
	return text.size != 0 && utf8_valid(text.data, text.size);
}

/* As a configuration has them. */
static bool is_role(struct fw_slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!ascii_is_alpha(text.data[i]) && !ascii_is_digit(text.data[i]) &&
		    (text.data[i] == '\0' || strchr("_-.", text.data[i]) == NULL))
			return false;
	return text.size != 0 && text.size <= LEARN_ROLE;
}

/* LEARN_ROLES: none, or one too many. */
static unsigned find_role(struct learn *learn, struct fw_slice name)
{
	for (unsigned i = 0; i < learn->role_count; i++)
		if (slice_is(name, learn->roles[i]))
			return i;
	if (learn->role_count == LEARN_ROLES || !is_role(name) || !take_name(learn->roles[learn->role_count], name))
		return LEARN_ROLES;
	return learn->role_count++;
}

/* The path of a route, of what a client asked for: without a query; empty: no route can be of it. */
static struct fw_slice route_of(struct fw_slice path)
{
	size_t size = 0;

	while (size < path.size && path.data[size] != '?') {
		uint8_t c = path.data[size++];

		if (c <= ' ' || c > 0x7e || strchr("#%*{}", c) != NULL)
			return slice(NULL, 0);
	}
	if (size == 0 || size >= LEARN_NAME || path.data[0] != '/' || memmem(path.data, size, "//", 2) != NULL)
		return slice(NULL, 0);
	return slice(path.data, size);
}

static unsigned find_path(struct learn *learn, struct fw_slice asked)
{
	struct fw_slice name = route_of(asked);

	for (unsigned i = 0; i < learn->path_count; i++)
		if (slice_is(name, learn->paths[i].text))
			return i;
	if (learn->path_count == LEARN_PATHS)
		return LEARN_PATHS;
	take_name(learn->paths[learn->path_count].text, name); /* none: what has no route of its own has that for all */
	return learn->path_count++;
}

static struct learn_type *find_type(struct learn *learn, struct fw_slice name)
{
	for (unsigned i = 0; i < learn->type_count; i++)
		if (slice_is(name, learn->types[i].name))
			return &learn->types[i];
	/* Logins are ours. */
	if (learn->type_count == LEARN_TYPES || !is_name(name) || slice_is(name, "auth") ||
	    slice_is(name, "csrf_refresh") || !take_name(learn->types[learn->type_count].name, name))
		return NULL;
	return &learn->types[learn->type_count++];
}

static void count_rate(struct learn *learn, const struct capture_line *line)
{
	uint64_t id = 1469598103934665603u, minute = line->wall_us / MINUTE_US;
	struct learn_connection *connection;

	if (!line->has_time || line->outbound)
		return;
	for (size_t i = 0; i < line->connection.size; i++)
		id = (id ^ line->connection.data[i]) * 1099511628211u;
	connection = &learn->connections[id % LEARN_CONNECTIONS];
	if (connection->id != id || connection->minute != minute)
		*connection = (struct learn_connection){ .id = id, .minute = minute };
	connection->count++;
	if (connection->count > learn->most_a_minute)
		learn->most_a_minute = connection->count;
}

static int add_type(struct learn *learn, const struct capture_line *line, const struct json *json, struct fw_slice name)
{
	const struct learn_message message = { &learn->arena, learn->policy, json, (double)line->wall_us / 1e6 };
	struct learn_type *type = find_type(learn, name);
	unsigned role, side = line->outbound;

	if (type == NULL) {
		learn->untyped++;
		return FW_OK;
	}
	if (type->node[side] == NULL && (type->node[side] = learn_node_new(&learn->arena)) == NULL)
		return FW_ERR_MEMORY;
	role = find_role(learn, line->role);
	if (role != LEARN_ROLES) {
		type->roles[side][role]++;
		learn->role_counts[role]++;
	}
	type->count[side]++;
	if (line->payload.size > type->largest[side])
		type->largest[side] = line->payload.size;
	learn_node_add(type->node[side], &message, 0, LEARN_MESSAGE);
	return FW_OK;
}

static int take(struct learn *learn, const struct capture_line *line)
{
	unsigned path = find_path(learn, line->path);
	struct fw_slice name = slice_text("message");
	struct json json;
	uint32_t node;

	learn->messages++;
	count_rate(learn, line);
	if (path < LEARN_PATHS) {
		learn->paths[path].count++;
		learn->paths[path].nobody = learn->paths[path].nobody || line->role.size == 0;
		learn->paths[path].binary = learn->paths[path].binary || line->binary;
	}
	if (line->payload.size > learn->largest[line->outbound])
		learn->largest[line->outbound] = line->payload.size;
	learn->binary += line->binary;
	if (line->binary)
		return FW_OK;
	arena_reset(&learn->message);
	if (json_parse(&learn->message, line->payload, 0, &json, NULL) != JSON_OK ||
	    json.nodes[0].kind != JSON_OBJECT) {
		learn->unread++;
		return FW_OK;
	}
	if (learn->pointer[0] != '\0') {
		node = learn_type_node(learn, &json);
		if (node == 0 || (json.nodes[node].kind != JSON_STRING && json.nodes[node].kind != JSON_NUMBER)) {
			learn->untyped++;
			return FW_OK;
		}
		learn->numbered = learn->numbered || json.nodes[node].kind == JSON_NUMBER;
		name = json.nodes[node].kind == JSON_STRING ? json_text(&json, node, &learn->message)
							    : json_raw(&json, node);
	}
	return add_type(learn, line, &json, name);
}

/* The first messages wait until it is known what says their type. */
static int settle(struct learn *learn)
{
	int result = FW_OK;

	learn_choose(learn);
	for (const struct learn_sampled *one = learn->sample; one != NULL && result == FW_OK; one = one->next)
		result = take(learn, &one->line);
	forget_sample(learn);
	return result;
}

static int add_sample(struct learn *learn, const struct capture_line *line)
{
	const struct fw_slice texts[] = { line->payload, line->connection, line->role, line->path };
	size_t size = sizeof(struct learn_sampled);
	struct learn_sampled *one;
	uint8_t *at;

	for (size_t i = 0; i < 4; i++)
		size += texts[i].size;
	one = mem_alloc(size);
	if (one == NULL)
		return FW_ERR_MEMORY;
	one->next = NULL;
	one->line = *line;
	at = (uint8_t *)(one + 1);
	for (size_t i = 0; i < 4; i++) {
		struct fw_slice *to[] = { &one->line.payload, &one->line.connection, &one->line.role, &one->line.path };

		if (texts[i].size != 0)
			memcpy(at, texts[i].data, texts[i].size);
		*to[i] = slice(at, texts[i].size);
		at += texts[i].size;
	}
	*learn->sample_end = one;
	learn->sample_end = &one->next;
	learn->sampled++;
	learn->sample_bytes += size;
	return FW_OK;
}

int learn_add(struct learn *learn, const struct capture_line *line)
{
	int result;

	/* What was refused is no example. */
	if (line->has_verdict && line->verdict != CAPTURE_PASS)
		return FW_OK;
	if (learn->chosen)
		return take(learn, line);
	result = add_sample(learn, line);
	if (result == FW_OK && (learn->sampled >= LEARN_SAMPLE || learn->sample_bytes >= LEARN_SAMPLE_BYTES))
		result = settle(learn);
	return result;
}

int learn_settle(struct learn *learn)
{
	return learn->chosen ? FW_OK : settle(learn);
}
