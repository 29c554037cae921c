/* run.c: which checks are run, and what is found out of the server before the first. */
#include <stdio.h>
#include <sys/random.h>

#include <openssl/ssl.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/slice.h"
#include "scan/check.h"

enum { ARENA_MOST = 64 << 20 };

static const struct scan_check checks[] = {
#define SCAN_CHECK(name, id, category, severity, hurts, cwe, asvs, owasp, what, why, decides, fix, policy)             \
	{                                                                                                              \
		id,  SCAN_##category, SCAN_##severity, hurts, cwe, asvs, owasp, what, why, decides,                    \
		fix, policy,	      check_##name                                                                     \
	},
#include "tables/scan_checks.def"
#undef SCAN_CHECK
};
enum { CHECKS = sizeof(checks) / sizeof(*checks) };

const struct scan_check *scan_checks(unsigned *ret_count)
{
	*ret_count = CHECKS;
	return checks;
}

const char *scan_category_name(enum scan_category category)
{
	static const char *const names[] = { "authentication", "authorization",	    "input_validation",
					     "rate_limiting",  "attack_simulation", "compliance" };

	return names[category];
}

const char *scan_severity_name(enum scan_severity severity)
{
	static const char *const names[] = { "info", "low", "medium", "high", "critical" };

	return names[severity];
}

const char *scan_outcome_name(enum scan_outcome outcome)
{
	static const char *const names[] = { "error", "pass", "finding", "not_applicable" };

	return names[outcome];
}

static int refuse(const struct scan_options *options, const char *text)
{
	if (options->report != NULL)
		options->report(options->report_user, text);
	return FW_ERR_INVALID;
}

/* Marks what a word of --tests names. False: nothing has this name. */
static bool choose(struct fw_slice word, bool *chosen)
{
	bool found = false;

	for (unsigned i = 0; i < CHECKS; i++)
		if (slice_is(word, checks[i].id) || slice_is(word, scan_category_name(checks[i].category)))
			chosen[i] = found = true;
	return found;
}

static int choose_all(const struct scan_options *options, bool *chosen)
{
	struct fw_slice list = slice_text(options->tests), word;
	char text[512];

	if (options->tests == NULL) {
		for (unsigned i = 0; i < CHECKS; i++)
			chosen[i] = true;
		return FW_OK;
	}
	while (http1_next_element(&list, &word)) {
		size_t size;

		if (word.size == 0 || choose(word, chosen))
			continue;
		size = (size_t)snprintf(text, sizeof(text), "there are no tests \"%.*s\"; there are",
					(int)(word.size < 80 ? word.size : 80), (const char *)word.data);
		for (unsigned i = 0; i < SCAN_CATEGORIES; i++)
			size += (size_t)snprintf(text + size, sizeof(text) - size, " %s",
						 scan_category_name((enum scan_category)i));
		(void)snprintf(text + size, sizeof(text) - size, ", and single checks such as %s (--list)",
			       checks[0].id);
		return refuse(options, text);
	}
	return FW_OK;
}

static struct ssl_ctx_st *trusting(const struct scan_options *options)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (context == NULL)
		return NULL;
	SSL_CTX_set_verify(context, options->unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if ((options->ca != NULL ? SSL_CTX_load_verify_locations(context, options->ca, NULL)
				 : SSL_CTX_set_default_verify_paths(context)) != 1) {
		SSL_CTX_free(context);
		return NULL;
	}
	return context;
}

static int open_target(const struct scan_options *options, struct scan_work *work)
{
	const char *fault = link_target_read(options->url, &work->target);
	char text[400];

	if (fault != NULL) {
		snprintf(text, sizeof(text), "\"%.200s\": %s", options->url, fault);
		return refuse(options, text);
	}
	work->local = addr_is_loopback(&work->target.address);
	work->loopback = work->local && work->target.address.family == 4;
	if (!work->local && !options->allowed)
		return refuse(options, "the target is not on this machine: a scan of what is not yours is an attack. "
				       "If you may test it, say --i-am-allowed");
	if (work->target.tls && (work->target.context = trusting(options)) == NULL)
		return refuse(options, "the certificates to trust cannot be read");
	return FW_OK;
}

