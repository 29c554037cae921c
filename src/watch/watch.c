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

/* Chosen on a few seeds of both made-up services; docs/internals/watch.md. */
#define ABANDONED_LIFE ((float)HOUR_S)
#define SAME_NAME 0.25f
#define ANOTHER_NAME 1.3f
#define CONNECTS_LIFE 120.0f
#define CONNECTS 8.0f
#define TURNS_LIFE 1800.0f
#define LATELY_MS UINT64_C(600000)
#define STEADY_LOOSE 0.15f /* deviation of the logarithm of pauses: programs', a person's */
#define STEADY_TIGHT 0.04f
#define STEADY_PERSON 0.9f
#define STEADY_MOST 2000.0f
#define STEADY_LESS 4.0f
#define STEADY_OWN 1.3f
#define STEADY_CUSTOM 100.0f /* who is a program is so every day */
#define QUICK_PAUSE 6.2f     /* of half a second: within it, and for a burst, how exact a beat is says nothing */
#define SLOW_PAUSE 10.7f     /* logarithm of 45 s: slower is what keeps connections alive */
#define SLOW_LESS 0.25f
#define REFUSED_ODD 0.1f /* the share of one who probes */
#define REFUSED_SAME 0.33f
#define REFUSED_LEAST 0.0025f
#define VOLUME_LIFE 600.0f
#define VOLUME_WEIGHT 8.0f
#define VOLUME_FACTOR 1.3f
#define OCTETS_MOST 8.0f
#define TOLD_AGAIN 1.5f
#define TYPES_MOST 12.0f
#define TYPES_ONE 5.0f
#define AMOUNT_MOST 6.0f
#define TYPES_TEACH 4.0f
#define KNOWN_PLACE 0.25f

enum { LEARNED_LEAST = 150, GAPS_LEAST = 2, GAPS_SHARE = 10, TYPES_HALVED = 48, TYPES_SLOWER = 4 };

/* What must be passed, at sensitivity 1: while nothing is known of others, and what it never falls below or rises
 * above, whatever others do; a factor on how far it lies above what they do. */
static const struct {
	float before, least, most, margin;
} levels[WATCH_KINDS] = {
	[WATCH_guessed_account] = { 4, 1.9f, 20, 1 },
	[WATCH_guessing_network] = { 4.4f, 2, 40, 1 },
	[WATCH_shared_session] = { 2, 0.9f, 30, 1 },
	[WATCH_open_twice] = { 90, 45, 1800, 1 },
	[WATCH_steady_beat] = { 40, 14, 200, 1 },
	[WATCH_refused_often] = { 10.5f, 7.5f, 40, 1.15f },
	[WATCH_reconnects] = { 8, 6, 40, 1 },
	[WATCH_unlike_himself] = { 17, 8, 50, 1.2f },
	[WATCH_volume] = { 12, 6, 60, 3 },
};

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

/* Whether an alert of that kind may be told now; it is told then. What is told already is told again when it has become
 * half as much more, or has been over. */
static bool may_tell(const struct watch *watch, uint32_t *told_s, float *told, float score, uint32_t now_s)
{
	if (score < TOLD_AGAIN * *told ||
	    (*told_s != 0 && now_s >= *told_s && now_s - *told_s < watch->options.cooldown_s))
		return false;
	*told_s = now_s != 0 ? now_s : 1;
	*told = score;
	return true;
}

/* The same of a sum that fades: what was told of it fades with it. */
static bool may_tell_fading(const struct watch *watch, uint32_t *told_s, float *told, float score, uint32_t now_s)
{
	float left = now_s > *told_s ? *told * expf(-(float)(now_s - *told_s) / ABANDONED_LIFE) : *told;
	bool may = may_tell(watch, told_s, &left, score, now_s);

	if (may)
		*told = left;
	return may;
}

static float level_of(const struct watch *watch, enum watch_kind kind)
{
	float learned =
		watch->crowd.tails[kind].days >= TAIL_DAYS_LEAST ? watch->crowd.tails[kind].level : levels[kind].before;

	learned = learned < levels[kind].least ? levels[kind].least : learned;
	return (learned > levels[kind].most ? levels[kind].most : learned) * (float)watch->options.sensitivity;
}

/* Whether it is more than what those reach who mean no harm. *told: of what was told already; it is over when half of
 * that is left. */
