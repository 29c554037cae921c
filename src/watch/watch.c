/* watch.c: events in, alerts out. */
#include "watch/watch.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "watch/parts.h"

const char *const watch_kind_names[WATCH_KINDS] = {
#define WATCH(name, help) #name,
#include "tables/watch.def"
#undef WATCH
};
const char *const watch_feature_names[WATCH_FEATURES] = {
#define FEATURE(name, help) #name,
#include "tables/watch_features.def"
#undef FEATURE
};

/* What must be passed, at sensitivity 1. Chosen on seeds 1 to 3 of the generator; docs/internals/watch.md. */
#define ABANDONED_LIFE ((float)HOUR_S)
#define ABANDONED_ACCOUNT 2.5f
#define ABANDONED_NETWORK 3.5f
#define CONNECTS_LIFE 120.0f
#define CONNECTS 8.0f
#define STEADY_SPREAD 0.22f /* a person's is about one */
#define STEADY_USUAL 0.5f
#define REFUSED 10.5f
#define REFUSED_ODD 0.1f /* the share of one who probes */
#define REFUSED_LEAST 0.0025f
#define VOLUME_LIFE 600.0f
#define VOLUME_WEIGHT 8.0f
#define VOLUME_FACTOR 1.3f
#define OCTETS_MOST 8.0f
#define UNLIKE 17.0f

enum { IN_USE_MS = 5 * MINUTE_S * 1000, LEARNED_LEAST = 50, GAPS_LEAST = 9, GAPS_SHARE = 10, TYPES_HALVED = 48 };

static const float network_new = 1.5f, network_lived_in = 2.5f, network_hopped = 2.5f;