/* Nobody logs in: is it the profile, or the server? */
static void find_login(struct scan_trial *trial, struct client **ret_first)
{
	static const struct client_hello deflating = { .deflate = true };
	struct scan_work *work = trial->work;
	struct speak_as as = speak_identity(trial, 0);
	bool has = speak_has_credentials(&as);
	enum speak_login login;
	struct client *client;

	as.hello = &deflating;
	login = speak_login(trial, &as, &client);
	*ret_first = client;
	work->no_login = "the profile has no identity that logs in";
	if (client == NULL)
		return;
	work->reached = client->status == 101;
	work->compresses = client->deflate;
	work->server = client->server;
	if (!work->reached) {
		work->no_login = client->status != 0
					 ? trial_text(trial, "the handshake was answered with HTTP %u", client->status)
					 : trial_text(trial, "no handshake: %s", link_result_text(client->why));
		return;
	}
	work->logs_in = has && login == SPEAK_IN;
	if (has && !work->logs_in) {
		work->broken = true;
		work->no_login = trial_text(trial, "the profile's first identity was %s", speak_login_text(login));
	}
}

/* Who receives what the first says? */
static void find_listeners(struct scan_trial *trial, struct client *first)
{
	struct scan_work *work = trial->work;
	struct speak_as as = speak_identity(trial, 1);
	const char *mark = trial_mark(trial);
	struct client *second;

	work->no_message = "nobody received the profile's message (message.send)";
	if (!speak_has_credentials(&as))
		as = speak_identity(trial, 0);
	if (!first->open || speak_login(trial, &as, &second) != SPEAK_IN) {
		work->no_message = work->broken ? work->no_login : "a second client could not log in";
		work->broken = work->broken || work->logs_in;
		return;
	}
	(void)client_send_text(first, slice_text(speak_message(trial, first, slice_text(mark))));
	work->seen_by_others = speak_hears(second, mark, TRIAL_PATIENCE_MS / 2, NULL);
	/* One who is answered with his own message in an error does not hear it. */
	work->seen_by_sender = speak_hears(first, mark, work->seen_by_others ? 300 : TRIAL_PATIENCE_MS / 2, NULL) &&
			       !profile_matches(&work->profile.refused, slice_text(first->heard));
	work->speaks = work->seen_by_others || work->seen_by_sender;
}

static void find_weakness(struct scan_trial *trial)
{
	struct scan_work *work = trial->work;
	const struct speak_as nobody = { 0 };
	struct speak_as as = speak_identity(trial, 0);
	struct fw_slice header, claims;
	struct client *client;
	const char *mark = trial_mark(trial);

	work->any_origin = check_origin_try(trial, "https://attacker.example", NULL) == CHECK_ACCEPTED;
	if (!work->logs_in) {
		work->serves_anyone = work->speaks;
		return;
	}
	if (work->speaks && speak_login(trial, &nobody, &client) == SPEAK_IN && client->open) {
		(void)client_send_text(client, slice_text(speak_message(trial, client, slice_text(mark))));
		work->serves_anyone = speak_seen(trial, client, mark, NULL) == SPEAK_SEEN;
	}
	if (work->serves_anyone || as.token == NULL)
		return;
	work->takes_any_token = check_token_try(trial, "aW52YWxpZA.aW52YWxpZA.aW52YWxpZA", "") == CHECK_ACCEPTED;
	claims = token_claims_of(trial, as.token, &header);
	if (!work->takes_any_token && claims.data != NULL)
		work->verifies_nothing = check_token_try(trial,
							 token_join(trial, trial_copy(trial, header), claims,
								    slice("nobody signed this", 18)),
							 "") == CHECK_ACCEPTED;
}

/* What it finds stays as long as the scan: texts are copied. */
static int prepare(struct scan_work *work, struct scan *scan)
{
	struct scan_trial trial;
	struct scan_result result;
	struct client *first = NULL;
	const char *texts[3];

	trial_begin(&trial, work, NULL, 0, &result);
	trial.quiet = true;
	find_login(&trial, &first);
	if (work->reached) {
		find_listeners(&trial, first);
		find_weakness(&trial);
	}
	texts[0] = work->no_login;
	texts[1] = work->no_message;
	texts[2] = work->server;
	for (unsigned i = 0; i < 3; i++)
		if (texts[i] != NULL) {
			size_t size = strlen(texts[i]) + 1;
			char *copy = arena_alloc(&scan->arena, size);

			if (copy != NULL)
				memcpy(copy, texts[i], size);
			texts[i] = copy;
		}
	work->no_login = texts[0];
	work->no_message = texts[1];
	work->server = (char *)(uintptr_t)texts[2];
	scan->reached = work->reached;
	scan->server = work->server;
	trial_pass(&trial, "prepared");
	return trial_end(&trial, &scan->arena);
}

