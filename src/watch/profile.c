/* profile.c: what is known of a user. */
#include <math.h>

#include "watch/parts.h"

/* A prior of so many messages like those of his group; of so little of each hour. */
#define PRIOR_TYPES 12.0f
#define PRIOR_HOUR 0.06f
#define PRIOR_GROUP 0.005f
#define SHARE_NEW 0.02f
#define LATELY 5000.0f
#define TOPS_LIFE (14.0f * DAY_S)

enum { TYPES_FULL = 4000, HOURS_FULL = 60, VISITS_FULL = 200, GROUP_FULL = 100000 };

void profile_hour(struct profile *profile, uint32_t now_s, bool learn)
{
	bool full = false;

	if (profile->hours_day != now_s / DAY_S) {
		for (unsigned i = 0; i < HOURS; i++)
			if (profile->hours_new >> i & 1)
				full = ++profile->hours[i] >= HOURS_FULL || full;
		for (unsigned i = 0; full && i < HOURS; i++)
			profile->hours[i] /= 2;
		profile->hours_new = 0;
		profile->hours_day = now_s / DAY_S;
	}
	if (learn)
		profile->hours_new |= 1u << (now_s / HOUR_S % HOURS);
}

/* The logarithm of how much likelier a time drawn at will is than one of his; hours beside count half. */
float profile_hour_evidence(const struct profile *profile, unsigned hour)
{
	float all = 0, here = profile->hours[hour % HOURS];

	for (unsigned i = 0; i < HOURS; i++)
		all += profile->hours[i];
	here += 0.25f * (float)(profile->hours[(hour + 1) % HOURS] + profile->hours[(hour + HOURS - 1) % HOURS]);
	float share = (here + PRIOR_HOUR) / (1.5f * all + HOURS * PRIOR_HOUR), evidence = -logf(share * HOURS);
	return evidence > 0 ? evidence : 0;
}

static unsigned group_of(const struct profile *profile)
{
	unsigned most = 0;

	for (unsigned i = 1; i < TYPES; i++)
		if (profile->types[i] > profile->types[most])
			most = i;
	return most;
}

void profile_type(struct watch *watch, struct profile *profile, unsigned type)
{
	float *group = watch->crowd.groups[group_of(profile)].types, sum = 0;

	for (unsigned i = 0; i < TYPES; i++)
		watch->crowd.lately.types[i] += ((i == type ? 1.0f : 0.0f) - watch->crowd.lately.types[i]) / LATELY;
	group[type]++;
	for (unsigned i = 0; i < TYPES; i++)
		sum += group[i];
	for (unsigned i = 0; sum > GROUP_FULL && i < TYPES; i++)
		group[i] *= 0.5f;
	if (++profile->types[type] < TYPES_FULL)
		return;
	for (unsigned i = 0; i < TYPES; i++)
		profile->types[i] /= 2;
}

float profile_type_share(const struct watch *watch, const struct profile *profile, unsigned type)
{
	const float *group = watch->crowd.groups[group_of(profile)].types;
	float all = 0, of_group = 0;

	for (unsigned i = 0; i < TYPES; i++) {
		all += profile->types[i];
		of_group += group[i];
	}
	float peers = (group[type] + PRIOR_GROUP * of_group + 1) / (of_group * (1 + PRIOR_GROUP * TYPES) + TYPES);
	float own = ((float)profile->types[type] + PRIOR_TYPES * peers) / (all + PRIOR_TYPES);
	return own + SHARE_NEW * watch->crowd.lately.types[type];
}

static uint32_t short_of(uint64_t network)
{
	uint32_t name = (uint32_t)(network ^ network >> 32);

	return name != 0 ? name : 1;
}

bool profile_knows(const struct profile *profile, uint64_t network)
{
	for (unsigned i = 0; i < NETWORKS; i++)
		if (profile->networks[i] == short_of(network))
			return true;
	return false;
}

/* Networks by how often he came from them; a new one takes the place of the rarest. */
void profile_login(struct watch *watch, struct profile *profile, const struct connection *connection, uint32_t now_s)
{
	uint32_t name = short_of(connection->network);
	unsigned at = 0, rarest = 0, most = 0;
	bool is_new;

	while (at < NETWORKS && profile->networks[at] != name)
		at++;
	for (unsigned i = 1; i < NETWORKS; i++) {
		rarest = profile->network_visits[i] < profile->network_visits[rarest] ? i : rarest;
		most = profile->network_visits[i] > profile->network_visits[most] ? i : most;
	}
	struct network *network = table_take(&watch->networks, connection->network, now_s, &is_new);
	if (profile->networks[most] == name)
		network->at_home++;
	else
		network->passing++;
	if (network->at_home + network->passing > VISITS_FULL * 100) {
		network->at_home /= 2;
		network->passing /= 2;
	}
	if (at == NETWORKS) {
		at = rarest;
		profile->networks[at] = name;
		profile->network_visits[at] = 0;
	}
	if (++profile->network_visits[at] >= VISITS_FULL)
		for (unsigned i = 0; i < NETWORKS; i++)
			profile->network_visits[i] = (uint8_t)((profile->network_visits[i] + 1) / 2);
}

static void pass(float *top, float *recent, float falls)
{
	*top *= falls;
	if (*recent > *top)
		*top = *recent;
	*recent = 0;
}

void profile_tops(struct profile *profile, uint32_t now_s, bool learn)
{
	uint32_t passed = now_s > profile->tops_s ? now_s - profile->tops_s : 0;

	if (!learn) {
		profile->deliveries_new = profile->octets_new = profile->connects_new = profile->steady_new = 0;
		return;
	}
	if (passed > HOUR_S) {
		float falls = expf(-(float)passed / TOPS_LIFE);

		profile->tops_s = now_s;
		pass(&profile->deliveries_top, &profile->deliveries_new, falls);
		pass(&profile->octets_top, &profile->octets_new, falls);
		pass(&profile->connects_top, &profile->connects_new, falls);
		pass(&profile->steady_top, &profile->steady_new, falls);
	}
	if (profile->deliveries.sum > profile->deliveries_new)
		profile->deliveries_new = profile->deliveries.sum;
	if (profile->octets.sum > profile->octets_new)
		profile->octets_new = profile->octets.sum;
	if (profile->connects.sum > profile->connects_new)
		profile->connects_new = profile->connects.sum;
}
