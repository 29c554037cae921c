/* check_timing.c: does the time of an answer say which users there are? Over a network and beside others a difference
 * is noise until it is many times what answers of one kind differ by: only that is a finding. */
#include <stdlib.h>

#include "base/slice.h"
#include "scan/check.h"

enum { PAIRS = 10, GAP_US = 5000, TIMES_NOISE = 8 };

/* Times of answers of one kind. */
struct series {
	uint64_t us[PAIRS];
	unsigned count;
};

static int by_size(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static uint64_t middle(const uint64_t *sorted, unsigned count)
{
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

/* Of the middle half: one that was slow by chance does not count. */
static uint64_t noise(const uint64_t *sorted, unsigned count)
{
	return sorted[count * 3 / 4] - sorted[count / 4];
}

bool check_times_differ(const uint64_t *slow, const uint64_t *fast, unsigned count)
{
	uint64_t gap = middle(slow, count) - middle(fast, count);

	return slow[0] > fast[count - 1] && gap > GAP_US &&
	       gap > TIMES_NOISE * (noise(slow, count) + noise(fast, count));
}

/* A wrong password, from an address of its own. */
static enum speak_login guess(struct scan_trial *trial, const char *user, const char *name, struct series *series)
{
	const struct speak_as as = { .user = user,
				     .password = trial_text(trial, "Wrong-guess-%u", series->count),
				     .name = name };
	struct client *client;
	enum speak_login login = speak_login(trial, &as, &client);

	if (login == SPEAK_OUT && client->login_us == 0)
		return SPEAK_UNANSWERED; /* of a handshake that was refused there is no time */
	if (login == SPEAK_OUT)
		series->us[series->count++] = client->login_us;
	if (client != NULL)
		client_close(client);
	return login;
}

/* One of each, in an order that nobody knows. */
static enum speak_login pair(struct scan_trial *trial, const char *user, unsigned at, struct series *known,
			     struct series *unknown)
{
	const char *nobody = trial_text(trial, "scan%06u", ++trial->work->marks);
	enum speak_login login;

	if ((trial->work->seed >> (at % 32) & 1) != 0) {
		login = guess(trial, user, "known", known);
		return login == SPEAK_OUT ? guess(trial, nobody, "unknown", unknown) : login;
	}
	login = guess(trial, nobody, "unknown", unknown);
	return login == SPEAK_OUT ? guess(trial, user, "known", known) : login;
}

static void say(struct scan_trial *trial, const char *what, const struct series *series)
{
	trial_say(trial, "%s: %u answers in %.1f to %.1f ms, the middle one %.1f, the middle half within %.1f", what,
		  series->count, (double)series->us[0] / 1e3, (double)series->us[series->count - 1] / 1e3,
		  (double)middle(series->us, series->count) / 1e3, (double)noise(series->us, series->count) / 1e3);
}

static void judge(struct scan_trial *trial, struct series *known, struct series *unknown)
{
	static const char *const whats[] = { "a wrong password", "an unknown user" };
	double first, second;
	bool slower;

	qsort(known->us, known->count, sizeof(*known->us), by_size);
	qsort(unknown->us, unknown->count, sizeof(*unknown->us), by_size);
	say(trial, whats[0], known);
	say(trial, whats[1], unknown);
	first = (double)middle(known->us, known->count) / 1e3;
	second = (double)middle(unknown->us, unknown->count) / 1e3;
	slower = first > second;
	if (slower ? check_times_differ(known->us, unknown->us, known->count)
		   : check_times_differ(unknown->us, known->us, known->count))
		trial_finding(
			trial,
			"the answer to %s takes %.0f ms, to %s %.0f ms, and no two of %u overlap: time says which "
			"users there are",
			whats[slower ? 0 : 1], slower ? first : second, whats[slower ? 1 : 0], slower ? second : first,
			2 * known->count);
	else
		trial_pass(trial,
			   "no difference beyond the noise: %.1f ms for a wrong password, %.1f ms for an unknown user",
			   first, second);
}

void check_login_timing(struct scan_trial *trial)
{
	const struct profile_identity *identity = check_password_identity(trial);
	unsigned made = 0;
	struct series known = { .count = 0 }, unknown = { .count = 0 };
	enum speak_login login = SPEAK_OUT;

	if (identity == NULL)
		return;
	if (trial->work->profile.guesses_per_minute < PAIRS + 2) {
		trial_skip(trial, "%d guesses at one account are needed, and limits.guesses_per_minute wants fewer",
			   PAIRS + 2);
		return;
	}
	if (!check_password_works(trial, identity))
		return;
	trial->quiet = true;
	for (; made <= PAIRS && login == SPEAK_OUT; made++) {
		login = pair(trial, identity->user, made, &known, &unknown);
		if (made == 0) /* what is done once, by the server or this machine, is in the first ones */
			known.count = unknown.count = 0;
	}
	trial->quiet = false;
	if (login == SPEAK_IN) {
		trial_error(trial, "a wrong password logged in");
		return;
	}
	/* Who is limited is answered sooner, maybe in the same words: then the right password is refused, too. */
	if (login == SPEAK_OUT && (login = check_password_login(trial, identity)) == SPEAK_IN) {
		judge(trial, &known, &unknown);
		return;
	}
	if (login == SPEAK_UNANSWERED) {
		trial_error(trial, "a guess had no answer");
		return;
	}
	trial->work->guesses_limited = made;
	trial_skip(trial, "after %u guesses at the account the next was not judged: times say nothing", made);
}