static bool passes(struct watch *watch, enum watch_kind kind, uint64_t who, float score, float *told)
{
	float level = level_of(watch, kind);

	if (!watch->frozen)
		tail_note(&watch->crowd.tails[kind], who, score);
	if (score < level / 2)
		*told = 0;
	return score > level;
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
		/* From where he comes otherwise he mistypes; who tries one name again and again is one, and few have
		 * two. */
		float weight = profile != NULL && profile_knows(profile, connection->network) ? KNOWN_PLACE : 1;
		float before = profile == NULL ? 0 : fading_now(&profile->abandoned, now_s, ABANDONED_LIFE);
		float of_user = profile == NULL ? 0 : fading_add(&profile->abandoned, weight, now_s, ABANDONED_LIFE);
		bool another = network->tried != 0 && network->tried != connection->user;
		network->tried = connection->user;
		float of_network = fading_add(&network->abandoned,
					      weight * (before > 1 ? SAME_NAME
							: another  ? ANOTHER_NAME
								   : 1),
					      now_s, ABANDONED_LIFE);

		if (profile != NULL &&
		    passes(watch, WATCH_guessed_account, connection->user, of_user, &profile->told_guessed) &&
		    may_tell_fading(watch, &profile->told_s[WATCH_guessed_account], &profile->told_guessed, of_user,
				    now_s)) {
			told = begin(alert, event, WATCH_guessed_account, connection->user, connection->network,
				     of_user / level_of(watch, WATCH_guessed_account));
			name(alert, WATCH_FEATURE_abandoned_logins, of_user, 0);
		} else if (passes(watch, WATCH_guessing_network, connection->network, of_network, &network->told) &&
			   may_tell_fading(watch, &network->told_s, &network->told, of_network, now_s)) {
			told = begin(alert, event, WATCH_guessing_network, 0, connection->network,
				     of_network / level_of(watch, WATCH_guessing_network));
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
	bool known = is_known(watch, profile, now_s);
	if (known)
		connection->network_evidence = network_evidence(watch, profile, connection, session, session_is_new);
	float connects = fading_add(&profile->connects, 1, now_s, CONNECTS_LIFE);
	float most = CONNECTS > 2 * profile->connects_top ? CONNECTS : 2 * profile->connects_top;
	float often = connects * CONNECTS / most;
	if (passes(watch, WATCH_reconnects, event->user, often, &profile->told_connects)) {
		connection->odd = true;
		profile_tops(profile, now_s, false);
		if (!may_tell(watch, &profile->told_s[WATCH_reconnects], &profile->told_connects, often, now_s))
			return false;
		begin(alert, event, WATCH_reconnects, event->user, event->network,
		      often / level_of(watch, WATCH_reconnects));
		name(alert, WATCH_FEATURE_connects, connects, profile->connects_top);
		return true;
	}
	if (!watch->frozen && (!known || connection->network_evidence < network_new + network_lived_in)) {
		profile_login(watch, profile, connection, now_s);
		profile_tops(profile, now_s, true);
	}
	return false;
}

/* A session in use at two places. turns: how often the same session spoke elsewhere, and here again, lately; what comes
 * from places of his own counts less. together_s: how long it has been in use here while it is open there, where it was
 * in use just before, and nothing was said since. */
struct apart {
	struct session *session;
	float turns, together_s;
};

static struct apart apart_of(struct watch *watch, const struct watch_event *event, struct connection *connection,
			     const struct profile *profile, uint32_t now_s)
{
	struct apart apart = { 0 };
	bool is_new;

	if (connection->session == 0)
		return apart;
	struct session *session = table_take(&watch->sessions, connection->session, now_s, &is_new);
	bool again = session->connection == event->connection;
	if (!again) {
		session->other = session->connection;
		session->connection = event->connection;
	}
	const struct connection *other = table_find(&watch->connections, session->other);
	if (other == NULL || other->session != connection->session || other->network == connection->network ||
	    other->last_ms == 0)
		return apart;
	apart.session = session;
	bool known = profile_knows(profile, connection->network) && profile_knows(profile, other->network);
	bool since = other->last_ms > connection->login_ms;
	if (since && !again)
		apart.turns = fading_add(&session->turns, known ? KNOWN_PLACE : 1, now_s, TURNS_LIFE);
	if (!since && !known && other->last_ms + LATELY_MS > connection->login_ms)
		apart.together_s = (float)(watch->now_ms - connection->login_ms) / 1000;
	return apart;
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
	float amount = deliveries > octets ? deliveries : octets,
	      score = evidence_of(connection) + (amount < AMOUNT_MOST ? amount : AMOUNT_MOST);
	bool is_unlike = passes(watch, WATCH_unlike_himself, connection->user, score, &connection->told_unlike);
	bool is_much = passes(watch, WATCH_volume, connection->user, amount, &connection->told_much);
	if (!is_unlike && !is_much)
		return false;
	connection->odd = true;
	profile_tops(profile, now_s, false);
	enum watch_kind kind = is_unlike ? WATCH_unlike_himself : WATCH_volume;
	score = is_unlike ? score : amount;
	if (!may_tell(watch, &profile->told_s[kind], is_unlike ? &connection->told_unlike : &connection->told_much,
		      score, now_s))
		return false;
	begin(alert, event, kind, connection->user, connection->network, score / level_of(watch, kind));
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
	return true;
}

/* How much likelier his last types are by what this connection sends than by what he sends; never less than none. */
static void types_of(const struct watch *watch, struct connection *connection, const struct profile *profile,
		     unsigned type)
{
	float here = ((float)connection->types[type] + 0.2f) / ((float)connection->types_sum + 0.2f * TYPES);
	float evidence = logf(here / profile_type_share(watch, profile, type)), sum = 0;

	if (evidence > 0) {
		evidence += connection->odd_types[type];
		connection->odd_types[type] = evidence < TYPES_MOST ? evidence : TYPES_MOST;
	}
	for (unsigned i = 0; i < TYPES; i++)
		sum += connection->odd_types[i];
	/* What speaks for him takes from all. */
	float left = evidence > 0 || sum <= 0 ? 1 : sum + evidence > 0 ? (sum + evidence) / sum : 0, most = 0;
	for (unsigned i = 0; i < TYPES; i++) {
		connection->odd_types[i] *= left;
		most = connection->odd_types[i] > most ? connection->odd_types[i] : most;
	}
	/* Harmless people take to one thing for a while, and hardly to several at once: the oddest type says little. */
	connection->types_evidence = left * sum - (most > TYPES_ONE ? most - TYPES_ONE : 0);
	connection->types[type]++;
	if (++connection->types_sum < TYPES_HALVED)
		return;
	connection->types_sum = 0;
	for (unsigned i = 0; i < TYPES; i++) {
		connection->types[i] /= 2;
		connection->types_sum = (uint8_t)(connection->types_sum + connection->types[i]);
	}
}

/* The logarithm of how likely it is by a normal distribution, but for what all of them have. */
static float likely(float away, float deviation)
{
	float by = away / deviation;

	return -by * by / 2 - logf(deviation);
}

/* How much likelier the last pauses are by a program than by a person; never less than none. */
static float beat(const struct watch *watch, struct connection *connection)
{
	uint64_t pause = watch->now_ms - connection->last_ms;
	bool first = connection->last_ms == 0;

	connection->last_ms = watch->now_ms;
	if (first)
		return 0;
	float gap = logf((float)pause + 20),
	      share = connection->gaps < GAPS_SHARE ? 1.0f / (float)(connection->gaps + 1) : 1.0f / GAPS_SHARE;
	float away = gap - connection->gap_mean;
	connection->gap_mean += share * away;
	if (connection->gaps < GAPS_SHARE)
		connection->gaps++;
	if (connection->gaps < GAPS_LEAST)
		return 0;
	float loose = likely(away, STEADY_LOOSE), tight = likely(away, STEADY_TIGHT);
	float more =
		(tight > loose && connection->gap_mean > QUICK_PAUSE ? tight : loose) - likely(away, STEADY_PERSON);
	if (connection->gap_mean > SLOW_PAUSE && more > 0)
		more *= SLOW_LESS;
	float steady = connection->steady + (more < -STEADY_LESS ? -STEADY_LESS : more);
	return connection->steady = steady < 0 ? 0 : steady > STEADY_MOST ? STEADY_MOST : steady;
}

/* Makes the connection odd where it passes; true: it is told, but for what made it. */
static bool is_odd(struct watch *watch, const struct watch_event *event, struct connection *connection,
		   struct profile *profile, enum watch_kind kind, float score, float *told, struct watch_alert *alert,
		   uint32_t now_s)
{
	if (!passes(watch, kind, connection->user, score, told))
		return false;
	connection->odd = true;
	return may_tell(watch, &profile->told_s[kind], told, score, now_s) &&
	       begin(alert, event, kind, connection->user, connection->network, score / level_of(watch, kind));
}

static bool message(struct watch *watch, const struct watch_event *event, struct watch_alert *alert, uint32_t now_s)
{
	struct connection *connection = table_find(&watch->connections, event->connection);
	struct profile *profile = connection == NULL ? NULL : table_find(&watch->profiles, connection->user);

	if (profile == NULL)
		return false;
	connection->entry.seen_s = profile->entry.seen_s = now_s;
	unsigned type = event->type % TYPES, hour = now_s / HOUR_S % HOURS;
	bool known = is_known(watch, profile, now_s);
	float steady = beat(watch, connection);
	struct apart shared = apart_of(watch, event, connection, profile, now_s);
	if (shared.turns > 0 && is_odd(watch, event, connection, profile, WATCH_shared_session, shared.turns,
				       &shared.session->told, alert, now_s)) {
		name(alert, WATCH_FEATURE_places, 2, 1);
		return true;
	}
	if (shared.together_s > 0 && is_odd(watch, event, connection, profile, WATCH_open_twice, shared.together_s,
					    &connection->told_twice, alert, now_s)) {
		name(alert, WATCH_FEATURE_together, shared.together_s, 0);
		return true;
	}
	float own = STEADY_OWN * profile->steady_top;
	if (known && profile->steady_top < STEADY_CUSTOM && steady > own &&
	    passes(watch, WATCH_steady_beat, connection->user, steady - own, &connection->told_steady)) {
		connection->odd = true;
		profile_tops(profile, now_s, false);
		if (may_tell(watch, &profile->told_s[WATCH_steady_beat], &connection->told_steady, steady, now_s)) {
			begin(alert, event, WATCH_steady_beat, connection->user, connection->network,
			      steady / level_of(watch, WATCH_steady_beat));
			name(alert, WATCH_FEATURE_beat, steady, profile->steady_top);
			return true;
		}
	}
	float rate = profile->refused > REFUSED_LEAST ? profile->refused : REFUSED_LEAST;
	bool refused = event->what == WATCH_REFUSED;
	float evidence = refused ? logf(REFUSED_ODD / rate) : logf((1 - REFUSED_ODD) / (1 - rate));
	/* Who lacks one right tries that one again. */
	if (refused && connection->refused_type == type + 1)
		evidence *= REFUSED_SAME;
	if (refused)
		connection->refused_type = (uint8_t)(type + 1);
	evidence += connection->refused_evidence;
	connection->refused_evidence = evidence > 0 ? evidence : 0;
	if (is_odd(watch, event, connection, profile, WATCH_refused_often, connection->refused_evidence,
		   &connection->told_refused, alert, now_s)) {
		name(alert, WATCH_FEATURE_refusals, connection->refused_evidence, 0);
		return true;
	}
	if (known) {
		if (!refused)
			types_of(watch, connection, profile, type);
		profile_hour(profile, now_s, false);
		connection->hour_evidence = profile_hour_evidence(profile, hour);
		if (unlike(watch, event, connection, profile, alert, now_s))
			return true;
	}
	if (!watch->frozen && !connection->odd) {
		if (steady > profile->steady_new)
			profile->steady_new = steady;
		float share = profile->refused < 0.05f ? profile->refused : 0.05f;
		profile->refused = share + ((refused ? 1.0f : 0.0f) - share) / 1000;
		if (!refused) {
			/* What is odd teaches more slowly. */
			if (connection->types_evidence < TYPES_TEACH || ++connection->taught % TYPES_SLOWER == 0)
				profile_type(watch, profile, type);
			if (profile->learned < LEARNED_LEAST)
				profile->learned++;
		}
		profile_hour(profile, now_s, true);
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
	if (watch->crowd.first_s == 0)
		watch->crowd.first_s = now_s;
	if (now_s / DAY_S != watch->crowd.day) {
		watch->crowd.day = now_s / DAY_S;
		/* Of a day on which next to nobody came nothing is learned. */
		bool learn = !watch->frozen && now_s - watch->crowd.first_s > watch->options.learning_s + DAY_S &&
			     watch->crowd.tails[WATCH_reconnects].scores[TAIL_KEPT - 1] > 0;
		for (unsigned kind = 0; kind < WATCH_KINDS; kind++)
			tail_end_day(&watch->crowd.tails[kind], learn, kind == WATCH_volume, levels[kind].margin);
	}
	if (event->connection == 0)
		return false;
	switch (event->what) {
	case WATCH_OPEN:
	case WATCH_LOGIN_FAILED: {
		struct connection *connection = table_take(&watch->connections, event->connection, now_s, &is_new);
		connection->network = event->network;
		if (event->what == WATCH_LOGIN_FAILED && !connection->logged_in && !event->expired) {
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
