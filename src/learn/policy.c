/* policy.c: what was learned as a configuration. */
#include <math.h>
#include <string.h>

#include "learn/parts.h"
#include "learn/propose.h"
#include "learn/unseen.h"

enum { SETS = 64 };
/* What of as many messages as there were may be expected to be refused: one in a thousand; and half of one, as less can
 * hardly be told of few. */
#define REFUSED 0.001
#define REFUSED_LEAST 0.5

/* Sets of roles that types have in common: a permission each. */
struct sets {
	uint32_t roles[SETS];
	unsigned count;
};

static uint32_t roles_of(const struct learn_type *type, unsigned side)
{
	uint32_t roles = 0;

	for (unsigned i = 0; i < LEARN_ROLES; i++)
		roles |= type->roles[side][i] != 0 ? 1u << i : 0;
	return roles;
}

/* Number of the set; -1: everybody's. */
static int find_set(struct sets *sets, const struct learn *learn, uint32_t roles)
{
	unsigned i = 0;

	if (roles == 0 || roles == (1u << learn->role_count) - 1)
		return -1;
	while (i < sets->count && sets->roles[i] != roles)
		i++;
	if (i == SETS)
		return -1;
	if (i == sets->count)
		sets->roles[sets->count++] = roles;
	return (int)i;
}

static void put_permission(FILE *out, int set)
{
	if (set < 0)
		fputs("any", out);
	else
		fprintf(out, "learned.set%d", set + 1);
}

static void put_count(FILE *out, const struct learn *learn, const struct learn_type *type, unsigned side)
{
	fprintf(out, " # %llu messages%s", (unsigned long long)type->count[side],
		type->count[side] < LEARN_FEW ? ": few examples" : "");
	for (unsigned i = 0; i < learn->role_count; i++)
		if (type->roles[side][i] != 0)
			fprintf(out, ", %s %llu", learn->roles[i], (unsigned long long)type->roles[side][i]);
}

/* Half of it is for all types alike, half by how many messages are of each; each place of a type has the same. */
static double share_of(const struct learn *learn, const struct learn_type *type, unsigned side)
{
	double types = 0, messages = 0, all;

	for (unsigned i = 0; i < learn->type_count; i++) {
		types += learn->types[i].node[side] != NULL;
		messages += (double)learn->types[i].count[side];
	}
	all = fmax(messages * REFUSED, REFUSED_LEAST);
	return all * (1 / types + (double)type->count[side] / messages) / 2 / unseen_places(type->node[side]);
}

/* Odds that a member may be left out, of those that were and those that never were. */
static double odds_of(const struct learn *learn)
{
	uint64_t members[2] = { 1, 1 };

	for (unsigned i = 0; i < learn->type_count; i++)
		for (unsigned side = 0; side < 2; side++)
			if (learn->types[i].node[side] != NULL)
				unseen_members(learn->types[i].node[side], members);
	return (double)members[0] / (double)members[1];
}

static void put_side(FILE *out, const struct learn *learn, struct sets *sets, const struct learn_type *type,
		     unsigned side, unsigned indent)
{
	const struct propose propose = { out, share_of(learn, type, side), learn->optional };

	fprintf(out, "\n%*spermission: ", (int)indent, "");
	put_permission(out, find_set(sets, learn, roles_of(type, side)));
	put_count(out, learn, type, side);
	fprintf(out, "\n%*smax_bytes: %llu # at most %llu", (int)indent, "",
		(unsigned long long)propose_rounded((double)type->largest[side] * 4 + 500),
		(unsigned long long)type->largest[side]);
	fprintf(out, "\n%*sschema:", (int)indent, "");
	propose_schema(&propose, type->node[side], indent + 2);
}

static void put_type(FILE *out, const struct learn *learn, struct sets *sets, const struct learn_type *type)
{
	bool in = type->node[0] != NULL, both = in && type->node[1] != NULL;

	fputs("\n  ", out);
	propose_quoted(out, type->name, strlen(type->name));
	fputs(":", out);
	if (!in || both)
		fprintf(out, "\n    direction: %s", both ? "both" : "server");
	put_side(out, learn, sets, type, !in, 4);
	if (!both)
		return;
	fputs("\n    receive:", out);
	put_side(out, learn, sets, type, 1, 6);
}