struct watch *watch_new(const struct watch_options *options)
{
	struct watch *watch = mem_zero(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->options = *options;
	bool good = table_init(&watch->profiles, sizeof(struct profile), options->users);
	good = table_init(&watch->networks, sizeof(struct network), options->users / 4) && good;
	good = table_init(&watch->sessions, sizeof(struct session), options->connections) && good;
	good = table_init(&watch->connections, sizeof(struct connection), options->connections) && good;
	return good ? watch : watch_free(watch);
}

struct watch *watch_free(struct watch *watch)
{
	if (watch == NULL)
		return NULL;
	table_fini(&watch->profiles);
	table_fini(&watch->networks);
	table_fini(&watch->sessions);
	table_fini(&watch->connections);
	mem_free(watch);
	return NULL;
}

void watch_set(struct watch *watch, const struct watch_options *options)
{
	watch->options.sensitivity = options->sensitivity;
	watch->options.cooldown_s = options->cooldown_s;
	watch->options.learning_s = options->learning_s;
}

/* Whether an alert of that kind may be told now; it is told then. */
static bool may_tell(const struct watch *watch, uint32_t *told_s, uint32_t now_s)
{
	if (*told_s != 0 && now_s >= *told_s && now_s - *told_s < watch->options.cooldown_s)
		return false;
	*told_s = now_s != 0 ? now_s : 1;
	return true;
}

static bool begin(struct watch_alert *alert, const struct watch_event *event, enum watch_kind kind, uint64_t user,
		  uint64_t network, double score)
{
	*alert = (struct watch_alert){ .kind = kind,
				       .at_ms = event->at_ms,
				       .user = user,
				       .network = network,
				       .connection = event->connection,
				       .score = score };
	return true;
}

static void name(struct watch_alert *alert, enum watch_feature feature, double found, double usual)
{
	if (alert->feature_count == WATCH_ALERT_FEATURES)
		return;
	alert->features[alert->feature_count].feature = feature;
	alert->features[alert->feature_count].found = found;
	alert->features[alert->feature_count++].usual = usual;
}

static bool is_known(const struct watch *watch, const struct profile *profile, uint32_t now_s)
{
	return profile != NULL && profile->learned >= LEARNED_LEAST && now_s > profile->first_s &&
	       now_s - profile->first_s >= watch->options.learning_s;
}

/* Attempts on the account, and from the network, that ended without success. */
static bool close_of(struct watch *watch, const struct watch_event *event, struct watch_alert *alert, uint32_t now_s)
{
	struct connection *connection = table_find(&watch->connections, event->connection);
	bool is_new, told = false;

	if (connection == NULL)
		return false;
	if (connection->failed != 0 && !connection->logged_in) {
		struct profile *profile = table_find(&watch->profiles, connection->user);
		struct network *network = table_take(&watch->networks, connection->network, now_s, &is_new);
		float of_user = profile == NULL ? 0 : fading_add(&profile->abandoned, 1, now_s, ABANDONED_LIFE);
		float of_network = fading_add(&network->abandoned, 1, now_s, ABANDONED_LIFE);
		double most = watch->options.sensitivity;

		if (profile != NULL && of_user > ABANDONED_ACCOUNT * most &&
		    may_tell(watch, &profile->told_s[WATCH_guessed_account], now_s)) {
			told = begin(alert, event, WATCH_guessed_account, connection->user, connection->network,
				     of_user / ABANDONED_ACCOUNT);
			name(alert, WATCH_FEATURE_abandoned_logins, of_user, 0);
		} else if (of_network > ABANDONED_NETWORK * most && may_tell(watch, &network->told_s, now_s)) {
			told = begin(alert, event, WATCH_guessing_network, 0, connection->network,
				     of_network / ABANDONED_NETWORK);
			name(alert, WATCH_FEATURE_abandoned_logins, of_network, 0);
		}
	}
	connection->entry.key = 0;
	return told;
}

/* How odd it is that he comes from there. */
static float network_evidence(struct watch *watch, const struct profile *profile, const struct connection *connection,
			      const struct session *session, bool session_is_new)
{
	const struct network *network = table_find(&watch->networks, connection->network);
	float evidence = network_new;

	if (profile_knows(profile, connection->network))
		return 0;
	if (network != NULL && network->at_home > network->passing)
		evidence += network_lived_in; /* where others live, few pass */
	if (!session_is_new && session->entry.seen_s + 10 * MINUTE_S > (uint32_t)(watch->now_ms / 1000))
		evidence += network_hopped;
	return evidence;
}

static bool login(struct watch *watch, const struct watch_event *event, struct watch_alert *alert, uint32_t now_s)
{
	bool is_new, session_is_new = true;
	struct connection *connection = table_take(&watch->connections, event->connection, now_s, &is_new);
	struct profile *profile = table_take(&watch->profiles, event->user, now_s, &is_new);
	struct session *session = table_find(&watch->sessions, event->session);

	session_is_new = session == NULL;
	if (is_new) {
		profile->first_s = now_s;
		profile->tops_s = now_s;
	}
	connection->user = event->user;
	connection->session = event->session;
	connection->network = event->network;
	connection->login_ms = watch->now_ms;
	connection->logged_in = true;
	connection->hour = HOURS;
	bool known = is_known(watch, profile, now_s);
	if (known)
		connection->network_evidence = network_evidence(watch, profile, connection, session, session_is_new);
	/* In use elsewhere this minute, and here he never was. */
	const struct connection *other = session == NULL || session->connection == event->connection
						 ? NULL
						 : table_find(&watch->connections, session->connection);
	if (known && other != NULL && other->session == event->session && other->network != event->network &&
	    other->last_ms + IN_USE_MS > watch->now_ms && !profile_knows(profile, event->network)) {
		connection->odd = true;
		if (may_tell(watch, &profile->told_s[WATCH_shared_session], now_s)) {
			begin(alert, event, WATCH_shared_session, event->user, event->network, 1);
			name(alert, WATCH_FEATURE_places, 2, 1);
			name(alert, WATCH_FEATURE_network, connection->network_evidence, 0);
			return true;
		}
	}
	float connects = fading_add(&profile->connects, 1, now_s, CONNECTS_LIFE);
	float most = CONNECTS > 2 * profile->connects_top ? CONNECTS : 2 * profile->connects_top;
	if (connects > most * (float)watch->options.sensitivity) {
		connection->odd = true;
		profile_tops(profile, now_s, false);
		if (!may_tell(watch, &profile->told_s[WATCH_reconnects], now_s))
			return false;
		begin(alert, event, WATCH_reconnects, event->user, event->network, connects / most);
		name(alert, WATCH_FEATURE_connects, connects, profile->connects_top);
		return true;
	}
	if (!watch->frozen && (!known || connection->network_evidence < network_new + network_lived_in)) {
		profile_login(watch, profile, connection, now_s);
		profile_tops(profile, now_s, true);
	}
	return false;
}

/* The same session from elsewhere, on a connection that spoke since this one logged in. */
static bool shared(struct watch *watch, const struct watch_event *event, struct connection *connection, uint32_t now_s)
{
	bool is_new;

	if (connection->session == 0)
		return false;
	struct session *session = table_take(&watch->sessions, connection->session, now_s, &is_new);
	struct connection *other =
		session->connection == event->connection ? NULL : table_find(&watch->connections, session->connection);
	session->connection = event->connection;
	return other != NULL && other->session == connection->session && other->network != connection->network &&
	       other->last_ms > connection->login_ms && other->last_ms != 0;
}

static float evidence_of(const struct connection *connection)
{
	float from_elsewhere = connection->hour_evidence > 0 ? connection->hour_evidence : 0;

	return connection->types_evidence + from_elsewhere + connection->network_evidence;
}

static float volume(float sum, float top, float least)
{
	float over = sum / (VOLUME_FACTOR * top + least);

	return over > 1 ? VOLUME_WEIGHT * logf(over) : 0;
}

/* All that speaks against it being him, taken together. */
static bool unlike(struct watch *watch, const struct watch_event *event, struct connection *connection,
		   struct profile *profile, struct watch_alert *alert, uint32_t now_s)
{
	float deliveries = volume(fading_now(&profile->deliveries, now_s, VOLUME_LIFE), profile->deliveries_top, 10);
	float octets = volume(fading_now(&profile->octets, now_s, VOLUME_LIFE), profile->octets_top, 100000);
	float amount = deliveries > octets ? deliveries : octets, score = evidence_of(connection) + amount;