static void run_one(struct scan_trial *trial, const struct scan_check *check)
{
	if (!trial->work->reached)
		trial_error(trial, "the server could not be tested: %s", trial->work->no_login);
	else if (check->hurts && !trial->work->options->hurtful)
		trial_skip(trial, "it could harm the server: --unsafe runs it");
	else
		check->run(trial);
}

static int run_all(struct scan_work *work, const bool *chosen, struct scan *scan)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CHECKS; i++)
		count += chosen[i];
	for (unsigned i = 0; i < CHECKS; i++) {
		struct scan_trial trial;
		struct scan_result *result = &scan->results[scan->count];

		if (!chosen[i])
			continue;
		trial_begin(&trial, work, &checks[i], i + 1, result);
		run_one(&trial, &checks[i]);
		if (trial_end(&trial, &scan->arena) != FW_OK)
			return FW_ERR_MEMORY;
		scan->count++;
		scan->of[result->outcome]++;
		if (work->options->progress != NULL)
			work->options->progress(work->options->progress_user, scan->count, count, result);
	}
	return FW_OK;
}

static void score(struct scan *scan)
{
	static const int weights[] = { 1, 2, 5, 10, 20 };
	int held = 0, all = 0;

	for (unsigned i = 0; i < scan->count; i++) {
		const struct scan_result *result = &scan->results[i];

		if (result->outcome == SCAN_PASS || result->outcome == SCAN_FINDING)
			all += weights[result->check->severity];
		if (result->outcome == SCAN_PASS)
			held += weights[result->check->severity];
	}
	scan->score = scan->of[SCAN_ERROR] != 0 || all == 0 ? -1 : held * 100 / all;
}

static void secrets(struct scan_work *work)
{
	for (unsigned i = 0; i < work->profile.identity_count; i++) {
		trial_secret(work, work->profile.identities[i].token);
		trial_secret(work, work->profile.identities[i].password);
		trial_secret(work, work->profile.identities[i].cookie);
	}
	trial_secret(work, work->profile.secret);
}

static uint64_t wall(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int run(struct scan_work *work, struct scan *scan)
{
	bool chosen[CHECKS] = { false };
	int result = choose_all(work->options, chosen);

	if (result == FW_OK)
		result = profile_read(work->options->profile_name, work->options->profile, &work->arena,
				      work->options->report, work->options->report_user, &work->profile);
	if (result == FW_OK)
		result = open_target(work->options, work);
	if (result != FW_OK)
		return result;
	secrets(work);
	scan->results = mem_zero(CHECKS, sizeof(*scan->results));
	if (scan->results == NULL)
		return FW_ERR_MEMORY;
	result = prepare(work, scan);
	if (result == FW_OK)
		result = run_all(work, chosen, scan);
	score(scan);
	return result;
}

int scan_run(const struct scan_options *options, struct scan *ret_scan)
{
	struct scan_work *work = mem_zero(1, sizeof(*work));
	uint8_t random[6] = { 1, 2, 3, 4, 5, 6 };
	int result;

	memset(ret_scan, 0, sizeof(*ret_scan));
	ret_scan->url = options->url;
	ret_scan->score = -1;
	ret_scan->started_us = wall();
	arena_init(&ret_scan->arena, ARENA_MOST);
	if (work == NULL)
		return FW_ERR_MEMORY;
	arena_init(&work->arena, ARENA_MOST);
	work->options = options;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		random[0] ^= (uint8_t)ret_scan->started_us;
	memcpy(&work->seed, random, 4);
	work->network[0] = (uint8_t)(random[4] % 100 + 20);
	work->network[1] = random[5];
	result = run(work, ret_scan);
	SSL_CTX_free(work->target.context);
	arena_fini(&work->arena);
	mem_free(work);
	ret_scan->ended_us = wall();
	return result;
}

void scan_fini(struct scan *scan)
{
	mem_free(scan->results);
	arena_fini(&scan->arena);
	*scan = (struct scan){ 0 };
}