static void put_roles(FILE *out, const struct learn *learn, const struct sets *sets)
{
	if (learn->role_count == 0)
		return;
	fputs("\nrbac:\n  roles:", out);
	for (unsigned role = 0; role < learn->role_count; role++) {
		bool any = false;

		fputs("\n    ", out);
		propose_quoted(out, learn->roles[role], strlen(learn->roles[role]));
		fputs(": { permissions: [", out);
		for (unsigned i = 0; i < sets->count; i++) {
			if ((sets->roles[i] & 1u << role) == 0)
				continue;
			fprintf(out, "%slearned.set%u", any ? ", " : "", i + 1);
			any = true;
		}
		fprintf(out, "] } # %llu messages%s", (unsigned long long)learn->role_counts[role],
			learn->role_counts[role] < LEARN_FEW ? ": few examples" : "");
	}
}

static void put_route(FILE *out, const struct learn *learn, unsigned index, const char *upstream)
{
	const struct learn_path *path = &learn->paths[index];

	fputs("\n  - path: ", out);
	if (path->text[0] == '/')
		propose_quoted(out, path->text, strlen(path->text));
	else
		fputs("\"*\"", out);
	fprintf(out, " # %llu messages\n    upstream: ", (unsigned long long)path->count);
	propose_quoted(out, upstream, strlen(upstream));
	/* Without one it is "/type", and a text. */
	if (learn->pointer[0] != '\0' && (learn->numbered || strcmp(learn->pointer, "/type") != 0)) {
		fputs("\n    discriminator: ", out);
		propose_quoted(out, learn->pointer, strlen(learn->pointer));
	} else if (learn->pointer[0] == '\0') {
		fputs("\n    discriminator: none\n    types: { message: any }", out);
	}
	if (path->nobody)
		fputs("\n    anonymous: guest # some said who they were to nobody", out);
	if (path->binary)
		fputs("\n    binary: true # some were; nobody looks into them", out);
	fputs("\n    outbound: { unknown_types: stop, invalid: stop }", out);
}

static void put_limits(FILE *out, const struct learn *learn)
{
	if (learn->most_a_minute != 0)
		fprintf(out, "\nrate_limiting:\n  messages_per_minute: %llu # at most %llu of one connection",
			(unsigned long long)propose_rounded((double)learn->most_a_minute * 2 + 20),
			(unsigned long long)learn->most_a_minute);
	else
		fputs("\nrate_limiting:", out);
	fprintf(out, "\n  max_message_size: %llu # at most %llu bytes",
		(unsigned long long)propose_rounded((double)learn->largest[0] * 4 + 1024),
		(unsigned long long)learn->largest[0]);
	if (learn->largest[1] > 500000)
		fprintf(out, "\nwebsocket:\n  max_upstream_message: %llu",
			(unsigned long long)propose_rounded((double)learn->largest[1] * 2));
}

bool learn_write(struct learn *learn, FILE *out, const char *upstream)
{
	struct sets sets = { .count = 0 };

	if (learn_settle(learn) != FW_OK || learn->type_count == 0)
		return false;
	fprintf(out,
		"# Proposed by framewall learn from %llu messages. Behind each rule stands on how many examples it "
		"rests.\n"
		"# Read it, and try it with framewall replay, before it counts.\n",
		(unsigned long long)learn->messages);
	if (learn->unread + learn->untyped + learn->binary != 0)
		fprintf(out, "# Not learned from: %llu that are no JSON object, %llu without a type, %llu binary.\n",
			(unsigned long long)learn->unread, (unsigned long long)learn->untyped,
			(unsigned long long)learn->binary);
	fputs("validation:\n  builtin_messages: false", out);
	put_limits(out, learn);
	fputs("\nroutes:", out);
	for (unsigned i = 0; i < learn->path_count; i++)
		put_route(out, learn, i, upstream);
	learn->optional = odds_of(learn);
	fputs("\nmessages:", out);
	for (unsigned i = 0; i < learn->type_count; i++)
		put_type(out, learn, &sets, &learn->types[i]);
	put_roles(out, learn, &sets);
	fputs("\n", out);
	return true;
}