	if (score <= UNLIKE * (float)watch->options.sensitivity)
		return false;
	connection->odd = true;
	profile_tops(profile, now_s, false);
	if (!may_tell(watch, &profile->told_s[WATCH_unlike_himself], now_s)) {
		connection->types_evidence = 0;
		return false;
	}
	begin(alert, event, WATCH_unlike_himself, connection->user, connection->network, score / UNLIKE);
	struct {
		enum watch_feature feature;
		float weight, found, usual;
	} all[] = { { WATCH_FEATURE_types, connection->types_evidence, connection->types_evidence, 0 },
		    { WATCH_FEATURE_hour, connection->hour_evidence, connection->hour_evidence, 0 },
		    { WATCH_FEATURE_network, connection->network_evidence, connection->network_evidence, 0 },
		    { WATCH_FEATURE_deliveries, deliveries, profile->deliveries.sum, profile->deliveries_top },
		    { WATCH_FEATURE_octets, octets, profile->octets.sum, profile->octets_top } };
	for (unsigned times = 0; times < WATCH_ALERT_FEATURES; times++) {
		unsigned most = 0;
		for (unsigned i = 1; i < sizeof(all) / sizeof(*all); i++)
			most = all[i].weight > all[most].weight ? i : most;
		if (all[most].weight > 0)
			name(alert, all[most].feature, all[most].found, all[most].usual);
		all[most].weight = -1;
	}
	/* To be told again it must go on. */
	connection->types_evidence = 0;
	profile->deliveries.sum = profile->octets.sum = 0;
	return true;
}

/* How much likelier his last types are by what this connection sends than by what he sends; never less than none. */
static void types_of(const struct watch *watch, struct connection *connection, const struct profile *profile,
		     unsigned type)
{
	float here = ((float)connection->types[type] + 0.2f) / ((float)connection->types_sum + 0.2f * TYPES);
	float evidence = connection->types_evidence + logf(here / profile_type_share(watch, profile, type));

	connection->types_evidence = evidence > 0 ? evidence : 0;
	connection->types[type]++;
	if (++connection->types_sum < TYPES_HALVED)
		return;
	connection->types_sum = 0;
	for (unsigned i = 0; i < TYPES; i++) {
		connection->types[i] /= 2;
		connection->types_sum = (uint8_t)(connection->types_sum + connection->types[i]);
	}
}

/* True: messages come at a program's pace. */
static bool beat(struct watch *watch, struct connection *connection, struct profile *profile)
{
	uint64_t pause = watch->now_ms - connection->last_ms;
	bool first = connection->last_ms == 0;

	connection->last_ms = watch->now_ms;
	if (first)
		return false;
	float gap = logf((float)pause + 20),
	      share = connection->gaps < GAPS_SHARE ? 1.0f / (float)(connection->gaps + 1) : 1.0f / GAPS_SHARE;
	float away = gap - connection->gap_mean;
	connection->gap_mean += share * away;
	connection->gap_variance = (1 - share) * (connection->gap_variance + share * away * away);
	if (connection->gaps < GAPS_LEAST) {
		connection->gaps++;
		return false;
	}
	float spread = sqrtf(connection->gap_variance);
	if (spread < STEADY_SPREAD / (float)watch->options.sensitivity && profile->spread > STEADY_USUAL)
		return true;
	if (!watch->frozen && !connection->odd)
		profile->spread = profile->spread > 0 ? profile->spread + (spread - profile->spread) / 50 : spread;
	return false;
}

static bool message(struct watch *watch, const struct watch_event *event, struct watch_alert *alert, uint32_t now_s)
{
	struct connection *connection = table_find(&watch->connections, event->connection);
	struct profile *profile = connection == NULL ? NULL : table_find(&watch->profiles, connection->user);

	if (profile == NULL)
		return false;
	connection->entry.seen_s = profile->entry.seen_s = now_s;
	unsigned type = event->type % TYPES, hour = now_s / HOUR_S % HOURS;
	bool known = is_known(watch, profile, now_s), steady = beat(watch, connection, profile);
	if (shared(watch, event, connection, now_s)) {
		connection->odd = true;
		if (may_tell(watch, &profile->told_s[WATCH_shared_session], now_s)) {
			begin(alert, event, WATCH_shared_session, connection->user, connection->network, 1);
			name(alert, WATCH_FEATURE_places, 2, 1);
			return true;
		}
	}
	if (known && steady) {
		connection->odd = true;
		if (may_tell(watch, &profile->told_s[WATCH_steady_beat], now_s)) {
			begin(alert, event, WATCH_steady_beat, connection->user, connection->network,
			      STEADY_SPREAD / ((double)sqrtf(connection->gap_variance) + 0.01));
			name(alert, WATCH_FEATURE_gap_spread, (double)sqrtf(connection->gap_variance), profile->spread);
			return true;
		}
	}
	float rate = profile->refused > REFUSED_LEAST ? profile->refused : REFUSED_LEAST;
	bool refused = event->what == WATCH_REFUSED;
	float evidence = connection->refused_evidence +
			 (refused ? logf(REFUSED_ODD / rate) : logf((1 - REFUSED_ODD) / (1 - rate)));
	connection->refused_evidence = evidence > 0 ? evidence : 0;
	if (connection->refused_evidence > REFUSED * (float)watch->options.sensitivity) {
		connection->odd = true;
		if (may_tell(watch, &profile->told_s[WATCH_refused_often], now_s)) {
			begin(alert, event, WATCH_refused_often, connection->user, connection->network,
			      connection->refused_evidence / REFUSED);
			name(alert, WATCH_FEATURE_refusals, connection->refused_evidence, 0);
			return true;
		}
	}
	if (known) {
		if (!refused)
			types_of(watch, connection, profile, type);
		connection->hour_evidence = profile_hour_evidence(profile, hour);
		if (unlike(watch, event, connection, profile, alert, now_s))
			return true;
	}
	if (!watch->frozen && !connection->odd) {
		float share = profile->refused < 0.05f ? profile->refused : 0.05f;
		profile->refused = share + ((refused ? 1.0f : 0.0f) - share) / 1000;
		if (!refused) {
			profile_type(watch, profile, type);
			if (profile->learned < LEARNED_LEAST)
				profile->learned++;
		}
		if (connection->hour != hour)
			profile_hour(profile, hour);
		connection->hour = (uint8_t)hour;
	}
	return false;
}

static bool delivered(struct watch *watch, const struct watch_event *event, struct watch_alert *alert, uint32_t now_s)
{
	struct connection *connection = table_find(&watch->connections, event->connection);
	struct profile *profile = connection == NULL ? NULL : table_find(&watch->profiles, connection->user);

	if (profile == NULL)
		return false;
	fading_add(&profile->deliveries, event->count != 0 ? (float)event->count : 1, now_s, VOLUME_LIFE);
	/* One large answer is not many: what is beyond eight usual ones does not count. */
	float octets = (float)event->bytes,
	      most = OCTETS_MOST * profile->octets_each * (float)(event->count != 0 ? event->count : 1);
	octets = profile->octets_each > 0 && octets > most ? most : octets;
	fading_add(&profile->octets, octets, now_s, VOLUME_LIFE);
	if (!watch->frozen && !connection->odd)
		profile->octets_each +=
			(octets / (float)(event->count != 0 ? event->count : 1) - profile->octets_each) *
			(profile->octets_each > 0 ? 0.02f : 1);
	if (is_known(watch, profile, now_s) && unlike(watch, event, connection, profile, alert, now_s))
		return true;
	if (!watch->frozen)
		profile_tops(profile, now_s, !connection->odd);
	return false;
}

bool watch_take(struct watch *watch, const struct watch_event *event, struct watch_alert *ret_alert)
{
	bool is_new;

	if (event->at_ms > watch->now_ms)
		watch->now_ms = event->at_ms;
	uint32_t now_s = (uint32_t)(watch->now_ms / 1000);
	if (event->connection == 0)
		return false;
	switch (event->what) {
	case WATCH_OPEN:
	case WATCH_LOGIN_FAILED: {
		struct connection *connection = table_take(&watch->connections, event->connection, now_s, &is_new);
		connection->network = event->network;
		if (event->what == WATCH_LOGIN_FAILED && !connection->logged_in) {
			connection->user = event->user;
			if (connection->failed < UINT8_MAX)
				connection->failed++;
		}
		return false;
	}
	case WATCH_CLOSE:
		return close_of(watch, event, ret_alert, now_s);
	case WATCH_LOGIN:
		return event->user != 0 && login(watch, event, ret_alert, now_s);
	case WATCH_MESSAGE:
	case WATCH_REFUSED:
		return message(watch, event, ret_alert, now_s);
	case WATCH_DELIVERED:
		return delivered(watch, event, ret_alert, now_s);
	case WATCH_WHATS:
		break;
	}
	return false;
}
